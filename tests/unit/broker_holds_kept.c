/* Holds and the other verbs over a restart, and in one turn with what a worker says. */
#include "tests/unit/broker_verb.h"

#include "common/memory.h"

/* -- restarts ------------------------------------------------------------------------------------------------------ */

static void a_hold_survives_the_broker_with_its_reason_and_its_end(void **state) {
        struct core_thread_view before, after;

        world_say(&world, "t", "1");
        hold_for(span_s(600));
        before = world_why(&world, "t");
        world_wait(&world, span_s(5));
        world_restart(&world);
        after = world_why(&world, "t");
        assert_int_equal(after.state, THREAD_HELD);
        assert_int_equal(after.since.ms, before.since.ms);
        assert_int_equal(after.held_until.ms, before.held_until.ms);
        assert_string_equal(after.held_why, "Ana took over");
        world_say(&world, "t", "2");
        world_hello(&world, 1, 5);
        world_wait(&world, span_s(594));
        assert_int_equal(world.n_runs, 0);
        world_hello(&world, 1, 5);
        world_wait(&world, span_s(1));
        the_run(2);
}

static void a_hold_that_ended_while_the_broker_was_away_is_over(void **state) {
        world_say(&world, "t", "1");
        hold_for(span_s(60));
        world.now.mono = mono_add(world.now.mono, span_s(61));
        world.now.wall = wall_add(world.now.wall, span_s(61));
        world_restart(&world);
        world_hello(&world, 1, 5);
        the_run(1);
        assert_int_equal(count_holds(), 0);
}

static void a_hold_without_messages_survives(void **state) {
        hold();
        world_restart(&world);
        world_restart(&world);
        expect_state("t", THREAD_HELD);
        world_say(&world, "t", "1");
        expect_state("t", THREAD_HELD);
}

static void a_resume_survives(void **state) {
        world_say(&world, "t", "1");
        hold();
        resume();
        world_restart(&world);
        expect_state("t", THREAD_COLLECTING);
}

static void a_held_retry_keeps_its_attempts_and_its_answer_over_a_restart(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED);
        hold();
        world_restart(&world);
        expect_state("t", THREAD_HELD);
        resume();
        world_hello(&world, 1, 1);
        run = the_run(1);
        assert_int_equal(run.attempt, 2);
        world_answered(&world, &run, "ok");
        hold();
        world_result(&world, &run, WIRE_FAILED);
        world_restart(&world);
        expect_state("t", THREAD_HELD);
        world_say(&world, "t", "2");
        world_hello(&world, 1, 1);
        assert_int_equal(world.n_runs, 0);
        resume();
        assert_true(the_run(1).is_answered);
}

static void a_run_that_a_hold_cancelled_is_not_taken_up_after_a_restart(void **state) {
        struct world_run run = start_run(1);

        hold();
        world_restart(&world);
        resume();
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_true(the_run(1).fence > run.fence);
        assert_string_equal(world.runs[0].batch, run.batch);
}

/* Worker 1 gets a run after so many seconds, and none before. */
static void expect_due_in(int seconds) {
        for (int i = 0; i < seconds; i++) {
                world_wait(&world, span_us(0)); /* what has become ready goes out, even if it is only now */
                assert_int_equal(world.n_runs, 0);
                expect_state("t", THREAD_COLLECTING);
                world_wait(&world, span_ms(999));
                assert_int_equal(world.n_runs, 0);
                world_alive(&world, 1, 5, NULL, 0);
                world_wait(&world, span_ms(1));
        }
}

static void a_restart_after_hold_and_resume_makes_nothing_due_early(void **state) {
        start_run(5);
        world.tenants[0].quiet = span_s(8);
        hold(); /* ends the run, which leaves the batch a record */
        resume();
        world_say(&world, "t", NULL);
        expect_state("t", THREAD_COLLECTING);
        world_wait(&world, span_s(1));
        world_restart(&world);
        world_hello(&world, 1, 5);
        expect_due_in(7);
        the_run(2);
}

static void nor_when_a_failure_came_before_the_hold(void **state) {
        struct world_run run = start_run(5);

        world.tenants[0].quiet = span_s(8);
        world_result(&world, &run, WIRE_FAILED);
        hold();
        world_wait(&world, span_s(3)); /* longer than the pause after the failure */
        world_say(&world, "t", NULL);
        resume();
        expect_state("t", THREAD_COLLECTING);
        world_wait(&world, span_s(1));
        world_restart(&world);
        world_hello(&world, 1, 5);
        expect_due_in(7);
        assert_int_equal(the_run(2).attempt, 2);
}

static void a_hold_before_the_worker_is_back_ends_its_run(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        hold();
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_HELD);
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
        /* And over one more restart. */
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_HELD);
}

static void a_cancel_before_the_worker_is_back_ends_its_run(void **state) {
        struct world_run run = start_run(1);
        int result = 1;

        world_restart(&world);
        assert_int_equal(verb(EVENT_CANCEL), 0);
        world_step(&world, &(struct event){.type = EVENT_DEAD_RETRY, .dead = {the_letter(1).seq, &result}});
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_true(the_run(1).fence > run.fence);
}

static void a_cancel_after_the_worker_was_given_up_ends_its_run_for_good(void **state) {
        struct world_run run = start_run(1);
        int result = 1;

        world_restart(&world);
        for (int i = 0; i < 6; i++) /* in small steps: a broker that was away itself waits longer */
                world_wait(&world, span_s(1));
        assert_int_equal(verb(EVENT_CANCEL), 0);
        world_hello(&world, 2, 1);
        world_say(&world, "u", NULL);
        the_run(1); /* so there is somebody to wait for */
        world_step(&world, &(struct event){.type = EVENT_DEAD_RETRY, .dead = {the_letter(1).seq, &result}});
        assert_int_equal(result, 0);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "stale");
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
}

static void a_flush_waits_for_the_worker_from_before(void **state) {
        start_run(1);
        world_restart(&world);
        assert_int_equal(verb(EVENT_FLUSH), -EBUSY);
}

static void a_posting_run_goes_on_over_a_restart_and_then_it_is_held(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        hold();
        world_restart(&world);
        expect_state("t", THREAD_HELD);
        assert_int_equal(verb(EVENT_CANCEL), -EBUSY);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        expect_state("t", THREAD_RUNNING);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        expect_state("t", THREAD_HELD);
        assert_int_equal(world_why(&world, "t").n_messages, 0);
}

/* -- in one turn with a worker's word ------------------------------------------------------------------------------ */

/* Both steps of one turn, whose commit comes after them. */
static void step_two(struct event *first, struct event *second) {
        core_step(world.core, world.now, first, &world.fx);
        world_step(&world, second);
}

static struct event answered(const struct world_run *run, struct buffer *answer) {
        struct bytes replies[] = {bytes_of("ok")};
        struct event event = {.type = EVENT_ANSWERED, .from = run->to};

        wire_encode_answer(answer, replies, 1);
        event.answered.fence = run->fence;
        event.answered.batch = bytes_of(run->batch);
        event.answered.answer = buffer_bytes(answer);
        return event;
}

static void an_answer_just_before_the_hold_is_posted(void **state) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct world_run run = start_run(1);
        struct event first = answered(&run, &answer), second = {.type = EVENT_HOLD};
        int result = 1;
        uint32_t n_messages;

        second.verb = (struct core_verb){.tenant = bytes_of("acme"),
                                         .thread = bytes_of("t"),
                                         .ret_result = &result,
                                         .ret_messages = &n_messages};
        step_two(&first, &second);
        assert_int_equal(world.go, 1);
        assert_int_equal(world.n_cancels, 0);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        expect_state("t", THREAD_HELD);
}

static void an_answer_just_after_the_hold_is_stopped(void **state) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct world_run run = start_run(1);
        struct event first = {.type = EVENT_HOLD}, second = answered(&run, &answer);
        int result = 1;
        uint32_t n_messages;

        first.verb = (struct core_verb){.tenant = bytes_of("acme"),
                                        .thread = bytes_of("t"),
                                        .ret_result = &result,
                                        .ret_messages = &n_messages};
        step_two(&first, &second);
        assert_int_equal(world.go, 0);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_HELD);
        resume();
        assert_false(the_run(1).is_answered);
}

static void a_hold_and_its_resume_in_one_turn_leave_nothing(void **state) {
        char *name = memory_copy_text("t", 1), *why = memory_copy_text("Ana", 3);
        int results[2] = {1, 1};
        uint32_t n_messages;
        struct event first = {.type = EVENT_HOLD}, second = {.type = EVENT_RESUME};

        first.verb = (struct core_verb){bytes_of("acme"), bytes_of(name), bytes_of(why), {0}, &results[0], &n_messages};
        second.verb = (struct core_verb){bytes_of("acme"), bytes_of(name), BYTES_NONE, {0}, &results[1], &n_messages};
        step_two(&first, &second);
        assert_true(results[0] == 0 && results[1] == 0);
        free(name);
        free(why);
        world_restart(&world);
        assert_int_equal(count_holds(), 0);
}

/* The end of a hold may be a year away: what is kept of one that was resumed must not pile up until then. */
static void holds_that_were_resumed_leave_nothing(void **state) {
        struct mono hour = mono_add(world.now.mono, span_s(3600));

        hold_for(span_s(3600));
        resume();
        for (int i = 0; i < 100; i++) {
                hold_for(span_s(7200));
                resume();
        }
        assert_true(mono_is_before(hour, core_next_due(world.core)));
        hold_for(span_s(60)); /* and the others still end */
        world_wait(&world, span_s(60));
        assert_int_equal(count_holds(), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                TEST(a_hold_survives_the_broker_with_its_reason_and_its_end),
                TEST(a_hold_that_ended_while_the_broker_was_away_is_over),
                TEST(a_hold_without_messages_survives),
                TEST(a_resume_survives),
                TEST(a_held_retry_keeps_its_attempts_and_its_answer_over_a_restart),
                TEST(a_run_that_a_hold_cancelled_is_not_taken_up_after_a_restart),
                TEST(a_restart_after_hold_and_resume_makes_nothing_due_early),
                TEST(nor_when_a_failure_came_before_the_hold),
                TEST(a_hold_before_the_worker_is_back_ends_its_run),
                TEST(a_cancel_before_the_worker_is_back_ends_its_run),
                TEST(a_cancel_after_the_worker_was_given_up_ends_its_run_for_good),
                TEST(a_flush_waits_for_the_worker_from_before),
                TEST(a_posting_run_goes_on_over_a_restart_and_then_it_is_held),
                TEST(an_answer_just_before_the_hold_is_posted),
                TEST(an_answer_just_after_the_hold_is_stopped),
                TEST(a_hold_and_its_resume_in_one_turn_leave_nothing),
                TEST(holds_that_were_resumed_leave_nothing),
        };

        return cmocka_run_group_tests_name("broker/holds kept", tests, NULL, NULL);
}
