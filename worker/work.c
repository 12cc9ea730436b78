#include "worker/work_private.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* As many as end and come within a few turns of the loop. */
enum { SPARES_MAX = 256 };

uint64_t work_fence(const struct work *work) { return work->batch->fence; }

struct bytes work_batch(const struct work *work) {
        return bytes_of(work->batch->id);
}

/* -- stepping ------------------------------------------------------------------------------------------------------ */

static const struct outcome *outcome_of(const struct work *work, enum run_event_kind kind) {
        if (kind == RUN_ON_CONTEXT)
                return &work->context_outcome;
        return kind == RUN_ON_ANSWER ? &work->answer.outcome : &work->post_outcome;
}

/* The sign stands for a reply that is coming: it goes with the first one, or with the hope of it. */
static void update_typing(struct work *work, const struct run *before) {
        if (work->run.posted > before->posted)
                work_stop_typing(work, false);
        else if (work->run.stage >= RUN_REPORTING)
                work_stop_typing(work, true);
}

/* Returns when that was. */
static struct mono take_event(struct work *work, struct run_fx *fx) {
        struct run_event event = {.kind = work->events[0]};
        const struct run before = work->run;
        struct mono now = clock_mono();

        work->n_events--;
        for (int i = 0; i < work->n_events; i++)
                work->events[i] = work->events[i + 1];
        event.outcome = outcome_of(work, event.kind);
        event.n_replies = work->answer.n_replies;
        event.read = work->read;
        event.is_accepted = work->is_accepted;
        run_step(&work->run, now, &event, fx);
        work_log_step(work, &before, event.kind, now);
        update_typing(work, &before);
        return now;
}

/* Carries out effects that were decided `now`, and takes the events that wait and that come of it, until there is
 * nothing left; then waits, or ends. */
static void settle(struct work *work, struct mono now, struct run_fx *fx) {
        work->is_stepping = true;
        for (;;) {
                for (uint32_t i = 0; i < fx->n; i++)
                        work_carry_out(work, fx->items[i]);
                if (work->n_events == 0)
                        break;
                now = take_event(work, fx);
        }
        work->is_stepping = false;
        if (work->run.stage == RUN_ENDED)
                work->doors->on_end(work->doors->context, work);
        else
                loop_timer_set(work->timer, now, run_due(&work->run));
}

void work_on_event(struct work *work, enum run_event_kind kind) {
        struct run_fx fx = {0};

        ENSURE(work->n_events < EVENTS_MAX);
        work->events[work->n_events++] = kind;
        if (!work->is_stepping)
                settle(work, MONO_NEVER, &fx);
}

void work_on_verdict(struct work *work, enum wire_type type, const struct wire_verdict *verdict) {
        /* First of all: each token that a model still writes is paid for. Only what was asked for under a lease that
         * was given up is wanted still: whoever has the batch now may have joined it. */
        work_abort(work, !bytes_is_text(verdict->code, "stale"));
        work_tally_refused(work, type, verdict->code);
        log_info(type == WIRE_STOP ? "run_stopped" : "run_cancelled", RUN_FIELDS(work),
                 LOG_BYTES("code", verdict->code), LOG_BYTES("why", verdict->why),
                 LOG_TEXT("stage", run_stage_name(work->run.stage)));
        work_on_event(work, type == WIRE_STOP ? RUN_ON_STOP : RUN_ON_CANCEL);
}

void work_on_settled(struct work *work, bool is_accepted) {
        if (!is_accepted)
                log_warning("run_stale", RUN_FIELDS(work));
        work->is_accepted = is_accepted;
        work_on_event(work, RUN_ON_SETTLED);
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

static void on_timer(void *context) { work_on_event(context, RUN_ON_TIMER); }

static struct work *pop_spare(struct work_spares *spares) {
        struct work *work = spares->first;

        if (!work)
                return memory_new(1, sizeof *work);
        spares->first = work->next;
        spares->n--;
        memset(work, 0, sizeof *work);
        return work;
}

static void push_spare(struct work_spares *spares, struct work *work) {
        if (spares->n == SPARES_MAX) {
                free(work);
                return;
        }
        work->next = spares->first;
        spares->first = work;
        spares->n++;
}

void work_spares_done(struct work_spares *spares) {
        while (spares->first)
                free(pop_spare(spares));
}

struct work *work_new(const struct work_doors *doors, struct batch *batch) {
        struct work *work = pop_spare(doors->spares);

        work->doors = doors;
        work->batch = batch;
        work->lease = broker_link_mark(doors->link);
        work->since = clock_now().wall;
        work->timer = loop_timer_new(doors->loop, on_timer, work);
        return work;
}

/* Can this worker run the batch? 0, or -EINVAL and why not. */
static int find_settings(struct work *work, struct outcome *ret) {
        const char *path = settings_config(work->settings)->path;
        struct batch *batch = work->batch;

        work->tenant = settings_tenant_find(work->settings, batch->tenant);
        if (!work->tenant) {
                outcome_init(ret, WIRE_FAILED, "unknown_tenant",
                             "the worker's %s has no tenant \"%s\": give every program the same file, then send SIGHUP",
                             path, batch->tenant);
                return -EINVAL;
        }
        if (!batch->channel)
                return 0;
        work->channel = settings_channel_find(work->settings, work->tenant, batch->channel);
        if (!work->channel) {
                outcome_init(ret, WIRE_FAILED, "unknown_channel",
                             "in the worker's %s tenant \"%s\" has no channel \"%s\": add it, then send SIGHUP", path,
                             batch->tenant, batch->channel);
                return -EINVAL;
        }
        return 0;
}

static bool has_history(const struct work *work) {
        const struct config_handler *handler = &work->tenant->handler;

        return work->doors->recall && handler->kind == CONFIG_HANDLER_OPENAI && handler->api == CONFIG_API_CHAT &&
               handler->history.turns > 0;
}

/* A program or a service of the operator's own keeps what it is told. A model behind an API only ever answers. */
static bool takes_records(const struct work *work) {
        enum config_handler_kind kind = work->tenant->handler.kind;

        return kind == CONFIG_HANDLER_HTTP || kind == CONFIG_HANDLER_EXEC;
}

static bool says_something(const struct batch *batch) {
        CLEANUP_BUFFER struct buffer prompt = {0};

        batch_push_prompt(batch, &prompt);
        return prompt.len > 0;
}

/* What is only recorded is not posted, and nothing is looked up for it. What was taken back needs no answer. */
static void plan_by_batch(const struct work *work, struct run_plan *plan) {
        const struct batch *batch = work->batch;

        plan->is_record = batch->is_record;
        plan->is_uncalled = (batch->n_messages > 0 && batch->n_deleted == batch->n_messages) ||
                            (batch->is_record && !takes_records(work));
        if (!batch->is_record)
                return;
        plan->has_post = plan->has_context = false;
        plan->has_history = plan->has_history && says_something(batch);
}

static void plan_by_settings(const struct work *work, struct run_plan *plan) {
        const struct config_tenant *tenant = work->tenant;

        plan->lock_ttl = work->doors->has_locks ? tenant->lock_ttl : span_us(0);
        plan->timeout = tenant->run_timeout;
        plan->has_context = tenant->context.url != NULL;
        plan->is_context_required = tenant->context.is_required;
        plan->has_post = work->channel && channel_has_post(work->channel);
        plan->can_read_back = work->channel && channel_has_read_back(work->channel);
        plan->has_history = has_history(work);
}

/* 0; -EINVAL and why it cannot be run here. What RUN said of the answer stands in the plan either way. */
static int make_plan(struct work *work, struct run_plan *ret, struct outcome *ret_refusal) {
        struct bytes replies[LIMIT_REPLIES];
        const struct batch *batch = work->batch;
        int r = find_settings(work, ret_refusal);

        *ret = (struct run_plan){
                .is_answered = batch->answer.len > 0,
                .is_doubtful = batch->is_doubtful,
                .is_silent_on_unknown = batch->is_silent,
                .posted = batch->posted,
        };
        if (r < 0)
                return r;
        plan_by_settings(work, ret);
        plan_by_batch(work, ret);
        if (ret->is_answered && wire_decode_answer(buffer_bytes(&batch->answer), replies, &ret->n_replies) < 0) {
                outcome_init(ret_refusal, WIRE_FAILED_FOR_GOOD, "bad_answer", "the stored answer cannot be read");
                return -EINVAL;
        }
        return 0;
}

void work_begin(struct work *work, struct settings *settings, const struct outcome *refusal) {
        struct mono now = clock_mono();
        struct outcome found;
        struct run_plan plan;
        struct run before;
        struct run_fx fx;

        work->settings = settings_hold(settings);
        if (make_plan(work, &plan, &found) < 0 && !refusal)
                refusal = &found;
        before = (struct run){.plan = plan};
        if (refusal) {
                run_init_refused(&work->run, &plan, refusal, now, &fx);
                work_log_refused(work, now);
        } else {
                run_init(&work->run, &plan, now, &fx);
                before.posted = plan.posted;
                work_log_began(work);
                work_log_step(work, &before, RUN_ON_TIMER, now);
        }
        settle(work, now, &fx);
}

struct work *work_free(struct work *work) {
        if (!work)
                return NULL;
        work_abort(work, false);
        work_stop_typing(work, false);
        redis_request_free(work->lock_request);
        loop_timer_free(work->timer);
        answer_done(&work->answer);
        settings_free(work->settings);
        batch_free(work->batch);
        push_spare(work->doors->spares, work);
        return NULL;
}
