/* The event loop: descriptors, timers, signals, and what is done at the end of each turn. The one door to libuv.
 *
 * A handle calls back until it is freed, which may be done from any callback, its own too. All handles must be freed
 * before the loop. */
#pragma once

#include "common/cleanup.h"
#include "common/time.h"

struct loop;
struct loop_handle;

struct loop_call {
        void (*function)(void *context);
        void *context;
};

struct loop *loop_new(void);
struct loop *loop_free(struct loop *loop);
static inline void loop_cleanup(struct loop **loop) { loop_free(*loop); }
#define CLEANUP_LOOP CLEANUP(loop_cleanup)

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Calls when `fd` is readable, again and again for as long as it is. The descriptor remains the caller's. */
struct loop_handle *loop_on_readable(struct loop *loop, int fd, struct loop_call call);
struct loop_handle *loop_on_signal(struct loop *loop, int signal_number, struct loop_call call);
/* Calls once a turn, after everything else, just before the loop looks whether it may sleep. */
struct loop_handle *loop_on_turn(struct loop *loop, struct loop_call call);
/* A timer, not running yet. */
struct loop_handle *loop_timer_new(struct loop *loop, struct loop_call call);
/* Calls once, after `in` (rounded up to milliseconds), instead of whenever it was set to before. */
void loop_timer_set(struct loop_handle *timer, struct span in);
void loop_timer_stop(struct loop_handle *timer);

struct loop_handle *loop_handle_free(struct loop_handle *handle);
