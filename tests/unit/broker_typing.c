/* Signs of typing, and speech whose text comes later: what waits is kept back for it, never past a cap. */
#include "tests/unit/broker_item.h"

static void tell_at(enum wire_what what, struct span age) {
        struct wall at = {world.now.wall.ms - span_to_ms(age)};

        tell_with(what, "t", NULL, (struct wire_body){.at = at});
}

/* Due in so many seconds from now. */
static void assert_due_in(int64_t s) { assert_int_equal(world_why(&world, "t").due.ms - world.now.wall.ms, s * 1000); }

static void typing_keeps_a_batch_back(void **state) {
        world.tenants[0].typing_hold = span_s(10);
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(5));
        tell(WIRE_WHAT_TYPING, "t");
        assert_due_in(10);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(9));
        assert_int_equal(world.n_runs, 0);
        world_wait(&world, span_s(1));
        the_run(1);
}

static void typing_that_ends_before_the_quiet_changes_nothing(void **state) {
        world.tenants[0].typing_hold = span_s(3);
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_TYPING, "t");
        assert_due_in(8);
}

static void typing_never_holds_past_max_wait(void **state) {
        world_say(&world, "t", NULL);
        for (int s = 0; s < 29; s++) {
                world_wait(&world, span_s(1));
                tell(WIRE_WHAT_TYPING, "t");
        }
        assert_due_in(1);
}

static void typing_does_not_hold_what_a_cap_made_due(void **state) {
        world_hello(&world, 1, 1);
        world.tenants[0].max_messages = 2;
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_TYPING, "t");
        world_say(&world, "t", NULL);
        the_run(2);
}

static void a_pause_lets_the_quiet_begin_again(void **state) {
        world.tenants[0].typing_hold = span_s(20);
        world.tenants[0].quiet = span_s(4);
        world_say(&world, "t", NULL);
        tell(WIRE_WHAT_TYPING, "t");
        assert_due_in(20);
        world_wait(&world, span_s(3));
        tell(WIRE_WHAT_PAUSED, "t");
        assert_due_in(4);
}

static void a_sign_counts_from_when_it_was_seen(void **state) {
        world.tenants[0].typing_hold = span_s(20);
        world_say(&world, "t", NULL);
        tell_at(WIRE_WHAT_TYPING, span_s(5));
        assert_due_in(15);
        tell_at(WIRE_WHAT_TYPING, span_s(60)); /* too old to tell */
        assert_due_in(15);
        tell_at(WIRE_WHAT_TYPING, span_s(-60)); /* a clock that is ahead */
        assert_due_in(20);
        tell_at(WIRE_WHAT_TYPING, span_s(15)); /* older than the last */
        assert_due_in(20);
        tell_at(WIRE_WHAT_PAUSED, span_s(60));
        assert_due_in(8);
}

static void what_was_being_typed_has_come(void **state) {
        world.tenants[0].quiet = span_s(2);
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(1));
        tell(WIRE_WHAT_TYPING, "t");
        world_wait(&world, span_s(2));
        assert_due_in(6);
        world_say(&world, "t", NULL);
        assert_due_in(2);
        tell(WIRE_WHAT_TYPING, "t");
        assert_due_in(8);
}

static void typing_begins_no_batch(void **state) {
        world_hello(&world, 1, 1);
        tell(WIRE_WHAT_TYPING, "t");
        expect_state("t", THREAD_UNKNOWN);
        world_wait(&world, span_s(100));
        assert_int_equal(world.n_runs, 0);
}

static void a_tenant_may_pass_typing_over(void **state) {
        world.tenants[0].typing_hold = span_s(0);
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(5));
        tell(WIRE_WHAT_TYPING, "t");
        tell(WIRE_WHAT_PAUSED, "t");
        assert_due_in(3);
}

static void without_a_quiet_typing_holds_nothing(void **state) {
        world.tenants[0].quiet = span_s(0);
        world_say(&world, "t", NULL); /* nobody to take it */
        tell(WIRE_WHAT_TYPING, "t");
        expect_state("t", THREAD_READY);
}

static void what_is_ready_stays_so(void **state) {
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(8));
        tell(WIRE_WHAT_TYPING, "t");
        expect_state("t", THREAD_READY);
        world_hello(&world, 1, 1);
        the_run(1);
}

static void typing_holds_what_waits_behind_a_run(void **state) {
        struct world_run run = start_run(1);

        world.tenants[0].quiet = span_s(2);
        tell(WIRE_WHAT_TYPING, "t"); /* nothing waits */
        world_say(&world, "t", NULL);
        world_wait(&world, span_s(1));
        tell(WIRE_WHAT_TYPING, "t");
        world_result(&world, &run, WIRE_DONE);
        assert_due_in(8);
}

static void typing_is_not_stored(void **state) {
        world_say(&world, "t", NULL);
        world.on_change = on_write;
        n_writes = 0;
        tell(WIRE_WHAT_TYPING, "t");
        tell(WIRE_WHAT_PAUSED, "t");
        assert_int_equal(n_writes, 0);
}

/* -- speech -------------------------------------------------------------------------------------------------------- */

static void speak(const char *id) {
        tell_with(WIRE_WHAT_MESSAGE, "t", id, (struct wire_body){.kind = bytes_of("audio")});
}

static void transcribe(const char *id) {
        tell_with(WIRE_WHAT_EDIT, "t", id,
                  (struct wire_body){.kind = bytes_of("audio"), .text = bytes_of("Quanto custa?")});
}

static int setup_speech(void **state) {
        setup_items(state);
        world.tenants[0].transcription_wait = span_s(20);
        return 0;
}

static void speech_waits_for_its_text(void **state) {
        speak("a");
        assert_due_in(20);
        world_wait(&world, span_s(10));
        transcribe("a");
        expect_state("t", THREAD_READY); /* its quiet is over: what it says was said before */
        assert_int_equal(counted()->late_edits, 0);
}

static void the_text_of_one_is_not_that_of_the_other(void **state) {
        speak("a");
        world_wait(&world, span_s(4));
        speak("b");
        transcribe("a");
        assert_due_in(20);
        transcribe("b");
        assert_due_in(8);
}

static void speech_waits_no_longer_than_max_wait(void **state) {
        world.tenants[0].transcription_wait = span_s(600);
        speak("a");
        assert_due_in(30);
}

static void speech_that_has_its_text_waits_for_nothing(void **state) {
        tell_with(WIRE_WHAT_MESSAGE, "t", "a", (struct wire_body){.kind = bytes_of("audio"), .text = bytes_of("Oi")});
        assert_due_in(8);
}

static void a_pause_does_not_end_the_wait_for_a_text(void **state) {
        speak("a");
        tell(WIRE_WHAT_TYPING, "t");
        tell(WIRE_WHAT_PAUSED, "t");
        assert_due_in(20);
}

static void a_restart_waits_on_for_a_text(void **state) {
        speak("a");
        world_wait(&world, span_s(5));
        world_restart(&world);
        assert_due_in(15);
        transcribe("a");
        assert_due_in(3);
}

static void speech_that_is_taken_back_is_not_waited_for(void **state) {
        speak("a");
        tell_with(WIRE_WHAT_DELETE, "t", "a", (struct wire_body){.kind = bytes_of("deleted")});
        assert_due_in(8);
}

#define SPEECH_TEST(name) cmocka_unit_test_setup_teardown(name, setup_speech, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(typing_keeps_a_batch_back),
                ITEM_TEST(typing_that_ends_before_the_quiet_changes_nothing),
                ITEM_TEST(typing_never_holds_past_max_wait),
                ITEM_TEST(typing_does_not_hold_what_a_cap_made_due),
                ITEM_TEST(a_pause_lets_the_quiet_begin_again),
                ITEM_TEST(a_sign_counts_from_when_it_was_seen),
                ITEM_TEST(what_was_being_typed_has_come),
                ITEM_TEST(typing_begins_no_batch),
                ITEM_TEST(a_tenant_may_pass_typing_over),
                ITEM_TEST(without_a_quiet_typing_holds_nothing),
                ITEM_TEST(what_is_ready_stays_so),
                ITEM_TEST(typing_holds_what_waits_behind_a_run),
                ITEM_TEST(typing_is_not_stored),
                SPEECH_TEST(speech_waits_for_its_text),
                SPEECH_TEST(the_text_of_one_is_not_that_of_the_other),
                SPEECH_TEST(speech_waits_no_longer_than_max_wait),
                SPEECH_TEST(speech_that_has_its_text_waits_for_nothing),
                SPEECH_TEST(a_pause_does_not_end_the_wait_for_a_text),
                SPEECH_TEST(a_restart_waits_on_for_a_text),
                SPEECH_TEST(speech_that_is_taken_back_is_not_waited_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
