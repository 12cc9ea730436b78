#include "tests/unit/unit.h"

#include "broker/ctl/answer.h"
#include "broker/ctl/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void assert_text(struct buffer *buffer, const char *expected) {
        assert_string_equal(buffer_text(buffer), expected);
        buffer_clear(buffer);
}

static void a_strangers_controls_become_visible(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_safe(&buffer, bytes_of("\033[2Jrm\r\n\x07"));
        assert_text(&buffer, "\\x1b[2Jrm\\x0d\\n\\x07");
        text_push_safe(&buffer, bytes_of("\x7f and \xc2\x9b""31m")); /* DEL; U+009B is a control sequence too */
        assert_text(&buffer, "\\x7f and \\u009b31m");
        text_push_safe(&buffer, bytes_of("abc\xe2\x80\xaegnp.exe"));
        assert_text(&buffer, "abc\\u202egnp.exe");
}

static void bytes_that_are_no_text_become_visible(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_safe(&buffer, bytes_of("a\xff\xc3(\xe2\x82"));
        assert_text(&buffer, "a\\xff\\xc3(\\xe2\\x82");
        text_push_safe(&buffer, (struct bytes){"a\0b", 3});
        assert_text(&buffer, "a\\x00b");
        text_push_safe(&buffer, BYTES_NONE);
        assert_text(&buffer, "");
}

static void ordinary_text_of_any_language_stays(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_safe(&buffer, bytes_of("Olá, 你好 😀"));
        assert_text(&buffer, "Olá, 你好 😀");
}

static void lines_stay_lines_where_they_are_wanted(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_lines(&buffer, bytes_of("one\n\ttwo\033"));
        assert_text(&buffer, "one\n\ttwo\\x1b");
}

static void width_counts_columns_not_bytes(void **state) {
        assert_int_equal(text_width(bytes_of("abc")), 3);
        assert_int_equal(text_width(bytes_of("Olá")), 3);
        assert_int_equal(text_width(bytes_of("你好")), 4);
        assert_int_equal(text_width(bytes_of("e\xcc\x81")), 1);
        assert_int_equal(text_width(bytes_of("👍🏽")), 2);
        assert_int_equal(text_width(BYTES_NONE), 0);
}

static void clipping_never_cuts_a_character(void **state) {
        assert_int_equal(text_clip(bytes_of("你好"), 3).len, 3);
        assert_int_equal(text_clip(bytes_of("Olá"), 2).len, 2);
        assert_int_equal(text_clip(bytes_of("Olá"), 9).len, 4);
        assert_int_equal(text_clip(bytes_of("abc"), 0).len, 0);
}

static void a_length_of_time_reads_as_a_person_says_it(void **state) {
        static const struct {
                int64_t us;
                const char *text;
        } spans[] = {
                {0, "0 us"},          {42, "42 us"},            {400, "0.4 ms"},           {1000, "1 ms"},
                {9960, "10 ms"},      {350000, "350 ms"},       {999400, "999 ms"},        {999600, "1 s"},
                {1234000, "1.2 s"},   {3000000, "3 s"},         {59400000, "59 s"},        {252000000, "4 min 12 s"},
                {11100000000, "3 h 5 min"}, {187200000000, "2 d 4 h"}, {-1200000, "-1.2 s"},
        };
        CLEANUP_BUFFER struct buffer buffer = {0};

        for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
                text_push_span(&buffer, span_us(spans[i].us));
                assert_text(&buffer, spans[i].text);
        }
}

static void a_long_number_has_commas(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_count(&buffer, 0);
        assert_text(&buffer, "0");
        text_push_count(&buffer, 999);
        assert_text(&buffer, "999");
        text_push_count(&buffer, 1234567);
        assert_text(&buffer, "1,234,567");
        text_push_count(&buffer, -123456);
        assert_text(&buffer, "-123,456");
}

static void a_size_has_its_unit(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        text_push_size(&buffer, 512);
        assert_text(&buffer, "512 B");
        text_push_size(&buffer, 12897485);
        assert_text(&buffer, "12.3 MiB");
        text_push_size(&buffer, INT64_MAX);
        assert_text(&buffer, "8388608.0 TiB");
}

static void a_time_is_read_as_the_broker_writes_it(void **state) {
        struct wall at;

        assert_int_equal(text_decode_time("2026-11-21T10:00:00.123Z", &at), 0);
        assert_int_equal(at.ms, 1795255200123);
        assert_int_equal(text_decode_time("2026-11-21T10:00:00Z", &at), 0);
        assert_int_equal(at.ms, 1795255200000);
}

static void what_is_no_time_is_refused(void **state) {
        static const char *const texts[] = {"", "soon", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00:00.12Z",
                                            "2026-11-21T10:00:00.123", "2026-11-21T10:00:00+01:00"};
        struct wall at;

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                assert_int_equal(text_decode_time(texts[i], &at), -EINVAL);
}

static void a_time_is_told_from_now(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};
        struct wall now = {1795255200123};

        text_push_when(&buffer, "2026-11-21T09:59:58.923Z", now);
        assert_text(&buffer, "1.2 s ago");
        text_push_when(&buffer, "2026-11-21T10:00:03.523Z", now);
        assert_text(&buffer, "in 3.4 s");
        text_push_when(&buffer, "2026-11-21T10:00:00.123Z", now);
        assert_text(&buffer, "now");
        text_push_when(&buffer, "never\n", now);
        assert_text(&buffer, "never\\n");
}

static json_t *decode(const char *text) {
        json_t *json = NULL;
        char *error = NULL;

        assert_int_equal(json_decode(bytes_of(text), &json, &error), 0);
        return json;
}

static void a_key_that_is_missing_shows_as_a_dash(void **state) {
        CLEANUP_JSON json_t *answer = decode("{\"n\":\"seven\",\"t\":null,\"empty\":\"\"}");
        CLEANUP_BUFFER struct buffer buffer = {0};

        answer_push_count(&buffer, answer, "/n");
        answer_push_ms(&buffer, answer, "/gone/deeper");
        answer_push_text(&buffer, answer, "/t");
        answer_push_text(&buffer, answer, "/empty");
        answer_push_size(&buffer, answer, "/gone");
        answer_push_when(&buffer, answer, "/gone", (struct wall){0});
        assert_text(&buffer, "------");
        assert_false(answer_has(answer, "/t"));
        assert_null(answer_text_find(answer, "/t"));
}

static void an_answers_values_are_written_out(void **state) {
        CLEANUP_JSON json_t *answer =
                decode("{\"a\":{\"n\":1234,\"ms\":0.412,\"fence\":4294967301,\"t\":\"x\\u001by\"}}");
        CLEANUP_BUFFER struct buffer buffer = {0};

        answer_push_count(&buffer, answer, "/a/n");
        assert_text(&buffer, "1,234");
        answer_push_ms(&buffer, answer, "/a/ms");
        assert_text(&buffer, "0.4 ms");
        answer_push_text(&buffer, answer, "/a/fence");
        assert_text(&buffer, "4294967301");
        answer_push_text(&buffer, answer, "/a/t");
        assert_text(&buffer, "x\\x1by");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_strangers_controls_become_visible),
                cmocka_unit_test(bytes_that_are_no_text_become_visible),
                cmocka_unit_test(ordinary_text_of_any_language_stays),
                cmocka_unit_test(lines_stay_lines_where_they_are_wanted),
                cmocka_unit_test(width_counts_columns_not_bytes),
                cmocka_unit_test(clipping_never_cuts_a_character),
                cmocka_unit_test(a_length_of_time_reads_as_a_person_says_it),
                cmocka_unit_test(a_long_number_has_commas),
                cmocka_unit_test(a_size_has_its_unit),
                cmocka_unit_test(a_time_is_read_as_the_broker_writes_it),
                cmocka_unit_test(what_is_no_time_is_refused),
                cmocka_unit_test(a_time_is_told_from_now),
                cmocka_unit_test(a_key_that_is_missing_shows_as_a_dash),
                cmocka_unit_test(an_answers_values_are_written_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
