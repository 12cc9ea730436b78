#include "tests/unit/unit.h"

#include "ingest/core/path.h"

#include <errno.h>

static void assert_path(const char *target, uint32_t n, const char *const *segments) {
        CLEANUP_PATH struct path path = {0};

        assert_int_equal(path_decode(target, &path), 0);
        assert_int_equal(path.n, n);
        for (uint32_t i = 0; i < n; i++)
                assert_true(bytes_is_text(path.segments[i], segments[i]));
}

#define SEGMENTS(...) ((const char *const[]){__VA_ARGS__})

static void a_path_is_cut_at_its_slashes(void **state) {
        assert_path("/hooks/acme/support", 3, SEGMENTS("hooks", "acme", "support"));
        assert_path("/hooks/acme/support?hub.mode=subscribe", 3, SEGMENTS("hooks", "acme", "support"));
        assert_path("/", 1, SEGMENTS(""));
        assert_path("/a/", 2, SEGMENTS("a", ""));
        assert_path("/a#b", 1, SEGMENTS("a"));
}

static void an_escape_is_decoded_within_its_segment(void **state) {
        assert_path("/a%2Fb/%c3%A9%20", 2, SEGMENTS("a/b", "é "));
        assert_path("/%2e%2E/x", 2, SEGMENTS("..", "x"));
}

static void what_is_no_path_is_refused(void **state) {
        static const char *const targets[] = {"",     "*",    "http://a/b",        "/%", "/%2", "/%2/2",
                                              "/%zz", "/%00", "/1/2/3/4/5/6/7/8/9"};
        struct path path;

        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
                if (path_decode(targets[i], &path) != -EBADMSG)
                        fail_msg("'%s' was taken for a path", targets[i]);
}

static bool is_hook(const char *target) {
        CLEANUP_PATH struct path path = {0};

        assert_int_equal(path_decode(target, &path), 0);
        return path_is_hook(&path);
}

static void a_hook_may_have_the_name_of_an_event_behind_it(void **state) {
        assert_true(is_hook("/hooks/acme/support"));
        assert_true(is_hook("/hooks/acme/support/messages-upsert"));
        assert_true(is_hook("/hooks/acme/support/call?token=x"));
        assert_false(is_hook("/hooks/acme"));
        assert_false(is_hook("/hook/acme/support"));
        assert_false(is_hook("/hooks/acme/support/"));
        assert_false(is_hook("/hooks/acme/support/Messages"));
        assert_false(is_hook("/hooks/acme/support/a.b"));
        assert_false(is_hook("/hooks/acme/support/a%2Fb"));
        assert_false(is_hook("/hooks/acme/support/1"));
        assert_false(is_hook("/hooks/acme/support/a/b"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_path_is_cut_at_its_slashes),
                cmocka_unit_test(an_escape_is_decoded_within_its_segment),
                cmocka_unit_test(what_is_no_path_is_refused),
                cmocka_unit_test(a_hook_may_have_the_name_of_an_event_behind_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
