/* What the broker took in in a turn, in its order, and what follows from that: the store tells of some items when they
 * took effect, the others leave no trace there. */
#include "tests/sim/check_state.h"

#include "common/memory.h"

#include <string.h>

void check_items_forget(void) {
        checks.n_items = checks.item_at = 0;
        check_again_forget();
}

static const char *copy_text(struct bytes text) {
        char *copy = sim_new(text.len + 1);

        memcpy(copy, text.data ? text.data : "", text.len);
        return copy;
}

static struct check_item *new_item(void) {
        if (checks.n_items == checks.items_cap) {
                checks.items_cap = checks.items_cap ? checks.items_cap * 2 : 64;
                checks.items = memory_resize(checks.items, checks.items_cap, sizeof *checks.items);
        }
        return &checks.items[checks.n_items++];
}

void check_items_take(struct bytes body) {
        struct wire_message message;
        struct pack_reader reader;
        uint64_t request;
        uint32_t n;

        if (wire_decode_messages(body, &request, &n, &reader) < 0)
                return;
        checks.n_frames++;
        for (uint32_t i = 0; i < n && wire_message_next(&reader, &message) == 0; i++) {
                uint32_t number = check_number_of_body(message.body);
                const struct said *said = &checks.said[number];

                *new_item() = (struct check_item){
                        .number = number, .thread = said->name, .frame = checks.n_frames, .id = copy_text(message.id)};
                if (!said->bad)
                        check_on_told(said);
        }
}

void check_items_take_verb(uint32_t thread, enum model_hold hold) {
        *new_item() = (struct check_item){.number = UINT32_MAX, .thread = thread, .hold = hold};
}

/* -- typing -------------------------------------------------------------------------------------------------------- */

static bool is_in(const struct numbers *numbers, uint32_t number) {
        for (uint32_t i = 0; i < numbers->n; i++)
                if (numbers->items[i] == number)
                        return true;
        return false;
}

/* Has the thread messages that no run has? */
static bool has_waiting(const struct model_thread *thread) {
        const struct model_run *run = thread->fence ? check_find_run(thread->fence) : NULL;
        uint32_t n_taken = run && !run->is_over ? run->messages.n : thread->n_settled;

        return thread->list.n > n_taken;
}

void check_stir(uint32_t index, int64_t until) {
        struct model_thread *thread = &checks.threads[index];

        if (thread->stirred < until)
                thread->stirred = until;
}

/* A sign counts from when it was seen. That somebody has stopped typing takes the place of all before it. */
static void on_typing(const struct said *said) {
        const struct config_tenant *settings = check_settings(said->name);
        struct model_thread *thread = &checks.threads[check_root(said->name)];
        int64_t age = said->typed_ms > 0 ? (checks.turn_wall - said->typed_ms) * 1000 : 0;

        if (settings->quiet.us == 0 || settings->typing_hold.us == 0 || !has_waiting(thread))
                return;
        age = age > 0 ? age : 0;
        if (said->what == WIRE_WHAT_PAUSED)
                thread->stirred = checks.turn_now - age + settings->quiet.us;
        else if (age < settings->typing_hold.us)
                check_stir(check_root(said->name), checks.turn_now - age + settings->typing_hold.us);
        sim.stats.stirred++;
}

/* -- each item ----------------------------------------------------------------------------------------------------- */

uint32_t check_thread_called(uint32_t name) { return checks.threads[name].list.n > 0 ? name : check_root(name); }

/* A message that was accepted before. */
static bool is_known(const struct said *said) {
        return said->what == WIRE_WHAT_MESSAGE && !said->bad &&
               (said->fate != FATE_SAID || (said->key != UINT32_MAX && checks.keys[said->key].accepted != UINT32_MAX));
}

uint64_t check_first_known(uint32_t index) {
        uint64_t first = UINT64_MAX;

        for (uint32_t i = 0; i < checks.n_items; i++) {
                const struct said *said =
                        checks.items[i].number < checks.n_said ? &checks.said[checks.items[i].number] : NULL;

                if (!said || !is_known(said) || check_root(said->name) != check_root(index))
                        continue;
                if (said->fate == FATE_SAID)
                        said = &checks.said[checks.keys[said->key].accepted];
                first = said->seq < first ? said->seq : first;
        }
        return first;
}

/* Behind a message that found no room nothing of its tenant is taken from the frame that could be about it. */
static bool is_refused(const struct check_item *item, const struct said *said, bool is_stored) {
        uint64_t *refused_in = &checks.tenants[world_tenant(said->name)].refused_in;

        if (said->what == WIRE_WHAT_TYPING || said->what == WIRE_WHAT_PAUSED || said->what == WIRE_WHAT_ALIAS ||
            said->what == WIRE_WHAT_SHOWN)
                return false;
        if (said->what == WIRE_WHAT_MESSAGE && !is_stored && !is_known(said))
                *refused_in = item->frame;
        return *refused_in == item->frame && !is_stored && !is_known(said);
}

static void look_at(struct check_item *item, bool is_stored) {
        const struct said *said = item->number < checks.n_said ? &checks.said[item->number] : NULL;

        if (!said) {
                check_wants(check_root(item->thread), item->hold);
                return;
        }
        if (said->bad || check_came_before(item->number, item->id))
                return;
        item->is_refused = is_refused(item, said, is_stored);
        if (item->is_refused)
                return;
        check_came(item->number, item->id);
        if (said->what == WIRE_WHAT_TYPING || said->what == WIRE_WHAT_PAUSED)
                on_typing(said);
        if (said->what == WIRE_WHAT_PERSON || said->what == WIRE_WHAT_CLOSED || said->what == WIRE_WHAT_RESUME ||
            (said->what == WIRE_WHAT_MESSAGE && is_stored))
                check_wants_hold(check_root(said->name), said, item->frame);
        else if (is_known(said))
                check_wants_open(check_root(said->name), item->frame);
        if ((said->what == WIRE_WHAT_EDIT || said->what == WIRE_WHAT_DELETE) && !is_stored)
                check_not_changed(item->number);
}

bool check_items_until(uint32_t number) {
        while (checks.item_at < checks.n_items) {
                struct check_item *item = &checks.items[checks.item_at++];

                look_at(item, item->number == number);
                if (item->number == number)
                        return true;
        }
        return false;
}

void check_items_before(uint32_t place) {
        while (checks.item_at < place)
                look_at(&checks.items[checks.item_at++], false);
}

void check_items_rest(void) { check_items_before(checks.n_items); }

void check_items_now(void) {
        if (checks.item_at == checks.n_items)
                return;
        check_items_rest();
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                check_collect(i);
}

void check_items_end(void) {
        for (uint32_t i = 0; i < checks.n_items; i++) {
                const struct said *said =
                        checks.items[i].number < checks.n_said ? &checks.said[checks.items[i].number] : NULL;

                if (said && !said->bad && !checks.items[i].is_refused &&
                    (said->what != WIRE_WHAT_MESSAGE || said->fate != FATE_SAID))
                        check_is_one(said);
        }
        check_holds_end();
}

bool check_is_changed(const struct model_run *run) {
        for (uint32_t i = 0; i < checks.n_items; i++) {
                uint32_t number = checks.items[i].number;

                if (number < checks.n_said && checks.said[number].what != WIRE_WHAT_MESSAGE &&
                    checks.said[number].key != UINT32_MAX && is_in(&run->messages, check_message_of(number)))
                        return true;
        }
        return false;
}
