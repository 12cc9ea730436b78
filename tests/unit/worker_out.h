/* The loop and the calls, played by the test: for unit tests of what speaks to channels. Include once. */
#pragma once

#include "tests/unit/common_channel.h"

#include "worker/call.h"
#include "worker/loop.h"

enum { OUT_CALLS_MAX = 64 };

/* A request as it was made. */
struct call {
        char *method, *url, *body;
        bool is_private_allowed, is_repeatable, is_over;
        bool (*may_send)(void *context);
        void (*on_end)(void *context, const struct outcome_response *response);
        void *context;
};

struct loop_timer {
        void (*on_time)(void *context);
        void *context;
        struct span after; /* since it was set; 0 = it is not */
};

static struct {
        struct call *calls[OUT_CALLS_MAX];
        int n_calls;
        struct loop_timer *timer; /* the last one made; NULL = freed */
} out;

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_time)(void *context), void *context) {
        out.timer = memory_new(1, sizeof *out.timer);
        *out.timer = (struct loop_timer){.on_time = on_time, .context = context};
        return out.timer;
}

void loop_timer_set(struct loop_timer *timer, struct mono now, struct mono due) {
        timer->after = due.us == MONO_NEVER.us ? span_us(0) : mono_since(due, now);
}

struct loop_timer *loop_timer_free(struct loop_timer *timer) {
        if (timer == out.timer)
                out.timer = NULL;
        free(timer);
        return NULL;
}

struct call *call_new(struct calls *calls, const struct call_request *request,
                      void (*on_end)(void *context, const struct outcome_response *response), void *context) {
        struct call *call = memory_new(1, sizeof *call);

        assert_true(out.n_calls < OUT_CALLS_MAX);
        *call = (struct call){
                .method = memory_print("%s", request->method),
                .url = memory_print("%s", request->url),
                .body = bytes_copy_text(request->body),
                .is_private_allowed = request->is_private_allowed,
                .is_repeatable = request->is_repeatable,
                .may_send = request->may_send,
                .on_end = on_end,
                .context = context,
        };
        out.calls[out.n_calls++] = call;
        return call;
}

struct call *call_free(struct call *call) {
        if (call)
                call->is_over = true;
        return NULL;
}

/* The call under way, which must be the only one; NULL when there is none. */
static inline struct call *out_call(void) {
        struct call *call = out.n_calls > 0 ? out.calls[out.n_calls - 1] : NULL;

        for (int i = 0; i < out.n_calls - 1; i++)
                assert_true(out.calls[i]->is_over);
        return call && !call->is_over ? call : NULL;
}

static inline void out_end(const struct outcome_response *response) {
        struct call *call = out_call();

        assert_non_null(call);
        call->is_over = true;
        call->on_end(call->context, response);
}

static inline void out_answer(long status, const char *body) {
        out_end(&(struct outcome_response){.transport = OUTCOME_ANSWERED, .status = status, .body = bytes_of(body)});
}

static inline void out_break(enum outcome_transport transport) {
        out_end(&(struct outcome_response){.transport = transport, .detail = "played"});
}

/* Lets the time pass that the timer waits for, which is `ms`. */
static inline void out_wait(int64_t ms) {
        assert_non_null(out.timer);
        assert_int_equal(span_to_ms(out.timer->after), ms);
        out.timer->after = span_us(0);
        out.timer->on_time(out.timer->context);
}

static inline void out_done(void) {
        for (int i = 0; i < out.n_calls; i++) {
                free(out.calls[i]->method);
                free(out.calls[i]->url);
                free(out.calls[i]->body);
                free(out.calls[i]);
        }
        out.n_calls = 0;
}
