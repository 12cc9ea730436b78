/* What is UTF-8, what is a line of it, and what is not: wherever it stands among characters that are looked at eight at
 * a time. */
#include "tests/unit/unit.h"

#include "common/bytes.h"

#include <string.h>

enum { LONGEST = 80 };

/* `what` at each place of a text of each length. */
static void expect_everywhere(bool (*is_so)(struct bytes), const char *what, bool is_good) {
        size_t len = strlen(what);
        char text[LONGEST];

        for (size_t n = len; n <= LONGEST; n++)
                for (size_t at = 0; at + len <= n; at++) {
                        memset(text, 'a', sizeof text);
                        memcpy(text + at, what, len);
                        if (is_so((struct bytes){text, n}) != is_good)
                                fail_msg("%zu bytes, with %zu others at %zu", n, len, at);
                }
}

static void characters_of_each_length_are_good(void **state) {
        expect_everywhere(bytes_is_utf8, "z", true);
        expect_everywhere(bytes_is_utf8, "\x7f", true);
        expect_everywhere(bytes_is_utf8, "\xc3\xa7", true);
        expect_everywhere(bytes_is_utf8, "\xe2\x82\xac", true);
        expect_everywhere(bytes_is_utf8, "\xf0\x9f\x98\x80", true);
        expect_everywhere(bytes_is_utf8, "\xc3\xa7\xf0\x9f\x98\x80xx\xc3\xa7", true);
        assert_true(bytes_is_utf8(BYTES_NONE));
}

static void what_is_no_character_is_found_wherever_it_stands(void **state) {
        expect_everywhere(bytes_is_utf8, "\x80", false);
        expect_everywhere(bytes_is_utf8, "\xff", false);
        expect_everywhere(bytes_is_utf8, "\xc3", false);
        expect_everywhere(bytes_is_utf8, "\xc0\xaf", false); /* longer than it need be */
        expect_everywhere(bytes_is_utf8, "\xe0\x80\xaf", false);
        expect_everywhere(bytes_is_utf8, "\xed\xa0\x80", false); /* half of a pair of UTF-16 */
        expect_everywhere(bytes_is_utf8, "\xe2\x82", false);
        expect_everywhere(bytes_is_utf8, "\xf0\x9f\x98", false);
        expect_everywhere(bytes_is_utf8, "\xf4\x90\x80\x80", false); /* behind the last one */
        expect_everywhere(bytes_is_utf8, "\xc3\xa7\xa7", false);
}

static void a_control_character_makes_no_line_wherever_it_stands(void **state) {
        char letter[2] = {0};

        for (letter[0] = 1; letter[0] != 0x7f; letter[0]++)
                expect_everywhere(bytes_is_line, letter, letter[0] >= ' ');
        expect_everywhere(bytes_is_line, "\x7f", false);
        expect_everywhere(bytes_is_line, "\xc3\xa7", true);
        expect_everywhere(bytes_is_line, "\xc3\xa7\x1f", false);
        expect_everywhere(bytes_is_line, " \n", false);
        expect_everywhere(bytes_is_line, "\xe2\x82\xac", true);
        expect_everywhere(bytes_is_line, "\xe2\x82", false);
        expect_everywhere(bytes_is_line, "\x80", false);
        expect_everywhere(bytes_is_line, "\xff", false);
        assert_false(bytes_is_line((struct bytes){"\0", 1}));
        assert_false(bytes_is_line((struct bytes){"1234567\0", 8}));
        assert_true(bytes_is_line(BYTES_NONE));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(characters_of_each_length_are_good),
                cmocka_unit_test(what_is_no_character_is_found_wherever_it_stands),
                cmocka_unit_test(a_control_character_makes_no_line_wherever_it_stands),
        };

        return cmocka_run_group_tests_name("common/bytes", tests, NULL, NULL);
}
