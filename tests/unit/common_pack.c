#include "tests/unit/unit.h"

#include "common/pack.h"
#include "tests/fuzz/pack_oracle.h"

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

/* The same numbers in every run. */
static uint64_t next_random(uint64_t *seed) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

/* Of every byte in eight at least one is the head of a value of more than one. */
static void fill(uint8_t *data, size_t len, uint64_t *seed) {
        for (size_t i = 0; i < len; i++) {
                uint64_t random = next_random(seed);

                data[i] = (uint8_t)(random & 0x700 ? random : 0xc0 | (random & 0x1f));
        }
}

static void any_bytes_are_read_as_libmpack_reads_them(void **state) {
        uint64_t seed = 20261121;
        uint8_t data[64];

        for (int first = 0; first <= UINT8_MAX; first++)
                for (size_t len = 1; len < sizeof data; len++) {
                        fill(data, len, &seed);
                        data[0] = (uint8_t)first;
                        pack_oracle_check_read((struct bytes){data, len});
                }
        for (int i = 0; i < 20000; i++) {
                size_t len = next_random(&seed) % sizeof data;

                fill(data, len, &seed);
                pack_oracle_check_read((struct bytes){data, len});
        }
}

static void numbers_and_lengths_are_written_as_libmpack_writes_them(void **state) {
        uint64_t seed = 20261121;

        for (uint64_t number = 0; number < 300; number++)
                pack_oracle_check_write(number);
        for (int bit = 0; bit < 64; bit++)
                for (uint64_t aside = 0; aside < 5; aside++)
                        pack_oracle_check_write((UINT64_C(1) << bit) + aside - 2);
        for (int i = 0; i < 20000; i++)
                pack_oracle_check_write(next_random(&seed) >> next_random(&seed) % 64);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_pushed_is_popped),
                cmocka_unit_test(a_value_of_another_kind_marks_the_reader_as_bad_and_it_stays_bad),
                cmocka_unit_test(a_claim_longer_than_the_frame_is_refused_before_anything_is_done_for_it),
                cmocka_unit_test(every_cut_of_a_good_value_is_bad),
                cmocka_unit_test(unknown_elements_at_the_end_of_an_array_are_passed_over),
                cmocka_unit_test(nesting_has_a_bound),
                cmocka_unit_test(any_bytes_are_read_as_libmpack_reads_them),
                cmocka_unit_test(numbers_and_lengths_are_written_as_libmpack_writes_them),
        };

        return cmocka_run_group_tests_name("common/pack", tests, NULL, NULL);
}
