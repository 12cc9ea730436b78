/* Messages that are edited, or taken back, when somebody has read them; and those that nobody has. */
#include "tests/unit/broker_edit.h"

static void what_a_worker_has_is_not_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        edit("a", "Quanto custa?");
        assert_stored(run.seqs[0], "Oi", "");
        assert_late(1);
}

static void what_waits_behind_a_run_is_changed(void **state) {
        struct world_run run = start_run(1);

        world.tenants[0].quiet = span_s(8);
        world_say(&world, "t", "b");
        edit("b", "Quanto custa?");
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(8));
        run = the_run(1);
        assert_stored(run.seqs[0], "Quanto custa?", "");
        assert_late(0);
}

static void what_has_failed_is_not_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        world_result(&world, &run, WIRE_FAILED);
        edit("a", "Quanto custa?");
        assert_late(1);
        edit("a", "Quanto custa?");
        assert_int_equal(counted()->late_edits, 1); /* after a restart as before it */
}

/* When its worker is back, and has nothing of it any more. */
static void what_had_failed_before_a_restart_is_not_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        world_result(&world, &run, WIRE_FAILED);
        world_restart(&world);
        world_hello(&world, 1, 0);
        edit("a", "Quanto custa?");
        assert_int_equal(counted()->late_edits, 1);
        world_say(&world, "t", "b");
        edit("b", "Quanto custa?");
        assert_int_equal(counted()->late_edits, 1);
}

/* Nobody has read what came behind it. */
static void what_came_behind_a_failed_run_is_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        world_result(&world, &run, WIRE_FAILED);
        world_say(&world, "t", "b");
        take_back("b");
        world_wait(&world, span_s(2));
        run = the_run(2);
        assert_stored(run.seqs[1], "", "deleted");
        world_result(&world, &run, WIRE_FAILED);
        take_back("b");
        assert_late(1);
}

static void what_is_answered_is_not_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        world_answered(&world, &run, "Custa 10");
        world_result(&world, &run, WIRE_HANDED_BACK);
        take_back("a");
        assert_late(1);
}

/* Its worker may be back in a moment. */
static void what_may_be_running_since_before_a_restart_is_not_changed(void **state) {
        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        the_run(1);
        world_restart(&world);
        edit("a", "Quanto custa?");
        assert_int_equal(counted()->late_edits, 1);
}

static void what_is_done_is_not_changed(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        run = the_run(1);
        world_result(&world, &run, WIRE_DONE);
        edit("a", "Quanto custa?");
        assert_late(1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(what_a_worker_has_is_not_changed),
                ITEM_TEST(what_waits_behind_a_run_is_changed),
                ITEM_TEST(what_has_failed_is_not_changed),
                ITEM_TEST(what_had_failed_before_a_restart_is_not_changed),
                ITEM_TEST(what_came_behind_a_failed_run_is_changed),
                ITEM_TEST(what_is_answered_is_not_changed),
                ITEM_TEST(what_may_be_running_since_before_a_restart_is_not_changed),
                ITEM_TEST(what_is_done_is_not_changed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
