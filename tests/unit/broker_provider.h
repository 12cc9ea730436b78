/* What the tests of providers begin with: two tenants of one endpoint, a worker, and verdicts. */
#pragma once

#include "tests/unit/broker_unit.h"

#include <stdio.h>
#include <string.h>

#define ENDPOINT "http://127.0.0.1:9000"

static inline void configure(void) { core_configure(world.core, world.now, &world.config); }

/* All runs that have begun: the worker says that it holds them, also those that are over. */
static struct world_run begun[4000];
static uint32_t n_begun;

static inline void note_runs(void) {
        for (uint32_t i = 0; i < world.n_runs; i++)
                begun[n_begun++] = world.runs[i];
}

static inline int setup(void **state) {
        world_init(&world);
        world.config.provider = (struct config_provider){
                .failures = 5, .pause = span_s(1), .cap = span_s(30), .drain = {20, span_s(1)}};
        world.tenants[0].quiet = world.tenants[1].quiet = span_us(0);
        world.tenants[0].retry.base = span_ms(10);
        world.tenants[0].handler.endpoint = world.tenants[1].handler.endpoint = (char *)(uintptr_t)ENDPOINT;
        configure();
        world_hello(&world, 1, 500);
        n_begun = 0;
        return 0;
}

/* Lets time pass in steps that keep the worker known; what is begun meanwhile goes to `ret`, its number is returned. */
static inline uint32_t pass(struct span span, struct world_run *ret, uint32_t max) {
        uint32_t first = n_begun, n;

        for (int64_t us = 0; us < span.us; us += 10000) {
                world_wait(&world, span_ms(10));
                note_runs();
                if (world.now.mono.us % 1000000 != 0)
                        continue;
                world_alive(&world, 1, 500, begun, n_begun);
                note_runs();
        }
        n = n_begun - first;
        for (uint32_t i = 0; i < n && i < max; i++)
                ret[i] = begun[first + i];
        return n;
}

/* Until a run begins, at most `most`: which one. */
static inline struct world_run next_run(struct span most) {
        struct world_run run = {0};

        for (int64_t us = 0; us < most.us; us += 10000)
                if (pass(span_ms(10), &run, 1) > 0)
                        return run;
        fail();
        return run;
}

static inline struct world_run begin(const char *thread) {
        world_say(&world, thread, NULL);
        assert_int_equal(world.n_runs, 1);
        assert_string_equal(world.runs[0].thread, thread);
        note_runs();
        return begun[n_begun - 1];
}

static inline void end(const struct world_run *run, enum wire_outcome outcome, enum wire_provider provider,
                       struct span pause) {
        world_verdict(&world, run, outcome, provider, pause);
        note_runs();
}

static inline void go_down(const struct world_run *run) { end(run, WIRE_FAILED, WIRE_PROVIDER_DOWN, span_us(0)); }
static inline void succeed(const struct world_run *run) { end(run, WIRE_DONE, WIRE_PROVIDER_WELL, span_us(0)); }
static inline void overload(const struct world_run *run, struct span pause) {
        end(run, WIRE_FAILED, WIRE_PROVIDER_OVERLOADED, pause);
}

static inline struct core_provider_view provider(void) {
        struct core_provider_view view;
        uint32_t cursor = 0;

        assert_true(core_next_provider(world.core, world.now, &cursor, &view));
        return view;
}

static inline void expect_provider(enum provider_state state) { assert_int_equal(provider().state, state); }

/* Five threads fail, one after the other. */
static inline void open_it(void) {
        struct world_run runs[5];

        for (int i = 0; i < 5; i++)
                runs[i] = begin((char[]){(char)('a' + i), 0});
        for (int i = 0; i < 5; i++)
                go_down(&runs[i]);
        expect_provider(PROVIDER_OPEN);
}

static inline uint32_t dead_letters(void) {
        struct core_dead_view view;
        uint32_t cursor = 0, n = 0;

        while (core_next_dead(world.core, &cursor, &view))
                n++;
        return n;
}
