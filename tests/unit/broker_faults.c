/* Leases and fences, the commit point, refusals, crashes. */
#include "tests/unit/broker_unit.h"

#include <errno.h>
#include <string.h>

static int setup(void **state) { return world_init(&world), 0; }
/* -- leases and fences --------------------------------------------------------------------------------------------- */

static void a_silent_workers_run_goes_to_another_under_a_higher_fence(void **state) {
        struct world_run run, again;

        run = start_run(1);
        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
        }
        again = the_run(1);
        assert_true(again.fence > run.fence);
        assert_int_equal(again.to.data[0], 2);
        assert_int_equal(again.attempt, 1);

        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
        world_answered(&world, &run, "late");
        assert_int_equal(world.go, 0);
        assert_string_equal(world.code, "stale");
        expect_state("t", THREAD_RUNNING);
        world_result(&world, &again, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void a_worker_that_says_it_lives_keeps_its_runs(void **state) {
        struct world_run run;

        run = start_run(1);
        for (int i = 0; i < 60; i++) {
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 1, &run, 1);
                assert_int_equal(world.n_cancels, 0);
        }
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void a_run_that_its_worker_does_not_name_was_lost_on_the_way(void **state) {
        start_run(1);
        for (int i = 0; i < 4; i++) {
                world_wait(&world, span_s(1));
                world_alive(&world, 1, 1, NULL, 0);
                assert_int_equal(world.n_runs, 0);
        }
        world_wait(&world, span_s(1));
        assert_int_equal(world.n_cancels, 1);
        the_run(1);
}

static void the_brokers_own_absence_costs_no_lease(void **state) {
        struct world_run run;

        run = start_run(2);
        world_wait(&world, span_s(600));
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_RUNNING);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void a_result_is_known_again_after_all_that_a_worker_has_slots_for(void **state) {
        struct world_run first, run;

        first = start_run(1);
        world_result(&world, &first, WIRE_DONE);
        for (int i = 0; i < LIMIT_SLOTS; i++) {
                world_say(&world, "t", NULL);
                run = the_run(1);
                world_result(&world, &run, WIRE_DONE);
        }
        world_result(&world, &first, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        assert_int_equal(core_counters(world.core)->stale, 0);
}

static void a_result_told_twice_is_accepted_once_and_said_so_twice(void **state) {
        struct world_run run;

        run = start_run(1);
        world_result(&world, &run, WIRE_DONE);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        assert_int_equal(core_counters(world.core)->done, 1);
        assert_int_equal(core_counters(world.core)->stale, 0);
}

static void a_worker_the_broker_does_not_know_is_asked_for_hello(void **state) {
        world_alive(&world, 9, 1, NULL, 0);
        assert_int_equal(world.n_errors, 1);
        assert_string_equal(world.code, "hello_first");
}

static void a_run_that_could_not_be_sent_goes_to_another_worker_at_once(void **state) {
        struct world_run run;
        struct event event = {.type = EVENT_UNDELIVERED};

        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_hello(&world, 2, 1);
        world_say(&world, "t", NULL);
        run = the_run(1);
        event.undelivered = run.fence;
        world_step(&world, &event);
        assert_int_not_equal(the_run(1).to.data[0], run.to.data[0]);
}

static void what_kills_every_worker_is_given_up(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", NULL);
        for (int i = 0; i < LIMIT_LOST_RUNS; i++) {
                the_run(1);
                for (int second = 0; second < 5; second++) {
                        world_wait(&world, span_s(1));
                        if (second < 4)
                                world_alive(&world, 1, 1, NULL, 0);
                }
        }
        expect_state("t", THREAD_DEAD);
        assert_string_equal(world_why(&world, "t").code, "lost");
}

/* -- the commit point
 * -------------------------------------------------------------------------------------------------- */

static void an_answer_that_is_stored_comes_back_with_the_next_run_and_no_message_joins_it(void **state) {
        struct world_run run;

        run = start_run(1);
        assert_false(run.is_answered);
        world_answered_with(&world, &run, 2);
        assert_int_equal(world.go, 1);
        world_answered_with(&world, &run, 2);
        assert_int_equal(world.go, 1);
        world_say(&world, "t", NULL);
        run.posted = 1;
        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        run = the_run(1);
        assert_true(run.is_answered);
        assert_int_equal(run.posted, 1);
        world_result(&world, &run, WIRE_DONE);
        assert_false(the_run(1).is_answered);
}

static void an_answer_survives_a_crash(void **state) {
        struct world_run run;

        run = start_run(1);
        world_answered(&world, &run, "sim");
        world_say(&world, "t", NULL);
        world_restart(&world);
        world_hello(&world, 1, 1);
        assert_true(the_run(1).is_answered);
}

/* -- what is refused
 * ----------------------------------------------------------------------------------------------------- */

static void a_message_id_seen_before_is_a_duplicate_also_after_it_is_done_and_after_a_crash(void **state) {
        struct world_run run;

        world.tenants[0].quiet = world.tenants[1].quiet = span_us(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "wamid.A");
        run = the_run(1);
        world_result(&world, &run, WIRE_DONE);
        world_say(&world, "t", "wamid.A");
        assert_int_equal(world.n_duplicates, 1);
        world_restart(&world);
        world_say(&world, "elsewhere", "wamid.A");
        assert_int_equal(world.n_duplicates, 1);
        world_say_in(&world, "zeta", "t", "wamid.A", "Oi");
        assert_int_equal(world.n_accepted, 1);
        world_wait(&world, span_s(24 * 60 * 60));
        world_say(&world, "t", "wamid.A");
        assert_int_equal(world.n_accepted, 1);
}

static void what_is_wrong_is_refused_with_a_code(void **state) {
        char large[1100], name[300];

        memset(large, 'x', sizeof large);
        large[sizeof large - 1] = 0;
        memset(name, 'x', sizeof name);
        name[sizeof name - 1] = 0;
        world_say_in(&world, "nobody", "t", NULL, "Oi");
        assert_string_equal(world.code, "unknown_tenant");
        world_say_in(&world, "acme", "", NULL, "Oi");
        assert_string_equal(world.code, "bad_thread");
        world_say_in(&world, "acme", "a\nb", NULL, "Oi");
        assert_string_equal(world.code, "bad_thread");
        world_say_in(&world, "acme", name, NULL, "Oi");
        assert_string_equal(world.code, "bad_thread");
        world_say_in(&world, "acme", "t", name, "Oi");
        assert_string_equal(world.code, "bad_id");
        world_say_in(&world, "acme", "t", NULL, large);
        assert_string_equal(world.code, "too_large");
        world_say_in(&world, "acme", "t", NULL, "\xff");
        assert_string_equal(world.code, "bad_body");
        expect_state("t", THREAD_UNKNOWN);
}

/* -- crashes
 * ------------------------------------------------------------------------------------------------------------- */

static void a_restart_brings_back_every_thread_at_its_due_time(void **state) {
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(3));
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(3));
        world_restart(&world);
        world_hello(&world, 1, 10);
        world_wait(&world, span_us(5000000 - 1000));
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_ms(1));
        the_run(2);
}

static void a_restart_keeps_attempts_and_the_time_of_the_next(void **state) {
        struct world_run run;

        run = start_run(10);
        world_result(&world, &run, WIRE_FAILED);
        world_restart(&world);
        world_hello(&world, 1, 10);
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_BACKOFF);
        assert_string_equal(world_why(&world, "t").code, "test");
        world_wait(&world, span_s(2));
        assert_int_equal(the_run(1).attempt, 2);
}

static void a_dead_letter_survives_a_restart_and_can_be_run_again(void **state) {
        struct world_run run;
        struct core_dead_view dead;
        struct event event = {.type = EVENT_DEAD_RETRY};
        int result = 1;

        run = start_run(10);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_say(&world, "t", NULL);
        world_restart(&world);
        assert_true(core_dead_find(world.core, bytes_of(run.batch), &dead));
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        world_step(&world, &event);
        assert_int_equal(result, -EBUSY); /* a worker from before may be running what came later */
        world_hello(&world, 1, 0);
        world_step(&world, &event);
        assert_int_equal(result, 0);
        world_hello(&world, 1, 10);
        the_run(2);
        assert_true(world.runs[0].seqs[0] < world.runs[0].seqs[1]);
        assert_int_equal(world.runs[0].attempt, 1);
        world_restart(&world);
        assert_false(core_dead_find(world.core, bytes_of(run.batch), &dead));
}

static void a_dropped_dead_letter_is_gone_for_good(void **state) {
        struct world_run run;
        struct core_dead_view dead;
        struct event event = {.type = EVENT_DEAD_DROP};
        int result = 1;

        run = start_run(10);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        assert_true(core_dead_find(world.core, bytes_of(run.batch), &dead));
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        world_step(&world, &event);
        assert_int_equal(result, 0);
        world_step(&world, &event);
        assert_int_equal(result, -2);
        world_restart(&world);
        assert_false(core_dead_find(world.core, bytes_of(run.batch), &dead));
        expect_state("t", THREAD_UNKNOWN);
}

static void messages_of_a_tenant_that_left_the_config_are_kept_and_wait(void **state) {
        world.tenants[0].quiet = span_us(0);
        world_say(&world, "t", NULL);
        world.config.tenants = &world.tenants[1];
        world.config.n_tenants = 1;
        world_restart(&world);
        world_hello(&world, 1, 10);
        world_wait(&world, span_s(60));
        assert_int_equal(world.n_runs, 0);
        assert_true(world_why(&world, "t").is_orphan);
        world.config.tenants = world.tenants;
        world.config.n_tenants = 2;
        core_configure(world.core, world.now, &world.config);
        world_wait(&world, span_ms(1));
        the_run(1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_silent_workers_run_goes_to_another_under_a_higher_fence),
                TEST(a_worker_that_says_it_lives_keeps_its_runs),
                TEST(a_run_that_its_worker_does_not_name_was_lost_on_the_way),
                TEST(the_brokers_own_absence_costs_no_lease),
                TEST(a_result_is_known_again_after_all_that_a_worker_has_slots_for),
                TEST(a_result_told_twice_is_accepted_once_and_said_so_twice),
                TEST(a_worker_the_broker_does_not_know_is_asked_for_hello),
                TEST(a_run_that_could_not_be_sent_goes_to_another_worker_at_once),
                TEST(what_kills_every_worker_is_given_up),
                TEST(an_answer_that_is_stored_comes_back_with_the_next_run_and_no_message_joins_it),
                TEST(an_answer_survives_a_crash),
                TEST(a_message_id_seen_before_is_a_duplicate_also_after_it_is_done_and_after_a_crash),
                TEST(what_is_wrong_is_refused_with_a_code),
                TEST(a_restart_brings_back_every_thread_at_its_due_time),
                TEST(a_restart_keeps_attempts_and_the_time_of_the_next),
                TEST(a_dead_letter_survives_a_restart_and_can_be_run_again),
                TEST(a_dropped_dead_letter_is_gone_for_good),
                TEST(messages_of_a_tenant_that_left_the_config_are_kept_and_wait),
        };

        return cmocka_run_group_tests_name("broker/faults", tests, NULL, NULL);
}
