#include "tests/unit/unit.h"

#include "broker/ctl/lines.h"

#include <errno.h>
#include <string.h>

static void push(struct lines *lines, const char *text) { lines_push(lines, text, strlen(text)); }

static void assert_line(struct lines *lines, const char *expected) {
        struct bytes line;

        assert_int_equal(lines_pop(lines, &line), 0);
        assert_int_equal(line.len, strlen(expected));
        assert_memory_equal(line.data, expected, line.len);
}

static void assert_none(struct lines *lines) {
        struct bytes line;

        assert_int_equal(lines_pop(lines, &line), 1);
}

static void lines_come_out_however_the_stream_is_cut(void **state) {
        CLEANUP(lines_done) struct lines lines;

        lines_init(&lines, 100);
        assert_none(&lines);
        push(&lines, "on");
        assert_none(&lines);
        push(&lines, "e\ntwo\n\nth");
        assert_line(&lines, "one");
        assert_line(&lines, "two");
        assert_line(&lines, "");
        assert_none(&lines);
        push(&lines, "ree\n");
        assert_line(&lines, "three");
        assert_none(&lines);
}

static void a_carriage_return_is_part_of_the_line_end(void **state) {
        CLEANUP(lines_done) struct lines lines;

        lines_init(&lines, 100);
        push(&lines, "one\r\n\r\n");
        assert_line(&lines, "one");
        assert_line(&lines, "");
}

static void the_last_line_needs_no_end(void **state) {
        CLEANUP(lines_done) struct lines lines;

        lines_init(&lines, 100);
        push(&lines, "one\ntwo");
        lines_end(&lines);
        assert_line(&lines, "one");
        assert_line(&lines, "two");
        assert_none(&lines);
        lines_end(&lines);
        assert_none(&lines);
}

static void a_line_that_is_too_long_is_told_once_and_passed_over(void **state) {
        CLEANUP(lines_done) struct lines lines;
        struct bytes line;

        lines_init(&lines, 4);
        push(&lines, "12345\n1234\n");
        assert_int_equal(lines_pop(&lines, &line), -E2BIG);
        assert_line(&lines, "1234");
        push(&lines, "123456");
        assert_int_equal(lines_pop(&lines, &line), -E2BIG);
        push(&lines, "789");
        assert_none(&lines);
        push(&lines, "0\nok\n");
        assert_line(&lines, "ok");
        assert_none(&lines);
}

static void a_long_line_is_not_kept_in_memory(void **state) {
        CLEANUP(lines_done) struct lines lines;
        struct bytes line;

        lines_init(&lines, 4);
        push(&lines, "12345");
        assert_int_equal(lines_pop(&lines, &line), -E2BIG);
        for (int i = 0; i < 1000; i++) {
                push(&lines, "0123456789");
                assert_none(&lines);
        }
        assert_true(lines.bytes.cap < 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_come_out_however_the_stream_is_cut),
                cmocka_unit_test(a_carriage_return_is_part_of_the_line_end),
                cmocka_unit_test(the_last_line_needs_no_end),
                cmocka_unit_test(a_line_that_is_too_long_is_told_once_and_passed_over),
                cmocka_unit_test(a_long_line_is_not_kept_in_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
