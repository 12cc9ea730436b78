/* Flush and cancel, of whatever state a thread is in; and of which tenants. */
#include "tests/unit/broker_verb.h"

/* -- flush --------------------------------------------------------------------------------------------------------- */

static void a_flushed_thread_goes_now(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "t", "1");
        assert_int_equal(verb(EVENT_FLUSH), 0);
        the_run(1);
        assert_int_equal(verb(EVENT_FLUSH), -EBUSY);
}

static void a_flush_in_backoff_or_waiting_tries_now_and_keeps_the_attempts(void **state) {
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED);
        assert_int_equal(verb(EVENT_FLUSH), 0);
        run = the_run(1);
        assert_int_equal(run.attempt, 2);
        world_result(&world, &run, WIRE_BUSY);
        assert_int_equal(verb(EVENT_FLUSH), 0);
        assert_int_equal(the_run(1).attempt, 2);
}

static void a_flush_without_credit_leaves_it_ready_once(void **state) {
        world_say(&world, "t", "1");
        assert_int_equal(verb(EVENT_FLUSH), 0);
        assert_int_equal(verb(EVENT_FLUSH), 0);
        expect_state("t", THREAD_READY);
        world_hello(&world, 1, 5);
        the_run(1);
}

static void what_is_held_or_has_nothing_is_not_flushed(void **state) {
        assert_int_equal(verb(EVENT_FLUSH), -ENOENT);
        hold();
        assert_int_equal(verb(EVENT_FLUSH), -ENOENT);
        world_say(&world, "t", "1");
        assert_int_equal(verb(EVENT_FLUSH), -EPERM);
        expect_state("t", THREAD_HELD);
}

/* -- cancel -------------------------------------------------------------------------------------------------------- */

static void what_is_cancelled_is_one_dead_letter_that_can_be_retried(void **state) {
        int result = 1;

        for (int i = 0; i < 50; i++)
                world_say(&world, "t", NULL);
        assert_int_equal(verb(EVENT_CANCEL), 0);
        assert_int_equal(n_cancelled, 50);
        assert_string_equal(the_letter(50).why, "no reason was given");
        expect_state("t", THREAD_DEAD);
        world_restart(&world);
        world_hello(&world, 1, 5);
        world_step(&world, &(struct event){.type = EVENT_DEAD_RETRY, .dead = {the_letter(50).seq, &result}});
        the_run(20);
}

static void a_cancel_ends_the_run_and_says_so(void **state) {
        struct world_run run = start_run(1);

        world_say(&world, "t", "2");
        assert_int_equal(verb_for(EVENT_CANCEL, "acme", "t", "a test message", (struct wall){0}), 0);
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "cancelled");
        assert_string_equal(the_letter(2).why, "a test message");
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
        world_say(&world, "t", "3");
        the_run(1);
}

static void an_answer_that_is_being_posted_is_not_cancelled(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "ok");
        assert_int_equal(verb(EVENT_CANCEL), -EBUSY);
        expect_state("t", THREAD_RUNNING);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(verb(EVENT_CANCEL), -ENOENT);
}

static void a_stored_answer_that_waits_is_a_dead_letter_of_its_own(void **state) {
        struct world_run run = start_run(1);
        struct core_dead_view dead;
        uint32_t cursor = 0;

        world_answered(&world, &run, "ok");
        world_result(&world, &run, WIRE_FAILED);
        world_say(&world, "t", "2");
        world_say(&world, "t", "3");
        assert_int_equal(verb(EVENT_CANCEL), 0);
        assert_int_equal(n_cancelled, 3);
        world_restart(&world);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_true(dead.is_answered && dead.n_messages == 1);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_true(!dead.is_answered && dead.n_messages == 2);
}

static void a_cancel_of_a_held_thread_leaves_the_hold(void **state) {
        world_say(&world, "t", "1");
        hold();
        assert_int_equal(verb(EVENT_CANCEL), 0);
        the_letter(1);
        expect_state("t", THREAD_HELD);
        world_restart(&world);
        expect_state("t", THREAD_HELD);
        assert_int_equal(world_why(&world, "t").n_messages, 0);
        assert_int_equal(world_why(&world, "t").n_dead, 1);
}

/* Straight into the core: through the store, a million messages would take too long. */
static void a_cancel_of_very_many_messages_makes_several_letters(void **state) {
        struct core_options options = {&world.config, 1, 77, LIMIT_DEAD_MESSAGES + 2, 1};
        struct event event = {.type = EVENT_CANCEL};
        struct core_dead_view dead;
        uint32_t cursor = 0;
        int result = 1;

        core_free(world.core);
        world.core = core_new(&options);
        for (uint64_t seq = 1; seq <= LIMIT_DEAD_MESSAGES + 1; seq++)
                core_load_message(world.core, world.now,
                                  &(struct stored_message){seq, world.now.wall, bytes_of("acme"), bytes_of("t")}, 2);
        core_load_done(world.core, world.now, &world.fx);
        event.verb = (struct core_verb){bytes_of("acme"), bytes_of("t"), BYTES_NONE, {0}, &result, &n_cancelled};
        core_step(world.core, world.now, &event, &world.fx);
        assert_int_equal(result, 0);
        assert_int_equal(n_cancelled, LIMIT_DEAD_MESSAGES + 1);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_int_equal(dead.n_messages, LIMIT_DEAD_MESSAGES);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_int_equal(dead.n_messages, 1);
        assert_false(core_next_dead(world.core, &cursor, &dead));
}

/* -- tenants ------------------------------------------------------------------------------------------------------- */

static void a_tenant_that_is_not_known_is_refused(void **state) {
        static const enum event_type types[] = {EVENT_HOLD, EVENT_RESUME, EVENT_FLUSH, EVENT_CANCEL};

        for (size_t i = 0; i < 4; i++)
                assert_int_equal(verb_for(types[i], "nobody", "t", NULL, (struct wall){0}), -ESRCH);
}

static void what_a_tenant_left_behind_can_be_let_go_and_cancelled(void **state) {
        world_say_in(&world, "zeta", "t", "1", "Oi");
        assert_int_equal(verb_for(EVENT_HOLD, "zeta", "t", NULL, (struct wall){0}), 0);
        world.config.n_tenants = 1;
        world_restart(&world);
        assert_int_equal(verb_for(EVENT_HOLD, "zeta", "t", NULL, (struct wall){0}), -ESRCH);
        assert_int_equal(verb_for(EVENT_FLUSH, "zeta", "t", NULL, (struct wall){0}), -ESRCH);
        assert_int_equal(verb_for(EVENT_RESUME, "zeta", "t", NULL, (struct wall){0}), 0);
        assert_int_equal(verb_for(EVENT_CANCEL, "zeta", "t", NULL, (struct wall){0}), 0);
        assert_int_equal(n_cancelled, 1);
}

static void holds_are_listed_with_what_waits(void **state) {
        struct core_hold_view view;
        uint32_t cursor = 0;

        world_say(&world, "t", "1");
        world_say(&world, "t", "2");
        hold_for(span_s(60));
        assert_true(core_next_hold(world.core, &cursor, &view));
        assert_true(bytes_is_text(view.tenant, "acme") && bytes_is_text(view.thread, "t"));
        assert_int_equal(view.n_messages, 2);
        assert_int_equal(view.since.ms, world.now.wall.ms);
        assert_int_equal(view.until.ms, world.now.wall.ms + 60000);
        assert_string_equal(view.why, "Ana took over");
        assert_false(core_next_hold(world.core, &cursor, &view));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                TEST(a_flushed_thread_goes_now),
                TEST(a_flush_in_backoff_or_waiting_tries_now_and_keeps_the_attempts),
                TEST(a_flush_without_credit_leaves_it_ready_once),
                TEST(what_is_held_or_has_nothing_is_not_flushed),
                TEST(what_is_cancelled_is_one_dead_letter_that_can_be_retried),
                TEST(a_cancel_ends_the_run_and_says_so),
                TEST(an_answer_that_is_being_posted_is_not_cancelled),
                TEST(a_stored_answer_that_waits_is_a_dead_letter_of_its_own),
                TEST(a_cancel_of_a_held_thread_leaves_the_hold),
                TEST(a_cancel_of_very_many_messages_makes_several_letters),
                TEST(a_tenant_that_is_not_known_is_refused),
                TEST(what_a_tenant_left_behind_can_be_let_go_and_cancelled),
                TEST(holds_are_listed_with_what_waits),
        };

        return cmocka_run_group_tests_name("broker/verbs", tests, NULL, NULL);
}
