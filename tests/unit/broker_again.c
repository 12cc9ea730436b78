/* Events that come again, with other frames in between: one that has an id of its own counts once. */
#include "tests/unit/broker_item.h"

#include <stdio.h>
#include <string.h>

static void tell_once(enum wire_what what, const char *id) {
        tell_with(what, "t", id, (struct wire_body){.text = bytes_of("Bom dia")});
        assert_int_equal(world.n_accepted, 1);
}

static void tell_again(enum wire_what what, const char *id) {
        tell_with(what, "t", id, (struct wire_body){.text = bytes_of("Bom dia")});
        assert_int_equal(world.n_duplicates, 1);
        assert_int_equal(world.n_accepted, 0);
}

static void a_person_who_comes_again_does_not_undo_what_came_since(void **state) {
        world_say(&world, "t", NULL);
        tell_once(WIRE_WHAT_PERSON, "p");
        tell_once(WIRE_WHAT_RESUME, "r");
        tell_again(WIRE_WHAT_PERSON, "p");
        assert_int_equal(core_hold_count(world.core), 0);
        tell_once(WIRE_WHAT_CLOSED, "c");
        world_say(&world, "t", NULL);
        tell_again(WIRE_WHAT_CLOSED, "c");
        assert_int_equal(core_hold_count(world.core), 0);
        tell_once(WIRE_WHAT_PERSON, "q");
        tell_again(WIRE_WHAT_RESUME, "r");
        expect_state("t", THREAD_HELD);
}

static void nor_after_a_restart(void **state) {
        world_say(&world, "t", NULL);
        tell_once(WIRE_WHAT_PERSON, "p");
        tell_once(WIRE_WHAT_RESUME, "r");
        world_restart(&world);
        tell_again(WIRE_WHAT_PERSON, "p");
        assert_int_equal(core_hold_count(world.core), 0);
        tell_once(WIRE_WHAT_PERSON, "q"); /* its id is stored behind the others */
        world_restart(&world);
        tell_again(WIRE_WHAT_PERSON, "q");
        world_say(&world, "t", "m");
        assert_int_equal(world.n_accepted, 1);
}

static void what_a_broker_with_nothing_to_do_heard_is_known_too(void **state) {
        hold();
        tell_once(WIRE_WHAT_PERSON, "p"); /* an operator has it */
        resume();
        tell_again(WIRE_WHAT_PERSON, "p");
        assert_int_equal(core_hold_count(world.core), 0);
}

/* Platforms number each from anew. */
static void the_ids_of_each_kind_are_apart(void **state) {
        static const enum wire_what kinds[] = {WIRE_WHAT_PERSON, WIRE_WHAT_CLOSED, WIRE_WHAT_RESUME, WIRE_WHAT_ALIAS};

        world_say(&world, "t", "x");
        for (int i = 0; i < 4; i++)
                tell_once(kinds[i], "x");
        for (int i = 0; i < 4; i++)
                tell_again(kinds[i], "x");
        world_say(&world, "t", "x");
        assert_int_equal(world.n_duplicates, 1);
        world_say(&world, "t", "y");
        assert_int_equal(world.n_accepted, 1);
        world_say_in(&world, "zeta", "t", "x", "Oi");
        assert_int_equal(world.n_accepted, 1);
}

static void without_an_id_each_counts(void **state) {
        tell_once(WIRE_WHAT_PERSON, NULL);
        tell_once(WIRE_WHAT_PERSON, NULL);
}

static void an_id_is_forgotten_in_time(void **state) {
        tell_once(WIRE_WHAT_PERSON, "p");
        world_wait(&world, span_s(LIMIT_SEEN_WINDOW_S));
        tell_once(WIRE_WHAT_PERSON, "p");
}

static void what_was_refused_may_come_again(void **state) {
        struct wire_message item = {.what = WIRE_WHAT_EDIT, .thread = bytes_of("t"), .id = bytes_of("a")};
        struct wire_body body = {.text = bytes_of("Quanto custa?"), .at = {1000}};

        world_say(&world, "t", "a");
        core_set_room(world.core, 5);
        world_item(&world, item, &body);
        assert_int_equal(world.n_refusals, 1);
        core_set_room(world.core, UINT64_MAX);
        world_item(&world, item, &body);
        assert_int_equal(world.n_accepted, 1);
        assert_int_equal(counted()->late_edits, 0);
}

static void a_full_disk_does_not_keep_a_person_out(void **state) {
        core_set_room(world.core, 0);
        tell_once(WIRE_WHAT_PERSON, "p");
        assert_int_equal(core_hold_count(world.core), 1);
}

static void edit_at(const char *text, int64_t at) {
        tell_with(WIRE_WHAT_EDIT, "t", "a", (struct wire_body){.text = bytes_of(text), .at = {at}});
}

/* Of the one message of the thread, as it is stored. */
static void assert_text(const char *text) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;
        struct wire_body body;
        uint64_t seq;

        assert_int_equal(core_thread_seqs(world.core, bytes_of("acme"), bytes_of("t"), &seq, 1), 1);
        assert_int_equal(store_read_message(world.store, seq, &memory, &message), 0);
        assert_int_equal(wire_decode_body(message.body, &body), 0);
        assert_true(bytes_is_text(body.text, text));
}

static void an_edit_that_comes_again_does_not_undo_a_later_one(void **state) {
        world_say(&world, "t", "a");
        edit_at("Quanto?", 1000);
        edit_at("Quanto custa?", 2000);
        edit_at("Quanto?", 1000);
        assert_int_equal(world.n_duplicates, 1);
        assert_text("Quanto custa?");
        edit_at("Quanto?", 3000); /* he does want it as it was */
        assert_text("Quanto?");
        edit_at("Quanto", 3000); /* and two in one moment are two */
        assert_text("Quanto");
}

/* Its webhook had no answer, and was sent again when the next one was through. */
static void an_edit_that_was_overtaken_is_passed_over(void **state) {
        world_say(&world, "t", "a");
        edit_at("Quanto custa?", 2000);
        edit_at("Quanto?", 1000);
        assert_text("Quanto custa?");
        world_restart(&world);
        edit_at("Quan", 1500);
        assert_text("Quanto custa?");
        tell_with(WIRE_WHAT_DELETE, "t", "a", (struct wire_body){.kind = bytes_of("deleted"), .at = {4000}});
        edit_at("Quanto custa isso?", 3000);
        assert_text("");
        world_restart(&world); /* which checks the sums */
        assert_text("");
}

static void an_edit_that_came_too_soon_stays_passed_over(void **state) {
        edit_at("Quanto custa?", 1000);
        assert_int_equal(counted()->late_edits, 1);
        world_say(&world, "t", "a");
        edit_at("Quanto custa?", 1000);
        assert_int_equal(world.n_duplicates, 1);
        assert_text("Oi");
}

/* Without a time it may be another edit that says the same. */
static void an_edit_without_a_time_counts_each_time(void **state) {
        world_say(&world, "t", "a");
        for (int i = 0; i < 2; i++) {
                edit_at("Quanto custa?", 0);
                assert_int_equal(world.n_accepted, 1);
        }
}

/* -- any frames, in any order ------------------------------------------------------------------------------------ */

enum { FRAMES = 8, ITEMS = 4, NAMES = 3, STORIES = 400 };

struct telling {
        struct wire_message items[ITEMS];
        struct buffer bodies[ITEMS];
        char ids[ITEMS][16];
        uint32_t n;
};

static const char *const names[NAMES] = {"t", "u", "v"};
static uint64_t dice;

static uint32_t roll(uint32_t n) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(dice >> 33) % n;
}

/* An edit is of one of the messages, said before or not. */
static void invent_item(struct telling *telling, uint32_t frame, uint32_t i) {
        static const enum wire_what kinds[] = {WIRE_WHAT_MESSAGE, WIRE_WHAT_MESSAGE, WIRE_WHAT_PERSON,
                                               WIRE_WHAT_CLOSED,  WIRE_WHAT_RESUME,  WIRE_WHAT_ALIAS,
                                               WIRE_WHAT_EDIT,    WIRE_WHAT_DELETE};
        enum wire_what what = kinds[roll(8)];
        bool is_change = what == WIRE_WHAT_EDIT || what == WIRE_WHAT_DELETE;
        char text[FRAMES * ITEMS + 2] = "";

        memset(text, 'x', frame * ITEMS + i + 1);
        snprintf(telling->ids[i], sizeof telling->ids[i], "%u.%u", is_change ? roll(FRAMES) : frame,
                 is_change ? roll(ITEMS) : i);
        buffer_clear(&telling->bodies[i]);
        wire_encode_body(&telling->bodies[i], &(struct wire_body){.text = bytes_of(text), .at = {1000 + frame}});
        telling->items[i] = (struct wire_message){.tenant = bytes_of("acme"),
                                                  .what = what,
                                                  .thread = bytes_of(names[roll(NAMES)]),
                                                  .id = bytes_of(telling->ids[i]),
                                                  .body = buffer_bytes(&telling->bodies[i]),
                                                  .n_aliases = roll(4) == 0,
                                                  .aliases = {bytes_of(names[roll(NAMES)])}};
}

static void invent(struct telling *story) {
        for (uint32_t frame = 0; frame < FRAMES; frame++) {
                story[frame].n = 1 + roll(ITEMS);
                for (uint32_t i = 0; i < story[frame].n; i++)
                        invent_item(&story[frame], frame, i);
        }
}

static void send(const struct telling *telling) {
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, telling->items, telling->n}};

        world_step(&world, &event);
        assert_int_equal(world.n_refusals, 0);
}

/* Each frame; and, if it is to be so, one or two of those that were sent already, behind it. */
static void tell_story(const struct telling *story, bool is_again) {
        for (uint32_t frame = 0; frame < FRAMES; frame++) {
                send(&story[frame]);
                for (uint32_t n = is_again ? 1 + roll(2) : 0; n > 0; n--)
                        send(&story[roll(frame + 1)]);
                world_wait(&world, span_s(1));
        }
        for (uint32_t frame = 0; is_again && frame < FRAMES; frame++)
                send(&story[frame]);
}

/* What has come of it, in a line. */
static void describe(char *text, size_t size) {
        struct core_hold_view hold;
        uint32_t cursor = 0;
        int64_t ends = 0;
        size_t len = 0;

        for (int i = 0; i < NAMES; i++) {
                struct core_thread_view view = world_why(&world, names[i]);

                len += (size_t)snprintf(text + len, size - len,
                                        "%s: state %d, held %d by %d, %u messages of %u, %u recorded, due %lld; ",
                                        names[i], view.state, view.is_held, view.is_held ? (int)view.held_kind : 0,
                                        view.n_messages, (unsigned)view.n_bytes, view.n_record, (long long)view.due.ms);
        }
        while (core_next_hold(world.core, &cursor, &hold))
                ends += hold.until.ms;
        snprintf(text + len, size - len, "ends %lld", (long long)ends);
}

static void tell_all(enum config_on_resume on_resume) {
        static struct telling story[FRAMES];
        char once[1024], again[1024];

        for (dice = 1; dice <= STORIES; dice++) {
                uint64_t seed = dice;

                invent(story);
                for (int is_again = 0; is_again < 2; is_again++) {
                        teardown(NULL);
                        setup_items(NULL);
                        world.tenants[0].on_resume = on_resume;
                        world.tenants[0].quiet = span_s(600);
                        tell_story(story, is_again);
                        describe(is_again ? again : once, sizeof once);
                }
                if (strcmp(once, again) != 0)
                        fail_msg("story %llu\nonce:  %s\nagain: %s", (unsigned long long)seed, once, again);
                dice = seed;
        }
        for (uint32_t frame = 0; frame < FRAMES; frame++)
                for (uint32_t i = 0; i < ITEMS; i++) {
                        buffer_done(&story[frame].bodies[i]);
                        story[frame].bodies[i] = (struct buffer){0};
                }
}

static void whatever_comes_again_the_end_is_the_same(void **state) { tell_all(CONFIG_ON_RESUME_ANSWER); }
static void and_where_the_person_has_answered_some(void **state) { tell_all(CONFIG_ON_RESUME_REST); }
static void and_where_what_waited_is_only_recorded(void **state) { tell_all(CONFIG_ON_RESUME_RECORD); }

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(a_person_who_comes_again_does_not_undo_what_came_since),
                ITEM_TEST(nor_after_a_restart),
                ITEM_TEST(what_a_broker_with_nothing_to_do_heard_is_known_too),
                ITEM_TEST(the_ids_of_each_kind_are_apart),
                ITEM_TEST(without_an_id_each_counts),
                ITEM_TEST(an_id_is_forgotten_in_time),
                ITEM_TEST(what_was_refused_may_come_again),
                ITEM_TEST(a_full_disk_does_not_keep_a_person_out),
                ITEM_TEST(an_edit_that_comes_again_does_not_undo_a_later_one),
                ITEM_TEST(an_edit_that_was_overtaken_is_passed_over),
                ITEM_TEST(an_edit_that_came_too_soon_stays_passed_over),
                ITEM_TEST(an_edit_without_a_time_counts_each_time),
                ITEM_TEST(whatever_comes_again_the_end_is_the_same),
                ITEM_TEST(and_where_the_person_has_answered_some),
                ITEM_TEST(and_where_what_waited_is_only_recorded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
