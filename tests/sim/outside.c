/* The world outside: handlers that are asked, and the channel that replies are posted to. Takes the place of
 * worker/handler.c, worker/post.c and worker/call.c.
 *
 * A request leaves when it is connected, and only if the worker then still says yes. Once it has left, the other side
 * may get it however the call ends. */
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/sim.h"
#include "worker/handler.h"
#include "worker/post.h"

#include <stdio.h>
#include <string.h>

enum { CONNECT_US = 500, CONNECT_MAX_US = 30000, TRIP_US = 500, TRIP_MAX_US = 50000, ANSWER_US = 20000 };

/* A question or a reply under way. */
struct call {
        struct process *process;
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        char text[96], thread[16];
        uint32_t index;
        bool (*may_send)(void *context);
        void (*on_answered)(void *context);
        void (*on_posted)(void *context, const struct outcome *outcome);
        void *context;
        struct answer *answer;
        struct outcome outcome;
        enum outside_plan plan;
        int64_t took_us;
        bool is_freed, is_seen, has_left;
};

static struct {
        bool is_planned;
        enum outside_plan plan;
        int64_t us;
} next_answer, next_post;

void outside_init(void) { memset(&next_answer, 0, sizeof next_answer), memset(&next_post, 0, sizeof next_post); }

void outside_plan_answer(enum outside_plan plan, int64_t us) {
        next_answer.is_planned = true;
        next_answer.plan = plan;
        next_answer.us = us;
}

void outside_plan_post(enum outside_plan plan, int64_t us) {
        next_post.is_planned = true;
        next_post.plan = plan;
        next_post.us = us;
}

/* libcurl is not there: what would use it is replaced as a whole. */
struct calls *calls_new(struct loop *loop) {
        return NULL;
}
struct calls *calls_free(struct calls *calls) {
        return NULL;
}

static struct call *call_make(const struct batch *batch, const char *text) {
        struct call *call = sim_new(sizeof *call);

        call->process = sim.current;
        call->fence = batch->fence;
        memcpy(call->batch, batch->id, sizeof call->batch);
        snprintf(call->text, sizeof call->text, "%s", text);
        snprintf(call->thread, sizeof call->thread, "%s", batch->thread);
        return call;
}

/* -- handlers ------------------------------------------------------------------------------------------------------ */

static void fail(struct answer *answer, long status, const char *retry_after) {
        struct outcome_response response = {.transport = status ? OUTCOME_ANSWERED : OUTCOME_BROKEN,
                                            .detail = "simulated",
                                            .status = status,
                                            .retry_after = retry_after,
                                            .body = bytes_of("{\"error\":\"simulated\"}"),
                                            .now = sim_now().wall};

        outcome_of_http(&response, "the handler", &answer->outcome);
}

static void answer_well(struct call *call) {
        CLEANUP_BUFFER struct buffer json = {0};
        uint32_t n = sim_roll(10) > 1 ? 1 : sim_roll(4);

        if (sim.profile.is_still) {
                buffer_print(&json, "{\"reply\":\"Re: %s\"}", call->text);
        } else {
                buffer_push_text(&json, "{\"replies\":[");
                for (uint32_t i = 0; i < n; i++)
                        buffer_print(&json, "%s\"re %u\"", i ? "," : "", i);
                buffer_push_text(&json, "]}");
        }
        answer_of_json(buffer_bytes(&json), call->answer);
}

static void on_answer(void *context, uint64_t token) {
        struct call *call = context;

        if (call->is_freed)
                return;
        sim_step(STEP_ANSWER);
        switch (call->plan) {
        case OUTSIDE_WELL:
                answer_well(call);
                break;
        case OUTSIDE_FAIL:
                fail(call->answer, sim.profile.is_still || sim_roll(3) ? 500 : 0,
                     sim_goes_wrong(FAULT_HANDLER_LIES) ? (sim_roll(3) ? "7" : "999999999999") : NULL);
                break;
        case OUTSIDE_REFUSE:
                fail(call->answer, 400, NULL);
                break;
        case OUTSIDE_BUSY:
        case OUTSIDE_SILENT:
        case OUTSIDE_UNKNOWN:
                fail(call->answer, 409, sim_goes_wrong(FAULT_HANDLER_LIES) ? "-5" : NULL);
                break;
        }
        call->is_freed = true;
        call->on_answered(call->context);
}

static enum outside_plan plan_answer(void) {
        if (next_answer.is_planned)
                return next_answer.plan;
        if (sim_goes_wrong(FAULT_HANDLER_FAILS))
                return OUTSIDE_FAIL;
        if (sim_goes_wrong(FAULT_HANDLER_REFUSES))
                return OUTSIDE_REFUSE;
        if (sim_goes_wrong(FAULT_HANDLER_BUSY))
                return OUTSIDE_BUSY;
        return sim_goes_wrong(FAULT_HANDLER_SILENT) ? OUTSIDE_SILENT : OUTSIDE_WELL;
}

static int64_t answer_time(void) {
        if (next_answer.is_planned && next_answer.us > 0)
                return next_answer.us;
        return sim_delay(ANSWER_US, sim_goes_wrong(FAULT_HANDLER_SLOW) ? 40000000 : 2000000);
}

/* It has left the worker; that is what the guarantees speak of. */
static void on_asked(void *context, uint64_t token) {
        struct call *call = context;
        int64_t at;

        sim_step(STEP_ASKED);
        check_on_asked(call->process, call->fence);
        call->plan = plan_answer();
        tell("handler", "is asked in run %s of %s: \"%s\"", tell_fence(call->fence), call->thread, call->text);
        at = sim_time() + answer_time();
        next_answer.is_planned = false;
        if (call->plan != OUTSIDE_SILENT)
                sim_at(at, call->process, on_answer, call, 0);
}

static void on_connected(void *context, uint64_t token) {
        struct call *call = context;

        if (call->is_freed)
                return;
        if (call->may_send(call->context)) {
                sim_at(sim_time(), NULL, on_asked, call, 0);
                return;
        }
        call->is_freed = true;
        fail(call->answer, 0, NULL);
        call->on_answered(call->context);
}

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct call *call = call_make(question->batch, buffer_text((struct buffer *)(uintptr_t)&question->batch->text));

        for (char *at = call->text; *at; at++)
                if (*at == '\n')
                        *at = '|';
        call->answer = answer;
        call->on_answered = on_answered;
        call->may_send = question->may_send;
        call->context = context;
        *ret_call = call;
        sim_at(sim_time() + sim_delay(CONNECT_US, CONNECT_MAX_US), call->process, on_connected, call, 0);
        return 0;
}

static void abort_call(void *call) { ((struct call *)call)->is_freed = true; }

const struct handler *handler_get(enum config_handler_kind kind) {
        static const struct handler handler = {.ask = ask, .abort = abort_call};

        return &handler;
}

/* -- the channel --------------------------------------------------------------------------------------------------- */

struct post {
        struct call call;
};

static enum outside_plan plan_post(void) {
        if (next_post.is_planned)
                return next_post.plan;
        if (sim_goes_wrong(FAULT_POST_FAILS))
                return OUTSIDE_FAIL;
        if (sim_goes_wrong(FAULT_POST_REFUSED))
                return OUTSIDE_REFUSE;
        return sim_goes_wrong(FAULT_POST_UNKNOWN) ? OUTSIDE_UNKNOWN : OUTSIDE_WELL;
}

static void on_post_answer(void *context, uint64_t token) {
        struct post *post = context;
        struct outcome outcome;

        if (post->call.is_freed)
                return;
        sim_step(STEP_POST_ANSWER);
        post->call.is_freed = true;
        if (post->call.plan == OUTSIDE_WELL)
                outcome_init_done(&outcome);
        else if (post->call.plan == OUTSIDE_REFUSE)
                outcome_init(&outcome, WIRE_FAILED_FOR_GOOD, "post_refused", "simulated");
        else if (post->call.plan == OUTSIDE_FAIL)
                outcome_init(&outcome, WIRE_FAILED, "post_failed", "simulated");
        else
                outcome_init(&outcome, WIRE_FAILED, "broken", "simulated");
        check_on_post_known(post->call.fence, post->call.index, post->call.plan != OUTSIDE_UNKNOWN);
        post->call.on_posted(post->call.context, &outcome);
}

static void on_visible(void *context, uint64_t token) {
        struct post *post = context;

        sim_step(STEP_POSTED);
        tell("channel", "shows in %s: \"%s\"", post->call.thread, post->call.text);
        check_on_visible(post->call.fence, post->call.batch, post->call.index);
}

static void on_post_left(void *context, uint64_t token) {
        struct post *post = context;
        int64_t at = sim_time() + sim_delay(TRIP_US, TRIP_MAX_US);

        check_on_post_left(post->call.process, post->call.fence, post->call.index);
        post->call.plan = plan_post();
        if (next_post.is_planned && next_post.us > 0)
                at = sim_time() + next_post.us;
        next_post.is_planned = false;
        if (sim_goes_wrong(FAULT_POST_SLOW))
                at += (int64_t)sim_roll(40000) * 1000;
        if (post->call.plan == OUTSIDE_WELL || (post->call.plan == OUTSIDE_UNKNOWN && !sim_is_rare(2)))
                sim_at(at, NULL, on_visible, post, 0);
        sim_at(at + sim_delay(TRIP_US, TRIP_MAX_US), post->call.process, on_post_answer, post, 0);
}

static void on_post_connected(void *context, uint64_t token) {
        struct post *post = context;
        struct outcome outcome;

        if (post->call.is_freed)
                return;
        if (post->call.may_send(post->call.context)) {
                post->call.has_left = true;
                sim_at(sim_time(), NULL, on_post_left, post, 0);
                return;
        }
        post->call.is_freed = true;
        outcome_init(&outcome, WIRE_FAILED, "broken", "the connection was given up");
        post->call.on_posted(post->call.context, &outcome);
}

int post_new(struct calls *calls, const struct post_reply *reply,
             void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
             struct outcome *ret_outcome) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;
        struct post *post = sim_new(sizeof *post);
        struct call *call;

        ENSURE(wire_decode_answer(reply->answer, replies, &n) == 0 && reply->index < n);
        call = call_make(reply->batch, "");
        post->call = *call;
        snprintf(post->call.text, sizeof post->call.text, "%.*s", BYTES_PRINT(replies[reply->index]));
        post->call.index = reply->index;
        post->call.may_send = reply->may_send;
        post->call.on_posted = on_end;
        post->call.context = context;
        *ret = post;
        sim_at(sim_time() + sim_delay(CONNECT_US, CONNECT_MAX_US), post->call.process, on_post_connected, post, 0);
        return 0;
}

struct post *post_free(struct post *post) {
        if (post && !post->call.is_freed && post->call.has_left)
                check_on_post_known(post->call.fence, post->call.index, false);
        if (post)
                post->call.is_freed = true;
        return NULL;
}
