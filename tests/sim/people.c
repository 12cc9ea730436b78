/* People and platforms: what is written, and what else a channel says of its threads. Which of it is said how often is
 * the seed's. */
#include "tests/sim/check.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { SEEN_MAX = 64, GIVE_BACK_US = 5000000 };

/* Replies that can be seen: their platform says so, soon or late, once or more often. */
static struct seen {
        uint32_t thread, index;
        char batch[WIRE_BATCH_LEN + 1], text[24];
} seen[SEEN_MAX];
static uint32_t n_seen;

void people_init(void) { n_seen = 0; }

void people_see(uint32_t thread, const char *batch, uint32_t index, const char *text) {
        struct seen *item = &seen[n_seen++ % SEEN_MAX];

        *item = (struct seen){.thread = thread, .index = index};
        snprintf(item->batch, sizeof item->batch, "%s", batch);
        snprintf(item->text, sizeof item->text, "%s", text);
}

static const struct seen *any_seen(void) {
        uint32_t n = n_seen < SEEN_MAX ? n_seen : SEEN_MAX, back = n_seen < 4 ? n_seen : 4;

        if (n == 0)
                return NULL;
        /* Mostly one of the last. */
        return sim_roll(4) ? &seen[(n_seen - 1 - sim_roll(back)) % SEEN_MAX] : &seen[sim_roll(n)];
}

static bool is_wanted(uint32_t percent) { return percent > 0 && sim_roll(100) < percent; }

static uint32_t any_thread(void) {
        return sim_roll(sim.profile.n_tenants) * SIM_THREADS + sim_roll(sim.profile.n_threads);
}

/* With some of the person's other names, now and then with its own again. */
static uint32_t with_names(uint32_t number, uint32_t thread) {
        uint32_t names[SIM_THREADS], n = world_other_names(thread, names);

        for (uint32_t i = 0; i < n; i++)
                if (is_wanted(sim.profile.aliases))
                        check_call(number, names[i]);
        if (sim.profile.aliases > 0 && sim_is_rare(30))
                check_call(number, thread);
        return number;
}

/* Somebody who has more than one name may write under any of them. */
static uint32_t any_name(uint32_t thread) {
        uint32_t names[SIM_THREADS], n = world_other_names(thread, names), at = sim_roll(n + 1);

        return at == n ? thread : names[at];
}

/* -- events -------------------------------------------------------------------------------------------------------- */

static void hand_in_event(uint32_t producer, uint32_t thread, uint32_t number) {
        producer_hand_in(producer, with_names(number, thread));
}

static void type(uint32_t producer, uint32_t thread) {
        uint32_t number = check_tell(producer, thread, sim_roll(4) ? WIRE_WHAT_TYPING : WIRE_WHAT_PAUSED);

        if (sim_roll(2))
                check_be_typed(number, sim_now().wall.ms - (int64_t)sim_roll(4) * (int64_t)sim_roll(5000));
        hand_in_event(producer, thread, number);
}

static void answer_in_person(uint32_t producer, uint32_t thread) {
        static const enum wire_what whats[] = {WIRE_WHAT_PERSON, WIRE_WHAT_PERSON, WIRE_WHAT_CLOSED, WIRE_WHAT_RESUME,
                                               WIRE_WHAT_RESUME};
        uint32_t number = check_tell(producer, thread, whats[sim_roll(sizeof whats / sizeof *whats)]);
        const struct seen *reply = any_seen();

        /* A platform repeats what lull itself said. */
        if (reply && check_what(number) == WIRE_WHAT_PERSON && sim_is_rare(3)) {
                check_rename(number, thread = reply->thread);
                check_be_echo(number, reply->text);
        }
        hand_in_event(producer, thread, number);
}

static void change(uint32_t producer) {
        uint32_t number = check_any_message();

        if (number != UINT32_MAX)
                producer_hand_in(producer,
                                 check_change(producer, number, sim_roll(3) ? WIRE_WHAT_EDIT : WIRE_WHAT_DELETE));
}

static void see(uint32_t producer) {
        const struct seen *reply = any_seen();

        if (reply)
                producer_hand_in(producer, check_show(producer, reply->thread, reply->batch, reply->index));
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

static uint32_t anything(uint32_t producer, uint32_t thread) {
        uint32_t number;

        if (sim_goes_wrong(FAULT_BAD_MESSAGE))
                return check_say_badly(producer, thread);
        if (sim_goes_wrong(FAULT_SAID_AGAIN))
                return check_say_again(producer, UINT32_MAX);
        number = check_say(producer, thread, sim_is_rare(8) ? "" : NULL, NULL);
        if (is_wanted(sim.profile.audio))
                check_be_audio(number);
        return with_names(number, thread);
}

static void write_burst(uint32_t producer) {
        uint32_t thread = any_thread(), burst = sim_is_rare(4) ? 1 + sim_roll(4) : 1;

        for (uint32_t i = 0; i < burst; i++) {
                if (is_wanted(sim.profile.typing))
                        type(producer, any_name(thread));
                producer_hand_in(producer, anything(producer, any_name(thread)));
        }
}

void people_act(uint32_t producer) {
        if (!producer_process(producer)->is_up)
                return;
        if (is_wanted(sim.profile.typing))
                type(producer, any_thread());
        if (is_wanted(sim.profile.takeovers))
                answer_in_person(producer, any_thread());
        if (is_wanted(sim.profile.changes))
                change(producer);
        if (is_wanted(sim.profile.shown))
                see(producer);
        if (is_wanted(sim.profile.aliases) && sim_is_rare(4)) {
                uint32_t thread = any_thread();

                hand_in_event(producer, thread, check_tell(producer, thread, WIRE_WHAT_ALIAS));
        }
        write_burst(producer);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void on_give_back(void *context, uint64_t token) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (check_is_held(i))
                        operator_ask("resume", i);
        sim_at(sim_time() + GIVE_BACK_US, NULL, on_give_back, NULL, 0);
}

void people_end(void) { sim_at(sim_time() + GIVE_BACK_US, NULL, on_give_back, NULL, 0); }
