#include "tests/unit/unit.h"

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

/* Welcome at `ms`, by a HELLO of then. */
static struct lease_clock welcomed(int64_t ms) {
        struct lease_clock clock = {0};

        hello(&clock, ms);
        assert_true(welcome(&clock, ms + 1));
        return clock;
}

/* Its beat. */
static uint64_t alive(struct lease_clock *clock, int64_t ms) {
        uint64_t beat = lease_clock_next_beat(clock);

        lease_clock_on_alive_sent(clock, at(ms));
        return beat;
}

/* Sure until a lease from then, and no longer. */
static void expect_proven(const struct lease_clock *clock, int64_t ms) {
        assert_true(lease_clock_is_sure(clock, at(ms + LEASE_MS - 1)));
        assert_false(lease_clock_is_sure(clock, at(ms + LEASE_MS)));
}

static void an_alive_proves_nothing_until_it_is_heard(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t beat = alive(&clock, 3000);

        expect_proven(&clock, 1000);
        lease_clock_on_heard(&clock, beat);
        expect_proven(&clock, 3000);
}

static void what_was_lost_though_the_connection_healed_proves_nothing(void **state) {
        struct lease_clock clock = welcomed(1000);

        lease_clock_on_heard(&clock, alive(&clock, 2000));
        alive(&clock, 3000);
        lease_clock_on_heard(&clock, alive(&clock, 4000));
        alive(&clock, 5000);
        alive(&clock, 6000);
        expect_proven(&clock, 4000);
}

static void heard_late_it_proves_life_from_when_it_was_sent(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t beat = alive(&clock, 2000);

        assert_false(lease_clock_is_sure(&clock, at(9000))); /* stopped meanwhile */
        lease_clock_on_heard(&clock, beat);
        assert_false(lease_clock_is_sure(&clock, at(9000)));
        expect_proven(&clock, 2000);
}

static void heard_twice_or_in_another_order_changes_nothing(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t first = alive(&clock, 2000), second = alive(&clock, 3000);

        lease_clock_on_heard(&clock, second);
        lease_clock_on_heard(&clock, first);
        lease_clock_on_heard(&clock, second);
        expect_proven(&clock, 3000);
}

static void beats_that_were_never_sent_are_not_believed(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t beat = alive(&clock, 2000);

        lease_clock_on_heard(&clock, 0);
        lease_clock_on_heard(&clock, beat + 1);
        lease_clock_on_heard(&clock, UINT64_MAX);
        expect_proven(&clock, 1000);
}

static void the_oldest_of_many_that_are_under_way_is_forgotten(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t first = alive(&clock, 2000), second = alive(&clock, 2001);

        for (int i = 2; i <= LEASE_CLOCK_BEATS_MAX; i++)
                alive(&clock, 2000 + i);
        lease_clock_on_heard(&clock, first);
        expect_proven(&clock, 1000);
        lease_clock_on_heard(&clock, second);
        expect_proven(&clock, 2001);
}

static void beats_from_before_a_hello_prove_nothing(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t beat = alive(&clock, 2000);

        hello(&clock, 2500);
        lease_clock_on_heard(&clock, beat);
        assert_false(lease_clock_is_sure(&clock, at(2600)));
        assert_true(welcome(&clock, 2700));
        lease_clock_on_heard(&clock, beat);
        expect_proven(&clock, 2500);
        assert_true(lease_clock_next_beat(&clock) > beat);
}

/* Of this lease. */
static void expect_good(const struct lease_clock *clock, const struct lease_mark *mark, int64_t ms) {
        assert_true(lease_clock_is_sure_of(clock, mark, at(ms + LEASE_MS - 1)));
        assert_false(lease_clock_is_sure_of(clock, mark, at(ms + LEASE_MS)));
}

static void an_alive_proves_nothing_of_a_lease_that_it_does_not_name(void **state) {
        struct lease_clock clock = welcomed(1000);
        uint64_t before = alive(&clock, 2000);
        struct lease_mark mark = lease_clock_mark(&clock);
        uint64_t after = alive(&clock, 3000);

        lease_clock_on_heard(&clock, before);
        expect_proven(&clock, 2000);
        expect_good(&clock, &mark, 1000);
        lease_clock_on_heard(&clock, after);
        expect_good(&clock, &mark, 3000);
}

static void a_hello_names_every_lease(void **state) {
        struct lease_clock clock = welcomed(1000);
        struct lease_mark mark = lease_clock_mark(&clock);

        expect_good(&clock, &mark, 1000);
        hello(&clock, 2000);
        assert_false(lease_clock_is_sure_of(&clock, &mark, at(2001)));
        assert_true(welcome(&clock, 2001));
        expect_good(&clock, &mark, 2000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(before_it_is_welcome_nothing_is_sure),
                cmocka_unit_test(a_welcome_proves_life_from_its_hello),
                cmocka_unit_test(a_welcome_that_waited_for_a_lease_is_none),
                cmocka_unit_test(each_welcome_answers_its_own_hello),
                cmocka_unit_test(hellos_that_were_lost_only_cost_a_few_more),
                cmocka_unit_test(a_welcome_nobody_asked_for_changes_nothing),
                cmocka_unit_test(an_alive_proves_nothing_until_it_is_heard),
                cmocka_unit_test(what_was_lost_though_the_connection_healed_proves_nothing),
                cmocka_unit_test(heard_late_it_proves_life_from_when_it_was_sent),
                cmocka_unit_test(heard_twice_or_in_another_order_changes_nothing),
                cmocka_unit_test(beats_that_were_never_sent_are_not_believed),
                cmocka_unit_test(the_oldest_of_many_that_are_under_way_is_forgotten),
                cmocka_unit_test(beats_from_before_a_hello_prove_nothing),
                cmocka_unit_test(an_alive_proves_nothing_of_a_lease_that_it_does_not_name),
                cmocka_unit_test(a_hello_names_every_lease),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
