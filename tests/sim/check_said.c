/* What people said, and what they were told became of it: G1, G3, G7, G10 at the producers' end. */
#include "tests/sim/check_state.h"

#include "common/memory.h"

#include <stdio.h>
#include <string.h>

struct checks checks;

void numbers_push(struct numbers *numbers, uint32_t number) {
        if (numbers->n == numbers->cap) {
                uint32_t cap = numbers->cap ? numbers->cap * 2 : 4;
                uint32_t *items = sim_new(cap * sizeof *items);

                if (numbers->n)
                        memcpy(items, numbers->items, numbers->n * sizeof *items);
                numbers->items = items;
                numbers->cap = cap;
        }
        numbers->items[numbers->n++] = number;
}

void numbers_remove(struct numbers *numbers, uint32_t number) {
        for (uint32_t i = 0; i < numbers->n; i++) {
                if (numbers->items[i] != number)
                        continue;
                memmove(numbers->items + i, numbers->items + i + 1, (numbers->n - i - 1) * sizeof *numbers->items);
                numbers->n--;
                return;
        }
}

static uint32_t new_said(void) {
        if (checks.n_said == checks.said_cap) {
                checks.said_cap = checks.said_cap ? checks.said_cap * 2 : 1024;
                checks.said = memory_resize(checks.said, checks.said_cap, sizeof *checks.said);
        }
        checks.said[checks.n_said] = (struct said){.key = UINT32_MAX, .written = checks.n_said};
        return checks.n_said++;
}

static uint32_t new_key(void) {
        if (checks.n_keys == checks.keys_cap) {
                checks.keys_cap = checks.keys_cap ? checks.keys_cap * 2 : 1024;
                checks.keys = memory_resize(checks.keys, checks.keys_cap, sizeof *checks.keys);
        }
        checks.keys[checks.n_keys].accepted = UINT32_MAX;
        return checks.n_keys++;
}

uint32_t check_number_of(const struct said *said) { return (uint32_t)(said - checks.said); }

/* A key for an id that somebody chose (stories): the same again for the same text in the same tenant. */
static uint32_t key_of(uint32_t thread, const char *id) {
        for (uint32_t i = 0; i < checks.n_said; i++)
                if (strcmp(checks.said[i].id, id) == 0 && world_tenant(checks.said[i].thread) == world_tenant(thread))
                        return checks.said[i].key;
        return new_key();
}

uint32_t check_say(uint32_t producer, uint32_t thread, const char *id, const char *text) {
        uint32_t number = new_said();
        struct said *said = &checks.said[number];

        said->thread = said->name = thread;
        said->producer = producer;
        said->said_at = sim_time();
        said->times = 1;
        if (!id) {
                said->key = new_key();
                snprintf(said->id, sizeof said->id, "k%u", said->key);
        } else if (*id) {
                uint32_t key = key_of(thread, id);

                said->key = key;
                snprintf(said->id, sizeof said->id, "%s", id);
        }
        snprintf(said->text, sizeof said->text, "%.23s", text ? text : "");
        if (!text)
                snprintf(said->text, sizeof said->text, "%u", number);
        sim.stats.messages++;
        return number;
}

uint32_t check_say_again(uint32_t producer, uint32_t number) {
        uint32_t again;

        /* An event has no id of its own: it comes again as it was. */
        if (number < checks.n_said && checks.said[number].what != WIRE_WHAT_MESSAGE) {
                checks.said[number].times++;
                return number;
        }
        again = new_said();
        if (number == UINT32_MAX)
                number = again > 0 ? sim_roll(again) : again;
        if (number == again || checks.said[number].bad || checks.said[number].key == UINT32_MAX ||
            checks.said[number].what != WIRE_WHAT_MESSAGE) {
                checks.n_said--;
                return check_say(producer, number == again ? 0 : checks.said[number].name, NULL, NULL);
        }
        checks.said[again] = (struct said){.name = checks.said[number].name,
                                           .thread = checks.said[number].name,
                                           .producer = producer,
                                           .said_at = sim_time(),
                                           .times = checks.said[number].times + 1,
                                           .key = checks.said[number].key,
                                           .n_aliases = checks.said[number].n_aliases,
                                           .is_audio = checks.said[number].is_audio,
                                           .written = again};
        memcpy(checks.said[again].id, checks.said[number].id, sizeof checks.said[again].id);
        memcpy(checks.said[again].aliases, checks.said[number].aliases, sizeof checks.said[again].aliases);
        snprintf(checks.said[again].text, sizeof checks.said[again].text, "%u", again);
        return again;
}

uint32_t check_say_badly(uint32_t producer, uint32_t thread) {
        static const char *const codes[] = {"unknown_tenant", "unknown_channel", "bad_thread", "too_large"};
        uint32_t number = check_say(producer, thread, NULL, NULL);

        checks.said[number].bad = codes[sim_roll(sizeof codes / sizeof *codes)];
        return number;
}

uint32_t check_times_said(uint32_t number) { return checks.said[number].times; }
const char *check_text(uint32_t number) { return checks.said[number].text; }

/* -- verdicts ------------------------------------------------------------------------------------------------------ */

static void check_order(const struct said *said, uint32_t number) {
        struct model_thread *thread = &checks.threads[said->thread];
        uint32_t producer = said->producer;

        if (said->times > 1)
                return; /* said again, perhaps through another producer */
        if (number < thread->acked_number[producer] && said->seq > thread->acked_seq[producer])
                sim_violation("G3 in order", "message %u was said before %u and accepted after it", number,
                              thread->acked_number[producer]);
        thread->acked_number[producer] = number;
        thread->acked_seq[producer] = said->seq;
}

static void check_accepted(struct said *said, uint32_t number) {
        if (said->bad)
                sim_violation("G10 loud refusal", "message %u was to be refused with %s, and was accepted", number,
                              said->bad);
        if (said->what != WIRE_WHAT_MESSAGE)
                return;
        if (said->fate == FATE_SAID)
                sim_violation("G1 durable", "message %u was acknowledged, and is not stored", number);
        check_order(said, number);
}

/* A refusal for want of room is for now: of a frame that was sent twice the second copy may find room, when the answer
 * to the first is on its way already. */
static void check_refused(struct said *said, uint32_t number, const char *code) {
        sim.stats.refused++;
        if (!said->bad && strcmp(code, "tenant_full") == 0 &&
            checks.tenants[world_tenant(said->thread)].full_at >= said->said_at)
                return;
        said->is_refused = true;
        if (said->fate != FATE_SAID)
                sim_violation("G10 loud refusal", "message %u was refused (%s), and is stored", number, code);
        if (!said->bad || strcmp(said->bad, code) != 0)
                sim_violation("G10 loud refusal", "message %u was refused with %s; nothing is at a limit", number,
                              code);
}

void check_on_verdict(uint32_t number, bool is_late, uint32_t n_accepted, uint32_t n_duplicates, const char *code) {
        struct said *said = &checks.said[number];

        tell("people", "hear of %s%s%s: %s", said->what == WIRE_WHAT_MESSAGE ? "\"" : "",
             said->what == WIRE_WHAT_MESSAGE ? said->text : "that", said->what == WIRE_WHAT_MESSAGE ? "\"" : "",
             is_late          ? "nothing in time"
             : n_accepted > 0 ? "accepted"
             : n_duplicates   ? "known already"
                              : code);
        if (is_late) {
                sim.stats.late++;
        } else if (n_accepted > 0) {
                check_accepted(said, number);
        } else if (n_duplicates > 0) {
                sim.stats.duplicates++;
                if (said->key == UINT32_MAX || checks.keys[said->key].accepted == UINT32_MAX)
                        sim_violation("G7 no doubles in", "message %u is called known, and none under its id is",
                                      number);
        } else {
                check_refused(said, number, code);
        }
}
