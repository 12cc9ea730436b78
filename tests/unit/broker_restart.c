/* The broker restarts, its workers do not: what they hold goes on, and goes out to nobody else meanwhile. */
#include "tests/unit/broker_verb.h"

#include <stdio.h>

static void expect_no_run(void) { assert_int_equal(world.n_runs, 0); }

static void a_run_under_way_goes_on_over_a_restart(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        expect_no_run();
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
        world_wait(&world, span_s(4));
        world_alive(&world, 1, 1, &run, 1);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        expect_state("t", THREAD_DONE);
        assert_int_equal(core_counters(world.core)->adopted, 1);
}

static void nobody_else_gets_a_thread_that_may_be_running(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_hello(&world, 2, 1);
        expect_no_run();
        world_wait(&world, span_ms(4999));
        expect_no_run();
        world_hello_again(&world, 1, 1, 1, &run, 1);
        expect_state("t", THREAD_RUNNING);
        world_wait(&world, span_s(1));
        expect_no_run();
}

static void the_wait_is_over_when_all_from_before_have_spoken(void **state) {
        start_run(1);
        world_hello(&world, 2, 1);
        world_say(&world, "u", NULL);
        the_run(1);
        world_restart(&world);
        world_hello(&world, 2, 1);
        expect_no_run();
        world_hello(&world, 1, 1);
        if (world.n_runs == 0) /* released in one turn, sent in the next */
                world_wait(&world, span_us(0));
        assert_int_equal(world.n_runs, 2);
}

static void who_does_not_come_back_is_awaited_for_a_lease(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        for (int i = 0; i < 5; i++) { /* in small steps: a broker that was away itself waits longer */
                world_hello(&world, 2, 1);
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
        }
        the_run(1);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "stale");

        /* It is not awaited again. */
        world_restart(&world);
        world_hello(&world, 2, 1);
        world_wait(&world, span_us(0));
}

static void a_broker_that_restarts_again_does_not_begin_to_wait_anew(void **state) {
        start_run(1);
        world_restart(&world);
        world_hello(&world, 2, 1);
        for (int life = 0; life < 4; life++) {
                world_wait(&world, span_s(1));
                assert_int_equal(world.n_runs, 0);
                world_restart(&world);
                world_hello(&world, 2, 1);
                assert_int_equal(world.n_runs, 0);
        }
        world_wait(&world, span_s(1));
        the_run(1);
}

static void a_calendar_set_back_makes_nobody_wait_longer(void **state) {
        start_run(1);
        world_restart(&world);
        world_hello(&world, 2, 1);
        world.now.wall.ms -= 3600 * 1000;
        world_restart(&world);
        world_hello(&world, 2, 1);
        for (int i = 0; i < 5; i++) {
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
                if (world.n_runs == 0)
                        world_alive(&world, 2, 1, NULL, 0);
        }
        the_run(1);
}

static void what_comes_after_the_restart_waits_for_nobody(void **state) {
        start_run(1);
        world_restart(&world);
        world_hello(&world, 2, 1);
        world_say(&world, "new", NULL);
        assert_string_equal(world.runs[0].thread, "new");
        the_run(1);
}

static void a_new_message_does_not_free_a_thread_that_may_be_running(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_hello(&world, 2, 1);
        world_say(&world, "t", NULL);
        expect_no_run();
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        the_run(1); /* the new one, alone */
}

static void a_run_that_was_given_up_before_the_restart_stays_given_up(void **state) {
        struct world_run first = start_run(1), second;

        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                world_wait(&world, span_s(1));
        }
        second = the_run(1);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &first, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_no_run();
        world_hello_again(&world, 2, 2, 1, &second, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
        world_result(&world, &first, WIRE_DONE);
        assert_int_equal(world.settled, 0);
        world_result(&world, &second, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void only_who_stored_the_answer_may_go_on_posting(void **state) {
        struct world_run run = start_run(1), older;

        world_answered(&world, &run, "Oi!");
        assert_int_equal(world.go, 1);
        world_restart(&world);
        older = run;
        older.fence--;
        world_hello_again(&world, 2, 2, 1, &older, 1);
        assert_int_equal(world.n_cancels, 1);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        world_say(&world, "t", NULL); /* does not join: the batch is settled */
        world_answered(&world, &run, "Oi!"); /* GO was lost */
        assert_int_equal(world.go, 1);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        the_run(1);
}

static void who_speaks_of_a_run_before_saying_hello_is_asked_to(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_answered(&world, &run, "Oi!");
        assert_int_equal(world.go, -1);
        assert_string_equal(world.code, "hello_first");
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, -1);
        assert_string_equal(world.code, "hello_first");
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void a_run_that_ended_before_the_restart_does_not_come_back(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_BACKOFF);
        world_wait(&world, span_s(3));
        the_run(1);
}

static void a_worker_that_left_is_not_awaited(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED);
        for (int i = 0; i < 20; i++) /* by more than three leases of silence, in steps that are not the broker's own */
                world_wait(&world, span_s(1));
        world_restart(&world);
        world_hello(&world, 2, 1);
        the_run(1);
}

static void a_dead_letter_keeps_what_was_void_and_so_does_its_retry(void **state) {
        struct event event = {.type = EVENT_DEAD_RETRY};
        struct world_run run = start_run(1);
        int result = -1;

        event.dead.seq = run.seqs[0];
        event.dead.ret_result = &result;
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_restart(&world);
        world.tenants[0].quiet = span_s(8);
        world_step(&world, &event);
        assert_int_equal(result, 0);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
}

static void a_hold_after_the_restart_ends_a_run_from_before_it(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        hold();
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_HELD);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1); /* CANCEL was lost */
        assert_int_equal(world.n_cancels, 1);
        resume();
        the_run(1);
}

/* Two workers with a run of the same batch each, the second's the newer, and no record of it. */
static void start_two(struct world_run *ret_older, struct world_run *ret_newer) {
        *ret_older = start_run(1);
        world_result(&world, ret_older, WIRE_HANDED_BACK);
        world_hello(&world, 2, 1);
        *ret_newer = the_run(1);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, ret_older, 1);
        expect_state("t", THREAD_RUNNING);
        world_answered(&world, ret_older, "Oi!");
        assert_int_equal(world.go, 1);
}

static void the_run_whose_answer_is_in_is_the_one_that_goes_on(void **state) {
        struct world_run older, newer;

        start_two(&older, &newer);
        world_hello_again(&world, 2, 2, 1, &newer, 1);
        assert_int_equal(world.n_cancels, 1);
        world_answered(&world, &newer, "Hello!");
        assert_int_equal(world.go, 0);
        world_result(&world, &older, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void and_it_stays_the_one_over_the_next_restart(void **state) {
        struct world_run older, newer;

        start_two(&older, &newer);
        world_restart(&world);
        world_hello_again(&world, 2, 2, 1, &newer, 1);
        assert_int_equal(world.n_cancels, 1);
        world_answered(&world, &newer, "Hello!");
        assert_int_equal(world.go, 0);
}

static void the_newer_one_goes_on_whoever_comes_back_first(void **state) {
        struct world_run older = start_run(1), newer;

        world_result(&world, &older, WIRE_HANDED_BACK);
        world_hello(&world, 2, 1);
        newer = the_run(1);
        world_restart(&world);
        world_hello_again(&world, 2, 2, 1, &newer, 1);
        expect_state("t", THREAD_RUNNING);
        world_hello_again(&world, 1, 1, 1, &older, 1);
        assert_int_equal(world.n_cancels, 1); /* the older */
        world_result(&world, &newer, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void two_runs_of_a_batch_from_before_end_as_one(void **state) {
        struct world_run older = start_run(1), newer;

        world_result(&world, &older, WIRE_HANDED_BACK); /* nothing is stored of that */
        world_hello(&world, 2, 1);
        newer = the_run(1);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &older, 1);
        expect_state("t", THREAD_RUNNING);
        world_hello_again(&world, 2, 2, 1, &newer, 1);
        assert_int_equal(world.n_cancels, 1); /* the older */
        world_result(&world, &older, WIRE_DONE);
        assert_int_equal(world.settled, 0);
        world_result(&world, &newer, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

/* Twenty people wait, a second apart, for the one slot of a worker that does not come back. */
static void who_has_waited_longest_goes_first_after_a_restart_too(void **state) {
        struct world_run run = start_run(1);
        char thread[4];

        for (int i = 0; i < 20; i++) {
                snprintf(thread, sizeof thread, "%d", i);
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 1, &run, 1);
                world_say(&world, thread, NULL);
        }
        world_restart(&world);
        for (int s = 0; s < 6; s++)
                world_wait(&world, span_s(1));
        world_hello(&world, 2, 1);
        assert_string_equal(the_run(1).thread, "t");
        for (int i = 0; i < 20; i++) {
                run = the_run(1);
                world_result(&world, &run, WIRE_DONE);
                snprintf(thread, sizeof thread, "%d", i);
                assert_string_equal(the_run(1).thread, thread);
        }
}

static void the_wait_for_workers_from_before_is_not_lateness(void **state) {
        start_run(1);
        world_restart(&world);
        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                world_wait(&world, span_s(1));
        }
        the_run(1);
        assert_int_equal(histogram_max(&core_counters(world.core)->lateness_us), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_run_under_way_goes_on_over_a_restart),
                TEST(nobody_else_gets_a_thread_that_may_be_running),
                TEST(the_wait_is_over_when_all_from_before_have_spoken),
                TEST(who_does_not_come_back_is_awaited_for_a_lease),
                TEST(who_has_waited_longest_goes_first_after_a_restart_too),
                TEST(the_wait_for_workers_from_before_is_not_lateness),
                TEST(a_broker_that_restarts_again_does_not_begin_to_wait_anew),
                TEST(a_calendar_set_back_makes_nobody_wait_longer),
                TEST(what_comes_after_the_restart_waits_for_nobody),
                TEST(a_new_message_does_not_free_a_thread_that_may_be_running),
                TEST(a_run_that_was_given_up_before_the_restart_stays_given_up),
                TEST(only_who_stored_the_answer_may_go_on_posting),
                TEST(who_speaks_of_a_run_before_saying_hello_is_asked_to),
                TEST(a_run_that_ended_before_the_restart_does_not_come_back),
                TEST(a_worker_that_left_is_not_awaited),
                TEST(a_dead_letter_keeps_what_was_void_and_so_does_its_retry),
                TEST(a_hold_after_the_restart_ends_a_run_from_before_it),
                TEST(the_run_whose_answer_is_in_is_the_one_that_goes_on),
                TEST(and_it_stays_the_one_over_the_next_restart),
                TEST(the_newer_one_goes_on_whoever_comes_back_first),
                TEST(two_runs_of_a_batch_from_before_end_as_one),
        };

        return cmocka_run_group_tests_name("broker/core: restarts", tests, NULL, NULL);
}
