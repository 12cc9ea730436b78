/* Messages that are edited, or taken back: while nobody has read them. */
#include "tests/unit/broker_edit.h"

#include "broker/core/messages.h"

#include <string.h>

static void an_edit_takes_the_place_of_what_was_said(void **state) {
        struct world_run run;

        world_say(&world, "t", "a");
        world_say(&world, "t", "b");
        edit("a", "Quanto custa, por favor?");
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        run = the_run(2);
        assert_stored(run.seqs[0], "Quanto custa, por favor?", "");
        assert_stored(run.seqs[1], "Oi", "");
        assert_late(0);
}

static void what_is_taken_back_has_nothing_left_to_say(void **state) {
        struct world_run run;

        world_say(&world, "t", "a");
        take_back("a");
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        run = the_run(1);
        assert_stored(run.seqs[0], "", "deleted");
        assert_late(0);
}

/* The message as it is stored, after an edit or its deletion. */
static struct wire_body read_changed(struct buffer *memory) {
        struct world_run run;
        struct stored_message message;
        struct wire_body body;

        assert_late(0);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        run = the_run(1);
        assert_int_equal(store_read_message(world.store, run.seqs[0], memory, &message), 0);
        assert_int_equal(wire_decode_body(message.body, &body), 0);
        assert_true(bytes_is_text(message.channel, "own"));
        assert_true(bytes_is_text(body.to, "5511"));
        assert_true(bytes_is_text(body.from, "ana"));
        assert_int_equal(body.at.ms, 1700000000000);
        return body;
}

static void say_picture(void) {
        static struct config_channel channels[] = {{.name = (char *)"own"}};
        static char data[5000]; /* more than one piece of the store's */

        memset(data, ' ', sizeof data);
        memcpy(data, "{}", 2);
        world.tenants[0].channels = channels;
        world.tenants[0].n_channels = 1;
        world.config.limits.message_bytes = 100000;
        world_item(&world,
                   (struct wire_message){.thread = bytes_of("t"), .id = bytes_of("a"), .channel = bytes_of("own")},
                   &(struct wire_body){.at = {1700000000000},
                                       .from = bytes_of("ana"),
                                       .kind = bytes_of("image"),
                                       .text = bytes_of("Oi"),
                                       .data = {data, sizeof data},
                                       .to = bytes_of("5511"),
                                       .url = bytes_of("https://a.example/1.jpg")});
        assert_int_equal(world.n_accepted, 1);
}

static void what_an_edit_does_not_say_stays(void **state) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct wire_body body;

        say_picture();
        edit("a", "Oi!");
        body = read_changed(&memory);
        assert_true(bytes_is_text(body.text, "Oi!"));
        assert_true(bytes_is_text(body.kind, "image"));
        assert_true(bytes_is_text(body.url, "https://a.example/1.jpg"));
        assert_int_equal(body.data.len, 5000);
}

static void of_what_is_taken_back_only_its_place_stays(void **state) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct wire_body body;

        say_picture();
        take_back("a");
        body = read_changed(&memory);
        assert_true(bytes_is_text(body.kind, "deleted"));
        assert_int_equal(body.text.len + body.url.len + body.data.len, 0);
}

static void the_store_counts_an_edited_message_once(void **state) {
        static char longest[900];

        memset(longest, 'x', sizeof longest - 1);
        world.config.limits.message_bytes = 100000;
        world_say(&world, "t", "a");
        edit("a", longest);
        world_restart(&world); /* which checks the sums */
        edit("a", "short");
        world_restart(&world);
        assert_messages("t", 1);
}

static void the_bytes_of_a_thread_follow(void **state) {
        uint32_t before;

        world_say(&world, "t", "a");
        before = world_why(&world, "t").n_bytes;
        edit("a", "Oi, tudo bem?");
        assert_int_equal(world_why(&world, "t").n_bytes, before + before + 11); /* at most */
        world_restart(&world);
        assert_int_equal(world_why(&world, "t").n_bytes, before + 11);
        world.tenants[0].max_bytes = before + 100;
        world_hello(&world, 1, 1);
        edit("a", "0123456789012345678901234567890123456789012345678901234567890123456789"
                  "0123456789012345678901234567890123456789012345678901234567890123456789");
        the_run(1); /* a cap is reached */
}

static void an_edit_waits_for_quiet_again(void **state) {
        world_say(&world, "t", "a");
        world_wait(&world, span_s(5));
        edit("a", "Quanto custa?");
        assert_int_equal(world_why(&world, "t").due.ms - world.now.wall.ms, 8000);
}

static void an_edit_never_waits_past_max_wait(void **state) {
        world_say(&world, "t", "a");
        for (int i = 0; i < 5; i++) {
                world_wait(&world, span_s(5));
                edit("a", "Quanto custa?");
        }
        assert_int_equal(world_why(&world, "t").due.ms - world.now.wall.ms, 5000);
}

static void what_was_held_is_changed(void **state) {
        world_say(&world, "t", "a");
        hold();
        edit("a", "Quanto custa?");
        resume();
        assert_late(0);
}

static void under_interrupt_a_run_begins_anew(void **state) {
        struct world_run run;

        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 1;
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        world_wait(&world, span_s(8));
        run = the_run(1);
        edit("a", "Quanto custa?");
        assert_int_equal(world.n_cancels, 1);
        assert_string_equal(world.code, "interrupted");
        world_wait(&world, span_s(8));
        run = the_run(1);
        assert_stored(run.seqs[0], "Quanto custa?", "");
        edit("a", "Deixa"); /* once is enough */
        assert_late(1);
}

/* Its id is what a handler knows a repetition by: with another text it is another batch, after a restart as well. */
static void an_edited_batch_has_another_name(void **state) {
        struct world_run runs[3];

        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 3;
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        world_say(&world, "t", "b");
        world_wait(&world, span_s(8));
        runs[0] = the_run(2);
        edit("b", "Quanto custa?");
        world_wait(&world, span_s(8));
        runs[1] = the_run(2);
        assert_string_not_equal(runs[0].batch, runs[1].batch);
        edit("b", "Deixa");
        world_restart(&world);
        world_hello(&world, 1, 1);
        runs[2] = the_run(2);
        assert_string_not_equal(runs[2].batch, runs[0].batch);
        assert_string_not_equal(runs[2].batch, runs[1].batch);
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &runs[2], 1);
        assert_int_equal(world.n_cancels, 0); /* it goes on under its name */
}

static void its_name_changes_however_often_it_was_edited(void **state) {
        char first[WIRE_BATCH_LEN + 1];

        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 100;
        world.tenants[0].max_wait = span_s(1000000);
        world.tenants[0].quiet = span_s(0);
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        strcpy(first, the_run(1).batch);
        hold();
        for (int i = 0; i < MESSAGE_EDITS_MAX; i++)
                edit("a", "Quanto custa?");
        resume();
        assert_string_not_equal(the_run(1).batch, first);
}

static void a_restart_does_not_let_a_run_go_on_with_the_old_text(void **state) {
        struct world_run run;

        world.tenants[0].on_new_message = CONFIG_ON_NEW_INTERRUPT;
        world.tenants[0].max_interrupts = 3;
        world_hello(&world, 1, 1);
        world_say(&world, "t", "a");
        world_wait(&world, span_s(8));
        run = the_run(1);
        edit("a", "Quanto custa?");
        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &run, 1);
        assert_int_equal(world.n_cancels, 1);
        assert_true(the_run(1).fence != run.fence); /* its quiet is over, so it begins anew */
}

static void what_was_never_said_is_not_taken_in(void **state) {
        edit("nobody", "Oi");
        edit("", "Oi");
        take_back("nobody");
        assert_int_equal(counted()->late_edits, 3);
        expect_state("t", THREAD_UNKNOWN);
}

static void it_is_found_under_each_name_of_its_thread(void **state) {
        struct world_run run;

        say_as("t", "lid");
        world_say(&world, "t", "a");
        tell_with(WIRE_WHAT_EDIT, "lid", "a", (struct wire_body){.text = bytes_of("Quanto custa?")});
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        run = the_run(2);
        assert_stored(run.seqs[1], "Quanto custa?", "");
}

static void a_message_is_known_again_after_its_edit(void **state) {
        world_say(&world, "t", "a");
        edit("a", "Quanto custa?");
        world_restart(&world);
        world_say(&world, "t", "a");
        assert_int_equal(world.n_duplicates, 1);
        edit("a", "Quanto custa isso?");
        assert_late(0);
}

static void an_edit_that_finds_no_room_is_refused(void **state) {
        world_say(&world, "t", "a");
        core_set_room(world.core, 5);
        tell_with(WIRE_WHAT_EDIT, "t", "a", (struct wire_body){.text = bytes_of("Quanto custa?")});
        assert_int_equal(world.n_refusals, 1);
        assert_string_equal(world.code, "store_full");
        edit("a", "O");
        assert_late(0);
}

static void an_edit_keeps_the_channel_of_its_message(void **state) {
        static struct config_channel channel = {.name = (char *)(uintptr_t) "support"};
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;
        struct world_run run;

        world.tenants[0].channels = &channel;
        world.tenants[0].n_channels = 1;
        world_item(&world,
                   (struct wire_message){.thread = bytes_of("t"), .id = bytes_of("a"), .channel = bytes_of("support")},
                   &(struct wire_body){.text = bytes_of("Oi")});
        edit("a", "Quanto custa?");
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        run = the_run(1);
        assert_int_equal(store_read_message(world.store, run.seqs[0], &memory, &message), 0);
        assert_true(bytes_is_text(message.channel, "support"));
        assert_true(bytes_is_text(message.id, "a"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(an_edit_takes_the_place_of_what_was_said),
                ITEM_TEST(what_is_taken_back_has_nothing_left_to_say),
                ITEM_TEST(what_an_edit_does_not_say_stays),
                ITEM_TEST(of_what_is_taken_back_only_its_place_stays),
                ITEM_TEST(the_store_counts_an_edited_message_once),
                ITEM_TEST(the_bytes_of_a_thread_follow),
                ITEM_TEST(an_edit_waits_for_quiet_again),
                ITEM_TEST(an_edit_never_waits_past_max_wait),
                ITEM_TEST(what_was_held_is_changed),
                ITEM_TEST(under_interrupt_a_run_begins_anew),
                ITEM_TEST(an_edited_batch_has_another_name),
                ITEM_TEST(its_name_changes_however_often_it_was_edited),
                ITEM_TEST(a_restart_does_not_let_a_run_go_on_with_the_old_text),
                ITEM_TEST(what_was_never_said_is_not_taken_in),
                ITEM_TEST(it_is_found_under_each_name_of_its_thread),
                ITEM_TEST(a_message_is_known_again_after_its_edit),
                ITEM_TEST(an_edit_that_finds_no_room_is_refused),
                ITEM_TEST(an_edit_keeps_the_channel_of_its_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
