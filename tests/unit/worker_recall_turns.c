#include "tests/unit/unit.h"

#include "common/limits.h"
#include "common/memory.h"
#include "worker/core/recall_turns.h"

#include <string.h>

static const char batch[] = "0123456789abcdef0123456789";

static struct bytes text(const char *text) { return bytes_of(text); }

static void push(struct buffer *lines, struct bytes user, struct bytes assistant) {
        if (lines->len > 0)
                buffer_push_text(lines, "\n");
        recall_turns_encode(batch, &(struct recall_turn){user, assistant}, lines);
}

static void assert_text(struct bytes found, const char *expected) { assert_true(bytes_is_text(found, expected)); }

static void a_turn_begins_with_its_batch_and_is_one_line(void **state) {
        CLEANUP_BUFFER struct buffer line = {0};

        push(&line, text("Oi\nTudo bem?"), text("Tudo!"));
        assert_string_equal(buffer_text(&line),
                            "0123456789abcdef0123456789 {\"user\":\"Oi\\nTudo bem?\",\"assistant\":\"Tudo!\"}");
}

static void turns_come_back_in_their_order(void **state) {
        CLEANUP_BUFFER struct buffer lines = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        push(&lines, text("first\n\"quoted\" \xe2\x82\xac"), text(""));
        push(&lines, text(""), text("second"));
        recall_turns_decode(buffer_bytes(&lines), &turns);
        assert_int_equal(turns.n, 2);
        assert_text(turns.turns[0].user, "first\n\"quoted\" \xe2\x82\xac");
        assert_text(turns.turns[0].assistant, "");
        assert_text(turns.turns[1].user, "");
        assert_text(turns.turns[1].assistant, "second");
}

static void nothing_is_no_turns(void **state) {
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        recall_turns_decode(BYTES_NONE, &turns);
        assert_int_equal(turns.n, 0);
}

static void what_is_no_turn_is_passed_over(void **state) {
        static const char *const others[] = {
                "",
                " ",
                "x",
                "x {",
                "x []",
                "x null",
                "{\"user\":\"a\",\"assistant\":\"b\"}",
                "x {\"user\":\"a\"}",
                "x {\"user\":\"a\",\"assistant\":1}",
                "x {\"user\":\"\\u0000\",\"assistant\":\"b\"}",
                "x \xff",
        };
        CLEANUP_BUFFER struct buffer lines = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                buffer_print(&lines, "%s\n", others[i]);
        recall_turns_encode(batch, &(struct recall_turn){text("u"), text("a")}, &lines);
        buffer_push(&lines, "\n\0 {", 4);
        recall_turns_decode(buffer_bytes(&lines), &turns);
        assert_int_equal(turns.n, 1);
        assert_text(turns.turns[0].user, "u");
}

/* One character more than fits, each of two bytes, after one byte: the limit falls inside a character. */
static void a_long_text_is_cut_between_two_characters(void **state) {
        CLEANUP_BUFFER struct buffer lines = {0}, user = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        buffer_push_text(&user, "x");
        while (user.len <= LIMIT_HISTORY_TEXT_BYTES)
                buffer_push_text(&user, "\xc3\xa1");
        push(&lines, buffer_bytes(&user), text("short"));
        recall_turns_decode(buffer_bytes(&lines), &turns);
        assert_int_equal(turns.n, 1);
        assert_int_equal(turns.turns[0].user.len, LIMIT_HISTORY_TEXT_BYTES - 1);
        assert_memory_equal(turns.turns[0].user.data, user.data, LIMIT_HISTORY_TEXT_BYTES - 1);
        assert_text(turns.turns[0].assistant, "short");
}

static void a_text_of_the_limit_is_kept_whole(void **state) {
        CLEANUP_BUFFER struct buffer lines = {0}, user = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        while (user.len < LIMIT_HISTORY_TEXT_BYTES)
                buffer_push_text(&user, "x");
        push(&lines, buffer_bytes(&user), text(""));
        recall_turns_decode(buffer_bytes(&lines), &turns);
        assert_int_equal(turns.turns[0].user.len, LIMIT_HISTORY_TEXT_BYTES);
}

static void the_largest_turn_fits_the_history(void **state) {
        CLEANUP_BUFFER struct buffer line = {0}, worst = {0};

        while (worst.len < 2 * LIMIT_HISTORY_TEXT_BYTES)
                buffer_push_text(&worst, "\x01");
        push(&line, buffer_bytes(&worst), buffer_bytes(&worst));
        assert_true(line.len < LIMIT_HISTORY_BYTES);
}

static void bytes_that_are_no_text_do_not_harm(void **state) {
        CLEANUP_BUFFER struct buffer lines = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        push(&lines, (struct bytes){"a\0\xff\nb", 5}, text("c"));
        recall_turns_decode(buffer_bytes(&lines), &turns);
        assert_int_equal(turns.n, 1);
        assert_text(turns.turns[0].user, "a\xef\xbf\xbd\xef\xbf\xbd\nb");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_turn_begins_with_its_batch_and_is_one_line),
                cmocka_unit_test(turns_come_back_in_their_order),
                cmocka_unit_test(nothing_is_no_turns),
                cmocka_unit_test(what_is_no_turn_is_passed_over),
                cmocka_unit_test(a_long_text_is_cut_between_two_characters),
                cmocka_unit_test(a_text_of_the_limit_is_kept_whole),
                cmocka_unit_test(the_largest_turn_fits_the_history),
                cmocka_unit_test(bytes_that_are_no_text_do_not_harm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
