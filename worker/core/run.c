#include "worker/core/run.h"

#include "common/ensure.h"
#include "common/limits.h"

static void push(struct run_fx *fx, enum run_effect effect) {
        ENSURE(fx->n < RUN_EFFECTS_MAX);
        fx->items[fx->n++] = effect;
}

static bool is_working(const struct run *run) { return run->stage < RUN_REPORTING; }

static bool has_lock(const struct run *run) { return run->plan.lock_ttl.us > 0; }

bool run_is_held(const struct run *run, struct mono now) {
        return is_working(run) && (!has_lock(run) || lock_clock_is_ours(&run->lock, now));
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void abort_call(struct run *run, struct run_fx *fx) {
        if (run->is_calling)
                push(fx, RUN_ABORT);
        run->is_calling = false;
}

static void release(struct run *run, struct run_fx *fx) {
        if (run->is_lock_asked)
                push(fx, RUN_RELEASE);
        run->is_lock_asked = false;
}

/* The lock is let go with the result, not when that is settled: whoever the broker sends next bears a higher fence. */
static void report(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx) {
        abort_call(run, fx);
        run->outcome = *outcome;
        run->stage = RUN_REPORTING;
        run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        push(fx, RUN_SEND_RESULT);
        release(run, fx);
}

static void report_done(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init_done(&outcome);
        report(run, now, &outcome, fx);
}

static void report_lock_lost(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "lock_lost", "the thread's lock in Redis was lost while %s",
                     run->stage == RUN_ANSWERING ? "the handler was answering" : "the answer was being handed over");
        report(run, now, &outcome, fx);
}

static void report_handed_back(struct run *run, struct mono now, const char *code, const char *why, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_HANDED_BACK, code, "%s", why);
        report(run, now, &outcome, fx);
}

static void end(struct run *run, struct run_fx *fx) {
        abort_call(run, fx);
        release(run, fx);
        run->stage = RUN_ENDED;
        push(fx, RUN_END);
}

/* -- from stage to stage ------------------------------------------------------------------------------------------- */

static void post_next(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->posted >= run->n_replies) {
                report_done(run, now, fx);
                return;
        }
        if (run->is_handing_back) {
                report_handed_back(run, now, "draining", "the worker is being stopped", fx);
                return;
        }
        run->stage = RUN_POSTING;
        run->is_calling = true;
        run->due = mono_add(now, span_ms(LIMIT_POST_MS));
        push(fx, RUN_POST);
}

static void on_held(struct run *run, struct mono now, struct run_fx *fx) {
        run->locked = now;
        run->lock_wait = has_lock(run) ? mono_since(now, run->began) : span_us(0);
        if (run->plan.is_answered && run->plan.has_post) {
                post_next(run, now, fx);
        } else if (run->plan.is_answered) {
                report_done(run, now, fx);
        } else {
                run->stage = RUN_ANSWERING;
                run->is_calling = true;
                push(fx, RUN_CALL);
        }
}

static void on_locked(struct run *run, struct mono now, struct run_fx *fx) {
        if (!run->lock.is_asking)
                return;
        lock_clock_on_grant(&run->lock, now);
        if (run->stage != RUN_LOCKING)
                return;
        if (!lock_clock_is_ours(&run->lock, now)) {
                struct outcome outcome;

                outcome_init(&outcome, WIRE_BUSY, "lock_unreachable",
                             "Redis answered too late to hold the thread's lock");
                report(run, now, &outcome, fx);
                return;
        }
        on_held(run, now, fx);
}

static void on_lock_busy(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        if (!run->lock.is_asking || !is_working(run))
                return;
        lock_clock_on_loss(&run->lock);
        run->is_lock_asked = false;
        if (run->stage != RUN_LOCKING) {
                report_lock_lost(run, now, fx);
                return;
        }
        outcome_init(&outcome, WIRE_BUSY, "lock_busy", "the thread's lock in Redis is held by somebody else");
        report(run, now, &outcome, fx);
}

static void on_lock_unknown(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        if (!run->lock.is_asking)
                return;
        lock_clock_on_unknown(&run->lock, now);
        if (run->stage != RUN_LOCKING)
                return;
        outcome_init(&outcome, WIRE_BUSY, "lock_unreachable", "Redis could not be reached for the thread's lock");
        report(run, now, &outcome, fx);
}

static void on_answer(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx) {
        if (run->stage != RUN_ANSWERING)
                return;
        run->is_calling = false;
        run->answering = mono_since(now, run->locked);
        if (!run_is_held(run, now)) {
                report_lock_lost(run, now, fx);
        } else if (event->outcome->kind != WIRE_DONE) {
                report(run, now, event->outcome, fx);
        } else if (event->n_replies == 0 || !run->plan.has_post) {
                report_done(run, now, fx);
        } else {
                run->n_replies = event->n_replies;
                run->stage = RUN_ANSWERED;
                run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
                push(fx, RUN_SEND_ANSWERED);
        }
}

static void on_go(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage != RUN_ANSWERED)
                return;
        if (!run_is_held(run, now))
                report_lock_lost(run, now, fx);
        else
                post_next(run, now, fx);
}

static void on_posted(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage != RUN_POSTING || !run->is_calling)
                return;
        run->is_calling = false;
        run->posted++;
        /* That it was posted is a fact, lock or no lock; the next one may not be. */
        if (run->posted < run->n_replies && !run_is_held(run, now))
                report_lock_lost(run, now, fx);
        else
                post_next(run, now, fx);
}

static void on_post_failed(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx) {
        if (run->stage != RUN_POSTING || !run->is_calling)
                return;
        run->is_calling = false;
        report(run, now, outcome, fx);
}

static void on_lease_unsure(struct run *run, struct mono now, struct run_fx *fx) {
        if (!is_working(run))
                return;
        run->is_calling = false;
        report_handed_back(run, now, "lease_unsure",
                           "the worker was out of touch with the broker for longer than a lease", fx);
}

static void on_hand_back(struct run *run, struct mono now, struct run_fx *fx) {
        if (!is_working(run))
                return;
        /* A post that is under way cannot be taken back: what became of it decides how the run ends. */
        if (run->stage == RUN_POSTING && run->is_calling)
                run->is_handing_back = true;
        else
                report_handed_back(run, now, "draining", "the worker is being stopped", fx);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static const char *awaited(enum run_stage stage) {
        if (stage == RUN_LOCKING)
                return "Redis had not answered for the thread's lock";
        return stage == RUN_ANSWERING ? "the handler had not answered" : "the broker had not said go";
}

static void report_timeout(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "timeout", "the run took longer than run_timeout (%lld ms): %s",
                     (long long)span_to_ms(run->plan.timeout), awaited(run->stage));
        report(run, now, &outcome, fx);
}

static void report_post_timeout(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "post_timeout", "the channel did not answer a reply within %d ms",
                     LIMIT_POST_MS);
        report(run, now, &outcome, fx);
}

/* What the clock alone ends. Is the run over? */
static bool on_deadlines(struct run *run, struct mono now, struct run_fx *fx) {
        if (!is_working(run))
                return true;
        if (run->stage != RUN_LOCKING && !run_is_held(run, now))
                report_lock_lost(run, now, fx);
        else if (run->stage != RUN_POSTING && mono_is_due(now, run->timeout))
                report_timeout(run, now, fx);
        else if (run->stage == RUN_POSTING && mono_is_due(now, run->due))
                report_post_timeout(run, now, fx);
        return !is_working(run);
}

static void on_time(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage == RUN_ENDED)
                return;
        if (!on_deadlines(run, now, fx) && has_lock(run) && mono_is_due(now, lock_clock_extend_at(&run->lock))) {
                lock_clock_on_ask(&run->lock, now);
                push(fx, RUN_EXTEND);
        }
        if ((run->stage != RUN_ANSWERED && run->stage != RUN_REPORTING) || !mono_is_due(now, run->due))
                return;
        run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        push(fx, run->stage == RUN_ANSWERED ? RUN_SEND_ANSWERED : RUN_SEND_RESULT);
}

struct mono run_due(const struct run *run) {
        struct mono due = MONO_NEVER;

        if (run->stage == RUN_ENDED)
                return MONO_NEVER;
        if (run->stage == RUN_REPORTING)
                return run->due;
        if (run->stage == RUN_ANSWERED || run->stage == RUN_POSTING)
                due = run->due;
        if (run->stage != RUN_POSTING)
                due = mono_min(due, run->timeout);
        if (run->stage != RUN_LOCKING && has_lock(run))
                due = mono_min(due, mono_min(lock_clock_deadline(&run->lock), lock_clock_extend_at(&run->lock)));
        return due;
}

/* -- the step ------------------------------------------------------------------------------------------------------ */

void run_init(struct run *run, const struct run_plan *plan, struct mono now, struct run_fx *fx) {
        *run = (struct run){.plan = *plan, .stage = RUN_LOCKING, .began = now};
        run->timeout = mono_add(now, plan->timeout);
        run->n_replies = plan->is_answered ? plan->n_replies : 0;
        run->posted = plan->is_answered ? plan->posted : 0;
        fx->n = 0;
        lock_clock_init(&run->lock, plan->lock_ttl);
        if (!has_lock(run)) {
                on_held(run, now, fx);
                return;
        }
        run->is_lock_asked = true;
        lock_clock_on_ask(&run->lock, now);
        push(fx, RUN_ACQUIRE);
}

void run_init_refused(struct run *run, const struct outcome *outcome, uint32_t posted, struct mono now,
                      struct run_fx *fx) {
        *run = (struct run){.stage = RUN_LOCKING, .began = now, .posted = posted};
        fx->n = 0;
        report(run, now, outcome, fx);
}

static void on_event(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx) {
        switch (event->kind) {
        case RUN_ON_LOCKED:
                on_locked(run, now, fx);
                break;
        case RUN_ON_LOCK_BUSY:
                on_lock_busy(run, now, fx);
                break;
        case RUN_ON_LOCK_UNKNOWN:
                on_lock_unknown(run, now, fx);
                break;
        case RUN_ON_ANSWER:
                on_answer(run, now, event, fx);
                break;
        case RUN_ON_GO:
                on_go(run, now, fx);
                break;
        case RUN_ON_POSTED:
                on_posted(run, now, fx);
                break;
        case RUN_ON_POST_FAILED:
                on_post_failed(run, now, event->outcome, fx);
                break;
        case RUN_ON_LEASE_UNSURE:
                on_lease_unsure(run, now, fx);
                break;
        case RUN_ON_HAND_BACK:
                on_hand_back(run, now, fx);
                break;
        case RUN_ON_SETTLED:
                if (run->stage == RUN_REPORTING)
                        end(run, fx);
                break;
        case RUN_ON_STOP:
        case RUN_ON_CANCEL:
                end(run, fx);
                break;
        case RUN_ON_TIMER:
                break;
        }
}

void run_step(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx) {
        fx->n = 0;
        if (run->stage == RUN_ENDED)
                return;
        on_event(run, now, event, fx);
        on_time(run, now, fx);
}

const char *run_stage_name(enum run_stage stage) {
        static const char *const names[] = {"locking", "answering", "answered", "posting", "reporting", "ended"};

        return names[stage];
}
