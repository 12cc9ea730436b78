/* What the loop's files share; nobody else includes this. */
#pragma once

#include "worker/core/deadlines.h"
#include "worker/loop.h"

#include <sys/resource.h>
#include <uv.h>

struct loop {
        uv_loop_t uv;
        uv_timer_t timer; /* for all of ours */
        uv_prepare_t before_sleep;
        struct deadlines deadlines;
        struct mono armed; /* when the timer goes off; MONO_NEVER = it does not */
        struct loop_program *programs; /* all that run */
        struct loop_signal *signals;
        struct rlimit descriptors; /* as they were before they were raised */
};

/* Milliseconds from `now` to `due`, rounded up. */
uint64_t loop_delay_ms(struct mono now, struct mono due);
/* Kills every program that still runs. */
void loop_program_kill_all(struct loop *loop);
