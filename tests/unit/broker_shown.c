/* What a platform says of our own replies: that one is to be seen ends any doubt about it. */
#include "tests/unit/broker_item.h"

static void shown(const struct world_run *run, uint32_t number) {
        world_item(
                &world,
                (struct wire_message){
                        .what = WIRE_WHAT_SHOWN, .thread = bytes_of("t"), .id = bytes_of(run->batch), .number = number},
                &(struct wire_body){0});
        assert_int_equal(world.n_accepted, 1);
}

/* Its answer, of so many replies, is stored; then the run fails, in doubt about reply number `posted`. */
static struct world_run fail_in_doubt(uint32_t n_replies, uint32_t posted) {
        struct world_run run = start_run(1);

        world_answered_with(&world, &run, n_replies);
        world_result_in_doubt(&world, &run, WIRE_FAILED, posted);
        return run;
}

static void a_reply_that_is_seen_is_not_in_doubt(void **state) {
        struct world_run run = fail_in_doubt(2, 0);

        shown(&run, 0);
        assert_int_equal(counted()->shown, 1);
        world_wait(&world, span_s(2));
        run = the_run(1);
        assert_int_equal(run.posted, 1);
        assert_false(run.is_doubtful);
}

static void that_is_kept_over_a_restart(void **state) {
        struct world_run run = fail_in_doubt(2, 0);

        shown(&run, 0);
        world_restart(&world);
        world_wait(&world, span_s(10));
        world_hello(&world, 1, 1);
        run = the_run(1);
        assert_int_equal(run.posted, 1);
        assert_false(run.is_doubtful);
}

static void a_pause_is_as_long_as_before(void **state) {
        struct world_run run = fail_in_doubt(2, 0);
        struct wall due = world_why(&world, "t").due;

        shown(&run, 0);
        assert_int_equal(world_why(&world, "t").due.ms, due.ms);
        world_restart(&world);
        assert_int_equal(world_why(&world, "t").due.ms, due.ms);
}

static void only_the_next_reply_counts(void **state) {
        struct world_run run = fail_in_doubt(3, 1);

        shown(&run, 0);
        shown(&run, 2);
        shown(&run, 16);
        shown(&run, UINT32_MAX);
        assert_int_equal(counted()->shown, 0);
        assert_true(world_why(&world, "t").is_doubtful);
        shown(&run, 1);
        shown(&run, 1);
        assert_int_equal(counted()->shown, 1);
        assert_int_equal(world_why(&world, "t").posted, 2);
}

static void another_batch_s_reply_does_not_count(void **state) {
        struct world_run run = fail_in_doubt(1, 0);

        run.batch[WIRE_BATCH_LEN - 1] = run.batch[WIRE_BATCH_LEN - 1] == 'A' ? 'B' : 'A';
        shown(&run, 0);
        run.batch[5] = 0;
        shown(&run, 0);
        assert_int_equal(counted()->shown, 0);
}

/* The worker goes on to the next reply at once, and says so later. */
static void a_run_that_posts_stays_in_doubt_about_the_next(void **state) {
        struct world_run run = start_run(1);

        world_answered_with(&world, &run, 2);
        shown(&run, 0);
        assert_int_equal(world_why(&world, "t").posted, 1);
        assert_true(world_why(&world, "t").is_doubtful);
        world_posted(&world, &run, 1);
        assert_int_equal(world_why(&world, "t").posted, 1);
        shown(&run, 1);
        assert_false(world_why(&world, "t").is_doubtful);
        world_result(&world, &run, WIRE_DONE);
        expect_state("t", THREAD_DONE);
}

static void a_worker_s_doubt_about_what_was_seen_meanwhile_is_none(void **state) {
        struct world_run run = start_run(1);

        world_answered_with(&world, &run, 2);
        shown(&run, 0);
        world_result_in_doubt(&world, &run, WIRE_FAILED, 0);
        world_wait(&world, span_s(2));
        run = the_run(1);
        assert_int_equal(run.posted, 1);
        assert_false(run.is_doubtful);
}

static void a_dead_letter_learns_it_too(void **state) {
        struct core_dead_view dead;
        struct world_run run;
        uint32_t cursor = 0;

        run = start_run(1);
        world_answered_with(&world, &run, 1);
        world_result_in_doubt(&world, &run, WIRE_FAILED_FOR_GOOD, 0);
        shown(&run, 0);
        shown(&run, 0);
        assert_int_equal(counted()->shown, 1);
        world_restart(&world);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_int_equal(dead.posted, 1);
        assert_false(dead.is_doubtful);
}

/* Every reply is there for people to see: there is nothing left to do, however the run ends. */
static void when_all_are_seen_the_batch_is_finished(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_FAILED, WIRE_FAILED_FOR_GOOD, WIRE_BUSY, WIRE_HANDED_BACK};
        struct world_run run = start_run(1);

        world.tenants[0].retry.attempts = 1;
        for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
                world_answered_with(&world, &run, 2);
                shown(&run, 0);
                shown(&run, 1);
                expect_state("t", THREAD_RUNNING);
                world_result_in_doubt(&world, &run, outcomes[i], 0);
                expect_state("t", THREAD_DONE);
                assert_int_equal(world_why(&world, "t").n_dead, 0);
                world_hello(&world, 1, 1);
                world_say(&world, "t", NULL);
                run = the_run(1);
        }
}

static void when_its_worker_vanishes_it_is_finished_too(void **state) {
        struct world_run run = start_run(1);

        world_answered_with(&world, &run, 1);
        shown(&run, 0);
        for (int i = 0; i < 60; i++)
                world_wait(&world, span_s(1));
        expect_state("t", THREAD_DONE);
}

static void what_waited_to_be_posted_again_is_finished(void **state) {
        struct world_run run = fail_in_doubt(2, 1);

        world.tenants[0].quiet = span_s(8);
        world_say(&world, "t", NULL);
        shown(&run, 1);
        assert_messages("t", 1);
        expect_state("t", THREAD_COLLECTING);
        world_restart(&world);
        assert_messages("t", 1);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(10));
        run = the_run(1);
        assert_false(run.is_answered);
}

/* Ready, or held; but never while a worker from before a restart may be at it. */
static void wherever_it_waited(void **state) {
        struct world_run run = fail_in_doubt(1, 0);

        world_hello(&world, 1, 0);
        world_wait(&world, span_s(10));
        expect_state("t", THREAD_READY);
        shown(&run, 0);
        expect_state("t", THREAD_DONE);

        world_hello(&world, 1, 1);
        run = fail_in_doubt(1, 0);
        hold();
        world_say(&world, "t", NULL);
        shown(&run, 0);
        expect_state("t", THREAD_HELD);
        assert_messages("t", 1);
        resume();
        run = the_run(1);
        world_answered_with(&world, &run, 1);
        world_restart(&world);
        world_say(&world, "t", NULL);
        shown(&run, 0);
        assert_messages("t", 2);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_result_in_doubt(&world, &run, WIRE_FAILED, 0);
        assert_false(the_run(1).is_answered);
}

static void what_has_no_answer_has_no_replies(void **state) {
        struct world_run run = start_run(1);

        shown(&run, 0);
        assert_int_equal(counted()->shown, 0);
        assert_int_equal(world_why(&world, "t").posted, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(a_reply_that_is_seen_is_not_in_doubt),
                ITEM_TEST(that_is_kept_over_a_restart),
                ITEM_TEST(a_pause_is_as_long_as_before),
                ITEM_TEST(only_the_next_reply_counts),
                ITEM_TEST(another_batch_s_reply_does_not_count),
                ITEM_TEST(a_run_that_posts_stays_in_doubt_about_the_next),
                ITEM_TEST(a_worker_s_doubt_about_what_was_seen_meanwhile_is_none),
                ITEM_TEST(a_dead_letter_learns_it_too),
                ITEM_TEST(when_all_are_seen_the_batch_is_finished),
                ITEM_TEST(when_its_worker_vanishes_it_is_finished_too),
                ITEM_TEST(what_waited_to_be_posted_again_is_finished),
                ITEM_TEST(wherever_it_waited),
                ITEM_TEST(what_has_no_answer_has_no_replies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
