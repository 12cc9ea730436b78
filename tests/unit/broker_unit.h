/* What the tests of the broker's core begin with: a world each, and what they look at most. */
#pragma once

#include "tests/unit/unit.h"

#include "tests/unit/broker_world.h"

static struct world world;

static inline int teardown(void **state) { return world_done(&world), 0; }

static inline void expect_state(const char *thread, enum thread_state state) {
        assert_int_equal(world_why(&world, thread).state, state);
}

/* The one run that the last step started. */
static inline struct world_run the_run(uint32_t n_messages) {
        assert_int_equal(world.n_runs, 1);
        assert_int_equal(world.runs[0].n_messages, n_messages);
        return world.runs[0];
}

/* A run of one message, on worker 1, for a tenant whose quiet is nothing. */
static inline struct world_run start_run(uint32_t slots) {
        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, slots);
        world_say(&world, "t", NULL);
        return the_run(1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
