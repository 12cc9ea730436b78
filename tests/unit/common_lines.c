#include "tests/unit/unit.h"

#include "common/limits.h"
#include "common/memory.h"
#include "common/lines.h"

#include <string.h>

/* Feeds `stream` in pieces of `step` bytes; the lines that come out, as "1:first|2:second|". */
static char *read_in_steps(const char *stream, size_t step) {
        struct buffer text = {0};
        struct lines lines = {0};
        size_t left = strlen(stream), len;
        struct line line;

        do {
                len = left < step ? left : step;
                memcpy(lines_reserve(&lines, step), stream, len);
                lines_push(&lines, len);
                stream += len;
                left -= len;
                while (lines_pop(&lines, &line))
                        buffer_print(&text, "%u:%.*s|", (unsigned)line.number, BYTES_PRINT(line.text));
        } while (len > 0);
        lines_done(&lines);
        return buffer_text(&text);
}

static void lines_come_out_whole_however_the_stream_is_cut(void **state) {
        for (size_t step = 1; step < 20; step++) {
                CLEANUP_FREE char *with_end = read_in_steps("one\n\ntwo \r\nthree\n", step);
                CLEANUP_FREE char *without_end = read_in_steps("one\ntwo", step);

                assert_string_equal(with_end, "1:one|2:|3:two \r|4:three|");
                assert_string_equal(without_end, "1:one|2:two|");
        }
}

static void an_empty_stream_has_no_lines(void **state) {
        CLEANUP_FREE char *nothing = read_in_steps("", 10);

        assert_string_equal(nothing, "");
}

static void push_many(struct lines *lines, char c, size_t len) {
        memset(lines_reserve(lines, len), c, len);
        lines_push(lines, len);
}

static void a_line_that_is_too_long_is_cut_to_nothing_and_the_next_one_is_whole(void **state) {
        struct lines lines = {0};
        struct line line;

        for (int i = 0; i < 20; i++) {
                push_many(&lines, 'x', LIMIT_MESSAGE_BYTES_MAX);
                assert_false(lines_pop(&lines, &line));
                assert_in_range(lines.bytes.len, 0, LIMIT_LINE_BYTES + LIMIT_MESSAGE_BYTES_MAX);
        }
        push_many(&lines, '\n', 1);
        push_many(&lines, 'y', 3);
        assert_true(lines_pop(&lines, &line));
        assert_true(line.is_too_long);
        assert_int_equal(line.number, 1);
        lines_push(&lines, 0);
        assert_true(lines_pop(&lines, &line));
        assert_true(bytes_is_text(line.text, "yyy"));
        assert_false(line.is_too_long);
        assert_int_equal(line.number, 2);
        assert_false(lines_pop(&lines, &line));
        lines_done(&lines);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_come_out_whole_however_the_stream_is_cut),
                cmocka_unit_test(an_empty_stream_has_no_lines),
                cmocka_unit_test(a_line_that_is_too_long_is_cut_to_nothing_and_the_next_one_is_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
