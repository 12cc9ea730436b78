#include "tests/unit/unit.h"

#include "common/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stderr has been given since capture(). */
static struct {
        FILE *before;
        char *text;
        size_t len;
} captured;

static int capture(void **state) {
        captured.before = stderr;
        stderr = open_memstream(&captured.text, &captured.len);
        assert_non_null(stderr);
        return 0;
}

static int release(void **state) {
        log_hold(false);
        fclose(stderr);
        stderr = captured.before;
        free(captured.text);
        return 0;
}

static const char *written(void) {
        fflush(stderr);
        return captured.text;
}

/* A line without the time that it begins with. */
static const char *behind_time(const char *line) {
        assert_memory_equal(line, "ts=", 3);
        return strchr(line, ' ') + 1;
}

static void a_line_has_its_fields_in_their_order(void **state) {
        log_info("run_done", LOG_TEXT("tenant", "acme"), LOG_NUMBER("fence", INT64_MAX), LOG_NUMBER("n", INT64_MIN),
                 LOG_TEXT("why", "a \"b\"\n"), LOG_NUMBER("zero", 0));
        assert_string_equal(behind_time(written()),
                            "level=info program=lull event=run_done tenant=acme fence=9223372036854775807 "
                            "n=-9223372036854775808 why=\"a \\\"b\\\"\\n\" zero=0\n");
}

static void what_is_held_is_written_when_it_is_flushed(void **state) {
        log_hold(true);
        log_info("one");
        log_info("two");
        assert_string_equal(written(), "");
        log_flush();
        assert_non_null(strstr(written(), "event=one\n"));
        assert_non_null(strstr(written(), "event=two\n"));
}

static void a_warning_takes_along_what_was_held_before_it(void **state) {
        log_hold(true);
        log_info("one");
        log_warning("two");
        assert_true(strstr(written(), "event=one\n") < strstr(written(), "event=two\n"));
        assert_non_null(strstr(written(), "event=two\n"));
}

static void what_waits_is_never_more_than_a_pipe_takes_as_one(void **state) {
        size_t len = 0;

        log_hold(true);
        for (int i = 0; i < 200; i++) {
                log_info("held", LOG_NUMBER("number", 1000 + i));
                written();
                assert_true(captured.len - len <= PIPE_BUF);
                assert_true(captured.len == 0 || captured.text[captured.len - 1] == '\n');
                len = captured.len;
        }
        assert_true(len > PIPE_BUF);
        log_flush();
        for (int i = 0; i < 200; i++) {
                char number[32];

                snprintf(number, sizeof number, "number=%d\n", 1000 + i);
                assert_non_null(strstr(written(), number));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_line_has_its_fields_in_their_order, capture, release),
                cmocka_unit_test_setup_teardown(what_is_held_is_written_when_it_is_flushed, capture, release),
                cmocka_unit_test_setup_teardown(a_warning_takes_along_what_was_held_before_it, capture, release),
                cmocka_unit_test_setup_teardown(what_waits_is_never_more_than_a_pipe_takes_as_one, capture, release),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
