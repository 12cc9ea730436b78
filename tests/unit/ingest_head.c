#include "tests/unit/unit.h"

#include "ingest/core/head.h"

#include <string.h>

static const char *fault_of_field(const char *name, const char *value) {
        struct head head = {0};

        head_push_target(&head, "/v1/messages");
        head_push_field(&head, "Host", "x");
        head_push_field(&head, name, value);
        return head_fault_find(&head);
}

static const char *fault_of_target(const char *target) {
        struct head head = {0};

        head_push_target(&head, target);
        return head_fault_find(&head);
}

static void an_ordinary_head_has_no_fault(void **state) {
        struct head head = {0};

        head_push_target(&head, "/hooks/acme/s%C3%BC\xc3\xbc?a=b%20c&d={}");
        head_push_field(&head, "Host", "example.com");
        head_push_field(&head, "X-Hub-Signature-256", "sha256=0f");
        head_push_field(&head, "User-Agent", "a (b;\tc) \xc3\xbc");
        head_push_field(&head, "X!#$%&'*+-.^_`|~9", "");
        head_push_field(&head, "X-None", NULL);
        head_push_field(&head, "content-length", "141");
        assert_null(head_fault_find(&head));
        assert_int_equal(head.length, 141);
}

static void a_body_in_chunks_has_no_fault(void **state) {
        assert_null(fault_of_field("Transfer-Encoding", "Chunked"));
        assert_non_null(fault_of_field("Transfer-Encoding", "gzip, chunked"));
        assert_non_null(fault_of_field("Transfer-Encoding", ""));
        assert_non_null(fault_of_field("Transfer-Encoding", NULL));
}

static void a_length_told_twice_is_a_fault(void **state) {
        static const char *const fields[][2] = {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}};

        for (size_t i = 0; i < 4; i++) {
                struct head head = {0};

                head_push_field(&head, fields[i % 2][0], fields[i % 2][1]);
                head_push_field(&head, fields[i / 2][0], fields[i / 2][1]);
                assert_string_equal(head_fault_find(&head), "the length of the body is told in more than one way");
        }
}

static void a_name_that_is_no_token_is_a_fault(void **state) {
        static const char *const names[] = {
                "",   "Content-Length ", "Content-Length\t",     "Transfer-Encoding ",
                " X", "X\r",             "X: y\rContent-Length", "\xc3\xbc",
                "(X)"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                assert_non_null(fault_of_field(names[i], "141"));
}

static void a_length_on_a_folded_line_is_a_fault(void **state) {
        assert_non_null(fault_of_field("Content-Length141", ""));
        assert_non_null(fault_of_field("content-length6", "5"));
        assert_non_null(fault_of_field("Transfer-Encodingchunked", ""));
        assert_non_null(fault_of_field("XContent-Length: 9", "a"));
}

static void a_value_with_control_characters_is_a_fault(void **state) {
        static const char *const values[] = {"y\rContent-Length: 141", "y\n z", "\r\n y", "\x01", "\v5", "\x7f"};

        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
                assert_non_null(fault_of_field("X", values[i]));
}

static void a_target_with_control_characters_is_a_fault(void **state) {
        static const char *const targets[] = {"/a\tb", "/a?b=\r", "/a b", "/\x7f", "/a?\x01"};

        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
                assert_string_equal(fault_of_target(targets[i]),
                                    "the address has control characters; write them as %XX");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_ordinary_head_has_no_fault),
                cmocka_unit_test(a_body_in_chunks_has_no_fault),
                cmocka_unit_test(a_length_told_twice_is_a_fault),
                cmocka_unit_test(a_name_that_is_no_token_is_a_fault),
                cmocka_unit_test(a_length_on_a_folded_line_is_a_fault),
                cmocka_unit_test(a_value_with_control_characters_is_a_fault),
                cmocka_unit_test(a_target_with_control_characters_is_a_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
