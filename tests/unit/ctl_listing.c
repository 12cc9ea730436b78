#include "tests/unit/unit.h"

#include "broker/ctl/listing.h"

static const struct listing_column columns[] = {{"NAME"}, {"N", .is_number = true}, {"WHY"}};

static void push_row(struct listing *listing, const char *name, const char *n, const char *why) {
        listing_push(listing, name);
        listing_push(listing, n);
        listing_push(listing, why);
}

static void columns_are_as_wide_as_their_widest_cell(void **state) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};

        listing_init(&listing, columns, 3);
        push_row(&listing, "acme", "1,234", "slow");
        push_row(&listing, "joão", "7", NULL);
        listing_encode(&listing, 0, &text);
        assert_string_equal(buffer_text(&text), "NAME      N  WHY\n"
                                                "acme  1,234  slow\n"
                                                "joão      7  -\n");
}

static void a_cell_cannot_break_the_line(void **state) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};

        listing_init(&listing, columns, 3);
        push_row(&listing, "a\nb", "", "\033[31m");
        listing_encode(&listing, 0, &text);
        assert_string_equal(buffer_text(&text), "NAME  N  WHY\n"
                                                "a\\nb  -  \\x1b[31m\n");
}

static void the_last_column_gives_way_on_a_narrow_terminal(void **state) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};

        listing_init(&listing, columns, 3);
        push_row(&listing, "acme", "1", "the handler answered 500");
        listing_encode(&listing, 20, &text);
        assert_string_equal(buffer_text(&text), "NAME  N  WHY\n"
                                                "acme  1  the hand...\n");
}

static void an_empty_listing_is_its_titles(void **state) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};

        listing_init(&listing, columns, 3);
        listing_encode(&listing, 0, &text);
        assert_string_equal(buffer_text(&text), "NAME  N  WHY\n");
}

static void a_listing_takes_many_rows(void **state) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};

        listing_init(&listing, columns, 3);
        for (int i = 0; i < 1000; i++)
                push_row(&listing, "a", "1", "b");
        listing_encode(&listing, 0, &text);
        assert_int_equal(text.len, 13 + 1000 * 11);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
                cmocka_unit_test(a_cell_cannot_break_the_line),
                cmocka_unit_test(the_last_column_gives_way_on_a_narrow_terminal),
                cmocka_unit_test(an_empty_listing_is_its_titles),
                cmocka_unit_test(a_listing_takes_many_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
