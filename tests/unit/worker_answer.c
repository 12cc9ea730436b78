#include "tests/unit/unit.h"

#include "common/memory.h"
#include "common/wire.h"
#include "worker/core/answer.h"

#include <string.h>

/* "one|two", or the code of what went wrong. */
static void assert_reads(void (*read)(struct bytes, struct answer *), const char *text, const char *expected) {
        struct answer answer = {0};
        struct bytes replies[LIMIT_REPLIES];
        CLEANUP_BUFFER struct buffer said = {0};
        uint32_t n = 0;

        read(bytes_of(text), &answer);
        if (answer.outcome.kind == WIRE_DONE) {
                assert_int_equal(wire_decode_answer(buffer_bytes(&answer.replies), replies, &n), 0);
                assert_int_equal(n, answer.n_replies);
                for (uint32_t i = 0; i < n; i++)
                        buffer_print(&said, i ? "|%.*s" : "%.*s", BYTES_PRINT(replies[i]));
        } else {
                assert_int_equal(answer.outcome.kind, WIRE_FAILED);
                assert_true(strlen(answer.outcome.why) > 0);
                buffer_push_text(&said, answer.outcome.code);
        }
        assert_string_equal(buffer_text(&said), expected);
        answer_done(&answer);
}

static void json_answers_are_read_as_the_contract_says(void **state) {
        static const char *const table[][2] = {
                {"{\"reply\":\"one\"}", "one"},
                {"{\"replies\":[\"one\",\"two\"]}", "one|two"},
                {"{\"reply\":\"one\",\"more\":1}", "one"},
                {"{\"reply\":\"\"}", ""},
                {"{\"reply\":null}", ""},
                {"{\"replies\":[]}", ""},
                {"{\"replies\":[\"\",\"two\",null]}", "two"},
                {"{\"reply\":7}", "bad_answer"},
                {"{\"replies\":\"one\"}", "bad_answer"},
                {"{\"replies\":[1]}", "bad_answer"},
                {"{\"reply\":\"a\",\"replies\":[]}", "bad_answer"},
                {"{}", "bad_answer"},
                {"[]", "bad_answer"},
                {"\"one\"", "bad_answer"},
                {"", "bad_answer"},
                {"{\"reply\":", "bad_answer"},
                {"<html>", "bad_answer"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_reads(answer_of_json, table[i][0], table[i][1]);
}

static void a_programs_output_is_one_reply_unless_it_is_json(void **state) {
        static const char *const table[][2] = {
                {"hello\n", "hello"},
                {"  two\nlines \n\n", "two\nlines"},
                {"", ""},
                {" \n", ""},
                {"{\"replies\":[\"one\",\"two\"]}\n", "one|two"},
                {"\n {\"reply\":\"one\"}", "one"},
                {"{not json", "bad_answer"},
                {"bad \xff", "bad_answer"},
                {"[1]", "[1]"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_reads(answer_of_output, table[i][0], table[i][1]);
}

static void why_does_not_quote_the_reply(void **state) {
        static const char *const table[] = {
                "{\"reply\": \"PIN 4711\n\"}",
                "{\"reply\": PIN4711}",
                "{\"reply\":\"a\" PIN4711",
                "{\"reply\": \"PIN 4711",
                "PIN 4711",
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct answer answer = {0};

                answer_of_json(bytes_of(table[i]), &answer);
                assert_string_equal(answer.outcome.code, "bad_answer");
                assert_non_null(strstr(answer.outcome.why, "is not JSON: line "));
                assert_null(strstr(answer.outcome.why, "PIN"));
                assert_null(strstr(answer.outcome.why, "4711"));
                answer_done(&answer);
        }
}

static void more_than_the_limit_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer many = {0};
        CLEANUP_FREE char *large = memory_new(LIMIT_ANSWER_BYTES + 2, 1);

        buffer_push_text(&many, "{\"replies\":[\"0\"");
        for (int i = 1; i < LIMIT_REPLIES; i++)
                buffer_print(&many, ",\"\"");
        buffer_push_text(&many, "]}");
        assert_reads(answer_of_json, buffer_text(&many), "0");
        many.len -= 2;
        buffer_push_text(&many, ",\"\"]}");
        assert_reads(answer_of_json, buffer_text(&many), "bad_answer");
        memset(large, 'x', LIMIT_ANSWER_BYTES + 1);
        assert_reads(answer_of_text, large, "too_large");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(json_answers_are_read_as_the_contract_says),
                cmocka_unit_test(a_programs_output_is_one_reply_unless_it_is_json),
                cmocka_unit_test(why_does_not_quote_the_reply),
                cmocka_unit_test(more_than_the_limit_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
