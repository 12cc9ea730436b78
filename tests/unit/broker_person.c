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

/* So long ago, by the platform's clock. */
static void tell_late(enum wire_what what, int64_t seconds) {
        tell_with(what, "t", NULL, (struct wire_body){.at = {world.now.wall.ms - 1000 * seconds}});
        assert_int_equal(world.n_accepted, 1);
}

static void a_person_of_yesterday_does_not_hold_today(void **state) {
        tell_late(WIRE_WHAT_PERSON, 3600);
        tell_late(WIRE_WHAT_CLOSED, 7200);
        assert_int_equal(core_hold_count(world.core), 0);
        assert_int_equal(counted()->takeovers, 0);
        tell_late(WIRE_WHAT_PERSON, 3000);
        world_wait(&world, span_s(599));
        the_hold(HOLD_PERSON);
        world_wait(&world, span_s(1));
        assert_int_equal(core_hold_count(world.core), 0);
}

static void what_is_older_than_the_team_s_last_word_changes_nothing(void **state) {
        struct wall until;

        tell_late(WIRE_WHAT_PERSON, 0);
        until = the_hold(HOLD_PERSON).until;
        tell_late(WIRE_WHAT_PERSON, 60);
        tell_late(WIRE_WHAT_CLOSED, 60);
        tell_late(WIRE_WHAT_RESUME, 60);
        assert_int_equal(the_hold(HOLD_PERSON).until.ms, until.ms);
        tell(WIRE_WHAT_RESUME, "t");
        assert_int_equal(core_hold_count(world.core), 0);
}

static void every_name_of_the_thread_is_held(void **state) {
        world_say(&world, "t", NULL);
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "t", "u");
        tell(WIRE_WHAT_PERSON, "u");
        expect_state("t", THREAD_HELD);
        expect_state("u", THREAD_HELD);
        world.tenants[0].on_resume = CONFIG_ON_RESUME_ANSWER;
        tell(WIRE_WHAT_RESUME, "u");
        expect_state("t", THREAD_COLLECTING);
        expect_state("u", THREAD_COLLECTING);
}

static void a_dead_letter_that_comes_back_under_another_name_is_held(void **state) {
        int result = -1;
        struct event event = {.type = EVENT_DEAD_RETRY, .dead = {.ret_result = &result}};
        struct core_dead_view dead;
        uint32_t cursor = 0;
        struct world_run run = start_run(1);

        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "u", "t");
        tell(WIRE_WHAT_PERSON, "t");
        assert_true(core_next_dead(world.core, &cursor, &dead));
        event.dead.seq = dead.seq;
        world_step(&world, &event);
        assert_int_equal(result, 0);
        assert_int_equal(world.n_runs, 0);
        expect_state("t", THREAD_HELD);
        tell(WIRE_WHAT_RESUME, "u");
        assert_int_equal(core_hold_count(world.core), 0);
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
        tell_with(WIRE_WHAT_PERSON, "t", "p", (struct wire_body){0});
        assert_int_equal(world.n_refusals, 1);
        assert_string_equal(world.code, "too_many_holds");
        assert_int_equal(verb_for(EVENT_RESUME, "acme", "h0", NULL, (struct wall){0}), 0);
        tell_with(WIRE_WHAT_PERSON, "t", "p", (struct wire_body){0}); /* what was refused may come again */
        assert_int_equal(world.n_accepted, 1);
}

/* -- closed -------------------------------------------------------------------------------------------------------- */

static void a_closed_thread_is_held_until_the_next_message(void **state) {
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_CLOSED, "t");
        wait_long();
        world.tenants[0].on_resume = CONFIG_ON_RESUME_ANSWER;
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

/* Both names are held, each by somebody else, and turn out to be one person's. */
static void a_person_s_hold_outlives_that_of_a_closed_conversation(void **state) {
        tell(WIRE_WHAT_CLOSED, "t");
        tell_of(WIRE_WHAT_ALIAS, "t", "x");
        tell(WIRE_WHAT_PERSON, "lid");
        say_as("t", "lid");
        the_hold(HOLD_PERSON);
        expect_state("t", THREAD_HELD);
        world_restart(&world);
        the_hold(HOLD_PERSON);
}

static void nor_does_a_closed_one_take_the_place_of_a_person_s(void **state) {
        tell(WIRE_WHAT_PERSON, "t");
        tell(WIRE_WHAT_CLOSED, "lid");
        say_as("t", "lid");
        the_hold(HOLD_PERSON);
        expect_state("t", THREAD_HELD);
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
                ITEM_TEST(a_person_of_yesterday_does_not_hold_today),
                ITEM_TEST(what_is_older_than_the_team_s_last_word_changes_nothing),
                ITEM_TEST(every_name_of_the_thread_is_held),
                ITEM_TEST(a_dead_letter_that_comes_back_under_another_name_is_held),
                ITEM_TEST(a_platform_does_not_change_an_operator_s_hold),
                ITEM_TEST(an_operator_ends_any_hold),
                ITEM_TEST(an_operator_s_word_takes_the_place_of_a_platform_s),
                ITEM_TEST(too_many_holds_are_refused_aloud),
                ITEM_TEST(a_closed_thread_is_held_until_the_next_message),
                ITEM_TEST(a_duplicate_does_not_open_it_again),
                ITEM_TEST(typing_does_not_open_it_again),
                ITEM_TEST(who_answers_after_closing_has_it_again),
                ITEM_TEST(a_person_s_hold_outlives_that_of_a_closed_conversation),
                ITEM_TEST(nor_does_a_closed_one_take_the_place_of_a_person_s),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
