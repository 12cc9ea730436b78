/* Holds: from every state of a thread, to their end. */
#include "tests/unit/broker_verb.h"

#include <stdio.h>
#include <string.h>

static uint32_t count_in(enum thread_state state) {
        struct core_tenant_view view;
        uint32_t cursor = 0;

        assert_true(core_next_tenant(world.core, &cursor, &view));
        return view.states[state];
}

/* -- hold, from every state ---------------------------------------------------------------------------------------- */

static void a_held_thread_keeps_its_messages_and_runs_nothing(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        hold();
        expect_state("t", THREAD_HELD);
        world_say(&world, "t", "2");
        wait_long();
        assert_int_equal(world_why(&world, "t").n_messages, 2);
        assert_int_equal(count_in(THREAD_HELD), 1);
        assert_int_equal(world_why(&world, "t").due.ms, 0);
}

static void a_cap_does_not_move_a_held_thread(void **state) {
        hold();
        world_hello(&world, 1, 5);
        for (int i = 0; i < 50; i++) {
                world_say(&world, "t", NULL);
                assert_int_equal(world.n_runs, 0);
        }
        expect_state("t", THREAD_HELD);
        resume();
        the_run(20);
}

static void a_thread_without_messages_is_held_before_the_first_comes(void **state) {
        hold();
        expect_state("t", THREAD_HELD);
        assert_int_equal(count_in(THREAD_HELD), 0);
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        wait_long();
        resume();
        the_run(1);
}

static void a_hold_concerns_one_thread_of_one_tenant(void **state) {
        world.tenants[0].quiet = world.tenants[1].quiet = span_us(0);
        hold();
        world_hello(&world, 1, 5);
        world_say(&world, "u", "1");
        the_run(1);
        world_say_in(&world, "zeta", "t", "1", "Oi");
        the_run(1);
        world_say(&world, "t", "1b");
        assert_int_equal(world.n_runs, 0);
}

static void a_ready_thread_is_held_before_a_worker_takes_it(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_say(&world, "t", "1");
        expect_state("t", THREAD_READY);
        hold();
        assert_int_equal(count_in(THREAD_READY), 0);
        wait_long();
        resume();
        the_run(1);
}

static void a_run_without_an_answer_is_cancelled_at_once(void **state) {
        struct world_run run = start_run(1);

        hold();
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "held");
        expect_state("t", THREAD_HELD);
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
        assert_int_equal(world_why(&world, "t").n_messages, 1);
        wait_long();
        resume();
        assert_string_equal(the_run(1).batch, run.batch);
        assert_int_equal(world.runs[0].attempt, 1);
        assert_true(world.runs[0].fence > run.fence);
}

static void a_cancelled_run_gives_its_slot_back(void **state) {
        start_run(1);
        hold();
        world_say(&world, "u", NULL);
        the_run(1);
}

static void a_run_whose_answer_is_stored_ends_and_then_it_is_held(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        world_say(&world, "t", "later");
        hold();
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
        assert_true(world_why(&world, "t").is_held);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        expect_state("t", THREAD_HELD);
        assert_int_equal(world_why(&world, "t").n_messages, 1);
        wait_long();
        resume();
        the_run(1);
}

static void an_answered_run_that_ends_badly_keeps_its_answer_while_held(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_FAILED, WIRE_BUSY, WIRE_HANDED_BACK};

        for (size_t i = 0; i < 3; i++) {
                struct world_run run = start_run(5);

                world_answered(&world, &run, "ok");
                world_say(&world, "t", NULL);
                hold();
                world_result(&world, &run, outcomes[i]);
                expect_state("t", THREAD_HELD);
                wait_long();
                resume();
                run = the_run(1);
                assert_true(run.is_answered);
                world_result(&world, &run, WIRE_DONE);
                the_run(1);
                run = world.runs[0];
                world_result(&world, &run, WIRE_DONE);
                expect_state("t", THREAD_DONE);
        }
}

static void an_answered_run_that_is_lost_is_held_with_its_answer(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        hold();
        for (int i = 0; i < 20; i++)
                world_wait(&world, span_s(1));
        expect_state("t", THREAD_HELD);
        resume();
        world_hello(&world, 2, 1);
        assert_true(the_run(1).is_answered);
}

static void what_waits_after_busy_or_a_failure_is_held(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_BUSY, WIRE_FAILED};

        for (size_t i = 0; i < 2; i++) {
                struct world_run run = start_run(5);

                world_result(&world, &run, outcomes[i]);
                expect_state("t", i == 0 ? THREAD_WAITING : THREAD_BACKOFF);
                hold();
                expect_state("t", THREAD_HELD);
                wait_long();
                resume();
                run = the_run(1);
                assert_int_equal(run.attempt, 1 + i);
                world_result(&world, &run, WIRE_DONE);
        }
}

static void a_dead_letter_that_is_retried_waits_in_its_held_thread(void **state) {
        struct world_run run = start_run(1);
        struct core_dead_view dead;
        uint32_t cursor = 0;
        int result = 1;

        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        hold();
        world_say(&world, "t", "2");
        assert_true(core_next_dead(world.core, &cursor, &dead));
        world_step(&world, &(struct event){.type = EVENT_DEAD_RETRY, .dead = {dead.seq, &result}});
        assert_int_equal(result, 0);
        expect_state("t", THREAD_HELD);
        wait_long();
        resume();
        the_run(2);
}

static void a_batch_that_is_given_up_leaves_the_rest_held(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        world_say(&world, "t", "2");
        hold();
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        expect_state("t", THREAD_HELD);
        assert_int_equal(world_why(&world, "t").n_dead, 1);
        wait_long();
}

static void a_hold_lasts_longer_than_the_messages(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        hold();
        world_result(&world, &run, WIRE_DONE);
        expect_state("t", THREAD_HELD);
        assert_int_equal(count_in(THREAD_HELD), 0);
        world_say(&world, "t", "2");
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_HELD);
}

/* -- holding again, and ends --------------------------------------------------------------------------------------- */

static void a_second_hold_says_anew_why_and_until_when(void **state) {
        struct core_thread_view view;
        struct wall since = world.now.wall;

        hold_for(span_s(60));
        world_wait(&world, span_s(30));
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "t", "Bia now", (struct wall){0}), 0);
        view = world_why(&world, "t");
        assert_string_equal(view.held_why, "Bia now");
        assert_int_equal(view.held_until.ms, 0);
        assert_int_equal(view.held_since.ms, since.ms);
        world_wait(&world, span_s(3600));
        expect_state("t", THREAD_HELD);
        assert_int_equal(count_holds(), 1);
        assert_int_equal(core_counters(world.core)->holds, 1);
}

static void a_hold_ends_by_itself_at_its_time_and_not_before(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        hold_for(span_s(60));
        world_wait(&world, span_ms(59999));
        expect_state("t", THREAD_HELD);
        assert_int_equal(core_next_due(world.core).us <= mono_add(world.now.mono, span_ms(1)).us, true);
        world_hello(&world, 1, 5);
        world_wait(&world, span_ms(1));
        the_run(1);
        assert_int_equal(count_holds(), 0);
        world_restart(&world);
        assert_int_equal(count_holds(), 0);
}

static void the_end_of_a_hold_moves_both_ways(void **state) {
        hold_for(span_s(60));
        hold_for(span_s(600));
        world_wait(&world, span_s(599));
        expect_state("t", THREAD_HELD);
        hold_for(span_s(10));
        world_wait(&world, span_s(9));
        expect_state("t", THREAD_HELD);
        world_wait(&world, span_s(1));
        expect_state("t", THREAD_UNKNOWN);
        hold();
        world_wait(&world, span_s(3600));
        expect_state("t", THREAD_HELD);
}

static void a_hold_that_was_made_longer_ends_at_its_later_time(void **state) {
        hold_for(span_s(60));
        hold_for(span_s(600));
        world_wait(&world, span_s(100));
        expect_state("t", THREAD_HELD);
        assert_int_equal(core_next_due(world.core).us, mono_add(world.now.mono, span_s(500)).us);
        world_wait(&world, span_s(500));
        expect_state("t", THREAD_UNKNOWN);
}

static void the_end_of_a_hold_that_was_let_go_concerns_nobody(void **state) {
        hold_for(span_s(60));
        resume();
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "u", NULL, (struct wall){0}), 0);
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "v", NULL, wall_add(world.now.wall, span_s(30))), 0);
        assert_int_equal(verb_for(EVENT_RESUME, "acme", "v", NULL, (struct wall){0}), 0);
        world_wait(&world, span_s(100));
        expect_state("u", THREAD_HELD);
        assert_int_equal(count_holds(), 1);
}

static void a_herd_of_holds_ends_in_more_than_one_turn(void **state) {
        char thread[16];

        for (int i = 0; i < 2 * LIMIT_DUE_PER_TURN; i++) {
                snprintf(thread, sizeof thread, "h%d", i);
                verb_for(EVENT_HOLD, "acme", thread, NULL, wall_add(world.now.wall, span_s(5)));
        }
        world_wait(&world, span_s(5));
        assert_int_equal(count_holds(), LIMIT_DUE_PER_TURN);
        assert_true(core_next_due(world.core).us <= world.now.mono.us);
        world_wait(&world, span_us(0));
        assert_int_equal(count_holds(), 0);
}

static void holds_have_a_limit_and_are_refused_past_it(void **state) {
        char thread[16];

        for (int i = 0; i < LIMIT_HOLDS; i++) {
                snprintf(thread, sizeof thread, "h%d", i);
                assert_int_equal(verb_for(EVENT_HOLD, "acme", thread, NULL, (struct wall){0}), 0);
        }
        assert_int_equal(verb(EVENT_HOLD), -ENOSPC);
        expect_state("t", THREAD_UNKNOWN);
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "h7", "again", (struct wall){0}), 0);
        assert_int_equal(verb_for(EVENT_RESUME, "acme", "h7", NULL, (struct wall){0}), 0);
        hold();
        world_restart(&world);
        assert_int_equal(count_holds(), LIMIT_HOLDS);
}

static void a_long_reason_is_cut_between_characters(void **state) {
        char why[600];

        memset(why, 'x', sizeof why);
        memcpy(why + LIMIT_WHY_LEN - 1, "\xc3\xa9", 2);
        why[sizeof why - 1] = 0;
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "t", why, (struct wall){0}), 0);
        assert_int_equal(strlen(world_why(&world, "t").held_why), LIMIT_WHY_LEN - 1);
        world_restart(&world);
        assert_int_equal(strlen(world_why(&world, "t").held_why), LIMIT_WHY_LEN - 1);
}

/* -- resume -------------------------------------------------------------------------------------------------------- */

static void what_is_not_yet_due_waits_for_its_quiet_after_resume(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        hold();
        world_wait(&world, span_s(3));
        resume();
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_COLLECTING);
        world_wait(&world, span_ms(4999));
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_ms(1));
        the_run(1);
}

static void what_is_not_held_cannot_be_resumed(void **state) {
        assert_int_equal(verb(EVENT_RESUME), -ENOENT);
        hold();
        resume();
        assert_int_equal(verb(EVENT_RESUME), -ENOENT);
        expect_state("t", THREAD_UNKNOWN);
}

static void an_answered_batch_goes_first_and_at_once_after_resume(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        hold();
        world_result(&world, &run, WIRE_FAILED);
        world.tenants[0].quiet = span_s(8);
        world_say(&world, "t", "2");
        resume();
        assert_true(the_run(1).is_answered);
        assert_string_equal(world.runs[0].batch, run.batch);
}

static void a_resume_while_the_answered_run_goes_on_changes_nothing_of_it(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        hold();
        resume();
        expect_state("t", THREAD_RUNNING);
        assert_false(world_why(&world, "t").is_held);
        world_say(&world, "t", "2");
        world_result(&world, &run, WIRE_DONE);
        the_run(1);
}

static void the_time_of_a_hold_is_not_lateness(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        hold();
        wait_long();
        resume();
        the_run(1);
        assert_int_equal(histogram_max(&core_counters(world.core)->lateness_us), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                TEST(a_held_thread_keeps_its_messages_and_runs_nothing),
                TEST(a_cap_does_not_move_a_held_thread),
                TEST(a_thread_without_messages_is_held_before_the_first_comes),
                TEST(a_hold_concerns_one_thread_of_one_tenant),
                TEST(a_ready_thread_is_held_before_a_worker_takes_it),
                TEST(a_run_without_an_answer_is_cancelled_at_once),
                TEST(a_cancelled_run_gives_its_slot_back),
                TEST(a_run_whose_answer_is_stored_ends_and_then_it_is_held),
                TEST(an_answered_run_that_ends_badly_keeps_its_answer_while_held),
                TEST(an_answered_run_that_is_lost_is_held_with_its_answer),
                TEST(what_waits_after_busy_or_a_failure_is_held),
                TEST(a_dead_letter_that_is_retried_waits_in_its_held_thread),
                TEST(a_batch_that_is_given_up_leaves_the_rest_held),
                TEST(the_time_of_a_hold_is_not_lateness),
                TEST(a_hold_lasts_longer_than_the_messages),
                TEST(a_second_hold_says_anew_why_and_until_when),
                TEST(a_hold_ends_by_itself_at_its_time_and_not_before),
                TEST(the_end_of_a_hold_moves_both_ways),
                TEST(a_hold_that_was_made_longer_ends_at_its_later_time),
                TEST(the_end_of_a_hold_that_was_let_go_concerns_nobody),
                TEST(a_herd_of_holds_ends_in_more_than_one_turn),
                TEST(holds_have_a_limit_and_are_refused_past_it),
                TEST(a_long_reason_is_cut_between_characters),
                TEST(what_is_not_yet_due_waits_for_its_quiet_after_resume),
                TEST(what_is_not_held_cannot_be_resumed),
                TEST(an_answered_batch_goes_first_and_at_once_after_resume),
                TEST(a_resume_while_the_answered_run_goes_on_changes_nothing_of_it),
        };

        return cmocka_run_group_tests_name("broker/holds", tests, NULL, NULL);
}
