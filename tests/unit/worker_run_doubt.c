/* Replies of which nobody knows whether they are out: where such a doubt comes from, and how it ends. */
#include "tests/unit/worker_run.h"

static struct outcome done;

static struct run_plan in_doubt(uint32_t n_replies, uint32_t posted) {
        struct run_plan plan = plain;

        plan.is_answered = plan.is_doubtful = plan.can_read_back = true;
        plan.n_replies = n_replies;
        plan.posted = posted;
        return plan;
}

static const char *go_to_reading(uint32_t n_replies, uint32_t posted) {
        struct run_plan plan = in_doubt(n_replies, posted);

        begin(&plan, 0);
        return step(1, RUN_ON_LOCKED);
}

/* -- where a doubt comes from -------------------------------------------------------------------------------------- */

static void a_post_is_in_doubt_from_the_moment_it_leaves(void **state) {
        go_to_posting();
        assert_string_equal(step(30500, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_false(run.is_doubtful);
        go_to_posting();
        run_on_sending(&run);
        assert_string_equal(step(30500, RUN_ON_TIMER), "abort result release > reporting");
        assert_true(run.is_doubtful);
        go_to_answering();
        run_on_sending(&run);
        step(30500, RUN_ON_TIMER);
        assert_false(run.is_doubtful);
}

static void a_channel_that_does_not_answer_leaves_a_doubt(void **state) {
        struct run_plan plan = plain;

        plan.lock_ttl = span_us(0);
        begin(&plan, 0);
        answer(10, 2);
        step(11, RUN_ON_GO);
        run_on_sending(&run);
        assert_string_equal(step(11 + LIMIT_POST_MS, RUN_ON_TIMER), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "post_timeout");
        assert_true(run.is_doubtful);
        assert_int_equal(run.posted, 0);
}

static void the_channel_says_whether_a_failed_post_is_in_doubt(void **state) {
        go_to_posting();
        run_on_sending(&run);
        step_with(1100, RUN_ON_POST_FAILED, &bad, 0);
        assert_false(run.is_doubtful);
        bad.is_doubtful = true;
        go_to_posting();
        step_with(1100, RUN_ON_POST_FAILED, &bad, 0);
        assert_true(run.is_doubtful);
}

static void a_doubt_is_of_one_reply_and_ends_with_its_answer(void **state) {
        go_to_posting();
        run_on_sending(&run);
        assert_string_equal(step(1100, RUN_ON_POSTED), "posted post > posting");
        assert_false(run.is_doubtful);
        assert_int_equal(run.doubts.repeated, 0);
        run_on_sending(&run);
        bad.is_doubtful = true;
        step_with(1200, RUN_ON_POST_FAILED, &bad, 0);
        assert_true(run.is_doubtful);
        assert_int_equal(run.posted, 1);
}

static void what_was_held_back_is_not_in_doubt(void **state) {
        go_to_posting();
        run_on_sending(&run);
        assert_string_equal(step(1005, RUN_ON_LEASE_UNSURE), "result release > reporting");
        assert_false(run.is_doubtful);
}

static void what_was_held_back_is_not_in_doubt_even_when_the_lock_ends_the_run(void **state) {
        go_to_posting();
        run_on_sending(&run);
        run_on_held_back(&run);
        assert_string_equal(step(31000, RUN_ON_TIMER), "abort result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_false(run.is_doubtful);
        go_to_reading(1, 0);
        run_on_held_back(&run);
        step(31000, RUN_ON_TIMER);
        assert_true(run.is_doubtful);
}

static void a_worker_that_leaves_waits_for_the_post_and_says_what_became_of_it(void **state) {
        bad.is_doubtful = true;
        go_to_posting();
        step(1005, RUN_ON_HAND_BACK);
        assert_string_equal(step_with(1100, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
        assert_outcome(WIRE_FAILED, "http_500");
        assert_true(run.is_doubtful);
}

/* -- reading back -------------------------------------------------------------------------------------------------- */

static void a_reply_in_doubt_that_is_there_is_not_posted_again(void **state) {
        assert_string_equal(go_to_reading(1, 0), "read_back > reading");
        assert_string_equal(read_back(5, RUN_READ_FOUND, &done), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(run.posted, 1);
        assert_int_equal(run.doubts.found, 1);
        assert_false(run.is_doubtful);
}

static void a_reply_in_doubt_that_is_not_there_is_posted(void **state) {
        go_to_reading(2, 1);
        assert_string_equal(read_back(5, RUN_READ_NOT_FOUND, &done), "post > posting");
        assert_int_equal(run.posted, 1);
        assert_string_equal(step(9, RUN_ON_POSTED), "result release > reporting");
        assert_int_equal(run.posted, 2);
        assert_int_equal(run.doubts.found, 0);
}

/* POSTED frames may have been lost: what the broker takes for the reply in doubt may be long out. */
static void it_reads_on_until_a_reply_is_not_there(void **state) {
        go_to_reading(3, 0);
        assert_string_equal(read_back(5, RUN_READ_FOUND, &done), "posted read_back > reading");
        assert_int_equal(run.posted, 1);
        assert_true(run.is_doubtful);
        assert_string_equal(read_back(6, RUN_READ_FOUND, &done), "posted read_back > reading");
        assert_string_equal(read_back(7, RUN_READ_NOT_FOUND, &done), "post > posting");
        assert_int_equal(run.posted, 2);
        assert_int_equal(run.doubts.found, 2);
}

static void a_channel_that_says_come_again_leaves_the_doubt(void **state) {
        bad.retry_after = span_s(9);
        go_to_reading(2, 1);
        assert_string_equal(read_back(5, RUN_READ_AGAIN, &bad), "result release > reporting");
        assert_outcome(WIRE_FAILED, "http_500");
        assert_int_equal(run.outcome.retry_after.us, span_s(9).us);
        assert_true(run.is_doubtful);
        assert_int_equal(run.posted, 1);
}

static void a_channel_that_cannot_be_read_leaves_it_to_the_tenant(void **state) {
        struct run_plan plan = in_doubt(2, 0);

        go_to_reading(2, 0);
        assert_string_equal(read_back(5, RUN_READ_UNKNOWN, &bad), "post > posting");
        assert_int_equal(run.posted, 0);
        assert_int_equal(run.doubts.repeated, 1);
        plan.is_silent_on_unknown = true;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(read_back(5, RUN_READ_UNKNOWN, &bad), "posted post > posting");
        assert_int_equal(run.posted, 1);
        assert_int_equal(run.doubts.silenced, 1);
        assert_false(run.is_doubtful);
        plan.posted = 1;
        begin(&plan, 0);
        step(1, RUN_ON_LOCKED);
        assert_string_equal(read_back(5, RUN_READ_UNKNOWN, &bad), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(run.posted, 2);
}

static void a_reply_in_doubt_is_posted_once_more_and_no_third_time(void **state) {
        struct run_plan plan = in_doubt(2, 0);

        bad.is_doubtful = true;
        go_to_reading(2, 0);
        read_back(5, RUN_READ_UNKNOWN, &bad);
        run_on_sending(&run);
        assert_string_equal(step_with(10, RUN_ON_POST_FAILED, &bad, 0), "posted post > posting");
        assert_int_equal(run.posted, 1);
        assert_int_equal(run.doubts.repeated, 1);
        assert_int_equal(run.doubts.silenced, 1);
        run_on_sending(&run);
        assert_string_equal(step_with(20, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
        assert_true(run.is_doubtful);
        plan.lock_ttl = span_us(0);
        plan.n_replies = 1;
        begin(&plan, 0);
        read_back(5, RUN_READ_UNKNOWN, &bad);
        run_on_sending(&run);
        assert_string_equal(step(5 + LIMIT_POST_MS, RUN_ON_TIMER), "abort result > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(run.posted, 1);
}

static void a_repeat_that_the_platform_itself_says_has_failed_is_tried_again(void **state) {
        bad.is_doubtful = true;
        bad.status = 502;
        go_to_reading(2, 0);
        read_back(5, RUN_READ_UNKNOWN, &bad);
        run_on_sending(&run);
        assert_string_equal(step_with(10, RUN_ON_POST_FAILED, &bad, 0), "result release > reporting");
        assert_true(run.is_doubtful);
        assert_int_equal(run.posted, 0);
}

static void a_channel_without_a_way_to_read_is_not_asked(void **state) {
        struct run_plan plan = in_doubt(2, 0);

        plan.can_read_back = false;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "post > posting");
        assert_int_equal(run.doubts.repeated, 1);
        assert_false(run.is_doubtful);
        assert_string_equal(step(2, RUN_ON_POSTED), "posted post > posting");
        assert_int_equal(run.doubts.repeated, 1);
        plan.is_silent_on_unknown = true;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "posted post > posting");
        assert_int_equal(run.posted, 1);
        assert_int_equal(run.doubts.silenced, 1);
}

static void all_replies_out_is_no_doubt_to_look_into(void **state) {
        assert_string_equal(go_to_reading(2, 2), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_false(run.is_doubtful);
}

static void a_doubt_without_a_channel_that_can_post_is_only_reported(void **state) {
        struct run_plan plan = in_doubt(1, 0);

        plan.has_post = plan.can_read_back = false;
        begin(&plan, 0);
        assert_string_equal(step(1, RUN_ON_LOCKED), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        assert_int_equal(run.posted, 0);
        assert_int_equal(run.doubts.repeated + run.doubts.silenced, 0);
}

static void a_doubt_outlives_a_run_that_does_not_come_to_it(void **state) {
        struct run_plan plan = in_doubt(1, 0);

        begin(&plan, 0);
        step(1, RUN_ON_LOCK_BUSY);
        assert_outcome(WIRE_BUSY, "lock_busy");
        assert_true(run.is_doubtful);
        begin(&plan, 0);
        step(1, RUN_ON_HAND_BACK);
        assert_true(run.is_doubtful);
        plan.is_answered = false;
        begin(&plan, 0);
        assert_false(run.is_doubtful);
}

static void whatever_ends_a_run_ends_its_reading_and_leaves_the_doubt(void **state) {
        go_to_reading(2, 0);
        assert_string_equal(step(5, RUN_ON_CANCEL), "abort release end > ended");
        go_to_reading(2, 0);
        assert_string_equal(step(5, RUN_ON_HAND_BACK), "abort result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "draining");
        assert_true(run.is_doubtful);
        assert_string_equal(read_back(6, RUN_READ_FOUND, &done), "> reporting");
        assert_int_equal(run.posted, 0);
        go_to_reading(2, 0);
        step(10000, RUN_ON_TIMER);
        assert_string_equal(step(10001, RUN_ON_LOCK_BUSY), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_true(run.is_doubtful);
        go_to_reading(2, 0);
        assert_string_equal(step(5, RUN_ON_LEASE_UNSURE), "result release > reporting");
        assert_outcome(WIRE_HANDED_BACK, "lease_unsure");
        assert_true(run.is_doubtful);
}

static void without_the_lock_what_is_there_counts_and_what_is_not_stays_in_doubt(void **state) {
        go_to_reading(1, 0);
        assert_string_equal(read_back(40000, RUN_READ_FOUND, &done), "result release > reporting");
        assert_outcome(WIRE_DONE, "");
        go_to_reading(2, 0);
        assert_string_equal(read_back(40000, RUN_READ_FOUND, &done), "posted result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_int_equal(run.posted, 1);
        assert_true(run.is_doubtful);
        go_to_reading(2, 0);
        assert_string_equal(read_back(40000, RUN_READ_NOT_FOUND, &done), "result release > reporting");
        assert_outcome(WIRE_FAILED, "lock_lost");
        assert_true(run.is_doubtful);
        go_to_reading(2, 0);
        read_back(40000, RUN_READ_UNKNOWN, &bad);
        assert_true(run.is_doubtful);
        assert_int_equal(run.doubts.repeated, 0);
}

static void reading_back_has_its_own_time_and_not_the_runs(void **state) {
        struct run_plan plan = in_doubt(1, 0);

        plan.timeout = span_s(1);
        plan.lock_ttl = span_us(0);
        assert_string_equal(begin(&plan, 0), "read_back > reading");
        assert_due(LIMIT_POST_MS);
        assert_string_equal(step(2000, RUN_ON_TIMER), "> reading");
        assert_string_equal(step(LIMIT_POST_MS, RUN_ON_TIMER), "abort result > reporting");
        assert_outcome(WIRE_FAILED, "read_back_timeout");
        assert_true(run.is_doubtful);
}

static int set_up_all(void **state) {
        outcome_init_done(&done);
        return set_up(state);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up_all)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_post_is_in_doubt_from_the_moment_it_leaves),
                TEST(a_channel_that_does_not_answer_leaves_a_doubt),
                TEST(the_channel_says_whether_a_failed_post_is_in_doubt),
                TEST(a_doubt_is_of_one_reply_and_ends_with_its_answer),
                TEST(what_was_held_back_is_not_in_doubt),
                TEST(what_was_held_back_is_not_in_doubt_even_when_the_lock_ends_the_run),
                TEST(a_worker_that_leaves_waits_for_the_post_and_says_what_became_of_it),
                TEST(a_reply_in_doubt_that_is_there_is_not_posted_again),
                TEST(a_reply_in_doubt_that_is_not_there_is_posted),
                TEST(it_reads_on_until_a_reply_is_not_there),
                TEST(a_channel_that_says_come_again_leaves_the_doubt),
                TEST(a_channel_that_cannot_be_read_leaves_it_to_the_tenant),
                TEST(a_reply_in_doubt_is_posted_once_more_and_no_third_time),
                TEST(a_repeat_that_the_platform_itself_says_has_failed_is_tried_again),
                TEST(a_channel_without_a_way_to_read_is_not_asked),
                TEST(all_replies_out_is_no_doubt_to_look_into),
                TEST(a_doubt_without_a_channel_that_can_post_is_only_reported),
                TEST(a_doubt_outlives_a_run_that_does_not_come_to_it),
                TEST(whatever_ends_a_run_ends_its_reading_and_leaves_the_doubt),
                TEST(without_the_lock_what_is_there_counts_and_what_is_not_stays_in_doubt),
                TEST(reading_back_has_its_own_time_and_not_the_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
