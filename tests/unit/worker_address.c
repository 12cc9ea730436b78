#include "tests/unit/unit.h"

#include "worker/core/address.h"

static void private_ranges_end_where_they_end(void **state) {
        static const struct {
                const char *first, *last, *before, *after;
        } ranges[] = {
                {"0.0.0.0", "0.255.255.255", NULL, "1.0.0.0"},
                {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
                {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
                {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
                {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
                {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
                {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
                {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
                {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
                {"224.0.0.0", "255.255.255.255", "223.255.255.255", NULL},
                {"fc00::", "fdff:ffff::1", "fbff:ffff::1", "fe00::"},
                {"fe80::", "febf:ffff::1", "fe7f:ffff::1", NULL},
                {"fec0::", "feff:ffff::1", NULL, NULL},
                {"ff00::", "ffff::1", NULL, NULL},
                {"64:ff9b:1::", "64:ff9b:1:ffff::1", NULL, "64:ff9b:2::"},
        };

        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
                assert_true(address_text_is_private(ranges[i].first));
                assert_true(address_text_is_private(ranges[i].last));
                assert_true(!ranges[i].before || !address_text_is_private(ranges[i].before));
                assert_true(!ranges[i].after || !address_text_is_private(ranges[i].after));
        }
}

static void single_addresses_are_judged(void **state) {
        static const struct {
                const char *text;
                bool is_private;
        } table[] = {
                {"::", true},
                {"::1", true},
                {"::2", true}, /* 0.0.0.2 in an old form */
                {"8.8.8.8", false},
                {"2606:4700::1111", false},
                {"fe80::1%eth0", true},
                {"::ffff:127.0.0.1", true},
                {"::ffff:10.0.0.1", true},
                {"::ffff:8.8.8.8", false},
                {"::127.0.0.1", true},
                {"64:ff9b::10.0.0.1", true},
                {"64:ff9b::169.254.169.254", true},
                {"64:ff9b::8.8.8.8", false},
                {"2002:7f00:1::", true}, /* 6to4 of 127.0.0.1 */
                {"2002:808:808::", false},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_int_equal(address_text_is_private(table[i].text), table[i].is_private);
}

static void what_is_no_address_is_never_allowed(void **state) {
        static const char *const texts[] = {"",          "8.8.8",     "8.8.8.8.8", "0x7f.1", "08.8.8.8",
                                            "256.1.1.1", "localhost", "8.8.8.8 ",  "[::1]",  "2130706433"};

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                assert_true(address_text_is_private(texts[i]));
        assert_true(address_is_private(BYTES_NONE));
        assert_true(address_is_private((struct bytes){"\x08\x08\x08", 3}));
        assert_true(address_is_private((struct bytes){"\x08\x08\x08\x08\x08", 5}));
        assert_false(address_is_private((struct bytes){"\x08\x08\x08\x08", 4}));
}

static void a_host_is_a_literal_only_when_all_of_it_is_an_address(void **state) {
        static const char *const literals[] = {"127.0.0.1",        "10.1.2.3",  "[::1]",    "[::ffff:127.0.0.1]",
                                               "[fe80::1%25eth0]", "localhost", "LocalHost"};
        static const char *const names[] = {"",
                                            "example.org",
                                            "127.0.0.1.example.org",
                                            "127.0.0.1.",
                                            "localhost.example.org",
                                            "lull.localhost",
                                            "localhost.",
                                            "::1",
                                            "[::1",
                                            "[127.0.0.1]",
                                            "[]",
                                            "0x7f.1",
                                            "[::1].example.org"};

        for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
                assert_true(address_is_literal(literals[i]));
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                assert_false(address_is_literal(names[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(private_ranges_end_where_they_end),
                cmocka_unit_test(single_addresses_are_judged),
                cmocka_unit_test(what_is_no_address_is_never_allowed),
                cmocka_unit_test(a_host_is_a_literal_only_when_all_of_it_is_an_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
