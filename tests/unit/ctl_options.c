#include "tests/unit/unit.h"

#include "broker/ctl/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct words {
        bool is_all;
        const char *tenant;
        uint64_t limit;
        struct span every;
        struct options_list headers;
        struct options_operands operands;
        char *error;
};

/* Parses up to eight words behind a command. */
static int parse(struct words *words, const char *const *given) {
        static char *argv[10];
        const struct options_rule rules[] = {
                {.name = "all", .letter = 'a', .flag = &words->is_all, .help = "everything"},
                {.name = "tenant", .value = "TENANT", .text = &words->tenant, .help = "whose"},
                {.name = "limit", .letter = 'n', .value = "N", .count = &words->limit, .help = "how many"},
                {.name = "every", .value = "TIME", .span = &words->every, .help = "how often"},
                {.name = "header", .value = "NAME: VALUE", .list = &words->headers, .separator = ':', .help = "one"},
                {0}};
        int argc = 1;

        argv[0] = (char *)"command";
        for (; *given; given++)
                argv[argc++] = (char *)*given;
        argv[argc] = NULL;
        free(words->error);
        words->error = NULL;
        return options_parse(rules, argc, argv, &words->operands, &words->error);
}

#define PARSE(words, ...) parse(words, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void options_and_operands_may_be_mixed(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "one", "--all", "two", "-n", "7", "--tenant=acme", "--every", "250ms"), 0);
        assert_true(words.is_all);
        assert_string_equal(words.tenant, "acme");
        assert_int_equal(words.limit, 7);
        assert_int_equal(words.every.us, 250000);
        assert_int_equal(words.operands.n, 2);
        assert_string_equal(words.operands.words[0], "one");
        assert_string_equal(words.operands.words[1], "two");
}

static void a_negative_number_is_an_operand(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "acme", "-1001234567890"), 0);
        assert_int_equal(words.operands.n, 2);
        assert_string_equal(words.operands.words[1], "-1001234567890");
}

static void behind_two_dashes_everything_is_an_operand(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "--", "--all", "-h"), 0);
        assert_false(words.is_all);
        assert_int_equal(words.operands.n, 2);
}

static void a_value_may_look_like_anything(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "--tenant", "--all"), 0);
        assert_string_equal(words.tenant, "--all");
        assert_int_equal(PARSE(&words, "--tenant=a=b"), 0);
        assert_string_equal(words.tenant, "a=b");
        assert_int_equal(PARSE(&words, "--tenant="), 0);
        assert_string_equal(words.tenant, "");
}

static void assert_refused(struct words *words, int r, const char *expected) {
        assert_int_equal(r, -EINVAL);
        assert_string_equal(words->error, expected);
        free(words->error);
        words->error = NULL;
}

static void an_option_of_which_there_are_several_keeps_them_in_order(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "--header", "A: 1", "one", "--header=B: 2"), 0);
        assert_int_equal(words.headers.n, 2);
        assert_string_equal(words.headers.items[0], "A: 1");
        assert_string_equal(words.headers.items[1], "B: 2");
        assert_int_equal(words.operands.n, 1);
        words.headers.n = OPTIONS_LIST_MAX;
        assert_refused(&words, PARSE(&words, "--header=C: 3"), "--header may stand 64 times");
        words.headers.n = 0;
        assert_refused(&words, PARSE(&words, "--header", "no colon"), "--header takes \"NAME: VALUE\", not 'no colon'");
}

static void help_is_answered_as_such(void **state) {
        struct words words = {0};

        assert_int_equal(PARSE(&words, "--help"), 1);
        assert_int_equal(PARSE(&words, "one", "-h"), 1);
}

static void wrong_words_are_named(void **state) {
        struct words words = {0};

        assert_refused(&words, PARSE(&words, "--al"), "there is no option '--al'");
        assert_refused(&words, PARSE(&words, "-x"), "there is no option '-x'");
        assert_refused(&words, PARSE(&words, "-an"), "there is no option '-an'");
        assert_refused(&words, PARSE(&words, "--all=yes"), "--all takes no value");
        assert_refused(&words, PARSE(&words, "--tenant"), "--tenant needs its TENANT");
        assert_refused(&words, PARSE(&words, "--limit", "ten"), "--limit takes a whole number, not 'ten'");
        assert_refused(&words, PARSE(&words, "--limit="), "--limit takes a whole number, not ''");
        assert_refused(&words, PARSE(&words, "--every", "30"),
                       "--every takes a number and its unit, such as 250ms, 8s, 30m, 2h or 7d, not '30'");
        assert_refused(&words, PARSE(&words, "--every", "367d"), "--every is at most 8784h (366 days), not '367d'");
}

static void times_have_units(void **state) {
        static const struct {
                const char *text;
                int64_t us;
        } spans[] = {{"0s", 0},          {"250ms", 250000},    {"8s", 8000000},           {"5m", 300000000},
                     {"1h", 3600000000}, {"7d", 604800000000}, {"8784h", 31622400000000}, {"366d", 31622400000000}};
        static const char *const wrong[] = {"", "s", "0", "8", "-1s", "1.5s", "8 s", "8S", "1w"};
        static const char *const too_long[] = {"8785h", "367d", "9999h", "4294967295h", "99999999999s"};
        struct span span;

        for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
                assert_int_equal(options_decode_span(spans[i].text, &span), 0);
                assert_int_equal(span.us, spans[i].us);
        }
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                assert_int_equal(options_decode_span(wrong[i], &span), -EINVAL);
        for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++)
                assert_int_equal(options_decode_span(too_long[i], &span), -ERANGE);
}

static void a_count_beyond_its_range_is_refused(void **state) {
        uint64_t count;

        assert_int_equal(options_decode_count("4294967295", &count), 0);
        assert_int_equal(count, UINT32_MAX);
        assert_int_equal(options_decode_count("4294967296", &count), -EINVAL);
        assert_int_equal(options_decode_count("99999999999999999999999", &count), -EINVAL);
        assert_int_equal(options_decode_count("+1", &count), -EINVAL);
}

static void help_lists_every_option_in_one_column(void **state) {
        bool flag;
        const char *text;
        const struct options_rule rules[] = {{.name = "all", .letter = 'a', .flag = &flag, .help = "everything"},
                                             {.name = "stats", .value = "ENDPOINT", .text = &text, .help = "where"},
                                             {0}};
        CLEANUP_BUFFER struct buffer help = {0};

        options_encode_help(rules, &help);
        assert_string_equal(buffer_text(&help), "Options:\n"
                                                "  -a, --all                 everything\n"
                                                "      --stats ENDPOINT      where\n"
                                                "  -h, --help                print this\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_and_operands_may_be_mixed),
                cmocka_unit_test(a_negative_number_is_an_operand),
                cmocka_unit_test(behind_two_dashes_everything_is_an_operand),
                cmocka_unit_test(a_value_may_look_like_anything),
                cmocka_unit_test(an_option_of_which_there_are_several_keeps_them_in_order),
                cmocka_unit_test(help_is_answered_as_such),
                cmocka_unit_test(wrong_words_are_named),
                cmocka_unit_test(times_have_units),
                cmocka_unit_test(a_count_beyond_its_range_is_refused),
                cmocka_unit_test(help_lists_every_option_in_one_column),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
