/* A restart upon a restart, and workers that are late: who is awaited, for how long, and what they may go on with. */
#include "tests/unit/broker_verb.h"

#include <stdio.h>
#include <string.h>

static void wait_seconds(int n) {
        for (int i = 0; i < n; i++) /* in small steps: a broker that was away itself waits longer */
                world_wait(&world, span_s(1));
}

/* -- what goes on, and what does not ------------------------------------------------------------------------------- */

static void a_run_that_is_posting_goes_on_over_two_restarts(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        world_answered(&world, &run, "Oi!");
        assert_int_equal(world.go, 1);
        for (int life = 0; life < 2; life++) {
                world_restart(&world);
                world_hello_again(&world, 1, 1, 1, &run, 1);
                assert_int_equal(world.n_cancels, 0);
                expect_state("t", THREAD_RUNNING);
        }
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
}

static void a_posting_run_that_was_given_up_stays_given_up(void **state) {
        struct world_run first = start_run(1), second;

        world_answered(&world, &first, "Oi!");
        assert_int_equal(world.go, 1);
        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                world_wait(&world, span_s(1));
        }
        second = the_run(1);
        assert_true(second.is_answered);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &first, 1);
        assert_int_equal(world.n_cancels, 1);
        world_hello_again(&world, 2, 2, 1, &second, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
}

static void a_held_thread_takes_no_run_from_before_that_was_given_up(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        wait_seconds(6);
        hold();
        world_hello(&world, 2, 1);
        world_say(&world, "u", NULL);
        the_run(1); /* so there is somebody to wait for */
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        expect_state("t", THREAD_HELD);
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
}

static void a_letter_is_not_brought_back_before_the_worker_is(void **state) {
        struct event event = {.type = EVENT_DEAD_RETRY};
        struct world_run run = start_run(1);
        int result = 1;

        event.dead.seq = run.seqs[0];
        event.dead.ret_result = &result;
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_say(&world, "t", NULL);
        run = the_run(1);
        world_restart(&world);
        world_hello(&world, 2, 1);
        world_step(&world, &event);
        assert_int_equal(result, -EBUSY);
        assert_int_equal(world.n_runs, 0);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
}

/* -- how long it is waited ----------------------------------------------------------------------------------------- */

static void a_stopped_broker_does_not_cut_the_wait_short(void **state) {
        struct world_run run = start_run(1);

        world_restart(&world);
        world_wait(&world, span_ms(100));
        world_wait(&world, span_s(6)); /* nobody could be heard */
        world_hello(&world, 2, 1);
        assert_int_equal(world.n_runs, 0);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
}

static void nor_does_it_wait_longer_than_a_lease_from_then(void **state) {
        start_run(1);
        world_restart(&world);
        world_wait(&world, span_s(3600));
        for (int i = 0; i < 5; i++) {
                world_hello(&world, 2, 1);
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
        }
        the_run(1);
}

/* It sleeps until something is due, as a broker does to which nobody speaks. */
static void a_broker_that_only_slept_was_not_away(void **state) {
        struct mono end;

        start_run(1);
        world_restart(&world);
        end = mono_add(world.now.mono, span_s(5));
        for (int i = 0; i < 100 && world_why(&world, "t").state != THREAD_READY; i++)
                world_wait(&world, mono_since(core_next_due(world.core), world.now.mono));
        expect_state("t", THREAD_READY);
        assert_int_equal(world.now.mono.us, end.us);
}

/* -- who is awaited ------------------------------------------------------------------------------------------------ */

/* So many threads of the other tenant, due in an hour: to look at them all takes more than one turn. */
static void fill(int n) {
        char name[16];

        world.tenants[1].quiet = world.tenants[1].max_wait = span_s(3600);
        for (int i = 0; i < n; i++) {
                snprintf(name, sizeof name, "f%d", i);
                world_say_in(&world, "zeta", name, NULL, "Oi");
        }
}

static void who_adopts_late_is_awaited_after_the_next_restart_too(void **state) {
        struct world_run run = start_run(1);

        fill(10000);
        world_restart(&world);
        wait_seconds(5); /* the wait for it ends, and it comes when only the first threads have been let go */
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
        world_restart(&world);
        for (int i = 0; i < 4; i++) {
                world_hello(&world, 2, 1);
                assert_int_equal(world.n_runs, 0);
                world_wait(&world, span_s(1));
        }
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
}

static void count_notes(void *context, const struct change *change) {
        int *n_notes = context;

        *n_notes += (change->type == CHANGE_PUT_NOTE) - (change->type == CHANGE_DELETE_NOTE);
}

/* New ones each life, as where a container's name is its worker's. */
static void start_fleet(int life) {
        char name[16];

        for (int i = 0; i < LIMIT_WORKERS * 3 / 4; i++) {
                uint8_t uuid[WIRE_UUID_LEN] = {(uint8_t)(life + 1), (uint8_t)i, (uint8_t)(i >> 8)};
                struct event event = {.type = EVENT_HELLO, .from = {.len = 3}};

                memcpy(event.from.data, uuid, 3);
                event.hello = (struct wire_hello){.uuid = {uuid, sizeof uuid}, .incarnation = 1, .slots = 1};
                event.hello.version = bytes_of("test");
                world_step(&world, &event);
                snprintf(name, sizeof name, "r%d-%d", life, i);
                world_say(&world, name, NULL);
                the_run(1);
        }
}

static void each_noted_worker_is_awaited_or_forgotten(void **state) {
        int n_notes = 0;

        world.on_change = count_notes;
        world.context = &n_notes;
        world.tenants[0].quiet = span_us(0);
        world.tenants[0].concurrency = LIMIT_WORKERS * 2;
        for (int life = 0; life < 2; life++) {
                start_fleet(life);
                world_restart(&world);
        }
        assert_true(n_notes > LIMIT_WORKERS);
        wait_seconds(10);
        assert_int_equal(n_notes, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                TEST(a_run_that_is_posting_goes_on_over_two_restarts),
                TEST(a_posting_run_that_was_given_up_stays_given_up),
                TEST(a_held_thread_takes_no_run_from_before_that_was_given_up),
                TEST(a_letter_is_not_brought_back_before_the_worker_is),
                TEST(a_stopped_broker_does_not_cut_the_wait_short),
                TEST(nor_does_it_wait_longer_than_a_lease_from_then),
                TEST(a_broker_that_only_slept_was_not_away),
                TEST(who_adopts_late_is_awaited_after_the_next_restart_too),
                TEST(each_noted_worker_is_awaited_or_forgotten),
        };

        return cmocka_run_group_tests_name("broker/core: restart upon restart", tests, NULL, NULL);
}
