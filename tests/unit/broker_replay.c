/* A frame whose ACK was not heard in time is sent again: whatever it says, that changes nothing any more. */
#include "tests/unit/broker_item.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 4 };

/* What is said of a thread in a frame, a letter an item: P a person answers, C closed, R given back, M a message. */
static struct wire_message item_of(char letter, const char *thread, char *id, struct bytes body) {
        static const struct {
                char letter;
                enum wire_what what;
        } kinds[] = {{'P', WIRE_WHAT_PERSON}, {'C', WIRE_WHAT_CLOSED}, {'R', WIRE_WHAT_RESUME}};
        struct wire_message item = {.tenant = bytes_of("acme"), .thread = bytes_of(thread), .body = body};

        for (int i = 0; i < 3; i++)
                if (kinds[i].letter == letter)
                        item.what = kinds[i].what;
        if (letter == 'M')
                item.id = bytes_of(id);
        return item;
}

static void say_frame(const char *thread, const char *letters) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct wire_message items[8];
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, items, (uint32_t)strlen(letters)}};
        char ids[8][32];

        wire_encode_body(&body, &(struct wire_body){.text = bytes_of("Oi")});
        for (uint32_t i = 0; i < event.messages.n; i++) {
                snprintf(ids[i], sizeof ids[i], "%s %u", thread, i);
                items[i] = item_of(letters[i], thread, ids[i], buffer_bytes(&body));
        }
        world_step(&world, &event);
        assert_int_equal(world.n_refusals, 0);
}

/* What waits while the thread is held is going to be recorded as a whole, marked already or not. */
static bool is_same(const struct core_thread_view *view, const struct core_thread_view *other) {
        if (view->is_held != other->is_held || view->state != other->state || view->n_messages != other->n_messages)
                return false;
        return view->is_held ? view->held_kind == other->held_kind : view->n_record == other->n_record;
}

static void say_again(const char *letters, bool has_message) {
        struct core_thread_view once, again;
        char thread[16];

        snprintf(thread, sizeof thread, "%s%s", has_message ? "x" : "", letters);
        if (has_message)
                world_say(&world, thread, NULL);
        say_frame(thread, letters);
        once = world_why(&world, thread);
        for (int i = 0; i < 2; i++) {
                say_frame(thread, letters);
                again = world_why(&world, thread);
                if (!is_same(&once, &again))
                        fail_msg("%s, said again: state %d, %u to be recorded; once: %d, %u", letters, again.state,
                                 again.n_record, once.state, once.n_record);
        }
}

/* Every frame of up to LONGEST items. */
static void say_all_again(void) {
        char letters[LONGEST + 1] = "";
        int n = 0;

        for (int length = 1; length <= LONGEST; length++)
                for (int i = 0; i < 1 << 2 * length; i++) {
                        for (int k = 0; k < length; k++)
                                letters[k] = "PCRM"[i >> 2 * k & 3];
                        letters[length] = '\0';
                        say_again(letters, false);
                        say_again(letters, true);
                        n++;
                }
        assert_int_equal(n, 4 + 16 + 64 + 256);
}

static void a_frame_that_comes_again_changes_nothing(void **state) {
        world.tenants[0].on_resume = CONFIG_ON_RESUME_ANSWER;
        say_all_again();
}

static void nor_where_what_waited_is_only_recorded(void **state) {
        world.tenants[0].on_resume = CONFIG_ON_RESUME_RECORD;
        say_all_again();
}

static void nor_where_what_came_after_the_last_word_is_answered(void **state) {
        world.tenants[0].on_resume = CONFIG_ON_RESUME_REST;
        say_all_again();
}

static void a_closed_thread_is_open_again_after_its_next_message(void **state) {
        say_frame("t", "CM");
        say_frame("t", "CM");
        assert_int_equal(core_hold_count(world.core), 0);
        world_hello(&world, 1, 1);
        world_wait(&world, span_s(8));
        the_run(1);
}

static void what_came_behind_is_answered_and_what_came_before_recorded(void **state) {
        world.tenants[0].on_resume = CONFIG_ON_RESUME_RECORD;
        say_frame("t", "MPRM");
        say_frame("t", "MPRM");
        assert_int_equal(world_why(&world, "t").n_record, 1);
}

/* Only a message that came with it tells that the closing is over. */
static void a_message_of_another_frame_does_not_open_it(void **state) {
        say_frame("t", "MC");
        say_frame("t", "M");
        assert_int_equal(world.n_duplicates, 1);
        expect_state("t", THREAD_HELD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ITEM_TEST(a_frame_that_comes_again_changes_nothing),
                ITEM_TEST(nor_where_what_waited_is_only_recorded),
                ITEM_TEST(nor_where_what_came_after_the_last_word_is_answered),
                ITEM_TEST(a_closed_thread_is_open_again_after_its_next_message),
                ITEM_TEST(what_came_behind_is_answered_and_what_came_before_recorded),
                ITEM_TEST(a_message_of_another_frame_does_not_open_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
