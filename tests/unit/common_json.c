#include "tests/unit/unit.h"

#include "common/json.h"

#include <errno.h>
#include <string.h>

static json_t *decode(const char *text) {
        char *error = NULL;
        json_t *value;

        if (json_decode(bytes_of(text), &value, &error) != 0)
                fail_msg("%s", error);
        return value;
}

static void assert_refused(struct bytes text, const char *part) {
        CLEANUP_FREE char *error = NULL;
        json_t *value = NULL;

        assert_int_equal(json_decode(text, &value, &error), -EBADMSG);
        assert_null(value);
        if (!strstr(error, part))
                fail_msg("'%s' does not say '%s'", error, part);
}

static void assert_finds(const char *document, const char *pointer, const char *expected) {
        CLEANUP_JSON json_t *root = decode(document);
        json_t *value = json_pointer_find(root, pointer);
        CLEANUP_FREE char *text = value ? json_encode_text(value) : NULL;

        if (expected)
                assert_string_equal(text, expected);
        else
                assert_null(text);
}

static void a_value_goes_there_and_back(void **state) {
        CLEANUP_JSON json_t *value = decode(" { \"a\" : [1, 2.5, true, null, \"é\\ud83d\\ude00\"] } ");
        CLEANUP_FREE char *text = json_encode_text(value);

        assert_string_equal(text, "{\"a\":[1,2.5,true,null,\"é😀\"]}");
}

static void broken_json_is_refused_with_its_position(void **state) {
        assert_refused(bytes_of("{\n  \"a\": ]\n}"), "line 2, column 8: ");
        assert_refused(bytes_of(""), "nothing was sent");
        assert_refused(bytes_of("{} x"), "line 1, column 4: ");
        assert_refused(bytes_of("\"\\ud800\""), "line 1, ");
        assert_refused(bytes_of("\"\xff\""), "line 1, ");
        assert_refused(bytes_of("123456789012345678901234567890"), "line 1, ");
        assert_refused(bytes_of("\"\\u0000\""), "line 1, ");
}

static void deep_nesting_is_refused(void **state) {
        char deep[5000];

        memset(deep, '[', sizeof deep);
        assert_refused((struct bytes){deep, sizeof deep}, "depth");
}

static void the_last_of_two_equal_keys_counts(void **state) { assert_finds("{\"a\":1,\"a\":2}", "/a", "2"); }

static void the_pointers_of_rfc_6901_find_what_they_name(void **state) {
        const char *document = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\" \":7,\"~1\":9}";

        assert_finds(document, "/foo", "[\"bar\",\"baz\"]");
        assert_finds(document, "/foo/0", "\"bar\"");
        assert_finds(document, "/", "0");
        assert_finds(document, "/a~1b", "1");
        assert_finds(document, "/m~0n", "8");
        assert_finds(document, "/ ", "7");
        assert_finds(document, "/~01", "9");
        assert_finds("[1]", "", "[1]");
}

static void a_pointer_to_nothing_finds_nothing(void **state) {
        const char *document = "{\"foo\":[\"bar\"],\"n\":null}";

        assert_finds(document, "/foo/1", NULL);
        assert_finds(document, "/foo/-", NULL);
        assert_finds(document, "/foo/00", NULL);
        assert_finds(document, "/foo/99999999999999999999", NULL);
        assert_finds(document, "/foo/0/x", NULL);
        assert_finds(document, "/bar", NULL);
        assert_finds(document, "/n/x", NULL);
        assert_finds(document, "/n", "null");
}

static void a_star_names_each_member_in_order(void **state) {
        CLEANUP_JSON json_t *root = decode("{\"e\":[{\"m\":[1,2]},{},{\"m\":[3]},{\"m\":{\"x\":4}}]}");
        struct json_found found;

        json_pointer_find_all(root, "/e/*/m/*", SIZE_MAX, &found);
        assert_int_equal(found.n, 4);
        for (size_t i = 0; i < found.n; i++)
                assert_int_equal(json_integer_value(found.items[i]), i + 1);
        free(found.items);
        json_pointer_find_all(root, "/e/*/z", SIZE_MAX, &found);
        assert_int_equal(found.n, 0);
        assert_int_equal(json_integer_value(json_pointer_find(root, "/e/*/m/0")), 1);
}

static void a_search_ends_when_it_may_look_at_no_more(void **state) {
        CLEANUP_JSON json_t *root = decode("{\"e\":[[],[],[],[1]]}");
        struct json_found found;
        size_t steps = 100;

        json_pointer_find_all_within(root, "/e/*/0", SIZE_MAX, &steps, &found);
        assert_int_equal(found.n, 1);
        assert_in_range(steps, 90, 95);
        free(found.items);
        steps = 3;
        assert_null(json_pointer_find_within(root, "/e/*/0", &steps));
        assert_int_equal(steps, 0);
}

static void a_pointer_begins_with_a_slash_and_escapes_its_tildes(void **state) {
        assert_true(json_pointer_is_valid(""));
        assert_true(json_pointer_is_valid("/a/*/b~0~1"));
        assert_false(json_pointer_is_valid("a"));
        assert_false(json_pointer_is_valid("/a~"));
        assert_false(json_pointer_is_valid("/a~2"));
}

static void a_strangers_bytes_become_a_string(void **state) {
        CLEANUP_JSON json_t *clean = json_text_new(bytes_of("olá"));
        CLEANUP_JSON json_t *broken = json_text_new((struct bytes){"a\xff"
                                                                   "b\0c\xe2\x82",
                                                                   7});
        CLEANUP_JSON json_t *empty = json_text_new(BYTES_NONE);
        CLEANUP_JSON json_t *none = json_text_or_null(NULL);

        assert_string_equal(json_string_value(clean), "olá");
        assert_string_equal(json_string_value(broken), "a\ufffdb\ufffdc\ufffd\ufffd");
        assert_string_equal(json_string_value(empty), "");
        assert_true(json_is_null(none));
}

static void what_is_written_without_a_value_is_what_the_value_would_be(void **state) {
        static const struct bytes texts[] = {
                {NULL, 0},
                {"ol\xc3\xa1 \"x\" \\ / \x7f", 13},
                {"\b\f\n\r\t\x01\x1f\x0b end", 12},
                {"a\xff"
                 "b\0c\xe2\x82",
                 7},
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                CLEANUP_JSON json_t *value = json_text_new(texts[i]);
                CLEANUP_BUFFER struct buffer encoded = {0}, pushed = {0};

                json_encode(value, &encoded);
                json_push_text(texts[i], &pushed);
                assert_string_equal(buffer_text(&pushed), buffer_text(&encoded));
        }
}

static void a_scalar_has_a_text(void **state) {
        static const char *const pairs[][2] = {
                {"\"a b\"", "a b"}, {"12", "12"},   {"-9007199254740993", "-9007199254740993"},
                {"true", "true"},   {"null", NULL}, {"[1]", NULL},
                {"{}", NULL},       {"1.5", NULL}};

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                CLEANUP_JSON json_t *value = decode(pairs[i][0]);
                CLEANUP_FREE char *text = json_scalar_text(value);

                if (pairs[i][1])
                        assert_string_equal(text, pairs[i][1]);
                else
                        assert_null(text);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_value_goes_there_and_back),
                cmocka_unit_test(broken_json_is_refused_with_its_position),
                cmocka_unit_test(deep_nesting_is_refused),
                cmocka_unit_test(the_last_of_two_equal_keys_counts),
                cmocka_unit_test(the_pointers_of_rfc_6901_find_what_they_name),
                cmocka_unit_test(a_pointer_to_nothing_finds_nothing),
                cmocka_unit_test(a_star_names_each_member_in_order),
                cmocka_unit_test(a_search_ends_when_it_may_look_at_no_more),
                cmocka_unit_test(a_pointer_begins_with_a_slash_and_escapes_its_tildes),
                cmocka_unit_test(a_strangers_bytes_become_a_string),
                cmocka_unit_test(what_is_written_without_a_value_is_what_the_value_would_be),
                cmocka_unit_test(a_scalar_has_a_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
