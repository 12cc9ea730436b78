/* on_new_message: interrupt. A run that newer messages cut short, what becomes of it, and what bounds it. */
#include "tests/unit/broker_verb.h"

#include <string.h>

static int setup_interrupt(void **state) {
        world_init(&world);
        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 3;
        world_hello(&world, 1, 5);
        return 0;
}

#define INTERRUPT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_interrupt, teardown)

/* A run of one message of "t", after its quiet. */
static struct world_run begin(void) {
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(8));
        return the_run(1);
}

/* The worker is told, and what it may still send is void. */
static void expect_interrupted(const struct world_run *run) {
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "interrupted");
        expect_state("t", THREAD_COLLECTING);
        world_answered(&world, run, "to the first message only");
        assert_int_equal(world.go, 0);
        world_result(&world, run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
}

static void expect_queued(uint32_t n_messages) {
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
        assert_int_equal(world_why(&world, "t").n_messages, n_messages);
}

/* Of what a newer message broke off, the provider may say for a while that it runs still. */
static void busy_after_an_interrupt_is_counted_from_there(void **state) {
        struct world_run run;

        world.tenants[0].max_wait = span_s(300);
        run = begin();
        world_result(&world, &run, WIRE_BUSY);
        world_wait(&world, span_s(1));
        run = the_run(1);
        for (int s = 0; s < 70; s++) { /* the model takes its time */
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 5, &run, 1);
        }
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 1);
        world_wait(&world, span_s(8));
        run = the_run(2);
        world_result(&world, &run, WIRE_BUSY);
        assert_int_equal(world_why(&world, "t").attempts, 0);
        expect_state("t", THREAD_WAITING);
}

/* -- what happens -------------------------------------------------------------------------------------------------- */

static void a_newer_message_cuts_the_run_short_and_both_are_answered_together(void **state) {
        struct world_run run = begin(), merged;

        world_say(&world, "t", NULL);
        expect_interrupted(&run);
        world_wait(&world, span_ms(7999));
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_ms(1));
        merged = the_run(2);
        assert_int_equal(merged.seqs[0], run.seqs[0]);
        assert_true(merged.fence > run.fence);
        assert_int_equal(merged.attempt, 1);
        assert_string_not_equal(merged.batch, run.batch);
        assert_int_equal(core_counters(world.core)->savings.interrupted, 1);
}

static void a_tenant_that_queues_is_not_interrupted(void **state) {
        world.tenants[0].on_new_message = CONFIG_ON_NEW_QUEUE;
        begin();
        world_say(&world, "t", NULL);
        expect_queued(2);
}

static void a_duplicate_interrupts_nothing(void **state) {
        world_say(&world, "t", "1");
        world_wait(&world, span_s(8));
        the_run(1);
        world_say(&world, "t", "1");
        assert_int_equal(world.n_duplicates, 1);
        expect_queued(1);
}

static void a_frame_of_many_messages_interrupts_once(void **state) {
        world.tenants[0].max_messages = 300;
        begin();
        world_say_many(&world, "t", 200);
        assert_int_equal(world.n_cancels, 1);
        assert_int_equal(world_why(&world, "t").n_interrupts, 1);
        world_wait(&world, span_s(8));
        the_run(201);
}

static void the_slot_of_an_interrupted_run_is_free_at_once(void **state) {
        world_hello(&world, 1, 1);
        begin();
        world.tenants[0].quiet = span_us(0);
        world_say(&world, "u", NULL);
        assert_int_equal(world.n_runs, 0);
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 1);
        the_run(1);
        assert_string_equal(world.runs[0].thread, "u");
}

/* -- what bounds it ------------------------------------------------------------------------------------------------ */

static void a_run_is_interrupted_so_many_times_and_no_more(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_say(&world, "t", NULL);
        for (uint32_t i = 1; i <= 3; i++) {
                world_say(&world, "t", NULL);
                assert_int_equal(world.n_cancels, 1);
                the_run(i + 1);
        }
        world_say(&world, "t", NULL);
        expect_queued(5);
        assert_int_equal(world_why(&world, "t").n_interrupts, 3);
}

static void the_next_batch_may_be_interrupted_anew(void **state) {
        struct world_run run;

        world.tenants[0].max_interrupts = 1;
        begin();
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(8));
        run = the_run(2);
        world_answered(&world, &run, "ok");
        world_say(&world, "t", NULL);
        expect_queued(3);
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(8));
        the_run(1);
        assert_int_equal(world_why(&world, "t").n_interrupts, 0);
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 1);
}

static void no_interrupts_are_allowed_with_a_bound_of_nothing(void **state) {
        world.tenants[0].max_interrupts = 0;
        begin();
        world_say(&world, "t", NULL);
        expect_queued(2);
}

/* The message before was said at 0 s, its run began at 8 s, and max_wait is 20 s. */
static void say_at(struct span at) {
        struct world_run run;

        world.tenants[0].max_wait = span_s(20);
        run = begin();
        for (int second = 9; second < 20; second++) {
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 5, &run, 1);
        }
        world_wait(&world, span_us(at.us - 19000000));
        world_say(&world, "t", NULL);
}

static void a_run_is_interrupted_until_max_wait_and_goes_out_again_then(void **state) {
        say_at(span_ms(19999));
        assert_int_equal(world.n_cancels, 1);
        world_wait(&world, span_ms(1));
        the_run(2);
}

static void a_run_is_not_interrupted_past_max_wait(void **state) {
        say_at(span_s(20));
        expect_queued(2);
}

/* Somebody who writes each second gets an answer by max_wait and one run. */
static void a_reply_comes_by_max_wait_and_one_run(void **state) {
        struct mono began = world.now.mono;
        struct world_run run = {0};

        world.tenants[0].quiet = span_ms(500);
        world.tenants[0].max_interrupts = 100;
        world.tenants[0].max_messages = 1000;
        for (int second = 0; second < 60; second++) {
                world_say(&world, "t", NULL);
                if (world.n_cancels > 0)
                        run.fence = 0;
                for (int i = 0; i < 10; i++) {
                        world_wait(&world, span_ms(100));
                        if (world.n_runs > 0)
                                run = world.runs[0];
                        world_alive(&world, 1, 5, &run, run.fence != 0);
                }
        }
        /* The one that began last before the cap is left alone: it would have had 30 s by now. */
        assert_true(run.fence != 0);
        assert_true(run.n_messages >= 29 && run.n_messages <= 31);
        assert_true(mono_since(world.now.mono, began).us >= 60000000);
        world_answered(&world, &run, "at last");
        assert_int_equal(world.go, 1);
}

static void a_full_batch_is_not_interrupted(void **state) {
        world.tenants[0].max_messages = 2;
        world_say(&world, "t", NULL);
        world_say(&world, "t", NULL);
        the_run(2);
        world_say(&world, "t", NULL);
        expect_queued(3);
}

static void a_message_that_makes_the_batch_full_interrupts_and_it_goes_at_once(void **state) {
        world.tenants[0].max_messages = 2;
        begin();
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 1);
        the_run(2);
}

static void a_batch_without_room_for_the_bytes_is_not_interrupted(void **state) {
        begin();
        world.tenants[0].max_bytes = world_why(&world, "t").n_bytes * 2 - 1;
        world_say(&world, "t", NULL);
        expect_queued(2);
}

static void a_batch_that_others_wait_behind_is_not_interrupted(void **state) {
        world.tenants[0].max_messages = 2;
        world_say_many(&world, "t", 2);
        the_run(2);
        world_say(&world, "t", NULL);
        world.tenants[0].max_messages = 20;
        world_say(&world, "t", NULL);
        expect_queued(4);
}

/* -- the answer, retries, holds ------------------------------------------------------------------------------------ */

static void an_answer_that_is_stored_is_not_interrupted(void **state) {
        struct world_run run = begin();

        world_answered(&world, &run, "ok");
        assert_int_equal(world.go, 1);
        world_say(&world, "t", NULL);
        expect_queued(2);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        world_wait(&world, span_s(8));
        the_run(1);
}

static void an_answer_that_is_posted_again_is_not_interrupted(void **state) {
        struct world_run run = begin();

        world_answered(&world, &run, "ok");
        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        the_run(1);
        world_say(&world, "t", NULL);
        expect_queued(2);
}

static void a_pause_after_a_failure_is_not_cut_short(void **state) {
        struct world_run run = begin();

        world_result(&world, &run, WIRE_FAILED);
        world_say(&world, "t", NULL);
        expect_state("t", THREAD_BACKOFF);
        assert_int_equal(world.n_cancels, 0);
        world_wait(&world, span_s(2));
        the_run(2);
}

static void failed_attempts_still_count_after_an_interrupt(void **state) {
        struct world_run run = begin();

        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        assert_int_equal(the_run(1).attempt, 2);
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 1);
        world_wait(&world, span_s(8));
        assert_int_equal(the_run(2).attempt, 2);
}

static void a_hold_catches_a_thread_that_was_interrupted(void **state) {
        begin();
        world_say(&world, "t", NULL);
        hold();
        assert_int_equal(world.n_cancels, 0);
        wait_long();
        resume();
        the_run(2);
}

static void a_message_for_a_held_thread_whose_answer_goes_out_interrupts_nothing(void **state) {
        struct world_run run = begin();

        world_answered(&world, &run, "ok");
        hold();
        world_say(&world, "t", NULL);
        expect_queued(2);
}

/* -- lost frames and restarts -------------------------------------------------------------------------------------- */

static void a_worker_that_missed_the_cancel_is_told_again(void **state) {
        struct world_run run = begin();

        world_say(&world, "t", NULL);
        world_alive(&world, 1, 5, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "stale");
        world_answered(&world, &run, "to the first message only");
        assert_int_equal(world.go, 0);
        expect_state("t", THREAD_COLLECTING);
}

static void an_interrupted_run_does_not_go_on_after_a_restart(void **state) {
        struct world_run run = begin();

        world_say(&world, "t", NULL);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_int_equal(core_counters(world.core)->adopted, 0);
        expect_state("t", THREAD_COLLECTING);
        world_hello(&world, 1, 5);
        world_wait(&world, span_s(8));
        the_run(2);
}

static void the_newer_run_goes_on_after_a_restart_and_not_the_interrupted_one(void **state) {
        struct world_run old = begin(), merged;

        world_say(&world, "t", NULL);
        world_wait(&world, span_s(8));
        merged = the_run(2);
        world_restart(&world);
        world_hello_again(&world, 2, 2, 1, &old, 1);
        assert_int_equal(world.n_cancels, 1);
        world_hello_again(&world, 1, 1, 1, &merged, 1);
        assert_int_equal(world.n_cancels, 0);
        assert_int_equal(core_counters(world.core)->adopted, 1);
        world_answered(&world, &merged, "to both");
        assert_int_equal(world.go, 1);
}

static void interrupts_are_counted_through_a_restart(void **state) {
        world.tenants[0].max_interrupts = 1;
        begin();
        world_say(&world, "t", NULL);
        world_restart(&world);
        world_hello(&world, 1, 5);
        world_wait(&world, span_s(8));
        the_run(2);
        assert_int_equal(world_why(&world, "t").n_interrupts, 1);
        world_say(&world, "t", NULL);
        expect_queued(3);
}

/* What came while the broker was away waits behind the run that goes on, and so does all that follows. */
static void a_message_for_a_thread_whose_worker_is_awaited_interrupts_nothing(void **state) {
        struct world_run run = begin();

        world_restart(&world);
        world_say(&world, "t", NULL);
        expect_state("t", THREAD_COLLECTING);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        expect_queued(2);
        world_say(&world, "t", NULL);
        expect_queued(3);
        world_answered(&world, &run, "ok");
        assert_int_equal(world.go, 1);
}

static void a_run_that_goes_on_after_a_restart_can_be_interrupted(void **state) {
        struct world_run run = begin();

        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_say(&world, "t", NULL);
        expect_interrupted(&run);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                INTERRUPT_TEST(busy_after_an_interrupt_is_counted_from_there),
                INTERRUPT_TEST(a_newer_message_cuts_the_run_short_and_both_are_answered_together),
                INTERRUPT_TEST(a_tenant_that_queues_is_not_interrupted),
                INTERRUPT_TEST(a_duplicate_interrupts_nothing),
                INTERRUPT_TEST(a_frame_of_many_messages_interrupts_once),
                INTERRUPT_TEST(the_slot_of_an_interrupted_run_is_free_at_once),
                INTERRUPT_TEST(a_run_is_interrupted_so_many_times_and_no_more),
                INTERRUPT_TEST(the_next_batch_may_be_interrupted_anew),
                INTERRUPT_TEST(no_interrupts_are_allowed_with_a_bound_of_nothing),
                INTERRUPT_TEST(a_run_is_interrupted_until_max_wait_and_goes_out_again_then),
                INTERRUPT_TEST(a_run_is_not_interrupted_past_max_wait),
                INTERRUPT_TEST(a_reply_comes_by_max_wait_and_one_run),
                INTERRUPT_TEST(a_full_batch_is_not_interrupted),
                INTERRUPT_TEST(a_message_that_makes_the_batch_full_interrupts_and_it_goes_at_once),
                INTERRUPT_TEST(a_batch_without_room_for_the_bytes_is_not_interrupted),
                INTERRUPT_TEST(a_batch_that_others_wait_behind_is_not_interrupted),
                INTERRUPT_TEST(an_answer_that_is_stored_is_not_interrupted),
                INTERRUPT_TEST(an_answer_that_is_posted_again_is_not_interrupted),
                INTERRUPT_TEST(a_pause_after_a_failure_is_not_cut_short),
                INTERRUPT_TEST(failed_attempts_still_count_after_an_interrupt),
                INTERRUPT_TEST(a_hold_catches_a_thread_that_was_interrupted),
                INTERRUPT_TEST(a_message_for_a_held_thread_whose_answer_goes_out_interrupts_nothing),
                INTERRUPT_TEST(a_worker_that_missed_the_cancel_is_told_again),
                INTERRUPT_TEST(an_interrupted_run_does_not_go_on_after_a_restart),
                INTERRUPT_TEST(the_newer_run_goes_on_after_a_restart_and_not_the_interrupted_one),
                INTERRUPT_TEST(interrupts_are_counted_through_a_restart),
                INTERRUPT_TEST(a_message_for_a_thread_whose_worker_is_awaited_interrupts_nothing),
                INTERRUPT_TEST(a_run_that_goes_on_after_a_restart_can_be_interrupted),
        };

        return cmocka_run_group_tests_name("broker/core: interrupts", tests, NULL, NULL);
}
