#include "tests/unit/unit.h"

#include "common/pack.h"

#include <string.h>

static void what_is_pushed_is_popped(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};
        struct pack_reader reader;

        pack_push_array(&buffer, 5);
        pack_push_uint(&buffer, UINT64_MAX);
        pack_push_int(&buffer, -5);
        pack_push_str(&buffer, bytes_of("quanto custa?"));
        pack_push_bin(&buffer, (struct bytes){"\0\1", 2});
        pack_push_nil(&buffer);

        reader = pack_open(buffer_bytes(&buffer));
        assert_int_equal(pack_pop_array(&reader), 5);
        assert_true(pack_pop_uint(&reader) == UINT64_MAX);
        assert_int_equal(pack_pop_int(&reader), -5);
        assert_true(bytes_is_text(pack_pop_bytes(&reader), "quanto custa?"));
        assert_int_equal(pack_pop_bytes(&reader).len, 2);
        assert_int_equal(pack_pop_optional(&reader).len, 0);
        assert_true(pack_is_good(&reader));
        assert_false(pack_has_more(&reader));
}

static void a_value_of_another_kind_marks_the_reader_as_bad_and_it_stays_bad(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};
        struct pack_reader reader;

        pack_push_str(&buffer, bytes_of("seven"));
        pack_push_uint(&buffer, 7);
        reader = pack_open(buffer_bytes(&buffer));
        assert_int_equal(pack_pop_uint(&reader), 0);
        assert_false(pack_is_good(&reader));
        assert_int_equal(pack_pop_uint(&reader), 0);
        assert_false(pack_is_good(&reader));
}

static void a_claim_longer_than_the_frame_is_refused_before_anything_is_done_for_it(void **state) {
        static const char *const claims[] = {"\xdd\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff"};

        for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
                struct pack_reader array = pack_open((struct bytes){claims[i], 5});
                struct pack_reader bytes = array, skipped = array;

                pack_pop_array(&array);
                pack_pop_bytes(&bytes);
                pack_skip(&skipped, 1);
                assert_false(pack_is_good(&array));
                assert_false(pack_is_good(&bytes));
                assert_false(pack_is_good(&skipped));
        }
}

static void every_cut_of_a_good_value_is_bad(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        pack_push_array(&buffer, 3);
        pack_push_uint(&buffer, 1u << 20);
        pack_push_str(&buffer, bytes_of("a text of more than thirty-two bytes, so that its head is longer"));
        pack_push_array(&buffer, 1);
        pack_push_nil(&buffer);
        for (size_t len = 0; len < buffer.len; len++) {
                struct pack_reader reader = pack_open((struct bytes){buffer.data, len});

                pack_skip(&reader, 1);
                assert_false(pack_is_good(&reader));
        }
}

static void unknown_elements_at_the_end_of_an_array_are_passed_over(void **state) {
        CLEANUP_BUFFER struct buffer buffer = {0};
        struct pack_reader reader;
        uint32_t n;

        pack_push_array(&buffer, 3);
        pack_push_uint(&buffer, 1);
        pack_push_array(&buffer, 2);
        pack_push_str(&buffer, bytes_of("from"));
        pack_push_str(&buffer, bytes_of("the future"));
        pack_push_nil(&buffer);
        pack_push_uint(&buffer, 42);
        reader = pack_open(buffer_bytes(&buffer));
        n = pack_pop_array(&reader);
        assert_int_equal(pack_pop_uint(&reader), 1);
        pack_pop_rest(&reader, n, 1);
        assert_int_equal(pack_pop_uint(&reader), 42);
        assert_true(pack_is_good(&reader));
}

static void nesting_has_a_bound(void **state) {
        char deep[64];
        struct pack_reader reader;

        memset(deep, '\x91', sizeof deep);
        reader = pack_open((struct bytes){deep, sizeof deep});
        pack_skip(&reader, 1);
        assert_false(pack_is_good(&reader));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_pushed_is_popped),
                cmocka_unit_test(a_value_of_another_kind_marks_the_reader_as_bad_and_it_stays_bad),
                cmocka_unit_test(a_claim_longer_than_the_frame_is_refused_before_anything_is_done_for_it),
                cmocka_unit_test(every_cut_of_a_good_value_is_bad),
                cmocka_unit_test(unknown_elements_at_the_end_of_an_array_are_passed_over),
                cmocka_unit_test(nesting_has_a_bound),
        };

        return cmocka_run_group_tests_name("common/pack", tests, NULL, NULL);
}
