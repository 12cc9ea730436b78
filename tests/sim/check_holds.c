/* Threads that a person has taken over: who holds them follows from what was said alone. An operator's hold is the
 * operator's; that of a person ends by the platform's word, by the verb, or by its time; that of a closed conversation
 * by the next message, too. What waits at its end is answered, or only recorded. */
#include "tests/sim/check_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"nobody", "an operator", "a person", "whoever closed it"};

static enum model_hold hold_of(enum stored_note_kind kind) {
        if (kind == STORED_HOLD)
                return MODEL_OPERATOR;
        if (kind == STORED_TAKEOVER)
                return MODEL_PERSON;
        return kind == STORED_CLOSED ? MODEL_CLOSED_BY : MODEL_FREE;
}

static int64_t end_of(int64_t until_ms) {
        return until_ms > 0 ? checks.turn_now + (until_ms - checks.turn_wall) * 1000 : INT64_MAX;
}

/* -- who is to hold it --------------------------------------------------------------------------------------------- */

void check_hold_is_unsure(uint32_t index) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (check_root(i) == check_root(index))
                        checks.threads[i].unsure_turn = checks.turn;
}

/* Whoever takes a person over also has what that person's other names still wait with; whoever gives a person back, all
 * that is held of it. */
static bool is_meant(uint32_t thread, uint32_t of, enum model_hold hold) {
        if (thread == of)
                return true;
        return check_root(thread) == of && (hold == MODEL_FREE || checks.threads[thread].list.n > 0);
}

static bool is_stronger(enum model_hold hold, enum model_hold other) {
        return hold != MODEL_FREE && (other == MODEL_FREE || hold < other);
}

static void hold_rest(uint32_t from, uint32_t to) {
        if (!is_stronger(checks.threads[to].wanted_hold, checks.threads[from].wanted_hold))
                return;
        checks.threads[from].wanted_hold = checks.threads[to].wanted_hold;
        checks.threads[from].closed_by = checks.threads[to].closed_by;
        checks.threads[from].joined_turn = checks.turn;
}

/* An operator's word goes before a person's, and that before a closed conversation's; what the thread still has is held
 * as the other one is. */
void check_join_holds(uint32_t from, uint32_t to) {
        enum model_hold hold = checks.threads[from].wanted_hold, other = checks.threads[to].wanted_hold;

        if (is_stronger(hold, other)) {
                checks.threads[to].wanted_hold = hold;
                checks.threads[to].closed_by = checks.threads[from].closed_by;
        }
        if (checks.threads[from].list.n == 0)
                checks.threads[from].wanted_hold = MODEL_FREE;
        else
                hold_rest(from, to);
}

void check_hold_rest(uint32_t index) { hold_rest(index, check_root(index)); }

/* Another name's last messages went in this turn: before that word or after it, only the broker knows. */
static bool may_be_meant(uint32_t thread, uint32_t of) {
        return check_root(thread) == of && checks.threads[thread].was_filled && checks.threads[thread].list.n == 0;
}

void check_wants(uint32_t index, enum model_hold hold) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (is_meant(i, index, hold))
                        checks.threads[i].wanted_hold = hold;
                else if (may_be_meant(i, index))
                        checks.threads[i].unsure_turn = checks.turn;
}

/* Of a kind that the platform may end, or replace. */
static void want_of_platform(uint32_t index, enum model_hold hold, bool is_only_closed, uint64_t frame) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                struct model_thread *thread = &checks.threads[i];

                if (!is_meant(i, index, hold) || thread->wanted_hold == MODEL_OPERATOR ||
                    (is_only_closed && thread->wanted_hold != MODEL_CLOSED_BY))
                        continue;
                if (thread->wanted_hold != hold)
                        thread->closed_by = frame;
                thread->wanted_hold = hold;
        }
}

static void take_over(uint32_t index, const struct said *said, enum model_hold hold, uint64_t frame) {
        int echo = said->what == WIRE_WHAT_PERSON ? check_is_echo(index, said) : 0;

        if (check_settings(index)->on_takeover == CONFIG_ON_TAKEOVER_IGNORE || echo == 1 ||
            checks.threads[index].wanted_hold == MODEL_OPERATOR)
                return;
        if (echo < 0)
                check_hold_is_unsure(index);
        else
                want_of_platform(index, hold, false, frame);
        sim.stats.taken_over++;
}

void check_wants_hold(uint32_t index, const struct said *said, uint64_t frame) {
        if (said->what == WIRE_WHAT_PERSON)
                take_over(index, said, MODEL_PERSON, frame);
        else if (said->what == WIRE_WHAT_CLOSED)
                take_over(index, said, MODEL_CLOSED_BY, frame);
        else
                want_of_platform(index, MODEL_FREE, said->what == WIRE_WHAT_MESSAGE, frame);
}

void check_wants_open(uint32_t index, uint64_t frame) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (is_meant(i, index, MODEL_FREE) && checks.threads[i].wanted_hold == MODEL_CLOSED_BY &&
                    checks.threads[i].closed_by == frame)
                        checks.threads[i].wanted_hold = MODEL_FREE;
}

void check_holds_begin(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                checks.threads[i].wanted_hold = checks.threads[i].hold;
                checks.threads[i].was_awaited = check_is_awaited(&checks.threads[i]);
                checks.threads[i].was_filled = checks.threads[i].list.n > 0;
        }
}

/* Its time has come; the calendar tells it to the millisecond. */
static bool is_ended(const struct model_thread *thread) {
        return thread->hold_until != INT64_MAX && thread->hold_until <= checks.turn_now + 1000;
}

void check_holds_end(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                struct model_thread *thread = &checks.threads[i];

                if (thread->hold != thread->wanted_hold && thread->unsure_turn != checks.turn &&
                    !(thread->hold == MODEL_FREE && is_ended(thread)))
                        sim_violation("a person took over", "thread %s is held by %s, and should be by %s",
                                      world_thread_name(i), names[thread->hold], names[thread->wanted_hold]);
                if (thread->hold != MODEL_FREE && thread->hold_until < checks.turn_now - 1000)
                        sim_violation("a person took over", "thread %s is held %lld ms longer than it was to be",
                                      world_thread_name(i), (long long)(checks.turn_now - thread->hold_until) / 1000);
        }
}

/* -- what the store says ------------------------------------------------------------------------------------------- */

/* It is as long as its kind is to be. */
static void check_length(uint32_t index, const struct stored_note *note) {
        int64_t wanted = check_settings(index)->hold_for.us, is = (note->until.ms - checks.turn_wall) * 1000;

        /* That of another name has begun before. */
        if (hold_of(note->kind) == MODEL_OPERATOR || checks.names[check_root(index)].linked_turn == checks.turn ||
            checks.threads[index].joined_turn == checks.turn)
                return;
        if (wanted == 0 ? note->until.ms != 0 : note->until.ms == 0 || llabs(is - wanted) > 2000)
                sim_violation("a person took over", "thread %s is held for %lld ms; hold_for is %lld ms",
                              world_thread_name(index), (long long)is / 1000, (long long)wanted / 1000);
}

/* All that came before the team's word is below its number; but what a frame that came again has behind the word. */
static void check_word(uint32_t index, const struct stored_note *note) {
        const struct model_thread *thread = &checks.threads[index];
        uint64_t first_known = check_first_known(index);

        if (hold_of(note->kind) == MODEL_OPERATOR || checks.names[check_root(index)].linked_turn == checks.turn ||
            thread->joined_turn == checks.turn)
                return;
        for (uint32_t i = 0; i < thread->list.n; i++) {
                const struct said *said = &checks.said[thread->list.items[i]];

                if (said->seq >= note->word && said->seq < first_known)
                        sim_violation("recorded",
                                      "message %u came before the team's word about %s, and counts as later",
                                      check_number_of(said), world_thread_name(index));
        }
}

void check_on_hold(const struct stored_note *note) {
        uint32_t index = world_thread(note->tenant, note->name);
        struct model_thread *thread = &checks.threads[index];

        check_length(index, note);
        check_word(index, note);
        thread->hold_word = note->word;
        thread->hold_note = note->seq;
        thread->hold = hold_of(note->kind);
        thread->hold_until = end_of(note->until.ms);
        thread->hold_until_ms = note->until.ms;
        if (thread->is_held)
                return; /* only its end, or its kind, is set anew */
        thread->is_held = true;
        if (thread->n_settled == 0)
                thread->is_awaited = false;
        if (thread->state == MODEL_RUNNING && thread->n_settled > 0)
                return;
        check_call_off(thread);
        thread->state = MODEL_COLLECTING;
}

/* A note names the first and the last of a row: those between them are meant, of that thread, that wait now. */
static bool is_noted(const struct said *said) {
        unsigned long long first, last;
        char text[64];
        uint32_t n;
        const struct check_fact *facts = check_facts(&n);

        for (uint32_t i = 0; i < n; i++) {
                const struct stored_note *note = &facts[i].note;

                if (facts[i].type != CHANGE_PUT_NOTE || note->kind != STORED_RECORD ||
                    world_thread(note->tenant, note->name) != said->thread)
                        continue;
                snprintf(text, sizeof text, "%.*s", BYTES_PRINT(note->value));
                if (sscanf(text, "%llu-%llu", &first, &last) != 2)
                        sim_violation("recorded", "the note of what is only to be recorded says \"%s\"", text);
                if (said->seq >= first && said->seq <= last)
                        return true;
        }
        return false;
}

/* Whatever waits is only recorded; but an answer that was stored before goes out. When a frame came again, what was
 * said behind the item that ended the hold is not meant, and which one that was only the broker knows. */
static void mark_record(uint32_t index, enum model_hold hold) {
        struct model_thread *thread = &checks.threads[index];
        uint64_t first_known = check_first_known(index);

        if (hold == MODEL_OPERATOR || check_settings(index)->on_resume == CONFIG_ON_RESUME_ANSWER)
                return;
        for (uint32_t i = thread->n_settled; i < thread->list.n; i++) {
                struct said *said = &checks.said[thread->list.items[i]];

                if (check_settings(index)->on_resume == CONFIG_ON_RESUME_REST && said->seq >= thread->hold_word)
                        continue;
                if (said->seq >= first_known && !is_noted(said))
                        continue;
                thread->owes_record = thread->owes_record || !said->is_record;
                said->owes_record = said->owes_record || !said->is_record;
                said->is_record = true;
        }
}

void check_on_hold_gone(uint64_t note) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                if (!checks.threads[i].is_held || checks.threads[i].hold_note != note)
                        continue;
                mark_record(i, checks.threads[i].hold);
                checks.threads[i].hold = MODEL_FREE;
                check_let_go(i);
        }
}

void check_holds_load(void) {
        check_load_replies();
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                checks.threads[i].hold_until = end_of(checks.threads[i].hold_until_ms);
}

bool check_is_held(uint32_t thread) { return checks.threads[thread].is_held; }

/* -- recording ----------------------------------------------------------------------------------------------------- */

static void check_row(struct model_thread *thread) {
        for (uint32_t i = 0; i < thread->list.n; i++) {
                struct said *said = &checks.said[thread->list.items[i]];

                if (said->owes_record && !is_noted(said))
                        sim_violation("recorded",
                                      "a hold has ended, and that message %u is only to be recorded is not "
                                      "stored",
                                      thread->list.items[i]);
                said->owes_record = false;
        }
        thread->owes_record = false;
}

void check_is_recorded(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (checks.threads[i].owes_record)
                        check_row(&checks.threads[i]);
}

bool check_is_record(const struct model_run *run) {
        return run->messages.n > 0 && checks.said[run->messages.items[0]].is_record;
}
