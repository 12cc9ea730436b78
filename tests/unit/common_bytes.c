/* What is UTF-8, and what is not: wherever it stands among characters that are looked at eight at a time. */
#include "tests/unit/unit.h"

#include "common/bytes.h"

#include <string.h>

enum { LONGEST = 40 };

/* `what` at each place of a text of each length. */
static void expect_everywhere(const char *what, bool is_good) {
        size_t len = strlen(what);
        char text[LONGEST];

        for (size_t n = len; n <= LONGEST; n++)
                for (size_t at = 0; at + len <= n; at++) {
                        memset(text, 'a', sizeof text);
                        memcpy(text + at, what, len);
                        if (bytes_is_utf8((struct bytes){text, n}) != is_good)
                                fail_msg("%zu bytes, with %zu others at %zu", n, len, at);
                }
}

static void characters_of_each_length_are_good(void **state) {
        expect_everywhere("z", true);
        expect_everywhere("\x7f", true);
        expect_everywhere("\xc3\xa7", true);
        expect_everywhere("\xe2\x82\xac", true);
        expect_everywhere("\xf0\x9f\x98\x80", true);
        expect_everywhere("\xc3\xa7\xf0\x9f\x98\x80xx\xc3\xa7", true);
        assert_true(bytes_is_utf8(BYTES_NONE));
}

static void what_is_no_character_is_found_wherever_it_stands(void **state) {
        expect_everywhere("\x80", false);
        expect_everywhere("\xff", false);
        expect_everywhere("\xc3", false);
        expect_everywhere("\xc0\xaf", false); /* longer than it need be */
        expect_everywhere("\xe0\x80\xaf", false);
        expect_everywhere("\xed\xa0\x80", false); /* half of a pair of UTF-16 */
        expect_everywhere("\xe2\x82", false);
        expect_everywhere("\xf0\x9f\x98", false);
        expect_everywhere("\xf4\x90\x80\x80", false); /* behind the last one */
        expect_everywhere("\xc3\xa7\xa7", false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(characters_of_each_length_are_good),
                cmocka_unit_test(what_is_no_character_is_found_wherever_it_stands),
        };

        return cmocka_run_group_tests_name("common/bytes", tests, NULL, NULL);
}
