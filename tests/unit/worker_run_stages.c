/* What stands around a handler: the context, what its answer tells of the provider, and the history. */
#include "tests/unit/worker_run.h"

static struct outcome done;

/* -- into each stage ----------------------------------------------------------------------------------------------- */

static struct run_plan with_context(bool is_required) {
        struct run_plan plan = plain;

        plan.has_context = true;
        plan.is_context_required = is_required;
        return plan;
}

static void go_to_context(bool is_required) {
        struct run_plan plan = with_context(is_required);

        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
}

static struct run_plan answered(uint32_t n_replies, uint32_t posted) {
        struct run_plan plan = plain;

        plan.is_answered = true;
        plan.n_replies = n_replies;
        plan.posted = posted;
        return plan;
}

/* -- the context --------------------------------------------------------------------------------------------------- */

static void the_context_is_looked_up_under_the_lock_and_before_the_handler_is_asked(void **state) {
        struct run_plan plan = with_context(false);

        assert_string_equal(begin(&plan, 0), "acquire > locking");
        assert_string_equal(step(3, RUN_ON_LOCKED), "look_up > context");
        assert_int_equal(span_to_ms(run.lock_wait), 3);
        assert_string_equal(step_with(8003, RUN_ON_CONTEXT, &done, 0), "call > answering");
        assert_string_equal(answer(9003, 1), "answered > answered");
        /* The lookup is no part of it. */
        assert_int_equal(span_to_ms(run.answering), 1000);
}

static void a_lookup_that_fails_stops_only_who_requires_it(void **state) {
        bad.retry_after = span_s(7);
        go_to_context(false);
        assert_string_equal(step_with(9, RUN_ON_CONTEXT, &bad, 0), "call > answering");
        go_to_context(true);
        assert_string_equal(step_with(9, RUN_ON_CONTEXT, &bad, 0), "result release > reporting");
        assert_outcome(WIRE_FAILED, "context_failed");
        assert_string_equal(run.outcome.why, bad.why);
        assert_int_equal(run.outcome.retry_after.us, span_s(7).us);
        assert_int_equal(run.provider, WIRE_PROVIDER_SILENT);
        go_to_context(true);
        assert_string_equal(step_with(9, RUN_ON_CONTEXT, &done, 0), "call > answering");
}

static void a_stored_answer_needs_no_context(void **state) {
        struct run_plan plan = answered(1, 0);

        plan.has_context = plan.is_context_required = true;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "post > posting");
}

static void whatever_ends_a_run_ends_its_lookup(void **state) {
        go_to_context(false);
        assert_string_equal(step(5, RUN_ON_CANCEL), "abort release end > ended");
        go_to_context(false);
        assert_string_equal(step(5, RUN_ON_HAND_BACK), "abort result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "draining");
        assert_string_equal(step_with(6, RUN_ON_CONTEXT, &done, 0), "> reporting");
        go_to_context(false);
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(10001, RUN_ON_LOCK_BUSY), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_non_null(strstr(run.outcome.why, "the context was looked up"));
        go_to_context(false);
        assert_string_equal(step(40000, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        go_to_context(false);
        assert_string_equal(step(5, RUN_ON_LEASE_UNSURE), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "lease_unsure");
}

static void a_context_that_comes_after_the_lock_is_gone_is_of_no_use(void **state) {
        go_to_context(false);
        assert_string_equal(step_with(40000, RUN_ON_CONTEXT, &done, 0), "result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
}

static void the_run_timeout_covers_the_lookup(void **state) {
        struct run_plan plan = with_context(false);

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_due(5000);
        assert_string_equal(step(5000, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "timeout");
        assert_non_null(strstr(run.outcome.why, "the context lookup had not ended"));
        assert_int_equal(run.provider, WIRE_PROVIDER_SILENT);
}

/* -- the provider -------------------------------------------------------------------------------------------------- */

static void what_the_answer_tells_of_the_provider_goes_with_every_result(void **state) {
        struct outcome fine = done;

        fine.provider = WIRE_PROVIDER_WELL;
        bad.provider = WIRE_PROVIDER_OVERLOADED;
        bad.pause = span_s(3);
        go_to_answering();
        step_with(10, RUN_ON_ANSWER, &bad, 0);
        assert_int_equal(run.provider, WIRE_PROVIDER_OVERLOADED);
        assert_int_equal(run.pause.us, span_s(3).us);
        go_to_answering();
        step_with(10, RUN_ON_ANSWER, &fine, 1);
        step(11, RUN_ON_GO);
        /* The channel is another one's. */
        assert_string_equal(step_with(12, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
        assert_int_equal(run.provider, WIRE_PROVIDER_WELL);
        assert_int_equal(run.pause.us, 0);
}

static void a_handler_that_does_not_answer_in_time_is_down(void **state) {
        struct run_plan plan = plain;

        plan.timeout = span_s(5);
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        step(5000, RUN_ON_TIMER);
        assert_outcome(WIRE_FAILED, "timeout");
        assert_int_equal(run.provider, WIRE_PROVIDER_DOWN);
}

/* -- the history --------------------------------------------------------------------------------------------------- */

static void whatever_run_finishes_the_batch_remembers_it(void **state) {
        struct run_plan plan = plain;

        plan.has_history = true;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(10, 1);
        step(11, RUN_ON_GO);
        assert_string_equal(step(12, RUN_ON_POSTED), "remember result release > reporting");
        plan = answered(2, 1);
        plan.has_history = true;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(step(5, RUN_ON_POSTED), "remember result release > reporting");
}

static void without_a_post_only_what_the_broker_has_taken_is_remembered(void **state) {
        struct run_plan plan = plain;

        plan.has_history = true;
        plan.has_post = false;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(answer(10, 1), "result release > reporting");
        assert_string_equal(settle(11, true), "remember end > ended");
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(10, 1);
        assert_string_equal(settle(11, false), "end > ended");
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(10, 1);
        assert_string_equal(step(11, RUN_ON_CANCEL), "end > ended");
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(10, 0);
        assert_string_equal(settle(11, true), "end > ended");
}

static void nothing_said_and_nothing_finished_is_nothing_to_remember(void **state) {
        struct run_plan plan = plain;

        plan.has_history = true;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(answer(10, 0), "result release > reporting");
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        answer(10, 1);
        step(11, RUN_ON_GO);
        assert_string_equal(step_with(12, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
}

static int set_up_all(void **state) {
        outcome_init_done(&done);
        return set_up(state);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up_all)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_context_is_looked_up_under_the_lock_and_before_the_handler_is_asked),
                TEST(a_lookup_that_fails_stops_only_who_requires_it),
                TEST(a_stored_answer_needs_no_context),
                TEST(whatever_ends_a_run_ends_its_lookup),
                TEST(a_context_that_comes_after_the_lock_is_gone_is_of_no_use),
                TEST(the_run_timeout_covers_the_lookup),
                TEST(what_the_answer_tells_of_the_provider_goes_with_every_result),
                TEST(a_handler_that_does_not_answer_in_time_is_down),
                TEST(whatever_run_finishes_the_batch_remembers_it),
                TEST(without_a_post_only_what_the_broker_has_taken_is_remembered),
                TEST(nothing_said_and_nothing_finished_is_nothing_to_remember),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
