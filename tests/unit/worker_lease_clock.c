#include "tests/unit/unit.h"

#include "common/limits.h"
#include "worker/core/lease_clock.h"

enum { LEASE_MS = 5000 };

static struct mono at(int64_t ms) { return (struct mono){ms * 1000}; }

static void hello(struct lease_clock *clock, int64_t ms) {
        lease_clock_on_doubt(clock);
        lease_clock_on_hello_sent(clock, at(ms));
}

static bool welcome(struct lease_clock *clock, int64_t ms) {
        return lease_clock_on_welcome(clock, at(ms), span_ms(LEASE_MS));
}

static void before_it_is_welcome_nothing_is_sure(void **state) {
        struct lease_clock clock = {0};

        assert_false(lease_clock_is_sure(&clock, at(0)));
        hello(&clock, 1000);
        assert_false(lease_clock_is_sure(&clock, at(1000)));
        assert_true(welcome(&clock, 1001));
        assert_true(lease_clock_is_sure(&clock, at(1001)));
        lease_clock_on_doubt(&clock);
        assert_false(lease_clock_is_sure(&clock, at(1002)));
}

static void a_welcome_proves_life_from_its_hello(void **state) {
        struct lease_clock clock = {0};

        hello(&clock, 1000);
        assert_true(welcome(&clock, 4000));
        assert_true(lease_clock_is_sure(&clock, at(1000 + LEASE_MS - 1)));
        assert_false(lease_clock_is_sure(&clock, at(1000 + LEASE_MS)));
}

static void a_welcome_that_waited_for_a_lease_is_none(void **state) {
        struct lease_clock clock = {0};

        hello(&clock, 1000);
        assert_false(welcome(&clock, 1000 + LEASE_MS));
        assert_false(lease_clock_is_sure(&clock, at(1000 + LEASE_MS)));
        hello(&clock, 6000);
        assert_true(welcome(&clock, 6001));
}

static void each_welcome_answers_its_own_hello(void **state) {
        struct lease_clock clock = {0};

        hello(&clock, 1000);
        hello(&clock, 2000);
        /* Stopped until 10000; both were answered meanwhile. */
        assert_false(welcome(&clock, 10000));
        hello(&clock, 10000);
        assert_false(welcome(&clock, 10001));
        hello(&clock, 10001);
        assert_true(welcome(&clock, 10002));
        assert_false(lease_clock_is_sure(&clock, at(10000 + LEASE_MS)));
}

static void hellos_that_were_lost_only_cost_a_few_more(void **state) {
        struct lease_clock clock = {0};
        int64_t ms = 100000;
        int n = 0;

        for (int i = 0; i < 1000; i++)
                hello(&clock, i);
        hello(&clock, ms);
        while (!welcome(&clock, ms + 1)) {
                hello(&clock, ++ms);
                assert_true(++n <= LEASE_CLOCK_HELLOS_MAX);
        }
        assert_true(lease_clock_is_sure(&clock, at(ms)));
}

static void a_welcome_nobody_asked_for_changes_nothing(void **state) {
        struct lease_clock clock = {0};

        assert_false(welcome(&clock, 1));
        assert_false(lease_clock_is_sure(&clock, at(1)));
        hello(&clock, 2);
        assert_true(welcome(&clock, 3));
        assert_true(welcome(&clock, 4000));
        assert_false(lease_clock_is_sure(&clock, at(2 + LEASE_MS)));
}

static void alive_is_good_for_a_lease_from_when_they_were_found_to_stand(void **state) {
        struct lease_clock clock = {0};

        hello(&clock, 1000);
        assert_true(welcome(&clock, 1001));
        lease_clock_on_alive_sent(&clock, at(3000));
        assert_true(lease_clock_is_sure(&clock, at(3000 + LEASE_MS - 1)));
        assert_false(lease_clock_is_sure(&clock, at(3000 + LEASE_MS)));
}

static void a_connection_found_cut_takes_back_what_may_not_have_left(void **state) {
        struct lease_clock clock = {0};
        int64_t found = 5000;

        hello(&clock, 1000);
        assert_true(welcome(&clock, 1001));
        lease_clock_on_alive_sent(&clock, at(4000));
        lease_clock_on_unsent(&clock, at(found));
        assert_true(lease_clock_is_sure(&clock, at(found - LIMIT_LINK_SILENCE_MS + LEASE_MS - 1)));
        assert_false(lease_clock_is_sure(&clock, at(found - LIMIT_LINK_SILENCE_MS + LEASE_MS)));
        /* Found again and again: that proves nothing more. */
        lease_clock_on_unsent(&clock, at(found + 1000));
        assert_false(lease_clock_is_sure(&clock, at(found - LIMIT_LINK_SILENCE_MS + LEASE_MS)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(before_it_is_welcome_nothing_is_sure),
                cmocka_unit_test(a_welcome_proves_life_from_its_hello),
                cmocka_unit_test(a_welcome_that_waited_for_a_lease_is_none),
                cmocka_unit_test(each_welcome_answers_its_own_hello),
                cmocka_unit_test(hellos_that_were_lost_only_cost_a_few_more),
                cmocka_unit_test(a_welcome_nobody_asked_for_changes_nothing),
                cmocka_unit_test(alive_is_good_for_a_lease_from_when_they_were_found_to_stand),
                cmocka_unit_test(a_connection_found_cut_takes_back_what_may_not_have_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
