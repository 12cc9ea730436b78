#include "broker/turn_log.h"

#include "broker/questions.h"
#include "common/log.h"

/* Longer than any turn takes that is not waiting for room. */
enum { TURN_MS = 1000 };

/* Each transition of a batch that an operator may ask about later. */
static void log_batches(const struct loop *loop) {
        for (size_t i = 0; i < loop->fx.n_changes; i++) {
                const struct stored_batch *batch = loop->fx.changes[i].batch;
                struct core_dead_view dead;

                if (loop->fx.changes[i].type != CHANGE_PUT_BATCH || batch->kind != STORED_DEAD)
                        continue;
                if (core_dead_find_seq(loop->core, batch->seq, &dead))
                        log_warning("dead_letter", LOG_BYTES("tenant", dead.tenant), LOG_BYTES("thread", dead.thread),
                                    LOG_TEXT("batch", dead.batch), LOG_NUMBER("attempts", dead.attempts),
                                    LOG_TEXT("code", dead.code), LOG_TEXT("why", dead.why));
        }
}

/* Runs from before a restart that go on: so a person sees what became of them. */
static void log_adoptions(const struct loop *loop) {
        for (size_t i = 0; i < loop->fx.n_adoptions; i++) {
                const struct adoption *adoption = &loop->fx.adoptions[i];
                struct bytes thread = {loop->fx.names.data + adoption->thread_at, adoption->thread_len};

                log_info("run_adopted", LOG_BYTES("tenant", adoption->tenant), LOG_BYTES("thread", thread),
                         LOG_TEXT("batch", adoption->batch), LOG_NUMBER("fence", adoption->fence),
                         LOG_TEXT("worker", questions_uuid(adoption->worker)));
        }
}

/* The clock is read more than once in a turn, and a hold that is only said again is older. */
static bool is_of_this_turn(const struct loop *loop, struct wall at) { return loop->now.wall.ms - at.ms < TURN_MS; }

/* Threads that a platform says a person has in hand: nobody typed a verb, so here is why they are not answered. */
static void log_takeovers(const struct loop *loop) {
        for (size_t i = 0; i < loop->fx.n_changes; i++) {
                const struct stored_note *note = &loop->fx.changes[i].note;

                if (loop->fx.changes[i].type != CHANGE_PUT_NOTE || !is_of_this_turn(loop, note->at))
                        continue;
                if (note->kind == STORED_TAKEOVER || note->kind == STORED_CLOSED)
                        log_info("taken_over", LOG_BYTES("tenant", note->tenant), LOG_BYTES("thread", note->name),
                                 LOG_BYTES("why", note->value));
        }
}

/* Their workers have been silent for a lease, or have begun anew. */
static void log_losses(struct loop *loop) {
        uint64_t n_lost = core_counters(loop->core)->lost;

        if (n_lost > loop->n_lost)
                log_warning("runs_lost", LOG_NUMBER("runs", n_lost - loop->n_lost),
                            LOG_TEXT("hint", "their worker is gone, or was silent for a lease: others take them over"));
        loop->n_lost = n_lost;
}

void turn_log(struct loop *loop) {
        log_batches(loop);
        log_adoptions(loop);
        log_takeovers(loop);
        log_losses(loop);
}
