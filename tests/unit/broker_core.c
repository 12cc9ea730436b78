/* Quiet and caps, order and turns, failures and pauses. */
#include "tests/unit/broker_unit.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state) { return world_init(&world), 0; }
/* -- quiet and caps ------------------------------------------------------------------------------------------------ */

static void a_burst_is_one_batch_when_it_has_been_quiet(void **state) {
        world_hello(&world, 1, 10);
        for (int i = 0; i < 3; i++) {
                world_say(&world, "t", NULL);
                assert_int_equal(world.n_accepted, 1);
                world_wait(&world, span_s(1));
                assert_int_equal(world.n_runs, 0);
        }
        world_wait(&world, span_us(7000000 - 1));
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_COLLECTING);
        world_wait(&world, span_us(1));
        the_run(3);
        expect_state("t", THREAD_RUNNING);
}

static void a_quiet_of_nothing_starts_at_once(void **state) {
        start_run(10);
}

static void nobody_waits_longer_than_max_wait(void **state) {
        world.tenants[0].quiet = span_s(2);
        world.tenants[0].max_wait = span_s(5);
        world_hello(&world, 1, 10);
        for (int i = 0; i < 5; i++) {
                world_say(&world, "t", NULL);
                world_alive(&world, 1, 10, NULL, 0);
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
        }
        the_run(5);
}

static void max_messages_are_a_batch_and_the_rest_waits_for_its_own_quiet(void **state) {
        struct world_run run;

        world_hello(&world, 1, 10);
        for (int i = 0; i < 21; i++) {
                world_say(&world, "t", NULL);
                if (i == 19)
                        run = the_run(20);
        }
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_s(8));
        the_run(1);
}

static void max_bytes_are_a_batch(void **state) {
        world.tenants[0].max_bytes = 20;
        world_hello(&world, 1, 10);
        world_say_in(&world, "acme", "t", NULL, "ten bytes");
        assert_int_equal(world.n_runs, 0);
        world_say_in(&world, "acme", "t", NULL, "ten bytes");
        the_run(1); /* both together are over the cap: one goes, and the next is due by its own quiet */
}

/* -- one at a time, in order --------------------------------------------------------------------------------------- */

static void a_message_during_a_run_waits_for_its_quiet_and_for_the_end_of_the_run(void **state) {
        struct world_run first, second;

        world.tenants[0].quiet = span_s(1);
        world_hello(&world, 1, 10);
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(1));
        first = the_run(1);
        world_say(&world, "t", NULL);
        world_alive(&world, 1, 10, &first, 1);
        world_wait(&world, span_s(3));
        assert_int_equal(world.n_runs, 0);
        world_result(&world, &first, WIRE_DONE);
        second = the_run(1); /* at once: its quiet is long over, and starts no second time */
        assert_true(second.fence > first.fence);
        assert_true(second.seqs[0] > first.seqs[0]);
        assert_string_not_equal(second.batch, first.batch);
}

static void a_thread_that_runs_delays_no_other(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 200);
        for (int i = 0; i < 100; i++) {
                char thread[16];

                snprintf(thread, sizeof thread, "t%d", i);
                world_say(&world, thread, NULL);
                the_run(1);
        }
}

static void credit_is_never_exceeded_and_ready_threads_go_out_longest_due_first(void **state) {
        struct world_run first;

        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_say(&world, "a", NULL);
        first = the_run(1);
        world_wait(&world, span_ms(1));
        world_say(&world, "b", NULL);
        world_wait(&world, span_ms(1));
        world_say(&world, "c", NULL);
        assert_int_equal(world.n_runs, 0);
        expect_state("b", THREAD_READY);
        world_result(&world, &first, WIRE_DONE);
        assert_string_equal(the_run(1).thread, "b");
}

static void tenants_take_turns(void **state) {
        struct world_run run;

        world.tenants[0].quiet = world.tenants[1].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_say(&world, "first", NULL);
        run = the_run(1);
        for (int i = 0; i < 5; i++)
                world_say(&world, (char[]){'a', (char)('0' + i), 0}, NULL);
        world_wait(&world, span_ms(5));
        world_say_in(&world, "zeta", "z", NULL, "Oi");
        world_result(&world, &run, WIRE_DONE);
        run = the_run(1);
        world_result(&world, &run, WIRE_DONE);
        assert_true(strcmp(run.thread, "z") == 0 || strcmp(the_run(1).thread, "z") == 0);
}

static void a_tenant_has_no_more_runs_at_once_than_its_concurrency(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_us(0);
        world.tenants[0].concurrency = 1;
        world_hello(&world, 1, 10);
        world_say(&world, "a", NULL);
        run = the_run(1);
        world_say(&world, "b", NULL);
        assert_int_equal(world.n_runs, 0);
        assert_true(world_why(&world, "b").is_throttled);
        world_result(&world, &run, WIRE_DONE);
        the_run(1);
}

/* -- failures ------------------------------------------------------------------------------------------------------ */

static void failures_back_off_doubling_and_the_last_one_is_a_dead_letter(void **state) {
        struct world_run run;
        char batch[WIRE_BATCH_LEN + 1];
        struct core_dead_view dead;

        run = start_run(10);
        memcpy(batch, run.batch, sizeof batch);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(run.attempt, i + 1);
                world_result(&world, &run, WIRE_FAILED);
                expect_state("t", THREAD_BACKOFF);
                world_wait(&world, span_us((2000000 << i) - 1));
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_us(1));
                run = the_run(1);
                assert_string_equal(run.batch, batch);
        }
        world_result(&world, &run, WIRE_FAILED);
        expect_state("t", THREAD_DEAD);
        assert_true(core_dead_find(world.core, bytes_of(batch), &dead));
        assert_int_equal(dead.attempts, 4);
        assert_string_equal(dead.code, "test");
}

static void a_retry_takes_in_newer_messages_and_is_then_another_batch(void **state) {
        struct world_run run, retry;

        run = start_run(10);
        world_result(&world, &run, WIRE_FAILED);
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_s(2));
        retry = the_run(2);
        assert_int_equal(retry.attempt, 2);
        assert_string_not_equal(retry.batch, run.batch);
}

static void failed_for_good_is_dead_at_once_and_does_not_block_its_thread(void **state) {
        struct world_run run;

        run = start_run(10);
        world_say(&world, "t", NULL);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        the_run(1);
        assert_int_equal(world_why(&world, "t").n_dead, 1);
}

static void busy_comes_again_within_two_seconds_and_costs_no_attempt(void **state) {
        struct world_run run;
        struct span waited = span_us(0);

        run = start_run(10);
        for (int i = 0; i < 20; i++) {
                world_result(&world, &run, WIRE_BUSY);
                expect_state("t", THREAD_WAITING);
                world_alive(&world, 1, 10, NULL, 0);
                for (waited = span_us(0); world.n_runs == 0 && waited.us < 5000000; waited.us += 10000)
                        world_wait(&world, span_ms(10));
                assert_true(waited.us <= 2010000);
                run = the_run(1);
                assert_int_equal(run.attempt, 1);
        }
        assert_true(waited.us >= 1700000);
}

/* How often a thread is busy with that code, at most a hundred times, before it is the second attempt. */
static int count_busy(const char *code) {
        struct world_run run;
        int n = 0;

        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 10);
        world_say(&world, "t", NULL);
        for (run = the_run(1); run.attempt == 1 && n < 100; n++) {
                world_busy(&world, &run, code);
                for (int i = 0; i < 30 && world.n_runs == 0; i++) {
                        world_wait(&world, span_ms(100));
                        if (world.n_runs == 0)
                                world_alive(&world, 1, 10, NULL, 0);
                }
                run = the_run(1);
        }
        return n;
}

static void busy_without_end_counts_as_a_failure_in_the_end(void **state) {
        assert_in_range(count_busy("handler_busy"), 25, 60);
}

static void a_redis_that_is_away_is_waited_for_without_an_end(void **state) {
        assert_int_equal(count_busy("lock_unreachable"), 100);
}

static void an_alive_is_heard_once_the_worker_is_known(void **state) {
        world_alive_with(&world, 1, 1, 7, NULL, 0);
        assert_int_equal(world.heard, 0);
        assert_string_equal(world.code, "hello_first");
        world_hello(&world, 1, 1);
        world_alive_with(&world, 1, 1, 8, NULL, 0);
        assert_int_equal(world.heard, 8);
        world_alive_with(&world, 1, 0, 9, NULL, 0); /* it drains, and has posts to finish */
        assert_int_equal(world.heard, 9);
        world_alive(&world, 1, 1, NULL, 0); /* an older worker, which would not know what HEARD is */
        assert_int_equal(world.heard, 0);
        world_restart(&world);
        world_alive_with(&world, 1, 1, 10, NULL, 0);
        assert_int_equal(world.heard, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_burst_is_one_batch_when_it_has_been_quiet),
                TEST(a_quiet_of_nothing_starts_at_once),
                TEST(nobody_waits_longer_than_max_wait),
                TEST(max_messages_are_a_batch_and_the_rest_waits_for_its_own_quiet),
                TEST(max_bytes_are_a_batch),
                TEST(a_message_during_a_run_waits_for_its_quiet_and_for_the_end_of_the_run),
                TEST(a_thread_that_runs_delays_no_other),
                TEST(credit_is_never_exceeded_and_ready_threads_go_out_longest_due_first),
                TEST(tenants_take_turns),
                TEST(a_tenant_has_no_more_runs_at_once_than_its_concurrency),
                TEST(failures_back_off_doubling_and_the_last_one_is_a_dead_letter),
                TEST(a_retry_takes_in_newer_messages_and_is_then_another_batch),
                TEST(failed_for_good_is_dead_at_once_and_does_not_block_its_thread),
                TEST(busy_comes_again_within_two_seconds_and_costs_no_attempt),
                TEST(busy_without_end_counts_as_a_failure_in_the_end),
                TEST(a_redis_that_is_away_is_waited_for_without_an_end),
                TEST(an_alive_is_heard_once_the_worker_is_known),
        };

        return cmocka_run_group_tests_name("broker/core", tests, NULL, NULL);
}
