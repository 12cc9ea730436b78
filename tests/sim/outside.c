/* The world outside: handlers that are asked. With channel.c, which has the channel that replies are posted to, it
 * takes the place of worker/handler.c, worker/context.c, worker/typing.c, worker/post.c and worker/call.c.
 *
 * A request leaves when it is connected, and only if the worker then still says yes. Once it has left, the other side
 * may get it however the call ends. */
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/outside.h"
#include "worker/context.h"
#include "worker/handler.h"
#include "worker/typing.h"

#include <stdio.h>
#include <string.h>

static struct outside_next next_answer;
static int64_t down_until[SIM_PROVIDERS]; /* providers that are down */

void outside_init(void) {
        memset(&next_answer, 0, sizeof next_answer);
        memset(down_until, 0, sizeof down_until);
        channel_init();
}

void outside_stop_provider(uint32_t provider, int64_t until) { down_until[provider] = until; }

void outside_plan_answer(enum outside_plan plan, int64_t us) {
        next_answer.is_planned = true;
        next_answer.plan = plan;
        next_answer.us = us;
}

/* libcurl is not there: what would use it is replaced as a whole. */
struct calls *calls_new(struct loop *loop) {
        return NULL;
}
struct calls *calls_free(struct calls *calls) {
        return NULL;
}

/* No tenant here has a lookup, and no channel a typing sign. */
struct context *context_new(const struct context_doors *doors, const struct config_tenant *tenant,
                            const struct batch *batch,
                            void (*on_end)(void *context, struct bytes json, enum context_source source,
                                           struct span took, const struct outcome *why_failed),
                            void *context) {
        UNREACHABLE("no tenant has a lookup");
}
struct context *context_free(struct context *lookup) {
        return NULL;
}

struct typings *typings_new(struct loop *loop, struct calls *calls,
                            void (*on_failed)(void *context, const char *tenant), void (*on_empty)(void *context),
                            void *context) {
        return NULL;
}
bool typings_is_empty(const struct typings *typings) { return true; }
struct typings *typings_free(struct typings *typings) {
        return NULL;
}
struct typing *typing_new(struct typings *typings, const struct channel *channel, const struct batch *batch) {
        return NULL;
}
struct typing *typing_stop(struct typing *typing, bool say_off) {
        return NULL;
}

struct call *outside_call_new(const struct batch *batch, const char *text) {
        struct call *call = sim_new(sizeof *call);

        call->process = sim.current;
        call->fence = batch->fence;
        memcpy(call->batch, batch->id, sizeof call->batch);
        snprintf(call->text, sizeof call->text, "%s", text);
        snprintf(call->thread, sizeof call->thread, "%s", batch->thread);
        call->tenant = world_tenant(world_thread(bytes_of(batch->tenant), bytes_of(batch->thread)));
        return call;
}

/* -- handlers ------------------------------------------------------------------------------------------------------ */

static void fail_with(struct answer *answer, long status, const char *retry_after, const char *body) {
        struct outcome_response response = {.transport = status ? OUTCOME_ANSWERED : OUTCOME_BROKEN,
                                            .detail = "simulated",
                                            .status = status,
                                            .headers = {.retry_after = retry_after},
                                            .body = bytes_of(body),
                                            .now = sim_now().wall};

        outcome_of_http(&response, "the handler", &answer->outcome);
}

static void fail(struct answer *answer, long status, const char *retry_after) {
        fail_with(answer, status, retry_after, "{\"error\":\"simulated\"}");
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
        call->answer->outcome.provider = WIRE_PROVIDER_WELL;
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
        case OUTSIDE_OVERLOADED:
                fail(call->answer, 429, sim.profile.is_still ? NULL : sim_roll(2) ? "3" : "40");
                break;
        case OUTSIDE_UNPAID:
                fail_with(call->answer, 429, NULL, "{\"error\":{\"code\":\"insufficient_quota\"}}");
                break;
        case OUTSIDE_BUSY:
        case OUTSIDE_SILENT:
        case OUTSIDE_UNKNOWN:
        case OUTSIDE_LOST:
                fail(call->answer, 409, sim_goes_wrong(FAULT_HANDLER_LIES) ? "-5" : NULL);
                break;
        }
        call->is_freed = true;
        call->answer->usage.n_calls = 1;
        call->on_answered(call->context);
}

static bool is_provider_down(const struct call *call) {
        uint32_t provider = world_provider(call->tenant);

        return provider < SIM_PROVIDERS && down_until[provider] > sim_time();
}

static enum outside_plan plan_answer(const struct call *call) {
        if (next_answer.is_planned)
                return next_answer.plan;
        if (is_provider_down(call))
                return OUTSIDE_FAIL;
        if (sim_goes_wrong(FAULT_HANDLER_OVERLOADED))
                return OUTSIDE_OVERLOADED;
        if (sim_goes_wrong(FAULT_HANDLER_UNPAID))
                return OUTSIDE_UNPAID;
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
        call->plan = plan_answer(call);
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
                call->has_left = true;
                sim_at(sim_time(), NULL, on_asked, call, 0);
                return;
        }
        call->is_freed = true;
        fail(call->answer, 0, NULL);
        call->on_answered(call->context);
}

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct call *call =
                outside_call_new(question->batch, buffer_text((struct buffer *)(uintptr_t)&question->batch->text));

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

static void abort_call(void *context, bool is_unwanted, struct handler_usage *ret_spent) {
        struct call *call = context;

        *ret_spent = (struct handler_usage){.n_calls = call->has_left ? 1 : 0};
        call->is_freed = true;
}

const struct handler *handler_get(enum config_handler_kind kind) {
        static const struct handler handler = {.ask = ask, .abort = abort_call};

        return &handler;
}
