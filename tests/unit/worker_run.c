#include "tests/unit/worker_run.h"

/* -- the straight way ---------------------------------------------------------------------------------------------- */

static void a_run_with_two_replies_goes_from_lock_to_release(void **state) {
        assert_string_equal(begin(&plain, 0), "acquire > locking");
        assert_string_equal(step(3, RUN_ON_LOCKED), "call > answering");
        assert_string_equal(answer(1000, 2), "answered > answered");
        assert_string_equal(step(1001, RUN_ON_GO), "post > posting");
        assert_int_equal(run.posted, 0);
        assert_string_equal(step(1100, RUN_ON_POSTED), "posted post > posting");
        assert_int_equal(run.posted, 1);
        assert_string_equal(step(1200, RUN_ON_POSTED), "result release > reporting");
        assert_int_equal(run.posted, 2);
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(span_to_ms(run.lock_wait), 3);
        assert_int_equal(span_to_ms(run.answering), 997);
        assert_string_equal(step(1201, RUN_ON_SETTLED), "end > ended");
}

static void nothing_to_say_is_done_without_a_commit(void **state) {
        go_to_answering();
        assert_string_equal(answer(10, 0), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
}

static void without_a_channel_the_answer_ends_the_run(void **state) {
        struct run_plan plan = plain;

        plan.has_post = false;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(answer(10, 2), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(run.posted, 0);
}

static void what_needs_no_answer_is_done_without_a_call(void **state) {
        struct run_plan plan = plain;

        plan.is_uncalled = plan.has_context = true;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_string_equal(step(2, RUN_ON_SETTLED), "end > ended");
}

static void a_record_is_remembered_once_the_broker_has_taken_it(void **state) {
        struct run_plan plan = plain;

        plan.is_uncalled = plan.is_record = plan.has_history = true;
        plan.has_post = false;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "result release > reporting");
        assert_string_equal(settle(2, true), "remember end > ended");
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(settle(2, false), "end > ended");
}

static void without_a_lock_the_call_begins_at_once(void **state) {
        struct run_plan plan = plain;

        plan.lock_ttl = span_us(0);
        assert_string_equal(begin(&plan, 0), "call > answering");
        assert_due(300000);
        assert_true(run_is_held(&run, at(299999)));
        assert_string_equal(answer(5000, 1), "answered > answered");
        assert_string_equal(step(5001, RUN_ON_GO), "post > posting");
        assert_string_equal(step(5002, RUN_ON_POSTED), "result > reporting");
}

static void a_stored_answer_is_posted_without_asking_again(void **state) {
        struct run_plan plan = plain;

        plan.is_answered = true;
        plan.n_replies = 3;
        plan.posted = 2;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "post > posting");
        assert_int_equal(run.posted, 2);
        assert_string_equal(step(9, RUN_ON_POSTED), "result release > reporting");
        assert_int_equal(run.posted, 3);
}

static void a_stored_answer_that_is_out_already_is_only_reported(void **state) {
        struct run_plan plan = plain;

        plan.is_answered = true;
        plan.n_replies = plan.posted = 1;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
}

static void what_cannot_be_run_is_only_reported(void **state) {
        struct run_plan plan = {.is_answered = true, .posted = 1, .is_doubtful = true};
        struct run_fx fx;

        run_init_refused(&run, &plan, &bad, at(0), &fx);
        assert_string_equal(tell(&fx), "result > reporting");
        assert_outcome(WIRE_FAILED, "http_500");
        assert_int_equal(run.posted, 1);
        assert_true(run.is_doubtful);
        assert_due(1000);
        assert_string_equal(step(1000, RUN_ON_TIMER), "result > reporting");
        assert_string_equal(step(1001, RUN_ON_SETTLED), "end > ended");
}

/* -- what the handler and the channel say -------------------------------------------------------------------------- */

static void what_the_handler_says_is_reported(void **state) {
        go_to_answering();
        assert_string_equal(step_with(10, RUN_ON_ANSWER, &bad, 0), "result release > reporting");
        assert_outcome(WIRE_FAILED, "http_500");
        go_to_answering();
        assert_string_equal(step_with(10, RUN_ON_ANSWER, &busy, 0), "result release > reporting");
        assert_outcome(WIRE_BUSY, "handler_busy");
}

static void a_post_that_fails_keeps_how_many_are_out(void **state) {
        go_to_posting();
        step(1100, RUN_ON_POSTED);
        assert_string_equal(step_with(1200, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
        assert_outcome(WIRE_FAILED, "http_500");
        assert_int_equal(run.posted, 1);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void a_run_that_takes_too_long_is_aborted(void **state) {
        struct run_plan plan = plain;

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_due(5000);
        assert_string_equal(step(4999, RUN_ON_TIMER), "> answering");
        assert_string_equal(step(5000, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "timeout");
}

static void a_timeout_says_what_was_waited_for(void **state) {
        struct run_plan plan = plain;

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(5000, RUN_ON_TIMER);
        assert_non_null(strstr(run.outcome.why, "Redis had not answered"));
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        step(5000, RUN_ON_TIMER);
        assert_non_null(strstr(run.outcome.why, "the handler had not answered"));
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(4500, 1);
        step(5000, RUN_ON_TIMER);
        assert_non_null(strstr(run.outcome.why, "the broker had not said go"));
}

static void a_run_that_waits_too_long_for_go_is_over(void **state) {
        struct run_plan plan = plain;

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(4500, 1);
        assert_due(5000);
        assert_string_equal(step(5000, RUN_ON_TIMER), "result release > reporting");
        assert_outcome(WIRE_FAILED, "timeout");
}

static void an_answer_that_may_be_posted_gets_its_time(void **state) {
        struct run_plan plan = plain;

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(4900, 1);
        step(4999, RUN_ON_GO);
        assert_string_equal(step(6000, RUN_ON_TIMER), "> posting");
        assert_string_equal(step(7000, RUN_ON_POSTED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
}

static void a_channel_that_does_not_answer_is_given_up(void **state) {
        int64_t began = 1001;

        go_to_posting();
        for (int64_t ms = 10000; ms < began + LIMIT_POST_MS; ms += 10000) {
                assert_string_equal(step(ms, RUN_ON_TIMER), "extend > posting");
                step(ms, RUN_ON_LOCKED);
        }
        assert_due(began + LIMIT_POST_MS);
        assert_string_equal(step(began + LIMIT_POST_MS, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "post_timeout");
}

static void answered_is_said_each_second_until_go(void **state) {
        go_to_answered();
        assert_due(2000);
        assert_string_equal(step(1999, RUN_ON_TIMER), "> answered");
        assert_string_equal(step(2000, RUN_ON_TIMER), "answered > answered");
        assert_due(3000);
        assert_string_equal(step(3005, RUN_ON_TIMER), "answered > answered");
        assert_due(4005);
        assert_string_equal(step(4000, RUN_ON_GO), "post > posting");
}

static void the_result_is_said_each_second_until_it_is_settled(void **state) {
        go_to_reporting();
        assert_due(2000);
        assert_string_equal(step(2000, RUN_ON_TIMER), "result > reporting");
        assert_string_equal(step(3000, RUN_ON_TIMER), "result > reporting");
        assert_string_equal(step(3001, RUN_ON_SETTLED), "end > ended");
        assert_int_equal(run_due(&run).us, MONO_NEVER.us);
}

static void what_is_due_at_one_instant_is_done_in_one_step(void **state) {
        go_to_answered();
        /* Ten seconds without a turn: an extension and a repetition are both due. */
        assert_string_equal(step(11000, RUN_ON_TIMER), "extend answered > answered");
}

/* -- from outside -------------------------------------------------------------------------------------------------- */

static void cancel_ends_each_stage_at_once_without_a_result(void **state) {
        go_to_locking();
        assert_string_equal(step(5, RUN_ON_CANCEL), "release end > ended");
        go_to_answering();
        assert_string_equal(step(5, RUN_ON_CANCEL), "abort release end > ended");
        go_to_answered();
        assert_string_equal(step(1005, RUN_ON_CANCEL), "release end > ended");
        go_to_posting();
        assert_string_equal(step(1005, RUN_ON_CANCEL), "abort release end > ended");
        go_to_reporting();
        assert_string_equal(step(1005, RUN_ON_CANCEL), "end > ended");
}

static void stop_ends_a_run_that_waits_for_go(void **state) {
        go_to_answered();
        assert_string_equal(step(1005, RUN_ON_STOP), "release end > ended");
}

static void a_worker_that_leaves_hands_back(void **state) {
        go_to_locking();
        assert_string_equal(step(5, RUN_ON_HAND_BACK), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "draining");
        go_to_answering();
        assert_string_equal(step(5, RUN_ON_HAND_BACK), "abort result release > reporting");
        assert_string_equal(step(6, RUN_ON_HAND_BACK), "> reporting");
}

static void a_worker_that_leaves_waits_until_the_answer_is_stored(void **state) {
        go_to_answered();
        assert_string_equal(step(1005, RUN_ON_HAND_BACK), "> answered");
        assert_string_equal(step(2000, RUN_ON_TIMER), "answered > answered");
        assert_string_equal(step(2005, RUN_ON_GO), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "draining");
        assert_int_equal(run.posted, 0);
        assert_false(run.is_doubtful);
        go_to_answered();
        step(1005, RUN_ON_HAND_BACK);
        assert_string_equal(step(1010, RUN_ON_STOP), "release end > ended");
}

static void a_worker_that_leaves_waits_for_the_post_under_way_and_begins_no_other(void **state) {
        go_to_posting();
        assert_string_equal(step(1005, RUN_ON_HAND_BACK), "> posting");
        assert_string_equal(step(1100, RUN_ON_POSTED), "posted result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "draining");
        assert_int_equal(run.posted, 1);
        go_to_posting();
        step(1100, RUN_ON_POSTED);
        step(1101, RUN_ON_HAND_BACK);
        assert_string_equal(step(1200, RUN_ON_POSTED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
}

static void an_unsure_lease_is_handed_back_before_the_call(void **state) {
        go_to_answering();
        assert_string_equal(step(5, RUN_ON_LEASE_UNSURE), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "lease_unsure");
        go_to_posting();
        assert_string_equal(step(1005, RUN_ON_LEASE_UNSURE), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "lease_unsure");
        assert_int_equal(run.posted, 0);
}

/* -- out of date --------------------------------------------------------------------------------------------------- */

static void events_of_another_stage_change_nothing(void **state) {
        go_to_locking();
        assert_string_equal(answer(1, 1), "> locking");
        assert_string_equal(step(1, RUN_ON_GO), "> locking");
        assert_string_equal(step(1, RUN_ON_POSTED), "> locking");
        assert_string_equal(step(1, RUN_ON_SETTLED), "> locking");
        go_to_answering();
        assert_string_equal(step(2, RUN_ON_LOCKED), "> answering");
        assert_string_equal(step(2, RUN_ON_LOCK_BUSY), "> answering");
        assert_string_equal(step(2, RUN_ON_GO), "> answering");
        assert_string_equal(step(2, RUN_ON_SETTLED), "> answering");
        go_to_posting();
        assert_string_equal(answer(1002, 1), "> posting");
        assert_string_equal(step(1002, RUN_ON_GO), "> posting");
        go_to_reporting();
        assert_string_equal(step(1002, RUN_ON_POSTED), "> reporting");
        assert_string_equal(step_with(1002, RUN_ON_POST_FAILED, &bad, 0), "> reporting");
        assert_string_equal(step(1002, RUN_ON_LEASE_UNSURE), "> reporting");
        assert_outcome(WIRE_DONE, "");
}

static void an_ended_run_stays_ended(void **state) {
        go_to_answering();
        step(5, RUN_ON_CANCEL);
        for (int kind = RUN_ON_LOCKED; kind <= RUN_ON_TIMER; kind++)
                assert_string_equal(step_with(6, (enum run_event_kind)kind, &bad, 1), "> ended");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_run_with_two_replies_goes_from_lock_to_release),
                cmocka_unit_test(nothing_to_say_is_done_without_a_commit),
                cmocka_unit_test(without_a_channel_the_answer_ends_the_run),
                cmocka_unit_test(what_needs_no_answer_is_done_without_a_call),
                cmocka_unit_test(a_record_is_remembered_once_the_broker_has_taken_it),
                cmocka_unit_test(without_a_lock_the_call_begins_at_once),
                cmocka_unit_test(a_stored_answer_is_posted_without_asking_again),
                cmocka_unit_test(a_stored_answer_that_is_out_already_is_only_reported),
                cmocka_unit_test(what_cannot_be_run_is_only_reported),
                cmocka_unit_test(what_the_handler_says_is_reported),
                cmocka_unit_test(a_post_that_fails_keeps_how_many_are_out),
                cmocka_unit_test(a_run_that_takes_too_long_is_aborted),
                cmocka_unit_test(a_timeout_says_what_was_waited_for),
                cmocka_unit_test(a_run_that_waits_too_long_for_go_is_over),
                cmocka_unit_test(an_answer_that_may_be_posted_gets_its_time),
                cmocka_unit_test(a_channel_that_does_not_answer_is_given_up),
                cmocka_unit_test(answered_is_said_each_second_until_go),
                cmocka_unit_test(the_result_is_said_each_second_until_it_is_settled),
                cmocka_unit_test(what_is_due_at_one_instant_is_done_in_one_step),
                cmocka_unit_test(cancel_ends_each_stage_at_once_without_a_result),
                cmocka_unit_test(stop_ends_a_run_that_waits_for_go),
                cmocka_unit_test(a_worker_that_leaves_hands_back),
                cmocka_unit_test(a_worker_that_leaves_waits_until_the_answer_is_stored),
                cmocka_unit_test(a_worker_that_leaves_waits_for_the_post_under_way_and_begins_no_other),
                cmocka_unit_test(an_unsure_lease_is_handed_back_before_the_call),
                cmocka_unit_test(events_of_another_stage_change_nothing),
                cmocka_unit_test(an_ended_run_stays_ended),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
