#include "tests/unit/unit.h"

#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void assert_text(int64_t ms, const char *expected) {
        char text[CLOCK_TEXT_MAX];

        assert_string_equal(clock_text((struct wall){ms}, text), expected);
}

static void a_time_is_told_as_the_contract_says(void **state) {
        assert_text(0, "1970-01-01T00:00:00.000Z");
        assert_text(1795255200123, "2026-11-21T10:00:00.123Z");
        assert_text(951827696789, "2000-02-29T12:34:56.789Z");
        assert_text(INT64_C(253402300799999), "9999-12-31T23:59:59.999Z");
}

static void a_time_that_is_none_is_the_first_one(void **state) {
        assert_text(-1, "1970-01-01T00:00:00.000Z");
        assert_text(INT64_MIN, "1970-01-01T00:00:00.000Z");
        assert_text(INT64_C(253402300800000), "1970-01-01T00:00:00.000Z");
        assert_text(INT64_MAX, "1970-01-01T00:00:00.000Z");
}

/* Each day that there is. */
static void the_calendar_is_that_of_the_library(void **state) {
        for (int64_t day = 0; day < 2932897; day++) {
                int64_t seconds = day * 24 * 60 * 60 + day % (24 * 60 * 60);
                char expected[CLOCK_TEXT_MAX];
                time_t at = (time_t)seconds;
                struct tm tm;

                gmtime_r(&at, &tm);
                strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.007Z", &tm);
                assert_text(seconds * 1000 + 7, expected);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_time_is_told_as_the_contract_says),
                cmocka_unit_test(a_time_that_is_none_is_the_first_one),
                cmocka_unit_test(the_calendar_is_that_of_the_library),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
