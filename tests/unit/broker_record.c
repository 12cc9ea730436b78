/* on_resume: record. What waited while a person had the thread is told to the handler, and not answered. */
#include "tests/unit/broker_item.h"

#include <string.h>

static int setup_record(void **state) {
        setup_items(state);
        world.tenants[0].on_resume = CONFIG_ON_RESUME_RECORD;
        world_hello(&world, 1, 5);
        return 0;
}

#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_record, teardown)

static void ignore_batch(void *context, const struct stored_batch *batch) {}
static void ignore_message(void *context, const struct stored_message *message) {}
static void ignore_seen(void *context, const struct stored_seen *seen) {}

static void count_note(void *context, const struct stored_note *note) {
        *(uint32_t *)context += note->kind == STORED_RECORD;
}

static uint32_t count_record_notes(void) {
        char *error = NULL;
        uint32_t n = 0;

        assert_int_equal(store_load(world.store,
                                    &(struct store_visitor){ignore_batch, ignore_message, ignore_seen, &n, count_note},
                                    &error),
                         0);
        return n;
}

/* `n` messages come while a person has the thread. */
static void take_over_with(uint32_t n) {
        tell(WIRE_WHAT_PERSON, "t");
        world_say_many(&world, "t", n);
        assert_int_equal(world.n_runs, 0);
}

static struct world_run the_record(uint32_t n_messages) {
        struct world_run run = the_run(n_messages);

        assert_true(run.is_record);
        return run;
}

/* The message that came after the resume is answered, after its own quiet. */
static void expect_answer_after_quiet(void) {
        struct world_run run;

        world_wait(&world, span_s(7));
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_s(1));
        run = the_run(1);
        assert_false(run.is_record);
        world_result(&world, &run, WIRE_DONE);
        expect_state("t", THREAD_DONE);
}

static void what_waits_at_a_resume_is_recorded_at_once(void **state) {
        take_over_with(3);
        tell(WIRE_WHAT_RESUME, "t");
        the_record(3);
        finish(3);
        assert_int_equal(counted()->recorded, 3);
        assert_int_equal(counted()->calls_saved, 0);
        world_say(&world, "t", NULL);
        expect_answer_after_quiet();
        assert_int_equal(counted()->recorded, 3);
}

static void the_verb_and_the_end_of_a_hold_record_as_well(void **state) {
        struct world_run run;

        take_over_with(1);
        resume();
        run = the_record(1);
        world_result(&world, &run, WIRE_DONE);
        take_over_with(2);
        world_wait(&world, span_s(3600));
        the_record(2);
}

static void a_message_that_ends_a_hold_is_answered_by_itself(void **state) {
        struct world_run run;

        take_over_with(2);
        tell(WIRE_WHAT_CLOSED, "t");
        world_say(&world, "t", "new");
        run = the_record(2);
        world_alive(&world, 1, 5, &run, 1);
        world_result(&world, &run, WIRE_DONE);
        expect_answer_after_quiet();
}

static void a_caps_worth_is_recorded_at_a_time(void **state) {
        struct world_run run;

        world.tenants[0].max_messages = 2;
        take_over_with(3);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(2);
        world_say(&world, "t", NULL);
        world_result(&world, &run, WIRE_DONE);
        run = the_record(1); /* not with the one that is to be answered */
        world_result(&world, &run, WIRE_DONE);
        world_wait(&world, span_s(8));
        assert_false(the_run(1).is_record);
}

static void what_is_recorded_is_so_after_a_restart(void **state) {
        struct world_run run;

        world_hello(&world, 1, 0);
        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        world_say(&world, "t", NULL);
        assert_int_equal(world_why(&world, "t").n_record, 2);
        world_restart(&world);
        world_restart(&world);
        assert_int_equal(world_why(&world, "t").n_record, 2);
        world_hello(&world, 1, 1);
        run = the_record(2);
        world_result(&world, &run, WIRE_DONE);
        world_restart(&world);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        assert_false(the_run(1).is_record);
}

static void a_record_that_runs_over_a_restart_goes_on(void **state) {
        struct world_run run;

        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(2);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 0);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        assert_int_equal(counted()->recorded, 2);
        expect_state("t", THREAD_DONE);
}

static void nothing_is_left_in_the_store(void **state) {
        struct world_run run;

        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        assert_int_equal(count_record_notes(), 1);
        run = the_record(2);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(count_record_notes(), 0);
}

static void a_record_that_fails_is_tried_again_as_one(void **state) {
        struct world_run run;

        take_over_with(1);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(1);
        world_result(&world, &run, WIRE_FAILED);
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(2));
        run = the_record(1);
        assert_int_equal(run.attempt, 2);
}

static void a_dead_record_comes_back_as_one(void **state) {
        struct core_dead_view dead;
        struct event event = {.type = EVENT_DEAD_RETRY};
        struct world_run run;
        uint32_t cursor = 0;
        int result = -1;

        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(2);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        world_restart(&world);
        world_hello(&world, 1, 5);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        assert_int_equal(dead.n_record, 2);
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        world_step(&world, &event);
        the_record(2);
        finish(2);
        assert_int_equal(count_record_notes(), 0);
}

static uint64_t n_dead_seqs, dead_seqs[4];

/* The dead letters, oldest first. */
static void find_dead(uint32_t n) {
        struct core_dead_view dead;
        uint32_t cursor = 0;

        for (n_dead_seqs = 0; core_next_dead(world.core, &cursor, &dead);)
                dead_seqs[n_dead_seqs++] = dead.seq;
        assert_int_equal(n_dead_seqs, n);
}

static void bring_back(uint64_t seq) {
        int result = -1;
        struct event event = {.type = EVENT_DEAD_RETRY, .dead = {.seq = seq, .ret_result = &result}};

        world_step(&world, &event);
        assert_int_equal(result, 0);
}

static void die(const char *thread) {
        struct world_run run;

        world_say(&world, thread, NULL);
        world_wait(&world, span_s(8));
        run = the_run(1);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
}

/* It is between two that are recorded, by its number, and none of them. */
static void a_dead_letter_that_nobody_recorded_is_answered_when_it_comes_back(void **state) {
        die("t");
        die("t");
        find_dead(2);
        tell(WIRE_WHAT_PERSON, "t");
        bring_back(dead_seqs[0]);
        world_say(&world, "t", NULL);
        world_hello(&world, 1, 0);
        tell(WIRE_WHAT_RESUME, "t");
        assert_int_equal(count_record_notes(), 2);
        world_restart(&world);
        assert_int_equal(world_why(&world, "t").n_record, 2);
        world_hello(&world, 1, 5);
        finish(2);
        assert_int_equal(count_record_notes(), 0);
        find_dead(1);
        bring_back(dead_seqs[0]);
        assert_false(the_run(1).is_record);
}

static void nor_is_it_recorded_with_them_when_it_comes_back_first(void **state) {
        die("t");
        die("t");
        find_dead(2);
        tell(WIRE_WHAT_PERSON, "t");
        bring_back(dead_seqs[0]);
        world_say(&world, "t", NULL);
        world_hello(&world, 1, 0);
        tell(WIRE_WHAT_RESUME, "t");
        bring_back(dead_seqs[1]);
        world_restart(&world);
        assert_int_equal(world_why(&world, "t").n_record, 2);
        assert_int_equal(world_why(&world, "t").n_messages, 3);
}

static void a_dead_record_that_is_dropped_leaves_nothing(void **state) {
        struct event event = {.type = EVENT_DEAD_DROP};
        struct core_dead_view dead;
        struct world_run run;
        uint32_t cursor = 0;
        int result = -1;

        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(2);
        world_result(&world, &run, WIRE_FAILED_FOR_GOOD);
        assert_int_equal(count_record_notes(), 1);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        world_step(&world, &event);
        assert_int_equal(count_record_notes(), 0);
}

static void what_is_answered_goes_out_before_what_is_recorded(void **state) {
        struct world_run run = start_run(5);

        world.tenants[0].quiet = span_s(8);
        world_answered(&world, &run, "Custa 10");
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_PERSON, "t");
        tell(WIRE_WHAT_RESUME, "t"); /* while its reply is going out */
        assert_int_equal(world.n_runs, 0);
        world_result(&world, &run, WIRE_DONE);
        the_record(1);
}

static void a_record_is_not_interrupted(void **state) {
        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 3;
        take_over_with(1);
        tell(WIRE_WHAT_RESUME, "t");
        the_record(1);
        world_say(&world, "t", NULL);
        assert_int_equal(world.n_cancels, 0);
        expect_state("t", THREAD_RUNNING);
}

/* A worker of before lull/1.2 does not know what a record is. */
static void an_answer_to_a_record_is_not_posted(void **state) {
        struct world_run run;

        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(2);
        world_answered(&world, &run, "Custa 10");
        assert_int_equal(world.go, 0);
        assert_string_equal(world.code, "recorded");
        expect_state("t", THREAD_DONE);
        assert_int_equal(counted()->recorded, 2);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(world.settled, 0);
}

static void what_is_taken_over_again_stays_recorded(void **state) {
        world_hello(&world, 1, 0);
        take_over_with(1);
        tell(WIRE_WHAT_RESUME, "t");
        take_over_with(2);
        tell(WIRE_WHAT_RESUME, "t");
        assert_int_equal(world_why(&world, "t").n_record, 3);
        assert_int_equal(count_record_notes(), 2);
        world_restart(&world);
        world_hello(&world, 1, 1);
        finish(3);
        assert_int_equal(count_record_notes(), 0);
}

/* On the default. */
static void rest(void) { world.tenants[0].on_resume = CONFIG_ON_RESUME_REST; }

static void what_came_before_the_last_word_is_recorded_and_the_rest_answered(void **state) {
        struct world_run run;

        rest();
        world_say(&world, "t", NULL);
        take_over_with(2);
        tell(WIRE_WHAT_PERSON, "t");
        world_say(&world, "t", NULL);
        world_restart(&world);
        world_hello(&world, 1, 5);
        tell(WIRE_WHAT_RESUME, "t");
        run = the_record(3);
        world_result(&world, &run, WIRE_DONE);
        expect_answer_after_quiet();
}

static void what_was_closed_is_recorded_and_what_opens_it_answered(void **state) {
        struct world_run run;

        rest();
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_CLOSED, "t");
        world_say(&world, "t", "new");
        run = the_record(1);
        world_result(&world, &run, WIRE_DONE);
        expect_answer_after_quiet();
}

static void closing_is_a_word_as_well(void **state) {
        rest();
        take_over_with(2);
        tell(WIRE_WHAT_CLOSED, "t");
        world_say(&world, "t", "new");
        the_record(2);
}

/* Neither what waited before an operator took it, nor what came then. */
static void an_operator_s_hold_is_answered(void **state) {
        for (int i = 0; i < 2; i++) {
                world_say(&world, "t", NULL);
                hold();
                world_say(&world, "t", NULL);
                world_wait(&world, span_s(60));
                world_hello(&world, 1, 5);
                resume();
                assert_false(world.runs[0].is_record);
                finish(2);
                rest();
        }
}

static void the_word_goes_with_the_name(void **state) {
        rest();
        tell(WIRE_WHAT_PERSON, "t");
        world_say(&world, "u", NULL);
        tell_of(WIRE_WHAT_ALIAS, "u", "t");
        expect_state("u", THREAD_HELD);
        world_wait(&world, span_s(60));
        world_hello(&world, 1, 5);
        tell(WIRE_WHAT_RESUME, "u");
        assert_false(the_run(1).is_record);
}

static void a_tenant_that_answers_answers(void **state) {
        world.tenants[0].on_resume = CONFIG_ON_RESUME_ANSWER;
        take_over_with(2);
        world_wait(&world, span_s(60));
        world_hello(&world, 1, 5);
        tell(WIRE_WHAT_RESUME, "t");
        assert_false(the_run(2).is_record);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                RECORD_TEST(what_waits_at_a_resume_is_recorded_at_once),
                RECORD_TEST(the_verb_and_the_end_of_a_hold_record_as_well),
                RECORD_TEST(a_message_that_ends_a_hold_is_answered_by_itself),
                RECORD_TEST(a_caps_worth_is_recorded_at_a_time),
                RECORD_TEST(what_is_recorded_is_so_after_a_restart),
                RECORD_TEST(a_record_that_runs_over_a_restart_goes_on),
                RECORD_TEST(nothing_is_left_in_the_store),
                RECORD_TEST(a_record_that_fails_is_tried_again_as_one),
                RECORD_TEST(a_dead_record_comes_back_as_one),
                RECORD_TEST(a_dead_letter_that_nobody_recorded_is_answered_when_it_comes_back),
                RECORD_TEST(nor_is_it_recorded_with_them_when_it_comes_back_first),
                RECORD_TEST(a_dead_record_that_is_dropped_leaves_nothing),
                RECORD_TEST(what_is_answered_goes_out_before_what_is_recorded),
                RECORD_TEST(a_record_is_not_interrupted),
                RECORD_TEST(an_answer_to_a_record_is_not_posted),
                RECORD_TEST(what_is_taken_over_again_stays_recorded),
                RECORD_TEST(what_came_before_the_last_word_is_recorded_and_the_rest_answered),
                RECORD_TEST(what_was_closed_is_recorded_and_what_opens_it_answered),
                RECORD_TEST(closing_is_a_word_as_well),
                RECORD_TEST(an_operator_s_hold_is_answered),
                RECORD_TEST(the_word_goes_with_the_name),
                RECORD_TEST(a_tenant_that_answers_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
