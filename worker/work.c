#include "worker/work.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/handler.h"
#include "worker/post.h"

#include <errno.h>

/* An effect can cause an event before it returns, such as a lock asked for without a connection; a step has few. */
enum { EVENTS_MAX = 16 };

/* What every line of a run's log begins with. */
#define RUN_FIELDS(work)                                                                                               \
        LOG_TEXT("tenant", (work)->batch->tenant), LOG_TEXT("thread", (work)->batch->thread),                          \
                LOG_TEXT("batch", (work)->batch->id), LOG_NUMBER("fence", (work)->batch->fence)

#define OUTCOME_FIELDS(work)                                                                                           \
        LOG_TEXT("code", (work)->run.outcome.code), LOG_NUMBER("status", (work)->run.outcome.status),                  \
                LOG_NUMBER("posted", (work)->run.posted)

struct work {
        const struct work_doors *doors;
        struct batch *batch;
        struct settings *settings;
        const struct config_tenant *tenant; /* of the settings; NULL when the run was refused */
        const struct channel *channel; /* NULL = nothing is posted */
        struct run run;
        struct loop_timer *timer;
        struct redis_request *lock_request;
        void *call; /* to the handler */
        struct post *post;
        struct answer answer;
        struct outcome post_outcome;
        bool is_held_back; /* the call was not begun, or not sent; */
        enum run_event_kind held_back_by; /* and this is why */
        enum run_event_kind events[EVENTS_MAX];
        int n_events;
        bool is_stepping;
};

uint64_t work_fence(const struct work *work) { return work->batch->fence; }

struct bytes work_batch(const struct work *work) {
        return bytes_of(work->batch->id);
}

static struct bytes stored_answer(const struct work *work) {
        return buffer_bytes(work->run.plan.is_answered ? &work->batch->answer : &work->answer.replies);
}

/* -- the log: one line a transition -------------------------------------------------------------------------------- */

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
                log_warning(event, RUN_FIELDS(work), OUTCOME_FIELDS(work), LOG_NUMBER("ms", ms));
        /* It may quote what a service or a program said, and that what a person wrote. */
        if (outcome->kind != WIRE_DONE)
                log_debug("run_why", RUN_FIELDS(work), LOG_TEXT("why", outcome->why));
}

static void log_step(const struct work *work, enum run_stage before, uint32_t posted_before, struct mono now) {
        const struct run *run = &work->run;

        if (run->posted != posted_before)
                log_info("posted", RUN_FIELDS(work), LOG_NUMBER("reply", run->posted),
                         LOG_NUMBER("replies", run->n_replies));
        if (run->stage == before)
                return;
        if (run->stage == RUN_ANSWERED)
                log_info("answered", RUN_FIELDS(work), LOG_NUMBER("replies", run->n_replies),
                         LOG_NUMBER("ms", span_to_ms(run->answering)));
        else if (run->stage == RUN_REPORTING)
                log_outcome(work, now);
}

/* -- what the world answers ---------------------------------------------------------------------------------------- */

static void on_lock_answer(void *context, enum redis_result result, int64_t answer) {
        struct work *work = context;

        work->lock_request = NULL;
        switch (lock_answer_of(result, answer)) {
        case LOCK_OURS:
                work_on_event(work, RUN_ON_LOCKED);
                break;
        case LOCK_THEIRS:
                work_on_event(work, RUN_ON_LOCK_BUSY);
                break;
        case LOCK_UNKNOWN:
                work_on_event(work, RUN_ON_LOCK_UNKNOWN);
                break;
        }
}

static void on_answered(void *context) {
        struct work *work = context;

        work->call = NULL;
        work_on_event(work, work->is_held_back ? work->held_back_by : RUN_ON_ANSWER);
}

static void on_posted(void *context, const struct outcome *outcome) {
        struct work *work = context;

        work->post = NULL;
        work->post_outcome = *outcome;
        if (work->is_held_back)
                work_on_event(work, work->held_back_by);
        else
                work_on_event(work, outcome->kind == WIRE_DONE ? RUN_ON_POSTED : RUN_ON_POST_FAILED);
}

static void on_timer(void *context) { work_on_event(context, RUN_ON_TIMER); }

/* -- effects ------------------------------------------------------------------------------------------------------- */

static struct lock_claim claim_of(const struct work *work) {
        return (struct lock_claim){
                .tenant = work->batch->tenant,
                .thread = work->batch->thread,
                .fence = work->batch->fence,
                .ttl = work->run.plan.lock_ttl,
        };
}

static void ask_for_lock(struct work *work, bool is_acquire) {
        struct lock_claim claim = claim_of(work);

        work->lock_request = is_acquire ? lock_acquire(work->doors->locks, &claim, on_lock_answer, work)
                                        : lock_extend(work->doors->locks, &claim, on_lock_answer, work);
        if (!work->lock_request)
                work_on_event(work, RUN_ON_LOCK_UNKNOWN);
}

static void release_lock(struct work *work) {
        struct lock_claim claim = claim_of(work);

        work->lock_request = redis_request_free(work->lock_request);
        lock_release(work->doors->locks, &claim);
}

/* The process may have been stopped since the core decided. So the clock is read once more, right before the world
 * can see what we do: before a call is begun, and again when it is connected. */
static bool may_send(void *context) {
        struct work *work = context;
        struct mono now = clock_mono();
        bool is_held = run_is_held(&work->run, now);

        work->is_held_back = !is_held || !broker_link_is_sure(work->doors->link, now);
        work->held_back_by = is_held ? RUN_ON_LEASE_UNSURE : RUN_ON_TIMER;
        return !work->is_held_back;
}

static bool may_begin(struct work *work) {
        if (!may_send(work))
                work_on_event(work, work->held_back_by);
        return !work->is_held_back;
}

static void begin_call(struct work *work) {
        struct handler_question question = {
                .config = &work->tenant->handler,
                .batch = work->batch,
                .loop = work->doors->loop,
                .calls = work->doors->calls,
                .may_send = may_send,
        };

        if (!may_begin(work))
                return;
        if (handler_get(question.config->kind)->ask(&question, &work->answer, on_answered, work, &work->call) != 0)
                work_on_event(work, RUN_ON_ANSWER);
}

static void begin_post(struct work *work) {
        struct post_reply reply = {
                .channel = work->channel,
                .batch = work->batch,
                .answer = stored_answer(work),
                .index = work->run.posted,
                .may_send = may_send,
        };

        if (!may_begin(work))
                return;
        if (post_new(work->doors->calls, &reply, on_posted, work, &work->post, &work->post_outcome) < 0)
                work_on_event(work, RUN_ON_POST_FAILED);
}

static void abort_calls(struct work *work) {
        if (work->call)
                handler_get(work->tenant->handler.kind)->abort(work->call);
        work->call = NULL;
        work->post = post_free(work->post);
}

static void send_answered(struct work *work) {
        struct wire_answered answered = {
                .fence = work->batch->fence,
                .batch = bytes_of(work->batch->id),
                .answer = buffer_bytes(&work->answer.replies),
        };

        broker_link_send_answered(work->doors->link, &answered);
}

static void send_result(struct work *work) {
        const struct run *run = &work->run;
        struct wire_result result = {
                .fence = work->batch->fence,
                .batch = bytes_of(work->batch->id),
                .outcome = run->outcome.kind,
                .code = bytes_of(run->outcome.code),
                .why = bytes_of(run->outcome.why),
                .retry_after = run->outcome.retry_after,
                .posted = run->posted,
                .lock_wait = run->lock_wait,
                .answering = run->answering,
        };

        broker_link_send_result(work->doors->link, &result);
}

static void carry_out(struct work *work, enum run_effect effect) {
        switch (effect) {
        case RUN_ACQUIRE:
        case RUN_EXTEND:
                ask_for_lock(work, effect == RUN_ACQUIRE);
                break;
        case RUN_RELEASE:
                release_lock(work);
                break;
        case RUN_CALL:
                begin_call(work);
                break;
        case RUN_ABORT:
                abort_calls(work);
                break;
        case RUN_SEND_ANSWERED:
                send_answered(work);
                break;
        case RUN_POST:
                begin_post(work);
                break;
        case RUN_SEND_RESULT:
                send_result(work);
                break;
        case RUN_END:
                break;
        }
}

/* -- stepping ------------------------------------------------------------------------------------------------------ */

static void take_event(struct work *work, struct run_fx *fx) {
        struct run_event event = {.kind = work->events[0]};
        enum run_stage before = work->run.stage;
        uint32_t posted_before = work->run.posted;
        struct mono now = clock_mono();

        work->n_events--;
        for (int i = 0; i < work->n_events; i++)
                work->events[i] = work->events[i + 1];
        event.outcome = event.kind == RUN_ON_ANSWER ? &work->answer.outcome : &work->post_outcome;
        event.n_replies = work->answer.n_replies;
        run_step(&work->run, now, &event, fx);
        log_step(work, before, posted_before, now);
}

/* Carries out effects, and takes the events that come of it, until there is nothing left; then waits, or ends. */
static void settle(struct work *work, struct run_fx *fx) {
        work->is_stepping = true;
        for (;;) {
                for (uint32_t i = 0; i < fx->n; i++)
                        carry_out(work, fx->items[i]);
                if (work->n_events == 0)
                        break;
                take_event(work, fx);
        }
        work->is_stepping = false;
        if (work->run.stage == RUN_ENDED)
                work->doors->on_end(work->doors->context, work);
        else
                loop_timer_set(work->timer, clock_mono(), run_due(&work->run));
}

void work_on_event(struct work *work, enum run_event_kind kind) {
        struct run_fx fx = {0};

        ENSURE(work->n_events < EVENTS_MAX);
        work->events[work->n_events++] = kind;
        if (!work->is_stepping)
                settle(work, &fx);
}

void work_on_verdict(struct work *work, enum wire_type type, const struct wire_verdict *verdict) {
        log_info(type == WIRE_STOP ? "run_stopped" : "run_cancelled", RUN_FIELDS(work),
                 LOG_BYTES("code", verdict->code), LOG_BYTES("why", verdict->why),
                 LOG_TEXT("stage", run_stage_name(work->run.stage)));
        work_on_event(work, type == WIRE_STOP ? RUN_ON_STOP : RUN_ON_CANCEL);
}

void work_on_settled(struct work *work, bool is_accepted) {
        if (!is_accepted)
                log_warning("run_stale", RUN_FIELDS(work));
        work_on_event(work, RUN_ON_SETTLED);
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

struct work *work_new(const struct work_doors *doors, struct batch *batch) {
        struct work *work = memory_new(1, sizeof *work);

        work->doors = doors;
        work->batch = batch;
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

static int make_plan(struct work *work, struct run_plan *ret, struct outcome *ret_refusal) {
        struct bytes replies[LIMIT_REPLIES];
        const struct batch *batch = work->batch;
        int r = find_settings(work, ret_refusal);

        if (r < 0)
                return r;
        *ret = (struct run_plan){
                .lock_ttl = work->doors->has_locks ? work->tenant->lock_ttl : span_us(0),
                .timeout = work->tenant->run_timeout,
                .has_post = work->channel && channel_has_post(work->channel),
                .is_answered = batch->answer.len > 0,
                .posted = batch->posted,
        };
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
        struct run_fx fx;

        work->settings = settings_hold(settings);
        if (!refusal && make_plan(work, &plan, &found) < 0)
                refusal = &found;
        if (refusal) {
                run_init_refused(&work->run, refusal, work->batch->posted, now, &fx);
                log_outcome(work, now);
        } else {
                log_info("run_started", RUN_FIELDS(work), LOG_NUMBER("attempt", work->batch->attempt),
                         LOG_NUMBER("messages", work->batch->n_messages),
                         LOG_TEXT("stored_answer", plan.is_answered ? "yes" : "no"));
                run_init(&work->run, &plan, now, &fx);
        }
        settle(work, &fx);
}

struct work *work_free(struct work *work) {
        if (!work)
                return NULL;
        abort_calls(work);
        redis_request_free(work->lock_request);
        loop_timer_free(work->timer);
        answer_done(&work->answer);
        settings_free(work->settings);
        batch_free(work->batch);
        free(work);
        return NULL;
}
