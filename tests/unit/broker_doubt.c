/* What is out and what may be: POSTED, doubt, and the answer that goes out again. */
#include "tests/unit/broker_verb.h"

#include "broker/store/values.h"

#include <string.h>

/* A run of "t" whose answer of `n_replies` is stored. */
static struct world_run answered(uint32_t n_replies) {
        struct world_run run = start_run(1);

        world_answered_with(&world, &run, n_replies);
        assert_int_equal(world.go, 1);
        return run;
}

/* Worker 1 falls silent, worker 2 takes its run over. */
static struct world_run taken_over(void) {
        for (int second = 0; second < 5; second++)
                world_wait(&world, span_s(1));
        world_hello(&world, 2, 1);
        return the_run(1);
}

static void expect_answer(uint32_t posted, bool is_doubtful) {
        assert_true(world_why(&world, "t").is_answered);
        assert_int_equal(world_why(&world, "t").posted, posted);
        assert_int_equal(world_why(&world, "t").is_doubtful, is_doubtful);
}

/* -- doubt --------------------------------------------------------------------------------------------------------- */

static void a_first_run_bears_no_doubt(void **state) {
        struct world_run run = start_run(1);

        assert_false(run.is_doubtful);
        assert_false(world_why(&world, "t").is_doubtful);
}

static void the_reply_of_a_worker_that_fell_silent_after_go_is_in_doubt(void **state) {
        struct world_run run;

        answered(1);
        expect_answer(0, true);
        run = taken_over();
        assert_true(run.is_answered && run.is_doubtful);
        assert_int_equal(core_counters(world.core)->savings.reused, 1);
}

static void a_result_that_knows_ends_the_doubt(void **state) {
        struct world_run run = answered(1);

        world_result(&world, &run, WIRE_FAILED);
        expect_answer(0, false);
        world_wait(&world, span_s(2));
        assert_true(the_run(1).is_answered);
        assert_false(world.runs[0].is_doubtful);
}

static void a_result_in_doubt_leaves_it(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_FAILED, WIRE_BUSY, WIRE_HANDED_BACK};

        for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
                struct world_run run = answered(3);

                world_result_in_doubt(&world, &run, outcomes[i], 1);
                expect_answer(1, true);
                world_wait(&world, span_s(2));
                if (world.n_runs == 0)
                        world_hello(&world, 1, 1);
                assert_true(the_run(1).is_doubtful && world.runs[0].posted == 1);
                world_done(&world);
                world_init(&world);
        }
}

/* Before lull/1.1 a RESULT says nothing of doubt. */
static void result_of_old(const struct world_run *run, enum wire_outcome outcome) {
        struct event event = {.type = EVENT_RESULT, .from = run->to};

        event.result = (struct wire_result){.fence = run->fence,
                                            .batch = bytes_of(run->batch),
                                            .outcome = outcome,
                                            .posted = run->posted,
                                            .is_of_old = true};
        world_step(&world, &event);
}

static void an_older_worker_that_came_to_nothing_leaves_the_doubt_as_its_run_bore_it(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_BUSY, WIRE_HANDED_BACK};

        for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
                struct world_run run;

                answered(1);
                run = taken_over();
                assert_true(run.is_doubtful);
                result_of_old(&run, outcomes[i]);
                expect_answer(0, true);
                world_done(&world);
                world_init(&world);
                run = answered(1);
                world_result(&world, &run, WIRE_FAILED);
                world_wait(&world, span_s(2));
                run = the_run(1);
                assert_false(run.is_doubtful);
                result_of_old(&run, outcomes[i]);
                expect_answer(0, false);
                world_done(&world);
                world_init(&world);
        }
}

static void and_that_it_bore_none_is_no_matter_of_the_batch_before(void **state) {
        struct world_run run;

        answered(1);
        run = taken_over();
        assert_true(run.is_doubtful);
        world_result(&world, &run, WIRE_DONE);
        world_hello(&world, 2, 1);
        world_say(&world, "t", NULL);
        run = the_run(1);
        world_answered_with(&world, &run, 1);
        result_of_old(&run, WIRE_BUSY);
        expect_answer(0, false);
}

static void doubt_outlives_the_broker(void **state) {
        struct world_run run = answered(2);

        world_result_in_doubt(&world, &run, WIRE_FAILED, 1);
        world_restart(&world);
        expect_answer(1, true);
        assert_int_equal(world_why(&world, "t").n_replies, 2);
}

static void that_there_is_no_doubt_outlives_the_broker(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_FAILED, WIRE_BUSY, WIRE_HANDED_BACK};

        for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
                struct world_run run = answered(1);

                world_result(&world, &run, outcomes[i]);
                world_restart(&world);
                expect_answer(0, false);
                world_done(&world);
                world_init(&world);
        }
}

/* A RUN with an answer is posted without a GO: once it has left there is doubt again, for the next start as well. */
static void an_answer_that_goes_out_again_is_in_doubt_from_then_on(void **state) {
        struct world_run run = answered(1);

        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        assert_false(the_run(1).is_doubtful);
        expect_answer(0, true);
        world_restart(&world);
        expect_answer(0, true);
        assert_true(taken_over().is_doubtful);
}

static void a_run_that_was_never_sent_puts_nothing_in_doubt(void **state) {
        struct world_run run = answered(1);

        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        run = the_run(1);
        assert_int_equal(core_counters(world.core)->savings.reused, 1);
        world_step(&world, &(struct event){.type = EVENT_UNDELIVERED, .undelivered = run.fence});
        assert_int_equal(core_counters(world.core)->savings.reused, 0);
        expect_answer(0, false);
        world_restart(&world);
        expect_answer(0, false);
}

static void a_run_in_doubt_that_was_never_sent_stays_in_doubt(void **state) {
        struct world_run run;

        answered(1);
        run = taken_over();
        world_step(&world, &(struct event){.type = EVENT_UNDELIVERED, .undelivered = run.fence});
        expect_answer(0, true);
}

/* The first run posts nothing, and is away for two restarts; the one that took over in between may have posted. */
static void a_run_from_before_a_restart_does_not_speak_for_a_later_one(void **state) {
        struct world_run first = answered(1);

        world_restart(&world);
        for (int second = 0; second < 6; second++) {
                world_hello(&world, 2, 1);
                world_wait(&world, span_s(1));
        }
        assert_int_equal(world_why(&world, "t").state, THREAD_RUNNING);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &first, 1);
        assert_int_equal(world.n_cancels, 1);
        world_result(&world, &first, WIRE_FAILED);
        expect_answer(0, true);
}

static void a_dead_letter_keeps_its_doubt_through_a_restart_and_a_retry(void **state) {
        struct world_run run = answered(3);
        struct core_dead_view dead;
        uint32_t cursor = 0;
        int result = -1;

        world_result_in_doubt(&world, &run, WIRE_FAILED_FOR_GOOD, 1);
        world_restart(&world);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_true(dead.is_answered && dead.is_doubtful && dead.posted == 1);
        world_hello(&world, 1, 1);
        world_step(&world, &(struct event){.type = EVENT_DEAD_RETRY, .dead = {dead.seq, &result}});
        assert_int_equal(result, 0);
        run = the_run(1);
        assert_true(run.is_answered && run.is_doubtful && run.posted == 1);
        world_posted(&world, &run, 4);
        expect_answer(1, true);
}

/* A record of the version before: as it was written, eleven values. */
static void a_record_that_says_nothing_of_doubt_is_read_as_doubtful(void **state) {
        CLEANUP_BUFFER struct buffer payload = {0};
        CLEANUP_FREE uint64_t *seqs = NULL;
        struct stored_batch batch;

        for (uint32_t is_answered = 0; is_answered <= 1; is_answered++) {
                buffer_clear(&payload);
                pack_push_array(&payload, 11);
                for (uint32_t i = 0; i < 5; i++)
                        pack_push_uint(&payload, 0);
                pack_push_uint(&payload, is_answered);
                pack_push_str(&payload, bytes_of("code"));
                pack_push_str(&payload, bytes_of("why"));
                pack_push_array(&payload, 0);
                pack_push_uint(&payload, 7);
                pack_push_uint(&payload, 8);
                free(TAKE(seqs));
                assert_int_equal(values_decode_batch(1, buffer_bytes(&payload), &batch, &seqs), 0);
                assert_int_equal(batch.is_doubtful, is_answered);
                assert_true(batch.fence == 7 && batch.posting == 8 && batch.n_replies == 0 && batch.n_interrupts == 0);
        }
}

static void a_record_comes_back_with_its_doubt_replies_and_interrupts(void **state) {
        CLEANUP_BUFFER struct buffer value = {0};
        CLEANUP_FREE uint64_t *seqs = NULL;
        struct stored_batch batch = {.seq = 3, .is_answered = true, .n_replies = 5, .n_interrupts = 2}, got;
        struct bytes payload;

        values_encode_batch(&value, &batch);
        assert_int_equal(values_open(3, buffer_bytes(&value), &payload), 0);
        assert_int_equal(values_decode_batch(3, payload, &got, &seqs), 0);
        assert_true(!got.is_doubtful && got.n_replies == 5 && got.n_interrupts == 2);
        batch.is_doubtful = true;
        buffer_clear(&value);
        free(TAKE(seqs));
        values_encode_batch(&value, &batch);
        assert_int_equal(values_open(3, buffer_bytes(&value), &payload), 0);
        assert_int_equal(values_decode_batch(3, payload, &got, &seqs), 0);
        assert_true(got.is_doubtful);
}

/* -- posted -------------------------------------------------------------------------------------------------------- */

static void who_takes_over_goes_on_behind_what_is_out(void **state) {
        struct world_run run = answered(3);

        world_posted(&world, &run, 1);
        world_posted(&world, &run, 2);
        run = taken_over();
        assert_true(run.posted == 2 && run.is_doubtful);
}

static void what_is_out_is_kept_over_a_restart(void **state) {
        struct world_run run = answered(3);

        world_posted(&world, &run, 2);
        world_restart(&world);
        expect_answer(2, true);
}

static void posted_never_goes_down(void **state) {
        struct world_run run = answered(3);

        world_posted(&world, &run, 2);
        world_posted(&world, &run, 1);
        expect_answer(2, true);
        run.posted = 0;
        world_result(&world, &run, WIRE_FAILED);
        expect_answer(2, false);
}

static void posted_never_goes_beyond_the_replies(void **state) {
        struct world_run run = answered(3);

        world_posted(&world, &run, 4);
        expect_answer(0, true);
        world_posted(&world, &run, 2);
        expect_answer(2, true);
        world_result_in_doubt(&world, &run, WIRE_FAILED, UINT32_MAX);
        expect_answer(2, true);
        world_restart(&world);
        expect_answer(2, true);
}

static void posted_under_a_stale_fence_changes_nothing(void **state) {
        struct world_run old = answered(3), run;
        uint64_t n_stale = core_counters(world.core)->stale;

        run = taken_over();
        world_posted(&world, &old, 2);
        expect_answer(0, true);
        assert_int_equal(world.n_errors, 0);
        assert_int_equal(core_counters(world.core)->stale, n_stale);
        world_posted(&world, &run, 1);
        expect_answer(1, true);
        world_posted(&world, &(struct world_run){.fence = 99, .batch = "01JD7Z9W4H0000000000000001"}, 1);
        expect_answer(1, true);
}

static void posted_of_another_batch_changes_nothing(void **state) {
        struct world_run run = answered(3);

        memcpy(run.batch, "01JD7Z9W4H0000000000000001", sizeof run.batch);
        world_posted(&world, &run, 1);
        expect_answer(0, true);
}

static void posted_before_there_is_an_answer_changes_nothing(void **state) {
        struct world_run run = start_run(1);

        world_posted(&world, &run, 1);
        world_answered_with(&world, &run, 2);
        expect_answer(0, true);
}

static void posted_after_a_go_that_was_said_twice_stands(void **state) {
        struct world_run run = answered(3);

        world_posted(&world, &run, 1);
        world_answered_with(&world, &run, 3);
        assert_int_equal(world.go, 1);
        expect_answer(1, true);
        assert_int_equal(core_counters(world.core)->answered, 1);
}

static void posted_from_a_worker_that_the_broker_awaits_waits_for_its_result(void **state) {
        struct world_run run = answered(3);

        world_restart(&world);
        world_posted(&world, &run, 1);
        assert_int_equal(world.n_errors, 0);
        expect_answer(0, true);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_posted(&world, &run, 2);
        expect_answer(2, true);
}

static void a_stored_answer_goes_out_by_the_run_that_brought_it_only(void **state) {
        struct world_run old = answered(1), run;

        run = taken_over();
        world_answered_with(&world, &old, 1);
        assert_int_equal(world.go, 0);
        world_answered_with(&world, &run, 1);
        assert_int_equal(world.go, 0);
        assert_string_equal(world.code, "stale");
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_first_run_bears_no_doubt),
                TEST(the_reply_of_a_worker_that_fell_silent_after_go_is_in_doubt),
                TEST(a_result_that_knows_ends_the_doubt),
                TEST(a_result_in_doubt_leaves_it),
                TEST(an_older_worker_that_came_to_nothing_leaves_the_doubt_as_its_run_bore_it),
                TEST(and_that_it_bore_none_is_no_matter_of_the_batch_before),
                TEST(doubt_outlives_the_broker),
                TEST(that_there_is_no_doubt_outlives_the_broker),
                TEST(an_answer_that_goes_out_again_is_in_doubt_from_then_on),
                TEST(a_run_that_was_never_sent_puts_nothing_in_doubt),
                TEST(a_run_in_doubt_that_was_never_sent_stays_in_doubt),
                TEST(a_run_from_before_a_restart_does_not_speak_for_a_later_one),
                TEST(a_dead_letter_keeps_its_doubt_through_a_restart_and_a_retry),
                TEST(a_record_that_says_nothing_of_doubt_is_read_as_doubtful),
                TEST(a_record_comes_back_with_its_doubt_replies_and_interrupts),
                TEST(who_takes_over_goes_on_behind_what_is_out),
                TEST(what_is_out_is_kept_over_a_restart),
                TEST(posted_never_goes_down),
                TEST(posted_never_goes_beyond_the_replies),
                TEST(posted_under_a_stale_fence_changes_nothing),
                TEST(posted_of_another_batch_changes_nothing),
                TEST(posted_before_there_is_an_answer_changes_nothing),
                TEST(posted_after_a_go_that_was_said_twice_stands),
                TEST(posted_from_a_worker_that_the_broker_awaits_waits_for_its_result),
                TEST(a_stored_answer_goes_out_by_the_run_that_brought_it_only),
        };

        return cmocka_run_group_tests_name("broker/core: doubt", tests, NULL, NULL);
}
