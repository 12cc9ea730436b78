/* Tenants in turn, and each within its own limits. */
#include "tests/unit/broker_unit.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state) { return world_init(&world), 0; }

static void say_many(const char *tenant, int n) {
        char thread[16];

        for (int i = 0; i < n; i++) {
                snprintf(thread, sizeof thread, "%d", i);
                world_say_in(&world, tenant, thread, NULL, "Oi");
        }
}

static uint32_t runs_of(const char *thread) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < world.n_runs; i++)
                n += strcmp(world.runs[i].thread, thread) == 0;
        return n;
}

static void a_herd_of_due_threads_does_not_keep_another_tenants_one_waiting(void **state) {
        world.tenants[0].quiet = span_s(8);
        world.tenants[1].quiet = span_s(8);
        world.tenants[0].concurrency = 10000;
        say_many("acme", 5000);
        world_wait(&world, span_ms(1));
        world_say_in(&world, "zeta", "last", NULL, "Oi");
        world.now.mono = mono_add(world.now.mono, span_s(10)); /* they all come due at once */
        world_hello(&world, 1, 3);
        assert_int_equal(world.n_runs, 3);
        assert_int_equal(runs_of("last"), 1);
}

static void with_credit_the_herd_goes_in_turns_of_a_bounded_size(void **state) {
        world.tenants[0].quiet = span_s(8);
        world.tenants[0].concurrency = 10000;
        say_many("acme", 1500);
        world.now.mono = mono_add(world.now.mono, span_s(10));
        world_hello(&world, 1, 9999);
        assert_true(world.n_runs > 0 && world.n_runs <= LIMIT_DUE_PER_TURN);
        for (uint32_t n = world.n_runs; n < 1500; n += world.n_runs) {
                assert_false(mono_is_before(world.now.mono, core_next_due(world.core)));
                world_wait(&world, span_us(0));
                assert_true(world.n_runs > 0 && world.n_runs <= LIMIT_DUE_PER_TURN);
        }
}

static void set_rate(uint32_t count, struct span per) {
        world.tenants[0].quiet = span_us(0);
        world.tenants[0].rate = (struct config_rate){count, per};
        core_configure(world.core, world.now, &world.config);
}

static void a_rate_spaces_the_starts_evenly(void **state) {
        set_rate(6, span_s(60));
        world_hello(&world, 1, 100);
        say_many("acme", 3);
        expect_state("0", THREAD_RUNNING);
        expect_state("1", THREAD_READY);
        assert_int_equal(mono_since(core_next_due(world.core), world.now.mono).us, 1000000); /* the worker's silence */
        for (int i = 0; i < 9; i++) {
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 100, NULL, 0);
                assert_int_equal(world.n_runs, 0);
        }
        world_wait(&world, span_s(1));
        assert_int_equal(world.n_runs, 1);
        assert_int_equal(runs_of("1"), 1);
        assert_int_equal(histogram_max(&core_counters(world.core)->lateness_us), 0); /* its rate is not our lateness */
}

static void a_tenant_that_was_idle_may_start_a_tenth_of_its_count_at_once(void **state) {
        set_rate(40, span_s(60));
        world_hello(&world, 1, 100);
        say_many("acme", 10);
        for (int i = 0; i < 10; i++) {
                char thread[2] = {(char)('0' + i), 0};

                expect_state(thread, i < 4 ? THREAD_RUNNING : THREAD_READY);
        }
        world_wait(&world, span_ms(1500));
        assert_int_equal(world.n_runs, 1);
        world_wait(&world, span_ms(1499));
        assert_int_equal(world.n_runs, 0);
}

static void the_rate_of_one_tenant_holds_no_other_up(void **state) {
        world.tenants[1].quiet = span_us(0);
        set_rate(1, span_s(3600));
        world_hello(&world, 1, 100);
        say_many("acme", 3);
        world_say_in(&world, "zeta", "z", NULL, "Oi");
        assert_int_equal(runs_of("z"), 1);
}

static void a_rate_that_is_lifted_lets_go_at_once(void **state) {
        set_rate(1, span_s(3600));
        world_hello(&world, 1, 100);
        say_many("acme", 3);
        set_rate(0, span_us(0));
        world_wait(&world, span_us(0));
        assert_int_equal(world.n_runs, 2);
}

static void a_slower_rate_from_before_is_not_waited_for(void **state) {
        set_rate(1, span_s(3600));
        world_hello(&world, 1, 100);
        say_many("acme", 2);
        set_rate(60, span_s(60));
        for (int i = 0; i < 60 && world.n_runs == 0; i++) {
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 100, NULL, 0);
        }
        assert_int_equal(world.n_runs + (world_why(&world, "1").state == THREAD_RUNNING), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_herd_of_due_threads_does_not_keep_another_tenants_one_waiting),
                TEST(with_credit_the_herd_goes_in_turns_of_a_bounded_size),
                TEST(a_rate_spaces_the_starts_evenly),
                TEST(a_tenant_that_was_idle_may_start_a_tenth_of_its_count_at_once),
                TEST(the_rate_of_one_tenant_holds_no_other_up),
                TEST(a_rate_that_is_lifted_lets_go_at_once),
                TEST(a_slower_rate_from_before_is_not_waited_for),
        };

        return cmocka_run_group_tests_name("broker/core: turns", tests, NULL, NULL);
}
