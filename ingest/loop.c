#include "ingest/loop.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <uv.h>

struct loop {
        uv_loop_t uv;
};

struct loop_handle {
        union {
                uv_handle_t any;
                uv_poll_t poll;
                uv_signal_t signal;
                uv_prepare_t turn;
                uv_timer_t timer;
        } uv;
        struct loop_call call;
};

struct loop *loop_new(void) {
        struct loop *loop = memory_new(1, sizeof *loop);

        ENSURE(uv_loop_init(&loop->uv) == 0);
        return loop;
}

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        uv_run(&loop->uv, UV_RUN_DEFAULT); /* libuv lets go of a handle one turn after it was told to */
        ENSURE(uv_loop_close(&loop->uv) == 0);
        free(loop);
        return NULL;
}

void loop_run(struct loop *loop) { uv_run(&loop->uv, UV_RUN_DEFAULT); }
void loop_stop(struct loop *loop) { uv_stop(&loop->uv); }

static struct loop_handle *handle_new(struct loop_call call) {
        struct loop_handle *handle = memory_new(1, sizeof *handle);

        handle->call = call;
        handle->uv.any.data = handle;
        return handle;
}

static void on_closed(uv_handle_t *uv) { free(uv->data); }

struct loop_handle *loop_handle_free(struct loop_handle *handle) {
        if (handle)
                uv_close(&handle->uv.any, on_closed);
        return NULL;
}

static void call(const struct loop_handle *handle) { handle->call.function(handle->call.context); }

static void on_poll(uv_poll_t *uv, int status, int events) { call(uv->data); }
static void on_signal(uv_signal_t *uv, int signal_number) { call(uv->data); }
static void on_turn(uv_prepare_t *uv) { call(uv->data); }
static void on_timer(uv_timer_t *uv) { call(uv->data); }

struct loop_handle *loop_on_readable(struct loop *loop, int fd, struct loop_call what) {
        struct loop_handle *handle = handle_new(what);

        ENSURE(uv_poll_init(&loop->uv, &handle->uv.poll, fd) == 0);
        ENSURE(uv_poll_start(&handle->uv.poll, UV_READABLE, on_poll) == 0);
        return handle;
}

struct loop_handle *loop_on_signal(struct loop *loop, int signal_number, struct loop_call what) {
        struct loop_handle *handle = handle_new(what);

        ENSURE(uv_signal_init(&loop->uv, &handle->uv.signal) == 0);
        ENSURE(uv_signal_start(&handle->uv.signal, on_signal, signal_number) == 0);
        return handle;
}

struct loop_handle *loop_on_turn(struct loop *loop, struct loop_call what) {
        struct loop_handle *handle = handle_new(what);

        ENSURE(uv_prepare_init(&loop->uv, &handle->uv.turn) == 0);
        ENSURE(uv_prepare_start(&handle->uv.turn, on_turn) == 0);
        return handle;
}

struct loop_handle *loop_timer_new(struct loop *loop, struct loop_call what) {
        struct loop_handle *handle = handle_new(what);

        ENSURE(uv_timer_init(&loop->uv, &handle->uv.timer) == 0);
        return handle;
}

void loop_timer_set(struct loop_handle *timer, struct span in) {
        uint64_t ms = in.us > 0 ? ((uint64_t)in.us + 999) / 1000 : 0;

        ENSURE(uv_timer_start(&timer->uv.timer, on_timer, ms, 0) == 0);
}

void loop_timer_stop(struct loop_handle *timer) { ENSURE(uv_timer_stop(&timer->uv.timer) == 0); }
