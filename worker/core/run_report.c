#include "worker/core/run_private.h"

#include "common/limits.h"

static void abort_call(struct run *run, struct run_fx *fx) {
        if (run->is_calling)
                run_push(fx, RUN_ABORT);
        run->is_calling = false;
}

static void release(struct run *run, struct run_fx *fx) {
        if (run->is_lock_asked)
                run_push(fx, RUN_RELEASE);
        run->is_lock_asked = false;
}

static void send_result(struct run *run, struct mono now, struct run_fx *fx) {
        run->stage = RUN_REPORTING;
        run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        run_push(fx, RUN_SEND_RESULT);
}

/* The lock is let go with the result, not when that is settled: whoever the broker sends next bears a higher fence. */
void run_report(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx) {
        abort_call(run, fx);
        run->outcome = *outcome;
        send_result(run, now, fx);
        release(run, fx);
}

/* What has been posted has been said: it is remembered under the lock, before the next batch of the thread can begin to
 * look for it. Where nothing is posted the answer counts only when the broker has taken it: another run may be
 * answering the batch by now. */
static void remember(struct run *run, struct run_fx *fx) {
        if (run->plan.has_post)
                run_push(fx, RUN_REMEMBER);
        else
                run->is_unremembered = true;
}

void run_report_done(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init_done(&outcome);
        run->is_doubtful = false;
        if (run->plan.has_history && (run->n_replies > 0 || run->plan.is_record))
                remember(run, fx);
        run_report(run, now, &outcome, fx);
}

static const char *work_of(enum run_stage stage) {
        switch (stage) {
        case RUN_CONTEXT:
                return "the context was looked up";
        case RUN_ANSWERING:
                return "the handler was answering";
        case RUN_READING:
                return "the channel was read back";
        case RUN_POSTING:
                return "a reply was posted";
        case RUN_LOCKING:
        case RUN_ANSWERED:
        case RUN_REPORTING:
        case RUN_ENDED:
                break;
        }
        return "the answer was being handed over";
}

void run_report_lock_lost(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "lock_lost", "the thread's lock in Redis was lost while %s",
                     work_of(run->stage));
        run_report(run, now, &outcome, fx);
}

void run_report_handed_back(struct run *run, struct mono now, const char *code, const char *why, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_HANDED_BACK, code, "%s", why);
        run_report(run, now, &outcome, fx);
}

static const char *awaited(enum run_stage stage) {
        if (stage == RUN_LOCKING)
                return "Redis had not answered for the thread's lock";
        if (stage == RUN_CONTEXT)
                return "the context lookup had not ended";
        return stage == RUN_ANSWERING ? "the handler had not answered" : "the broker had not said go";
}

void run_report_timeout(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        if (run->stage == RUN_ANSWERING)
                run->provider = WIRE_PROVIDER_DOWN;
        outcome_init(&outcome, WIRE_FAILED, "timeout", "the run took longer than run_timeout (%lld ms): %s",
                     (long long)span_to_ms(run->plan.timeout), awaited(run->stage));
        run_report(run, now, &outcome, fx);
}

void run_report_channel_timeout(struct run *run, struct mono now, struct run_fx *fx) {
        bool is_reading = run->stage == RUN_READING;
        struct outcome outcome;

        if (!is_reading && run->is_repeat && run->is_doubtful) {
                abort_call(run, fx);
                run_give_repeat_up(run, now, fx);
                return;
        }
        outcome_init(&outcome, WIRE_FAILED, is_reading ? "read_back_timeout" : "post_timeout",
                     "the channel did not answer %s within %d ms", is_reading ? "what it shows" : "a reply",
                     LIMIT_POST_MS);
        run_report(run, now, &outcome, fx);
}

void run_on_settled(struct run *run, bool is_accepted, struct run_fx *fx) {
        if (run->stage != RUN_REPORTING)
                return;
        if (is_accepted && run->is_unremembered)
                run_push(fx, RUN_REMEMBER);
        run_end(run, fx);
}

void run_end(struct run *run, struct run_fx *fx) {
        abort_call(run, fx);
        release(run, fx);
        run->stage = RUN_ENDED;
        run_push(fx, RUN_END);
}
