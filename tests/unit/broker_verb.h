/* What the tests of holds and of the verbs of a thread share. */
#pragma once

#include "tests/unit/broker_unit.h"

#include <errno.h>

static uint32_t n_cancelled; /* by the last cancel */

static inline int setup(void **state) { return world_init(&world), 0; }

static inline int verb_for(enum event_type type, const char *tenant, const char *thread, const char *why,
                           struct wall until) {
        int result = -EIO;
        struct event event = {.type = type};

        event.verb =
                (struct core_verb){bytes_of(tenant), bytes_of(thread), bytes_of(why), until, &result, &n_cancelled};
        world_step(&world, &event);
        return result;
}

/* Of the thread "t". */
static inline int verb(enum event_type type) { return verb_for(type, "acme", "t", NULL, (struct wall){0}); }

static inline void hold(void) { assert_int_equal(verb(EVENT_HOLD), 0); }
static inline void resume(void) { assert_int_equal(verb(EVENT_RESUME), 0); }

static inline void hold_for(struct span span) {
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "t", "Ana took over", wall_add(world.now.wall, span)), 0);
}

static inline uint32_t count_holds(void) {
        struct core_hold_view view;
        uint32_t cursor = 0, n = 0;

        while (core_next_hold(world.core, &cursor, &view))
                n++;
        assert_int_equal(n, core_hold_count(world.core));
        return n;
}

/* Longer than anything waits. */
static inline void wait_long(void) {
        for (int i = 0; i < 100; i++) {
                world_wait(&world, span_s(1));
                world_hello(&world, 1, 5);
                assert_int_equal(world.n_runs, 0);
        }
}

static inline struct core_dead_view the_letter(uint32_t n_messages) {
        struct core_dead_view dead;
        uint32_t cursor = 0;

        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_int_equal(dead.n_messages, n_messages);
        assert_string_equal(dead.code, "cancelled");
        return dead;
}
