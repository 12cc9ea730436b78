#include "worker/core/run_private.h"

#include "common/limits.h"

static void begin(struct run *run, struct mono now, enum run_stage stage, enum run_effect effect, struct run_fx *fx) {
        run->stage = stage;
        run->is_calling = true;
        run->due = mono_add(now, span_ms(LIMIT_POST_MS));
        run_push(fx, effect);
}

/* Reply number `posted` counts as posted from here on. The broker hears of it before the next one is begun, so that who
 * takes the run over finds the doubt there. */
static void count_posted(struct run *run, struct run_fx *fx) {
        run->is_repeat = false;
        run->posted++;
        if (run->posted < run->n_replies)
                run_push(fx, RUN_SEND_POSTED);
}

/* Nobody can know whether the reply is out: what the tenant wants of such a reply decides. */
static void end_doubt(struct run *run, struct run_fx *fx) {
        run->is_doubtful = false;
        if (run->plan.is_silent_on_unknown) {
                run->doubts.silenced++;
                count_posted(run, fx);
        } else {
                run->is_repeat = true;
                run->doubts.repeated++;
        }
}

void run_post_next(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->is_doubtful && !run->plan.can_read_back && run->posted < run->n_replies)
                end_doubt(run, fx);
        if (run->posted >= run->n_replies)
                run_report_done(run, now, fx);
        else if (run->is_handing_back)
                run_report_handed_back(run, now, "draining", "the worker is being stopped", fx);
        else if (run->is_doubtful)
                begin(run, now, RUN_READING, RUN_READ_BACK, fx);
        else
                begin(run, now, RUN_POSTING, RUN_POST, fx);
}

/* Its own doubt is over, and the next one may be out too. */
static void on_found(struct run *run, struct mono now, struct run_fx *fx) {
        run->doubts.found++;
        count_posted(run, fx);
        if (run->posted < run->n_replies && !run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else
                run_post_next(run, now, fx);
}

void run_on_read(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx) {
        if (run->stage != RUN_READING || !run->is_calling)
                return;
        run->is_calling = false;
        if (event->read == RUN_READ_AGAIN) {
                run_report(run, now, event->outcome, fx);
        } else if (event->read == RUN_READ_FOUND) {
                on_found(run, now, fx);
        } else if (!run_is_held(run, now)) {
                run_report_lock_lost(run, now, fx);
        } else {
                if (event->read == RUN_READ_UNKNOWN)
                        end_doubt(run, fx);
                run->is_doubtful = false;
                run_post_next(run, now, fx);
        }
}

void run_on_posted(struct run *run, struct mono now, struct run_fx *fx) {
        if (run->stage != RUN_POSTING || !run->is_calling)
                return;
        run->is_calling = false;
        run->is_doubtful = false;
        count_posted(run, fx);
        /* That it was posted is a fact, lock or no lock; the next one may not be. */
        if (run->posted < run->n_replies && !run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else
                run_post_next(run, now, fx);
}

/* A channel that keeps what it is sent and breaks off each time would show the reply again and again. */
void run_give_repeat_up(struct run *run, struct mono now, struct run_fx *fx) {
        run->is_doubtful = false;
        run->doubts.silenced++;
        count_posted(run, fx);
        if (run->posted < run->n_replies && !run_is_held(run, now))
                run_report_lock_lost(run, now, fx);
        else
                run_post_next(run, now, fx);
}

void run_on_post_failed(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx) {
        if (run->stage != RUN_POSTING || !run->is_calling)
                return;
        run->is_calling = false;
        /* With a status the platform itself says that it failed: then it is tried as often as there are attempts. */
        if (outcome->is_doubtful && run->is_repeat && outcome->status == 0) {
                run_give_repeat_up(run, now, fx);
                return;
        }
        run->is_doubtful = outcome->is_doubtful;
        run_report(run, now, outcome, fx);
}

void run_on_sending(struct run *run) {
        if (run->stage == RUN_POSTING && run->is_calling)
                run->is_doubtful = true;
}

void run_on_held_back(struct run *run) {
        if (run->stage == RUN_POSTING && run->is_calling)
                run->is_doubtful = false;
}
