/* Names that one thread has beside its own: what came under either belongs together, through restarts. */
#include "tests/unit/broker_item.h"

#include "common/memory.h"

#include <string.h>

static void assert_named(const char *name, const char *thread) {
        assert_true(bytes_is_text(world_why(&world, name).thread, thread));
}

static void messages_under_two_names_are_one_batch(void **state) {
        world_hello(&world, 1, 5);
        world_say(&world, "5511", NULL);
        say_as("lid", "5511");
        world_say(&world, "lid", NULL);
        assert_messages("5511", 3);
        assert_named("lid", "5511");
        world_wait(&world, span_s(8));
        finish(3);
        expect_state("lid", THREAD_DONE);
}

static void names_are_known_after_a_restart(void **state) {
        say_as("5511", "lid");
        world_restart(&world);
        world_say(&world, "lid", NULL);
        assert_messages("5511", 2);
        world_restart(&world);
        assert_named("lid", "5511");
        assert_int_equal(core_alias_count(world.core), 1);
}

static void the_name_that_is_known_stays_the_thread_s_own(void **state) {
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        tell_of(WIRE_WHAT_ALIAS, "c", "b");
        tell_of(WIRE_WHAT_ALIAS, "d", "c");
        assert_named("b", "a");
        assert_named("c", "a");
        assert_named("d", "a");
        assert_int_equal(core_alias_count(world.core), 3);
}

static void two_with_names_of_their_own_become_one(void **state) {
        tell_of(WIRE_WHAT_ALIAS, "a", "a1");
        tell_of(WIRE_WHAT_ALIAS, "b", "b1");
        tell_of(WIRE_WHAT_ALIAS, "a1", "b1");
        world_restart(&world);
        assert_named("a", "a");
        assert_named("a1", "a");
        assert_named("b", "a");
        assert_named("b1", "a");
}

static void the_one_that_runs_goes_before_the_one_that_collects(void **state) {
        struct world_run run = start_run(1);

        world.tenants[0].quiet = span_s(8);
        world_say(&world, "u", NULL);
        say_as("u", "t");
        assert_messages("t", 2); /* the new one waits behind the run */
        assert_messages("u", 1); /* what was there keeps its thread */
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(8));
        finish(1);
        finish(1);
        assert_named("u", "t");
        expect_state("u", THREAD_DONE);
}

static void two_that_live_stay_two_over_a_restart(void **state) {
        world_say(&world, "u", NULL);
        world_say(&world, "t", NULL);
        tell_of(WIRE_WHAT_ALIAS, "t", "u");
        world_restart(&world);
        assert_messages("t", 1);
        assert_messages("u", 1);
        say_as("u", "t");
        assert_messages("t", 2);
}

static void nothing_is_written_when_nothing_new_is_learnt(void **state) {
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        world.on_change = on_write;
        n_writes = 0;
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        tell_of(WIRE_WHAT_ALIAS, "b", "a");
        tell_of(WIRE_WHAT_ALIAS, "b", "b");
        tell_of(WIRE_WHAT_ALIAS, "a", "");
        assert_int_equal(n_writes, 0);
}

static void a_name_that_is_used_after_a_day_is_noted_anew(void **state) {
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        world.on_change = on_write;
        world_wait(&world, span_s(LIMIT_ALIAS_NOTED_S));
        n_writes = 0;
        tell(WIRE_WHAT_ALIAS, "b");
        assert_int_equal(n_writes, 2); /* the old note goes, the new one comes */
        tell(WIRE_WHAT_ALIAS, "b");
        assert_int_equal(n_writes, 2);
        world_restart(&world);
        assert_named("b", "a");
}

static void what_is_no_name_is_passed_over(void **state) {
        char longest[LIMIT_THREAD_LEN + 2];

        memset(longest, 'x', sizeof longest - 1);
        longest[sizeof longest - 1] = 0;
        tell_of(WIRE_WHAT_ALIAS, "a", "b\n");
        tell_of(WIRE_WHAT_ALIAS, "a", longest);
        assert_int_equal(core_alias_count(world.core), 0);
}

static void tenants_share_no_names(void **state) {
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        world_say_in(&world, "zeta", "b", NULL, "Oi");
        assert_int_equal(world_why(&world, "a").n_messages, 0);
}

static void a_refused_message_teaches_no_name(void **state) {
        core_set_room(world.core, 1);
        world_item(&world, (struct wire_message){.thread = bytes_of("a"), .n_aliases = 1, .aliases = {bytes_of("b")}},
                   &(struct wire_body){.text = bytes_of("Oi")});
        assert_int_equal(world.n_refusals, 1);
        assert_int_equal(core_alias_count(world.core), 0);
}

static void on_a_full_disk_no_name_is_learnt(void **state) {
        core_set_room(world.core, 1);
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        assert_int_equal(core_alias_count(world.core), 0);
        core_set_room(world.core, UINT64_MAX);
        tell_of(WIRE_WHAT_ALIAS, "a", "b");
        assert_named("b", "a");
}

static void a_thread_s_oldest_name_is_forgotten_past_the_limit(void **state) {
        for (int i = 0; i <= LIMIT_ALIASES_OF_THREAD; i++) {
                CLEANUP_FREE char *name = memory_print("name%d", i);

                tell_of(WIRE_WHAT_ALIAS, "t", name);
        }
        assert_int_equal(core_alias_count(world.core), LIMIT_ALIASES_OF_THREAD);
        assert_named("name0", "name0");
        assert_named("name1", "t");
        world_restart(&world);
        assert_int_equal(core_alias_count(world.core), LIMIT_ALIASES_OF_THREAD);
        assert_named("name0", "name0");
        assert_named("name1", "t");
}

static void names_have_a_share_of_the_memory(void **state) {
        world.config.limits.memory = 1 << 20;
        for (int i = 0; i < 4000; i++) {
                CLEANUP_FREE char *own = memory_print("own%d", i), *name = memory_print("name%d", i);

                tell_of(WIRE_WHAT_ALIAS, own, name);
        }
        assert_true(core_memory(world.core) <= world.config.limits.memory / LIMIT_ALIASES_SHARE + 1024);
        assert_true(core_alias_count(world.core) > 500);
        assert_named("name0", "name0"); /* the oldest went */
        assert_named("name3999", "own3999");
        world_restart(&world);
        assert_named("name3999", "own3999");
}

static void the_verbs_know_a_thread_by_each_of_its_names(void **state) {
        say_as("t", "other");
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "other", "Ana", (struct wall){0}), 0);
        assert_int_equal(n_cancelled, 1);
        expect_state("t", THREAD_HELD);
        resume();
        expect_state("other", THREAD_COLLECTING);
        assert_int_equal(verb_for(EVENT_FLUSH, "acme", "other", NULL, (struct wall){0}), 0);
        expect_state("t", THREAD_READY);
        assert_int_equal(verb_for(EVENT_CANCEL, "acme", "other", NULL, (struct wall){0}), 0);
        expect_state("t", THREAD_DEAD);
        expect_state("other", THREAD_DEAD);
}

/* A name that is held, and has no messages left, does not hide those of its person. */
static void a_held_name_without_messages_is_its_thread_s(void **state) {
        world_say(&world, "t", NULL);
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "t", "u");
        assert_int_equal(verb_for(EVENT_HOLD, "acme", "u", NULL, (struct wall){0}), 0);
        assert_int_equal(verb_for(EVENT_CANCEL, "acme", "u", NULL, (struct wall){0}), 0);
        assert_int_equal(verb_for(EVENT_CANCEL, "acme", "u", NULL, (struct wall){0}), 0); /* t's */
        assert_int_equal(verb_for(EVENT_CANCEL, "acme", "u", NULL, (struct wall){0}), -ENOENT);
}

static void a_hold_goes_with_its_name(void **state) {
        hold();
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "t", "u"); /* u lives, so it is the thread */
        assert_named("t", "u");
        expect_state("u", THREAD_HELD);
        assert_int_equal(count_holds(), 1);
        world_restart(&world);
        expect_state("u", THREAD_HELD);
        resume();
        expect_state("u", THREAD_COLLECTING);
        assert_int_equal(count_holds(), 0);
}

static void a_hold_of_one_of_two_that_live_holds_both(void **state) {
        world_say(&world, "t", NULL);
        hold();
        world_say(&world, "u", NULL);
        say_as("u", "t");
        expect_state("u", THREAD_HELD);
        expect_state("t", THREAD_HELD);
        resume();
        expect_state("u", THREAD_COLLECTING);
        expect_state("t", THREAD_COLLECTING);
        assert_int_equal(count_holds(), 0);
}

static void the_other_names_are_told(void **state) {
        struct bytes names[LIMIT_ALIASES_OF_THREAD];

        say_as("t", "u");
        say_as("t", "v");
        assert_int_equal(core_aliases(world.core, bytes_of("acme"), bytes_of("u"), names, 64), 2);
        assert_true(bytes_is_text(names[0], "t"));
        assert_true(bytes_is_text(names[1], "v"));
        assert_int_equal(core_aliases(world.core, bytes_of("acme"), bytes_of("w"), names, 64), 0);
        assert_int_equal(core_aliases(world.core, bytes_of("nobody"), bytes_of("t"), names, 64), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(messages_under_two_names_are_one_batch),
                ITEM_TEST(names_are_known_after_a_restart),
                ITEM_TEST(the_name_that_is_known_stays_the_thread_s_own),
                ITEM_TEST(two_with_names_of_their_own_become_one),
                ITEM_TEST(the_one_that_runs_goes_before_the_one_that_collects),
                ITEM_TEST(two_that_live_stay_two_over_a_restart),
                ITEM_TEST(nothing_is_written_when_nothing_new_is_learnt),
                ITEM_TEST(a_name_that_is_used_after_a_day_is_noted_anew),
                ITEM_TEST(what_is_no_name_is_passed_over),
                ITEM_TEST(tenants_share_no_names),
                ITEM_TEST(a_refused_message_teaches_no_name),
                ITEM_TEST(on_a_full_disk_no_name_is_learnt),
                ITEM_TEST(a_thread_s_oldest_name_is_forgotten_past_the_limit),
                ITEM_TEST(names_have_a_share_of_the_memory),
                ITEM_TEST(a_held_name_without_messages_is_its_thread_s),
                ITEM_TEST(the_verbs_know_a_thread_by_each_of_its_names),
                ITEM_TEST(a_hold_goes_with_its_name),
                ITEM_TEST(a_hold_of_one_of_two_that_live_holds_both),
                ITEM_TEST(the_other_names_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
