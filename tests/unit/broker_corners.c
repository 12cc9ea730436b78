/* Corners: workers that come back, clocks that jump, pauses that others ask for, and what survives a restart. */
#include "tests/unit/broker_unit.h"

#include <string.h>

static int setup(void **state) {
        world_init(&world);
        world.tenants[0].quiet = world.tenants[1].quiet = span_us(0);
        return 0;
}

static void set_calendar_back(struct span span) { world.now.wall.ms -= span_to_ms(span); }

/* -- workers that come back ---------------------------------------------------------------------------------------- */

static void a_silent_worker_gets_no_new_run_until_its_next_word(void **state) {
        world_hello(&world, 1, 1);
        for (int i = 0; i < 6; i++)
                world_wait(&world, span_s(1));
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_runs, 0);
        world_alive(&world, 1, 1, NULL, 0);
        the_run(1);
}

static void a_worker_that_was_silent_for_long_must_say_hello(void **state) {
        world_hello(&world, 1, 1);
        for (int i = 0; i < 16; i++)
                world_wait(&world, span_s(1));
        world_alive(&world, 1, 1, NULL, 0);
        assert_int_equal(world.n_errors, 1);
}

static void a_new_incarnation_ends_the_runs_of_the_one_before_at_once(void **state) {
        struct world_run run = start_run(1);

        world_hello_again(&world, 1, 1, 2, NULL, 0);
        assert_true(the_run(1).fence > run.fence);
}

static void only_its_holder_keeps_a_lease_alive(void **state) {
        struct world_run run = start_run(1);

        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 0);
                world_alive(&world, 2, 0, &run, 1);
                assert_int_equal(world.n_cancels, 1);
                world_wait(&world, span_s(1));
        }
        expect_state("t", THREAD_READY);
}

static void a_hello_confirms_the_leases_it_names_and_is_told_of_the_others(void **state) {
        struct world_run held[2] = {start_run(1)};

        held[1] = held[0];
        held[1].fence += 100;
        world_hello_again(&world, 1, 7, 1, held, 2);
        assert_int_equal(world.n_cancels, 1);
        for (int i = 0; i < 4; i++)
                world_wait(&world, span_s(1));
        expect_state("t", THREAD_RUNNING);
        /* ... and from now on it is reached where it is now. */
        world_result(&world, &held[0], WIRE_DONE);
        world_say(&world, "u", NULL);
        assert_int_equal(the_run(1).to.data[0], 7);
}

static void after_a_run_that_could_not_be_sent_a_worker_gets_none_until_it_speaks(void **state) {
        struct event event = {.type = EVENT_UNDELIVERED};

        event.undelivered = start_run(1).fence;
        world_step(&world, &event);
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_READY);
        world_alive(&world, 1, 1, NULL, 0);
        the_run(1);
}

static void a_worker_that_hands_back_gets_nothing_until_its_next_word(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_HANDED_BACK);
        assert_int_equal(world.n_runs, 0);
        world_alive(&world, 1, 1, NULL, 0);
        assert_int_equal(the_run(1).attempt, 1);
}

static void the_brokers_absence_is_forgiven_once_also_to_who_spoke_first_after_it(void **state) {
        struct world_run run = start_run(1);

        world.now.mono = mono_add(world.now.mono, span_s(3600));
        world.now.wall = wall_add(world.now.wall, span_s(3600));
        world_alive(&world, 1, 1, &run, 1);
        expect_state("t", THREAD_RUNNING);
        for (int i = 0; i < 5; i++)
                world_wait(&world, span_s(1));
        expect_state("t", THREAD_READY);
}

static void a_lease_is_as_long_as_the_workers_were_told(void **state) {
        struct world_run run = start_run(1);

        world.config.broker.lease = span_s(1);
        core_configure(world.core, world.now, &world.config);
        world_alive(&world, 1, 1, &run, 1);
        for (int i = 0; i < 4; i++)
                world_wait(&world, span_s(1));
        expect_state("t", THREAD_RUNNING);
}

static enum wire_type type_of(const struct send *send) {
        enum wire_type type;
        struct bytes body;

        assert_int_equal(send->type, SEND_FRAME);
        assert_int_equal(
                wire_open((struct bytes){world.fx.frames.data + send->frame_at, send->frame_len}, &type, &body), 0);
        return type;
}

/* What the worker may not go on with is named before the WELCOME, which allows it to post the rest. */
static void what_is_void_is_cancelled_before_the_welcome(void **state) {
        struct world_run run = start_run(1);
        CLEANUP_BUFFER struct buffer list = {0};
        uint8_t uuid[WIRE_UUID_LEN] = {1};
        struct event event = {.type = EVENT_HELLO, .from = {.len = 1, .data = {1}}};

        world_answered(&world, &run, "Oi!");
        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                world_wait(&world, span_s(1));
        }
        assert_int_equal(the_run(1).to.data[0], 2);
        wire_encode_held(&list, run.fence, bytes_of(run.batch));
        event.hello =
                (struct wire_hello){{uuid, sizeof uuid}, 1, 1, bytes_of("test"), 1, pack_open(buffer_bytes(&list))};
        core_step(world.core, world.now, &event, &world.fx);
        assert_int_equal(world.fx.n_sends, 2);
        assert_int_equal(type_of(&world.fx.sends[0]), WIRE_CANCEL);
        assert_int_equal(type_of(&world.fx.sends[1]), WIRE_WELCOME);
}

static void a_worker_whose_address_is_another_ones_now_gets_no_run(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_hello_again(&world, 2, 1, 1, NULL, 0);
        world_say(&world, "t", NULL);
        assert_int_equal(the_run(1).to.len, 1);
        world_say(&world, "u", NULL);
        assert_int_equal(world.n_runs, 0);
}

static void a_new_worker_from_the_same_address_keeps_its_leases(void **state) {
        struct world_run run;

        world_hello(&world, 1, 0);
        world_hello_again(&world, 2, 1, 1, NULL, 0);
        world_say(&world, "t", NULL);
        run = the_run(1);
        for (int i = 0; i < 6; i++) {
                world_alive(&world, 1, 1, &run, 1);
                assert_int_equal(world.n_cancels, 0);
                world_wait(&world, span_s(1));
        }
        expect_state("t", THREAD_RUNNING);
}

/* -- results ------------------------------------------------------------------------------------------------------- */

static void a_result_for_another_batch_changes_nothing(void **state) {
        struct world_run run = start_run(1);

        run.batch[WIRE_BATCH_LEN - 1] = run.batch[WIRE_BATCH_LEN - 1] == '0' ? '1' : '0';
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
        expect_state("t", THREAD_RUNNING);
}

static void a_result_without_a_fence_is_stale(void **state) {
        struct world_run run = start_run(1);

        run.fence = 0;
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
}

static void an_answer_that_is_none_is_stopped_and_its_batch_is_dead(void **state) {
        static char large[LIMIT_ANSWER_BYTES];
        static const struct bytes wrong[] = {{NULL, 0}, {"\xa3sim", 4}, {"\xdc\x00\x11", 3}};
        struct world_run run = start_run(1);

        memset(large, 'x', sizeof large - 1);
        world_answered(&world, &run, large);
        assert_int_equal(world.go, 0);
        assert_string_equal(world.code, "bad_answer");
        expect_state("t", THREAD_DEAD);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                struct event event = {.type = EVENT_ANSWERED, .answered = {.answer = wrong[i]}};

                world_alive(&world, 1, 1, NULL, 0);
                world_say(&world, "t", NULL);
                run = the_run(1);
                event.from = run.to;
                event.answered.fence = run.fence;
                event.answered.batch = bytes_of(run.batch);
                world_step(&world, &event);
                assert_string_equal(world.code, "bad_answer");
                expect_state("t", THREAD_DEAD);
        }
}

static void a_longer_pause_that_the_handler_asks_for_is_kept_up_to_an_hour(void **state) {
        static const struct {
                int64_t asked_s, waited_s;
        } pauses[] = {{1, 2}, {100, 100}, {1000000, 3600}};

        for (size_t i = 0; i < 3; i++) {
                struct world_run run = start_run(1);
                struct span left = span_us(pauses[i].waited_s * 1000000 - 1);

                world_result_later(&world, &run, WIRE_FAILED, span_s(pauses[i].asked_s));
                world_wait(&world, left);
                expect_state("t", THREAD_BACKOFF);
                world_hello(&world, 1, 1);
                world_wait(&world, span_us(1));
                run = the_run(1);
                world_result(&world, &run, WIRE_DONE);
        }
}

static void a_failure_between_busy_answers_begins_their_count_anew(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_BUSY);
        world_wait(&world, span_s(1));
        run = the_run(1);
        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        run = the_run(1);
        world_result(&world, &run, WIRE_BUSY);
        world_wait(&world, span_ms(89));
        expect_state("t", THREAD_WAITING);
        world_wait(&world, span_ms(11));
        the_run(1);
}

static void calls_saved_are_messages_less_batches(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(1);
        world_hello(&world, 1, 1);
        for (int i = 0; i < 5; i++)
                world_say(&world, "t", NULL);
        world_wait(&world, span_s(1));
        run = the_run(5);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(core_counters(world.core)->savings.calls_saved, 4);
        assert_int_equal(core_counters(world.core)->finished, 5);
}

static void lateness_counts_neither_want_of_credit_nor_a_tenant_at_its_limit(void **state) {
        struct world_run run;

        world_say(&world, "t", NULL);
        world_wait(&world, span_s(1));
        world_hello(&world, 1, 2);
        run = the_run(1);
        world.tenants[0].concurrency = 1;
        world_say(&world, "u", NULL);
        world_wait(&world, span_s(1));
        world_result(&world, &run, WIRE_DONE);
        the_run(1);
        assert_int_equal(histogram_max(&core_counters(world.core)->lateness_us), 0);
}

static void one_message_over_max_bytes_goes_out_alone(void **state) {
        world.tenants[0].max_bytes = 1;
        world_hello(&world, 1, 1);
        world_say(&world, "t", NULL);
        assert_int_equal(the_run(1).n_messages, 1);
}

static void bring_back(uint64_t seq) {
        int result = 1;
        struct event event = {.type = EVENT_DEAD_RETRY, .dead = {.seq = seq, .ret_result = &result}};

        world_step(&world, &event);
        assert_int_equal(result, 0);
}

static void an_answered_batch_brought_back_keeps_its_place_over_a_restart(void **state) {
        struct world_run older = start_run(1), answered;

        world_result(&world, &older, WIRE_FAILED_FOR_GOOD);
        world_alive(&world, 1, 1, NULL, 0);
        world_say(&world, "t", NULL);
        answered = the_run(1);
        world_answered(&world, &answered, "Oi!");
        world_result(&world, &answered, WIRE_FAILED_FOR_GOOD);
        world_alive(&world, 1, 0, NULL, 0);
        bring_back(older.seqs[0]);
        bring_back(answered.seqs[0]);
        world_restart(&world);
        world_hello(&world, 1, 1);
        assert_true(the_run(1).is_answered);
        assert_int_equal(world.runs[0].seqs[0], answered.seqs[0]);
        world_result(&world, &world.runs[0], WIRE_DONE);
        assert_int_equal(the_run(1).seqs[0], older.seqs[0]);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void time_is_asked_for_only_when_it_can_change_something(void **state) {
        struct world_run run;

        assert_true(core_next_due(world.core).us == MONO_NEVER.us);
        world_hello(&world, 1, 9); /* its silence is to be noticed */
        assert_int_equal(mono_since(core_next_due(world.core), world.now.mono).us, 1000000);
        world.tenants[0].concurrency = 1;
        core_configure(world.core, world.now, &world.config);
        world_say(&world, "t", NULL);
        run = the_run(1);
        world_say(&world, "u", NULL); /* its tenant is at its limit: only a result changes that */
        assert_true(mono_is_before(world.now.mono, core_next_due(world.core)));
        world.tenants[0].concurrency = 100;
        core_configure(world.core, world.now, &world.config);
        assert_false(mono_is_before(world.now.mono, core_next_due(world.core)));
        world_result(&world, &run, WIRE_DONE);
}

static void a_calendar_set_back_delays_nobody_by_more_than_the_quiet(void **state) {
        world.tenants[0].quiet = span_s(8);
        world_say(&world, "t", NULL);
        set_calendar_back(span_s(3600));
        world_restart(&world);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        the_run(1);
}

static void a_calendar_set_back_delays_no_retry_by_more_than_an_hour(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED);
        set_calendar_back(span_s(24 * 3600));
        world_restart(&world);
        world_wait(&world, span_s(3600));
        world_hello(&world, 1, 1);
        the_run(1);
}

/* -- what survives a restart --------------------------------------------------------------------------------------- */

static void replies_that_are_out_are_never_forgotten(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_BUSY, WIRE_HANDED_BACK, WIRE_FAILED};

        for (size_t i = 0; i < 3; i++) {
                struct world_run run = start_run(1);

                world_answered_with(&world, &run, 2);
                assert_int_equal(world.go, 1);
                run.posted = 1;
                world_result(&world, &run, outcomes[i]);
                world_restart(&world);
                world_wait(&world, span_s(2));
                world_hello(&world, 1, 1);
                run = the_run(1);
                assert_int_equal(run.posted, 1);
                world_result(&world, &run, WIRE_DONE);
        }
}

static void a_dead_letter_keeps_its_answer_and_what_is_posted_of_it(void **state) {
        struct world_run run = start_run(1);
        struct core_dead_view dead;
        struct event event = {.type = EVENT_DEAD_RETRY};
        int result = 1;

        world_answered_with(&world, &run, 2);
        run.posted = 1;
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_restart(&world);
        assert_true(core_dead_find(world.core, bytes_of(run.batch), &dead));
        assert_true(dead.is_answered && dead.posted == 1);
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        world_step(&world, &event);
        world_restart(&world);
        world_hello(&world, 1, 1);
        assert_int_equal(the_run(1).posted, 1);
        assert_true(world.runs[0].is_answered);
}

static void lost_runs_are_counted_through_restarts(void **state) {
        for (int i = 0; i < LIMIT_LOST_RUNS; i++) {
                world_hello(&world, 1, 1);
                if (i == 0)
                        world_say(&world, "t", NULL);
                the_run(1);
                for (int second = 0; second < 5; second++)
                        world_wait(&world, span_s(1));
                world_restart(&world);
        }
        expect_state("t", THREAD_DEAD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_silent_worker_gets_no_new_run_until_its_next_word),
                TEST(a_worker_that_was_silent_for_long_must_say_hello),
                TEST(a_new_incarnation_ends_the_runs_of_the_one_before_at_once),
                TEST(only_its_holder_keeps_a_lease_alive),
                TEST(a_hello_confirms_the_leases_it_names_and_is_told_of_the_others),
                TEST(after_a_run_that_could_not_be_sent_a_worker_gets_none_until_it_speaks),
                TEST(a_worker_that_hands_back_gets_nothing_until_its_next_word),
                TEST(the_brokers_absence_is_forgiven_once_also_to_who_spoke_first_after_it),
                TEST(a_lease_is_as_long_as_the_workers_were_told),
                TEST(what_is_void_is_cancelled_before_the_welcome),
                TEST(a_worker_whose_address_is_another_ones_now_gets_no_run),
                TEST(a_new_worker_from_the_same_address_keeps_its_leases),
                TEST(a_result_for_another_batch_changes_nothing),
                TEST(a_result_without_a_fence_is_stale),
                TEST(an_answer_that_is_none_is_stopped_and_its_batch_is_dead),
                TEST(a_longer_pause_that_the_handler_asks_for_is_kept_up_to_an_hour),
                TEST(a_failure_between_busy_answers_begins_their_count_anew),
                TEST(calls_saved_are_messages_less_batches),
                TEST(lateness_counts_neither_want_of_credit_nor_a_tenant_at_its_limit),
                TEST(one_message_over_max_bytes_goes_out_alone),
                TEST(an_answered_batch_brought_back_keeps_its_place_over_a_restart),
                TEST(time_is_asked_for_only_when_it_can_change_something),
                TEST(a_calendar_set_back_delays_nobody_by_more_than_the_quiet),
                TEST(a_calendar_set_back_delays_no_retry_by_more_than_an_hour),
                TEST(replies_that_are_out_are_never_forgotten),
                TEST(a_dead_letter_keeps_its_answer_and_what_is_posted_of_it),
                TEST(lost_runs_are_counted_through_restarts),
        };

        return cmocka_run_group_tests_name("broker/corners", tests, NULL, NULL);
}
