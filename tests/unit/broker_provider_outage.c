/* A model that is down for a minute, in virtual time. */
#include "tests/unit/broker_provider.h"

enum { TICK_MS = 10, THREADS = 200, ANSWER_MS = 300 };

/* The model: what is being asked of it, and until when each run takes. */
static struct {
        bool is_down;
        struct {
                struct world_run run;
                struct mono end;
        } calls[4000];
        uint32_t n, n_ok, n_failed;
} model;

static int setup_model(void **state) {
        model.is_down = false;
        model.n = model.n_ok = model.n_failed = 0;
        return setup(state);
}

static void take_calls(uint32_t first) {
        for (uint32_t i = first; i < n_begun; i++) {
                model.calls[model.n].run = begun[i];
                model.calls[model.n++].end = mono_add(world.now.mono, span_ms(model.is_down ? 20 : ANSWER_MS));
        }
}

/* Those that end now: a refused connection, or an answer. */
static void end_calls(void) {
        for (uint32_t i = 0; i < model.n;) {
                struct world_run run = model.calls[i].run;
                uint32_t first = n_begun;

                if (!mono_is_due(world.now.mono, model.calls[i].end)) {
                        i++;
                        continue;
                }
                model.calls[i] = model.calls[--model.n];
                if (model.is_down)
                        go_down(&run);
                else
                        succeed(&run);
                model.n_failed += model.is_down;
                model.n_ok += !model.is_down;
                take_calls(first);
        }
}

static void hold_calls(void) {
        struct world_run held[4000];

        for (uint32_t i = 0; i < model.n; i++)
                held[i] = model.calls[i].run;
        world_alive(&world, 1, 500, held, model.n);
        note_runs();
}

static void tick(void) {
        uint32_t first = n_begun;

        world_wait(&world, span_ms(TICK_MS));
        note_runs();
        if (world.now.mono.us % 1000000 == 0)
                hold_calls();
        take_calls(first);
        end_calls();
}

static void say_to(uint32_t thread) {
        uint32_t first = n_begun;
        char name[16];

        snprintf(name, sizeof name, "t%03u", thread);
        world_say(&world, name, NULL);
        note_runs();
        take_calls(first);
}

static uint32_t pending_threads(void) {
        struct core_thread_view view;
        uint32_t cursor = 0, n = 0;

        while (core_next_thread(world.core, world.now, &cursor, &view))
                n++;
        return n;
}

static void a_minute_without_the_model_costs_a_call_for_each_thread_and_not_for_each_message(void **state) {
        uint32_t n_before, n_pending, n_calls, n_said = 0;
        int64_t ms;

        world.tenants[0].quiet = span_s(2);
        world.tenants[0].retry.base = span_s(2);
        world.tenants[0].concurrency = 500;
        configure();
        model.is_down = true;
        for (ms = 0; ms < 60000; ms += TICK_MS) { /* 20 messages a second, on 200 threads in turn */
                if (ms % 50 == 0)
                        say_to(n_said++ % THREADS);
                tick();
        }
        assert_int_equal(n_said, 1200);
        n_calls = model.n_failed;
        n_pending = pending_threads();
        assert_int_equal(n_pending, THREADS);
        assert_int_equal(model.n_ok, 0);
        assert_in_range(n_calls, 5, 11); /* five that opened it, and the probes after 1, 2, 4, 8, 16 and 30 s */
        assert_int_equal(dead_letters(), 0);

        model.is_down = false;
        n_before = n_begun;
        for (ms = 0; ms < 120000 && pending_threads() > 0; ms += TICK_MS)
                tick();
        assert_int_equal(pending_threads(), 0);
        assert_int_equal(n_begun - n_before, n_pending); /* one call each */
        assert_int_equal(model.n_ok, n_pending);
        /* And the oldest person first, once the first of them has found that it is back: that one has waited longest of
         * those that had not tried. */
        for (uint32_t i = n_before + 2; i < n_begun; i++)
                assert_true(begun[i - 1].seqs[0] < begun[i].seqs[0]);
        assert_int_equal(core_counters(world.core)->finished, n_said);
        print_message("calls while it was down: %u; after it was back: %u, within %lld ms\n", n_calls,
                      n_begun - n_before, (long long)ms);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        a_minute_without_the_model_costs_a_call_for_each_thread_and_not_for_each_message, setup_model,
                        teardown),
        };

        return cmocka_run_group_tests_name("broker/core: an outage", tests, NULL, NULL);
}
