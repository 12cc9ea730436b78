/* Replies as their platforms show them. An echo of one is no person's word, and uses the reply up; and a batch of which
 * every reply is to be seen is finished, whatever became of its run. */
#include "tests/sim/check_state.h"

#include <stdio.h>

/* An answer that came back within this time is not a person's; and it may come back twice, soon. */
#define ECHO_US (INT64_C(600) * 1000000)
#define AGAIN_US (INT64_C(20) * 1000000)

/* -- echoes -------------------------------------------------------------------------------------------------------- */

/* Bits: which of the texts "re 0" to "re 3" it has, from the reply `first` on. */
static uint32_t replies_of(struct bytes answer, uint32_t first, uint32_t *ret_n) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t which, bits = 0;
        char text[16];

        if (wire_decode_answer(answer, replies, ret_n) < 0)
                return *ret_n = 0;
        for (uint32_t i = first; i < *ret_n; i++) {
                snprintf(text, sizeof text, "%.*s", BYTES_PRINT(replies[i]));
                if (sscanf(text, "re %u", &which) == 1 && which < 4)
                        bits |= 1u << which;
        }
        return bits;
}

static void note_replies(uint32_t thread, uint32_t bits) {
        for (uint32_t i = 0; i < 4; i++)
                if (bits & 1u << i) {
                        checks.threads[thread].echoes[i].said_at = checks.turn_now;
                        checks.threads[thread].echoes[i].n_said++;
                }
}

void check_on_reply(struct said *said, struct bytes answer, uint32_t first) {
        said->replies = replies_of(answer, 0, &said->n_replies);
        note_replies(said->thread, replies_of(answer, first, &said->n_replies));
}

void check_load_replies(void) {
        for (uint32_t i = 0; i < checks.n_said; i++)
                if (checks.said[i].has_answer && checks.said[i].fate == FATE_STORED)
                        note_replies(checks.said[i].thread, checks.said[i].replies);
}

/* One that was said since the last echo has had none yet. Whether it is used up is certain when there were as many
 * echoes as there were replies. */
static int verdict_of(struct model_echo *echo) {
        bool is_in_time = checks.turn_now - echo->said_at < ECHO_US;

        if (echo->said_at > echo->came_at && is_in_time) {
                echo->n_came++;
                return 1;
        }
        return echo->came_at > 0 && checks.turn_now - echo->came_at > AGAIN_US && echo->n_came >= echo->n_said ? 0 : -1;
}

int check_is_echo(uint32_t thread, const struct said *said) {
        uint32_t which, n = 0;
        struct model_echo *only = NULL;
        int verdict = -1;

        if (!said->is_echo || sscanf(said->text, "re %u", &which) != 1 || which >= 4)
                return said->is_echo ? -1 : 0;
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (check_root(i) == thread && checks.threads[i].echoes[which].said_at > 0) {
                        only = &checks.threads[i].echoes[which];
                        n++;
                }
        if (n == 0)
                return 0;
        if (n == 1)
                verdict = verdict_of(only);
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (check_root(i) == thread && verdict != 0)
                        checks.threads[i].echoes[which].came_at = checks.turn_now;
        return verdict;
}

/* -- finished ------------------------------------------------------------------------------------------------------ */

static bool has(const struct numbers *numbers, uint32_t number) {
        for (uint32_t i = 0; i < numbers->n; i++)
                if (numbers->items[i] == number)
                        return true;
        return false;
}

/* The reply that was in doubt when the run began, and is not said again where silence is wanted: a bit. */
static uint32_t passed_over_by(const struct model_run *run) {
        bool is_silent = check_settings(run->thread)->on_unknown == CONFIG_ON_UNKNOWN_SILENCE;

        return run->is_doubtful && is_silent ? 1u << run->first_posted : 0;
}

/* What its worker said is done with: one that the channel refused for good is, too. Bits. */
static uint32_t told_by(const struct model_run *run) {
        return run->told_posted >= 32 ? UINT32_MAX : (1u << run->told_posted) - 1;
}

/* Which of its replies runs of the batch that begins with the message have shown, or are done with: bits. */
static uint32_t shown_of(uint32_t first) {
        uint32_t shown = 0;

        for (uint32_t i = 0; i < checks.n_runs; i++)
                if (checks.runs[i].messages.items[0] == first)
                        shown |= checks.runs[i].n_shown | passed_over_by(&checks.runs[i]) | told_by(&checks.runs[i]);
        return shown;
}

/* The first message of its answered batch; NULL when not all replies to that were shown. */
static const struct said *find_all_out(const struct said *said) {
        for (uint32_t i = 0; i < checks.n_runs; i++) {
                uint32_t number = checks.runs[i].messages.items[0];
                const struct said *first = &checks.said[number];
                uint32_t all = (1u << first->n_replies) - 1;

                if (all > 0 && has(&first->batch, check_number_of(said)) && (shown_of(number) & all) == all)
                        return first;
        }
        return NULL;
}

bool check_is_all_out(const struct said *said) { return find_all_out(said) != NULL; }

void check_on_all_out(struct said *said) {
        struct model_thread *thread = &checks.threads[said->thread];
        struct model_run *run = thread->fence ? check_find_run(thread->fence) : NULL;
        const struct said *first = find_all_out(said);

        if (run && !run->is_over && checks.turn_now - run->named < sim.config.broker.lease.us)
                sim_violation("G4 one at a time", "the batch of run %s is finished before the run has ended",
                              tell_fence(run->fence));
        if (run && !run->is_over) {
                run->is_lost = true;
                check_run_is_over(run);
        }
        for (uint32_t i = 0; i < first->batch.n; i++)
                checks.said[first->batch.items[i]].done_turn = checks.turn;
        thread->state = MODEL_COLLECTING;
        thread->attempts = thread->n_busy = thread->n_settled = thread->n_interrupts = 0;
        sim.stats.seen_off++;
}
