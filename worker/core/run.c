#include "worker/core/run_private.h"

#include "common/ensure.h"
#include "common/limits.h"

void run_push(struct run_fx *fx, enum run_effect effect) {
        ENSURE(fx->n < RUN_EFFECTS_MAX);
        fx->items[fx->n++] = effect;
}

bool run_is_working(const struct run *run) { return run->stage < RUN_REPORTING; }

bool run_has_lock(const struct run *run) { return run->plan.lock_ttl.us > 0; }

bool run_is_held(const struct run *run, struct mono now) {
        return run_is_working(run) && (!run_has_lock(run) || lock_clock_is_ours(&run->lock, now));
}

/* -- from stage to stage ------------------------------------------------------------------------------------------- */

static void ask(struct run *run, struct mono now, struct run_fx *fx) {
        run->stage = RUN_ANSWERING;
        run->asked = now;
        run->is_calling = true;
        run_push(fx, RUN_CALL);
}

static void on_held(struct run *run, struct mono now, struct run_fx *fx) {
        run->lock_wait = run_has_lock(run) ? mono_since(now, run->began) : span_us(0);
        if (run->plan.is_answered && run->plan.has_post) {
                run_post_next(run, now, fx);
        } else if (run->plan.is_answered) {
                run_report_done(run, now, fx);
        } else if (run->plan.is_uncalled) {
                run_report_done(run, now, fx);
        } else if (run->plan.has_context) {
                run->stage = RUN_CONTEXT;
                run->is_calling = true;
                run_push(fx, RUN_LOOK_UP);
        } else {
                ask(run, now, fx);
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
                run_report(run, now, &outcome, fx);
                return;
        }
        on_held(run, now, fx);
}

static void on_lock_busy(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        if (!run->lock.is_asking || !run_is_working(run))
                return;
        lock_clock_on_loss(&run->lock);
        run->is_lock_asked = false;
        if (run->stage != RUN_LOCKING) {
                run_report_lock_lost(run, now, fx);
                return;
        }
        outcome_init(&outcome, WIRE_BUSY, "lock_busy", "the thread's lock in Redis is held by somebody else");
        run_report(run, now, &outcome, fx);
}

static void on_lock_unknown(struct run *run, struct mono now, struct run_fx *fx) {
        struct outcome outcome;

        if (!run->lock.is_asking)
                return;
        lock_clock_on_unknown(&run->lock, now);
        if (run->stage != RUN_LOCKING)
                return;
        outcome_init(&outcome, WIRE_BUSY, "lock_unreachable", "Redis could not be reached for the thread's lock");
        run_report(run, now, &outcome, fx);
}

/* An answer without it would be worse than none: the run is tried again. */
static void report_no_context(struct run *run, struct mono now, const struct outcome *why, struct run_fx *fx) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "context_failed", "%s", why->why);
        outcome.status = why->status;
        outcome.retry_after = why->retry_after;
        run_report(run, now, &outcome, fx);
}

static void on_context(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx) {
        if (run->stage != RUN_CONTEXT || !run->is_calling)
                return;
        run->is_calling = false;
        if (!run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else if (outcome->kind != WIRE_DONE && run->plan.is_context_required)
                report_no_context(run, now, outcome, fx);
        else
                ask(run, now, fx);
}

static void on_answer(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx) {
        if (run->stage != RUN_ANSWERING || !run->is_calling)
                return;
        run->is_calling = false;
        run->answering = mono_since(now, run->asked);
        run->provider = event->outcome->provider;
        run->pause = event->outcome->pause;
        if (!run_is_held(run, now)) {
                run_report_lock_lost(run, now, fx);
                return;
        }
        if (event->outcome->kind != WIRE_DONE) {
                run_report(run, now, event->outcome, fx);
                return;
        }
        run->n_replies = event->n_replies;
        if (run->n_replies == 0 || !run->plan.has_post) {
                run_report_done(run, now, fx);
                return;
        }
        run->stage = RUN_ANSWERED;
        run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        run_push(fx, RUN_SEND_ANSWERED);
}

static void on_go(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage != RUN_ANSWERED)
                return;
        if (!run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else
                run_post_next(run, now, fx);
}

static void on_lease_unsure(struct run *run, struct mono now, struct run_fx *fx) {
        if (!run_is_working(run))
                return;
        run_on_held_back(run);
        run->is_calling = false;
        run_report_handed_back(run, now, "lease_unsure",
                               "the worker was out of touch with the broker for longer than a lease", fx);
}

static void on_hand_back(struct run *run, struct mono now, struct run_fx *fx) {
        if (!run_is_working(run))
                return;
        /* A post that is under way cannot be taken back: what became of it decides how the run ends. And an answer that
         * is on its way to the broker would be paid for twice if the lease ended before it is stored. */
        if (run->stage == RUN_ANSWERED || (run->stage == RUN_POSTING && run->is_calling))
                run->is_handing_back = true;
        else
                run_report_handed_back(run, now, "draining", "the worker is being stopped", fx);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static bool is_at_channel(const struct run *run) { return run->stage == RUN_READING || run->stage == RUN_POSTING; }

/* What the clock alone ends. Is the run over? */
static bool on_deadlines(struct run *run, struct mono now, struct run_fx *fx) {
        if (!run_is_working(run))
                return true;
        if (run->stage != RUN_LOCKING && !run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else if (!is_at_channel(run) && mono_is_due(now, run->timeout))
                run_report_timeout(run, now, fx);
        else if (is_at_channel(run) && mono_is_due(now, run->due))
                run_report_channel_timeout(run, now, fx);
        return !run_is_working(run);
}

static void on_time(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage == RUN_ENDED)
                return;
        if (!on_deadlines(run, now, fx) && run_has_lock(run) && mono_is_due(now, lock_clock_extend_at(&run->lock))) {
                lock_clock_on_ask(&run->lock, now);
                run_push(fx, RUN_EXTEND);
        }
        if ((run->stage != RUN_ANSWERED && run->stage != RUN_REPORTING) || !mono_is_due(now, run->due))
                return;
        run->due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        run_push(fx, run->stage == RUN_ANSWERED ? RUN_SEND_ANSWERED : RUN_SEND_RESULT);
}

struct mono run_due(const struct run *run) {
        struct mono due = MONO_NEVER;

        if (run->stage == RUN_ENDED)
                return MONO_NEVER;
        if (run->stage == RUN_REPORTING)
                return run->due;
        if (run->stage == RUN_ANSWERED || is_at_channel(run))
                due = run->due;
        if (!is_at_channel(run))
                due = mono_min(due, run->timeout);
        if (run->stage != RUN_LOCKING && run_has_lock(run))
                due = mono_min(due, mono_min(lock_clock_deadline(&run->lock), lock_clock_extend_at(&run->lock)));
        return due;
}

/* -- the step ------------------------------------------------------------------------------------------------------ */

static void start(struct run *run, const struct run_plan *plan, struct mono now) {
        *run = (struct run){.plan = *plan, .stage = RUN_LOCKING, .began = now};
        run->timeout = mono_add(now, plan->timeout);
        run->n_replies = plan->is_answered ? plan->n_replies : 0;
        run->posted = plan->is_answered ? plan->posted : 0;
        run->is_doubtful = plan->is_answered && plan->is_doubtful;
}

void run_init(struct run *run, const struct run_plan *plan, struct mono now, struct run_fx *fx) {
        start(run, plan, now);
        fx->n = 0;
        lock_clock_init(&run->lock, plan->lock_ttl);
        if (!run_has_lock(run)) {
                on_held(run, now, fx);
                return;
        }
        run->is_lock_asked = true;
        lock_clock_on_ask(&run->lock, now);
        run_push(fx, RUN_ACQUIRE);
}

void run_init_refused(struct run *run, const struct run_plan *plan, const struct outcome *outcome, struct mono now,
                      struct run_fx *fx) {
        start(run, plan, now);
        fx->n = 0;
        run_report(run, now, outcome, fx);
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
        case RUN_ON_CONTEXT:
                on_context(run, now, event->outcome, fx);
                break;
        case RUN_ON_ANSWER:
                on_answer(run, now, event, fx);
                break;
        case RUN_ON_GO:
                on_go(run, now, fx);
                break;
        case RUN_ON_READ:
                run_on_read(run, now, event, fx);
                break;
        case RUN_ON_POSTED:
                run_on_posted(run, now, fx);
                break;
        case RUN_ON_POST_FAILED:
                run_on_post_failed(run, now, event->outcome, fx);
                break;
        case RUN_ON_LEASE_UNSURE:
                on_lease_unsure(run, now, fx);
                break;
        case RUN_ON_HAND_BACK:
                on_hand_back(run, now, fx);
                break;
        case RUN_ON_SETTLED:
                run_on_settled(run, event->is_accepted, fx);
                break;
        case RUN_ON_STOP:
        case RUN_ON_CANCEL:
                run_end(run, fx);
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
        static const char *const names[] = {"locking", "context", "answering", "answered",
                                            "reading", "posting", "reporting", "ended"};

        return names[stage];
}
