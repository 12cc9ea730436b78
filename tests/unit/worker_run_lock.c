#include "tests/unit/worker_run.h"

/* -- the lock ------------------------------------------------------------------------------------------------------ */

static void a_lock_held_elsewhere_is_busy_and_not_released(void **state) {
        go_to_locking();
        assert_string_equal(step(1, RUN_ON_LOCK_BUSY), "result > reporting");
        assert_outcome(WIRE_BUSY, "lock_busy");
}

static void an_unreachable_lock_is_busy_and_released_in_case(void **state) {
        go_to_locking();
        assert_string_equal(step(1, RUN_ON_LOCK_UNKNOWN), "result release > reporting");
        assert_outcome(WIRE_BUSY, "lock_unreachable");
}

static void a_lock_granted_too_late_to_be_ours_is_unreachable(void **state) {
        go_to_locking();
        assert_string_equal(step(29000, RUN_ON_LOCKED), "result release > reporting");
        assert_outcome(WIRE_BUSY, "lock_unreachable");
}

static void the_lock_is_extended_each_third_of_its_time(void **state) {
        go_to_answering();
        assert_due(10000);
        assert_string_equal(step(9999, RUN_ON_TIMER), "> answering");
        assert_string_equal(step(10000, RUN_ON_TIMER), "extend > answering");
        assert_due(30000 - 302 - 1);
        assert_string_equal(step(10001, RUN_ON_LOCKED), "> answering");
        assert_due(20000);
}

static void an_extension_without_an_answer_is_tried_again_until_the_deadline(void **state) {
        go_to_answering();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(11000, RUN_ON_LOCK_UNKNOWN), "> answering");
        assert_due(11500);
        for (int64_t ms = 11500; ms < 29500; ms += 500) {
                assert_string_equal(step(ms, RUN_ON_TIMER), "extend > answering");
                assert_string_equal(step(ms, RUN_ON_LOCK_UNKNOWN), "> answering");
        }
        assert_string_equal(step(29696, RUN_ON_TIMER), "extend > answering");
        assert_due(29697);
        assert_string_equal(step(29697, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
}

static void an_extension_that_comes_back_late_still_counts_from_when_it_was_sent(void **state) {
        go_to_answering();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(30000, RUN_ON_LOCKED), "extend > answering");
        assert_due(10000 + 30000 - 302 - 3000);
}

static void a_lock_lost_while_answering_aborts_the_call(void **state) {
        go_to_answering();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(10001, RUN_ON_LOCK_BUSY), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_false(run_is_held(&run, at(10001)));
}

static void a_lock_lost_while_waiting_for_go_posts_nothing(void **state) {
        go_to_answered();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(10001, RUN_ON_LOCK_BUSY), "result > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_string_equal(step(10002, RUN_ON_GO), "> reporting");
}

static void a_lock_lost_while_posting_aborts_the_post(void **state) {
        go_to_posting();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(10001, RUN_ON_LOCK_BUSY), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_int_equal(run.posted, 0);
}

static void an_extension_answered_after_the_result_changes_nothing(void **state) {
        go_to_answering();
        step(10000, RUN_ON_TIMER);
        assert_string_equal(answer(10001, 0), "result release > reporting");
        assert_string_equal(step(10002, RUN_ON_LOCK_BUSY), "> reporting");
        assert_outcome(WIRE_DONE, "");
        assert_string_equal(step(10003, RUN_ON_LOCKED), "> reporting");
        assert_string_equal(step(10004, RUN_ON_LOCK_UNKNOWN), "> reporting");
}

static void a_process_that_was_stopped_finds_the_lock_lost_before_it_acts(void **state) {
        go_to_answering();
        assert_false(run_is_held(&run, at(40000)));
        assert_string_equal(answer(40000, 1), "result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        go_to_answered();
        assert_string_equal(step(40000, RUN_ON_GO), "result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
}

static void a_reply_posted_after_the_deadline_is_counted_and_is_the_last(void **state) {
        go_to_posting();
        assert_string_equal(step(30500, RUN_ON_POSTED), "posted result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_int_equal(run.posted, 1);
        go_to_posting();
        step(1100, RUN_ON_POSTED);
        assert_string_equal(step(30500, RUN_ON_POSTED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_lock_held_elsewhere_is_busy_and_not_released),
                cmocka_unit_test(an_unreachable_lock_is_busy_and_released_in_case),
                cmocka_unit_test(a_lock_granted_too_late_to_be_ours_is_unreachable),
                cmocka_unit_test(the_lock_is_extended_each_third_of_its_time),
                cmocka_unit_test(an_extension_without_an_answer_is_tried_again_until_the_deadline),
                cmocka_unit_test(an_extension_that_comes_back_late_still_counts_from_when_it_was_sent),
                cmocka_unit_test(a_lock_lost_while_answering_aborts_the_call),
                cmocka_unit_test(a_lock_lost_while_waiting_for_go_posts_nothing),
                cmocka_unit_test(a_lock_lost_while_posting_aborts_the_post),
                cmocka_unit_test(an_extension_answered_after_the_result_changes_nothing),
                cmocka_unit_test(a_process_that_was_stopped_finds_the_lock_lost_before_it_acts),
                cmocka_unit_test(a_reply_posted_after_the_deadline_is_counted_and_is_the_last),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
