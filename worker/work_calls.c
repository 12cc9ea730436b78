#include "worker/work_private.h"

#include "common/clock.h"
#include "worker/core/split.h"

struct bytes work_answer(const struct work *work) {
        return buffer_bytes(work->run.plan.is_answered ? &work->batch->answer : &work->answer.replies);
}

/* -- may it be done? ----------------------------------------------------------------------------------------------- */

/* The process may have been stopped since the core decided. So the clock is read once more, right before the world
 * can see what we do: before a call is begun, and again when it is connected. */
static bool is_allowed(struct work *work) {
        struct mono now = clock_mono();
        bool is_held = run_is_held(&work->run, now);

        work->is_held_back = !is_held || !broker_link_is_sure(work->doors->link, &work->lease, now);
        work->held_back_by = is_held ? RUN_ON_LEASE_UNSURE : RUN_ON_TIMER;
        return !work->is_held_back;
}

static bool may_send(void *context) {
        struct work *work = context;

        if (is_allowed(work))
                run_on_sending(&work->run);
        else
                run_on_held_back(&work->run);
        return !work->is_held_back;
}

static bool may_begin(struct work *work) {
        if (!is_allowed(work))
                work_on_event(work, work->held_back_by);
        return !work->is_held_back;
}

/* -- the context --------------------------------------------------------------------------------------------------- */

static void on_looked_up(void *context, struct bytes json, enum context_source source, struct span took,
                         const struct outcome *why_failed) {
        struct work *work = context;

        work->lookup = NULL;
        if (source == CONTEXT_FAILED)
                work->context_outcome = *why_failed;
        else
                outcome_init_done(&work->context_outcome);
        work_log_lookup(work, source, took, why_failed);
        batch_set_context(work->batch, json, source == CONTEXT_FAILED);
        work_on_event(work, RUN_ON_CONTEXT);
}

void work_look_up(struct work *work) {
        const struct work_doors *doors = work->doors;

        if (!may_begin(work))
                return;
        work->lookup_doors = (struct context_doors){.loop = doors->loop, .calls = doors->calls, .redis = doors->redis};
        work->lookup = context_new(&work->lookup_doors, work->tenant, work->batch, on_looked_up, work);
}

/* -- the handler --------------------------------------------------------------------------------------------------- */

/* Before anybody hears of the answer: what is stored is what is posted. */
static void take_answer(struct work *work) {
        struct split_limit limit;

        if (work->run.plan.has_post) {
                limit.longest = channel_reply_longest(work->channel, &limit.unit);
                split_answer(&work->answer, limit);
        }
        work_on_event(work, RUN_ON_ANSWER);
}

static void on_answered(void *context) {
        struct work *work = context;

        work->call = NULL;
        if (!work->is_held_back) {
                take_answer(work);
                return;
        }
        /* A handler that makes several requests may have paid for one before. */
        work_tally_usage(work, &work->answer.usage, true);
        work_on_event(work, work->held_back_by);
}

static void on_provider_id(void *context, const char *id) {
        struct work *work = context;
        struct lock_claim claim = work_claim(work);

        if (work->run.plan.lock_ttl.us > 0)
                lock_note(work->doors->locks, &claim, id);
}

void work_ask(struct work *work) {
        struct handler_question question = {
                .config = &work->tenant->handler,
                .batch = work->batch,
                .context = buffer_bytes(&work->batch->context),
                .loop = work->doors->loop,
                .calls = work->doors->calls,
                .recall = work->doors->recall,
                .may_send = may_send,
                .on_provider_id = on_provider_id,
        };

        if (!may_begin(work))
                return;
        if (work->run.plan.has_post)
                work->typing = typing_new(work->doors->typings, work->channel, work->batch);
        if (handler_get(question.config->kind)->ask(&question, &work->answer, on_answered, work, &work->call) != 0)
                take_answer(work);
}

void work_stop_typing(struct work *work, bool say_off) { work->typing = typing_stop(work->typing, say_off); }

/* -- the channel --------------------------------------------------------------------------------------------------- */

static struct post_reply next_reply(const struct work *work) {
        return (struct post_reply){
                .channel = work->channel,
                .batch = work->batch,
                .answer = work_answer(work),
                .index = work->run.posted,
                .may_send = may_send,
        };
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

void work_post(struct work *work) {
        struct post_reply reply = next_reply(work);

        if (!may_begin(work))
                return;
        if (post_new(work->doors->calls, &reply, on_posted, work, &work->post, &work->post_outcome) < 0)
                work_on_event(work, RUN_ON_POST_FAILED);
}

static void take_reading(struct work *work, enum post_read read) {
        static const enum run_read reads[] = {
                [POST_READ_FOUND] = RUN_READ_FOUND,
                [POST_READ_NOT_FOUND] = RUN_READ_NOT_FOUND,
                [POST_READ_UNKNOWN] = RUN_READ_UNKNOWN,
                [POST_READ_AGAIN] = RUN_READ_AGAIN,
        };

        work->read = reads[read];
        if (read == POST_READ_UNKNOWN)
                work_log_unreadable(work);
        work_on_event(work, RUN_ON_READ);
}

static void on_read(void *context, enum post_read read, const struct outcome *outcome) {
        struct work *work = context;

        work->reading = NULL;
        work->post_outcome = *outcome;
        if (work->is_held_back)
                work_on_event(work, work->held_back_by);
        else
                take_reading(work, read);
}

void work_read_back(struct work *work) {
        struct post_reply reply = next_reply(work);

        if (!may_begin(work))
                return;
        if (post_read_new(work->doors->calls, &reply, on_read, work, &work->reading, &work->post_outcome) < 0)
                take_reading(work, POST_READ_UNKNOWN);
}

/* -- all of it ----------------------------------------------------------------------------------------------------- */

void work_abort(struct work *work, bool is_unwanted) {
        struct handler_usage spent = {0};

        if (work->call) {
                handler_get(work->tenant->handler.kind)->abort(work->call, is_unwanted, &spent);
                work_tally_usage(work, &spent, true);
        }
        work->call = NULL;
        work->lookup = context_free(work->lookup);
        work->post = post_free(work->post);
        work->reading = post_read_free(work->reading);
}
