#include "worker/work_private.h"

#define OUTCOME_FIELDS(work)                                                                                           \
        LOG_TEXT("code", (work)->run.outcome.code), LOG_NUMBER("status", (work)->run.outcome.status),                  \
                LOG_NUMBER("posted", (work)->run.posted)

static void add(const struct work *work, enum wire_tally what, uint64_t amount) {
        tally_add(work->doors->tally, work->batch->tenant, what, amount);
}

/* -- lines --------------------------------------------------------------------------------------------------------- */

void work_log_began(const struct work *work) {
        log_info("run_started", RUN_FIELDS(work), LOG_NUMBER("attempt", work->batch->attempt),
                 LOG_NUMBER("messages", work->batch->n_messages),
                 LOG_TEXT("stored_answer", work->run.plan.is_answered ? "yes" : "no"),
                 LOG_TEXT("record", work->batch->is_record ? "yes" : "no"),
                 LOG_TEXT("in_doubt", work->run.plan.is_doubtful ? "yes" : "no"));
}

/* It may quote what a service or a program said, and that what a person wrote. */
static void log_why(const struct work *work, const struct outcome *outcome) {
        log_debug("run_why", RUN_FIELDS(work), LOG_TEXT("why", outcome->why));
}

static void log_outcome(const struct work *work, struct mono now) {
        static const char *const events[] = {
                [WIRE_DONE] = "run_done",
                [WIRE_FAILED] = "run_failed",
                [WIRE_FAILED_FOR_GOOD] = "run_failed_for_good",
                [WIRE_BUSY] = "run_busy",
                [WIRE_HANDED_BACK] = "run_handed_back",
        };
        const struct outcome *outcome = &work->run.outcome;
        bool is_lost = bytes_is_text(bytes_of(outcome->code), "lock_lost");
        const char *event = is_lost ? "lock_lost" : events[outcome->kind];
        int64_t ms = span_to_ms(mono_since(now, work->run.began));

        if (outcome->kind == WIRE_DONE)
                log_info(event, RUN_FIELDS(work), LOG_NUMBER("posted", work->run.posted), LOG_NUMBER("ms", ms));
        else if (outcome->kind == WIRE_BUSY || outcome->kind == WIRE_HANDED_BACK)
                log_info(event, RUN_FIELDS(work), OUTCOME_FIELDS(work), LOG_NUMBER("ms", ms));
        else
                log_warning(event, RUN_FIELDS(work), OUTCOME_FIELDS(work), LOG_NUMBER("ms", ms),
                            LOG_TEXT("in_doubt", work->run.is_doubtful ? "yes" : "no"));
        if (outcome->kind != WIRE_DONE)
                log_why(work, outcome);
}

void work_log_refused(const struct work *work, struct mono now) { log_outcome(work, now); }

void work_log_unreadable(const struct work *work) {
        log_warning("read_back_failed", RUN_FIELDS(work), LOG_TEXT("code", work->post_outcome.code),
                    LOG_NUMBER("status", work->post_outcome.status),
                    LOG_TEXT("hint", "on_unknown decides about the reply; a token that may read the conversation "
                                     "would tell (chatwoot: read_token)"));
        log_why(work, &work->post_outcome);
}

/* -- what is counted ----------------------------------------------------------------------------------------------- */

void work_tally_usage(const struct work *work, const struct handler_usage *usage, bool is_wasted) {
        add(work, WIRE_TALLY_CALLS, usage->n_calls);
        add(work, WIRE_TALLY_TOKENS_IN, usage->tokens_in);
        add(work, WIRE_TALLY_TOKENS_OUT, usage->tokens_out);
        if (!is_wasted)
                return;
        add(work, WIRE_TALLY_CALLS_WASTED, usage->n_calls);
        add(work, WIRE_TALLY_TOKENS_WASTED, usage->tokens_in + usage->tokens_out);
}

void work_log_lookup(const struct work *work, enum context_source source, struct span took, const struct outcome *why) {
        static const enum wire_tally counts[] = {
                [CONTEXT_HIT] = WIRE_TALLY_CONTEXT_HIT,
                [CONTEXT_MISS] = WIRE_TALLY_CONTEXT_MISS,
                [CONTEXT_FAILED] = WIRE_TALLY_CONTEXT_FAILED,
        };

        add(work, counts[source], 1);
        add(work, WIRE_TALLY_CONTEXT_US, (uint64_t)took.us);
        if (source != CONTEXT_FAILED) {
                log_info("looked_up", RUN_FIELDS(work), LOG_TEXT("cached", source == CONTEXT_HIT ? "yes" : "no"),
                         LOG_NUMBER("ms", span_to_ms(took)));
                return;
        }
        log_warning("context_failed", RUN_FIELDS(work), LOG_TEXT("code", why->code), LOG_NUMBER("status", why->status),
                    LOG_NUMBER("ms", span_to_ms(took)));
        log_why(work, why);
}

static void log_answer(const struct work *work) {
        const struct handler_usage *usage = &work->answer.usage;

        log_info("answered", RUN_FIELDS(work), LOG_NUMBER("replies", work->run.n_replies),
                 LOG_NUMBER("ms", span_to_ms(work->run.answering)), LOG_NUMBER("tokens_in", usage->tokens_in),
                 LOG_NUMBER("tokens_out", usage->tokens_out));
}

/* The handler has answered. Tokens without an answer that can be used are paid for nothing: it came when the lock was
 * lost, or broke off, or was held back. */
static void tally_answer(const struct work *work) {
        bool is_good = work->answer.outcome.kind == WIRE_DONE;
        bool is_lost = work->run.stage == RUN_REPORTING && work->run.outcome.kind != WIRE_DONE;
        bool is_paid = work->answer.usage.tokens_in + work->answer.usage.tokens_out > 0;

        work_tally_usage(work, &work->answer.usage, is_lost && (is_good || is_paid));
        add(work, WIRE_TALLY_CONVERSATION_LOCKED, work->answer.is_locked);
}

void work_tally_refused(const struct work *work, enum wire_type type, struct bytes code) {
        const struct handler_usage *usage = &work->answer.usage;
        /* Of a lease that was given up nobody here knows whether the answer was stored before that. */
        bool is_unknown = type == WIRE_CANCEL && bytes_is_text(code, "stale");

        if (work->run.stage != RUN_ANSWERED || is_unknown)
                return;
        add(work, WIRE_TALLY_CALLS_WASTED, usage->n_calls);
        add(work, WIRE_TALLY_TOKENS_WASTED, usage->tokens_in + usage->tokens_out);
}

static void log_doubts(const struct work *work, const struct run *before) {
        const struct run *run = &work->run;
        uint32_t found = run->doubts.found - before->doubts.found;
        uint32_t repeated = run->doubts.repeated - before->doubts.repeated;
        uint32_t silenced = run->doubts.silenced - before->doubts.silenced;

        add(work, WIRE_TALLY_POSTS_FOUND, found);
        add(work, WIRE_TALLY_POSTS_REPEATED, repeated);
        add(work, WIRE_TALLY_POSTS_SILENCED, silenced);
        if (found > 0)
                log_info("post_found", RUN_FIELDS(work), LOG_NUMBER("reply", run->posted));
        if (repeated > 0)
                log_warning("post_repeated", RUN_FIELDS(work), LOG_NUMBER("reply", run->posted + 1));
        if (silenced > 0)
                log_warning("post_silenced", RUN_FIELDS(work), LOG_NUMBER("reply", run->posted));
}

void work_log_step(const struct work *work, const struct run *before, enum run_event_kind kind, struct mono now) {
        const struct run *run = &work->run;

        if (kind == RUN_ON_ANSWER && before->stage == RUN_ANSWERING)
                tally_answer(work);
        if (kind == RUN_ON_POSTED && run->posted != before->posted)
                log_info("posted", RUN_FIELDS(work), LOG_NUMBER("reply", run->posted),
                         LOG_NUMBER("replies", run->n_replies));
        log_doubts(work, before);
        if (run->stage == before->stage)
                return;
        if (run->stage == RUN_ANSWERED)
                log_answer(work);
        else if (run->stage == RUN_REPORTING)
                log_outcome(work, now);
}
