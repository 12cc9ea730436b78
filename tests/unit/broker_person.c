/* A person of the team answers in a thread, closes it, or gives it back: what the platform shows of that. */
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

static void a_person_who_answers_holds_the_thread(void **state) {
        world_say(&world, "t", NULL);
        person_says("Bom dia, aqui é a Ana");
        expect_state("t", THREAD_HELD);
        assert_string_equal(the_hold(HOLD_PERSON).why, "a person has answered"); /* not what was said */
        assert_int_equal(counted()->takeovers, 1);
        wait_long();
        tell(WIRE_WHAT_RESUME, "t");
        the_run(1);
}

static void a_run_without_an_answer_is_called_off(void **state) {
        struct world_run run = start_run(1);

        tell(WIRE_WHAT_PERSON, "t");
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "held");
        world_answered(&world, &run, "too late");
        assert_int_equal(world.go, 0);
}

static void a_run_whose_answer_is_stored_ends_first(void **state) {
        struct world_run run = start_run(1);

        world_answered(&world, &run, "Custa 10");
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_PERSON, "t");
        assert_int_equal(world.n_cancels, 0);
        world_result(&world, &run, WIRE_DONE);
        expect_state("t", THREAD_HELD);
        assert_messages("t", 1);
}

static void the_hold_ends_after_hold_for(void **state) {
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_PERSON, "t");
        world_wait(&world, span_s(1800));
        tell(WIRE_WHAT_PERSON, "t"); /* said again, the end moves */
        world_wait(&world, span_s(3599));
        expect_state("t", THREAD_HELD);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(1));
        the_run(1);
        assert_int_equal(counted()->takeovers, 1);
}

static void without_hold_for_it_has_no_end(void **state) {
        world.tenants[0].hold_for = span_s(0);
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_PERSON, "t");
        assert_int_equal(the_hold(HOLD_PERSON).until.ms, 0);
        world_wait(&world, span_s(10000000));
        expect_state("t", THREAD_HELD);
}

static void a_tenant_may_pass_persons_over(void **state) {
        world.tenants[0].on_takeover = CONFIG_ON_TAKEOVER_IGNORE;
        tell(WIRE_WHAT_PERSON, "t");
        tell(WIRE_WHAT_CLOSED, "t");
        assert_int_equal(core_hold_count(world.core), 0);
        assert_int_equal(counted()->takeovers, 0);
        assert_int_equal(counted()->events[WIRE_WHAT_PERSON], 1);
}

static void the_reason_is_what_the_platform_says_of_it(void **state) {
        tell_with(WIRE_WHAT_PERSON, "t", NULL,
                  (struct wire_body){.kind = bytes_of("assigned to Ana"), .text = bytes_of("Bom dia")});
        assert_string_equal(the_hold(HOLD_PERSON).why, "assigned to Ana");
}

static void each_kind_of_hold_is_there_after_a_restart(void **state) {
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_PERSON, "t");
        world_restart(&world);
        the_hold(HOLD_PERSON);
        tell(WIRE_WHAT_CLOSED, "t");
        world_restart(&world);
        assert_string_equal(the_hold(HOLD_CLOSED).why, "the conversation was closed");
        expect_state("t", THREAD_HELD);
        hold();
        world_restart(&world);
        the_hold(HOLD_OPERATOR);
        wait_long();
}

static void every_name_of_the_thread_is_held(void **state) {
        world_say(&world, "t", NULL);
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "t", "u");
        tell(WIRE_WHAT_PERSON, "u");
        expect_state("t", THREAD_HELD);
        expect_state("u", THREAD_HELD);
        tell(WIRE_WHAT_RESUME, "u");
        expect_state("t", THREAD_COLLECTING);
        expect_state("u", THREAD_COLLECTING);
}

/* -- whose word counts --------------------------------------------------------------------------------------------- */

static void a_platform_does_not_change_an_operator_s_hold(void **state) {
        hold_for(span_s(7200));
        tell(WIRE_WHAT_PERSON, "t");
        tell(WIRE_WHAT_CLOSED, "t");
        tell(WIRE_WHAT_RESUME, "t");
        world_say(&world, "t", NULL);
        assert_string_equal(the_hold(HOLD_OPERATOR).why, "Ana took over");
        world_wait(&world, span_s(3700));
        expect_state("t", THREAD_HELD);
        assert_int_equal(counted()->takeovers, 0);
}

static void an_operator_ends_any_hold(void **state) {
        tell(WIRE_WHAT_PERSON, "t");
        resume();
        tell(WIRE_WHAT_CLOSED, "t");
        resume();
        assert_int_equal(core_hold_count(world.core), 0);
        assert_int_equal(verb(EVENT_RESUME), -ENOENT);
}

static void an_operator_s_word_takes_the_place_of_a_platform_s(void **state) {
        tell(WIRE_WHAT_PERSON, "t");
        hold();
        tell(WIRE_WHAT_RESUME, "t");
        the_hold(HOLD_OPERATOR);
        assert_int_equal(the_hold(HOLD_OPERATOR).until.ms, 0);
}

static void too_many_holds_are_refused_aloud(void **state) {
        struct event event = {.type = EVENT_HOLD};
        uint32_t unused;

        for (uint32_t i = 0; i < LIMIT_HOLDS; i++) {
                char name[16];
                int result, len = snprintf(name, sizeof name, "h%u", i);

                event.verb = (struct core_verb){.tenant = bytes_of("acme"),
                                                .thread = {name, (size_t)len},
                                                .ret_result = &result,
                                                .ret_messages = &unused};
                core_step(world.core, world.now, &event, &world.fx);
                effects_clear(&world.fx);
        }
        tell_with(WIRE_WHAT_PERSON, "t", NULL, (struct wire_body){0});
        assert_int_equal(world.n_refusals, 1);
        assert_string_equal(world.code, "too_many_holds");
}

/* -- closed -------------------------------------------------------------------------------------------------------- */

static void a_closed_thread_is_held_until_the_next_message(void **state) {
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_CLOSED, "t");
        wait_long();
        world_say(&world, "t", "next");
        assert_int_equal(core_hold_count(world.core), 0);
        the_run(2); /* the first one has waited for longer than max_wait */
}

static void a_duplicate_does_not_open_it_again(void **state) {
        world_say(&world, "t", "a");
        tell(WIRE_WHAT_CLOSED, "t");
        world_say(&world, "t", "a");
        assert_int_equal(world.n_duplicates, 1);
        the_hold(HOLD_CLOSED);
}

static void typing_does_not_open_it_again(void **state) {
        world_say(&world, "t", "a");
        tell(WIRE_WHAT_CLOSED, "t");
        tell(WIRE_WHAT_TYPING, "t");
        the_hold(HOLD_CLOSED);
}

static void who_answers_after_closing_has_it_again(void **state) {
        tell(WIRE_WHAT_CLOSED, "t");
        tell(WIRE_WHAT_PERSON, "t");
        world_say(&world, "t", NULL);
        the_hold(HOLD_PERSON);
        expect_state("t", THREAD_HELD);
}

/* -- our own replies ----------------------------------------------------------------------------------------------- */

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

static void only_so_many_replies_are_remembered(void **state) {
        static const char reply[] = "Custa 10";
        CLEANUP_BUFFER struct buffer answer = {0};
        struct bytes text = {reply, sizeof reply - 1};

        wire_encode_answer(&answer, &text, 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("t"), buffer_bytes(&answer));
        for (uint32_t i = 0; i < LIMIT_ECHOES - 1; i++) {
                char name[16];
                int len = snprintf(name, sizeof name, "u%u", i);

                core_expect_echoes(world.core, world.now, bytes_of("acme"), (struct bytes){name, (size_t)len},
                                   buffer_bytes(&answer));
        }
        person_says(reply);
        assert_int_equal(counted()->echoes, 1);
        core_expect_echoes(world.core, world.now, bytes_of("acme"), bytes_of("v"), buffer_bytes(&answer));
        person_says(reply);
        assert_int_equal(counted()->echoes, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(a_person_who_answers_holds_the_thread),
                ITEM_TEST(a_run_without_an_answer_is_called_off),
                ITEM_TEST(a_run_whose_answer_is_stored_ends_first),
                ITEM_TEST(the_hold_ends_after_hold_for),
                ITEM_TEST(without_hold_for_it_has_no_end),
                ITEM_TEST(a_tenant_may_pass_persons_over),
                ITEM_TEST(the_reason_is_what_the_platform_says_of_it),
                ITEM_TEST(each_kind_of_hold_is_there_after_a_restart),
                ITEM_TEST(every_name_of_the_thread_is_held),
                ITEM_TEST(a_platform_does_not_change_an_operator_s_hold),
                ITEM_TEST(an_operator_ends_any_hold),
                ITEM_TEST(an_operator_s_word_takes_the_place_of_a_platform_s),
                ITEM_TEST(too_many_holds_are_refused_aloud),
                ITEM_TEST(a_closed_thread_is_held_until_the_next_message),
                ITEM_TEST(a_duplicate_does_not_open_it_again),
                ITEM_TEST(typing_does_not_open_it_again),
                ITEM_TEST(who_answers_after_closing_has_it_again),
                ITEM_TEST(our_own_reply_is_no_person),
                ITEM_TEST(a_reply_is_known_under_each_name),
                ITEM_TEST(a_reply_to_another_thread_is_not_this_one_s),
                ITEM_TEST(a_reply_of_long_ago_is_a_person_s),
                ITEM_TEST(a_reply_that_is_still_going_out_is_known_after_a_restart),
                ITEM_TEST(only_so_many_replies_are_remembered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
