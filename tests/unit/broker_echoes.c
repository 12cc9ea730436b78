/* Our own replies, as a platform shows them: they are no person's. */
#include "tests/unit/broker_item.h"

#include <stdio.h>

static void person_says(const char *text) {
        tell_with(WIRE_WHAT_PERSON, "t", NULL, (struct wire_body){.text = bytes_of(text)});
        assert_int_equal(world.n_accepted, 1);
}

static struct core_hold_view the_hold(enum hold_kind kind) {
        struct core_hold_view view;
        uint32_t cursor = 0;

        assert_true(core_next_hold(world.core, &cursor, &view));
        assert_int_equal(view.kind, kind);
        assert_int_equal(core_hold_count(world.core), 1);
        return view;
}

static void our_own_reply_is_no_person(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Custa 10 reais.");
        person_says("Custa 10 reais.");
        person_says(" Custa 10 reais.\n");
        assert_int_equal(core_hold_count(world.core), 0);
        assert_int_equal(counted()->echoes, 2);
        world_result(&world, &run, WIRE_DONE);
        person_says("Custa 10 reais."); /* it may come late */
        assert_int_equal(core_hold_count(world.core), 0);
        person_says("Custa 12 reais, desculpe.");
        the_hold(HOLD_PERSON);
}

static void a_reply_is_known_under_each_name(void **state) {
        struct world_run run;

        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        say_as("t", "lid");
        run = the_run(1);
        world_answered(&world, &run, "Custa 10");
        tell_with(WIRE_WHAT_PERSON, "lid", NULL, (struct wire_body){.text = bytes_of("Custa 10")});
        assert_int_equal(counted()->echoes, 1);
}

static void a_reply_to_another_thread_is_not_this_one_s(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Custa 10");
        tell_with(WIRE_WHAT_PERSON, "u", NULL, (struct wire_body){.text = bytes_of("Custa 10")});
        assert_int_equal(core_hold_count(world.core), 1);
}

static void a_reply_of_long_ago_is_a_person_s(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Custa 10");
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(LIMIT_ECHO_S));
        person_says("Custa 10");
        the_hold(HOLD_PERSON);
}

static void a_reply_that_is_still_going_out_is_known_after_a_restart(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Custa 10");
        world_restart(&world);
        person_says("Custa 10");
        assert_int_equal(counted()->echoes, 1);
        assert_int_equal(core_hold_count(world.core), 0);
}

/* Of each reply one echo comes. It may come twice, soon. */
static void an_echo_uses_its_reply_up(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Bom dia!");
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(60));
        person_says("Bom dia!");
        world_wait(&world, span_s(LIMIT_ECHO_AGAIN_S - 1));
        person_says("Bom dia!");
        assert_int_equal(counted()->echoes, 2);
        world_wait(&world, span_s(1));
        person_says("Bom dia!");
        assert_int_equal(counted()->echoes, 2);
        the_hold(HOLD_PERSON);
}

static void two_replies_that_say_the_same_have_an_echo_each(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Bom dia!");
        world_result(&world, &run, WIRE_DONE);
        world_say(&world, "t", NULL);
        run = the_run(1);
        world_answered(&world, &run, "Bom dia!");
        world_result(&world, &run, WIRE_DONE);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(core_hold_count(world.core), 0);
                person_says("Bom dia!");
                world_wait(&world, span_s(LIMIT_ECHO_AGAIN_S));
        }
        assert_int_equal(counted()->echoes, 2);
        the_hold(HOLD_PERSON);
}

static void a_reply_that_goes_out_once_more_is_one(void **state) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct world_run run = start_run(1);
        struct bytes texts[] = {bytes_of("Bom dia!"), bytes_of("Custa 10")};

        wire_encode_answer(&answer, texts, 2);
        world_answered(&world, &run, "Custa 10");
        person_says("Custa 10");
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("t"), buffer_bytes(&answer), 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("t"), buffer_bytes(&answer), 1);
        world_wait(&world, span_s(LIMIT_ECHO_AGAIN_S));
        person_says("Custa 10");
        assert_int_equal(core_hold_count(world.core), 0);
        world_wait(&world, span_s(LIMIT_ECHO_AGAIN_S));
        person_says("Custa 10");
        the_hold(HOLD_PERSON);
}

static void what_was_posted_is_not_expected_again(void **state) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct bytes text = bytes_of("Bom dia!");

        wire_encode_answer(&answer, &text, 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("t"), buffer_bytes(&answer), 1);
        person_says("Bom dia!");
        the_hold(HOLD_PERSON);
}

static void only_so_many_replies_are_remembered(void **state) {
        static const char reply[] = "Custa 10";
        CLEANUP_BUFFER struct buffer answer = {0};
        struct bytes text = {reply, sizeof reply - 1};

        wire_encode_answer(&answer, &text, 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("t"), buffer_bytes(&answer), 0);
        for (uint32_t i = 0; i < LIMIT_ECHOES - 1; i++) {
                char name[16];
                int len = snprintf(name, sizeof name, "u%u", i);

                core_expect_echoes(world.core, world.now, bytes_of("acme"), (struct bytes){name, (size_t)len},
                                   buffer_bytes(&answer), 0);
        }
        person_says(reply);
        assert_int_equal(counted()->echoes, 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("v"), buffer_bytes(&answer), 0);
        person_says(reply);
        assert_int_equal(counted()->echoes, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(our_own_reply_is_no_person),
                ITEM_TEST(a_reply_is_known_under_each_name),
                ITEM_TEST(a_reply_to_another_thread_is_not_this_one_s),
                ITEM_TEST(a_reply_of_long_ago_is_a_person_s),
                ITEM_TEST(a_reply_that_is_still_going_out_is_known_after_a_restart),
                ITEM_TEST(an_echo_uses_its_reply_up),
                ITEM_TEST(two_replies_that_say_the_same_have_an_echo_each),
                ITEM_TEST(a_reply_that_goes_out_once_more_is_one),
                ITEM_TEST(what_was_posted_is_not_expected_again),
                ITEM_TEST(only_so_many_replies_are_remembered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
