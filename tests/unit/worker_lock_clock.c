#include "tests/unit/unit.h"

#include "worker/core/lock_clock.h"

static struct mono at(int64_t ms) { return (struct mono){ms * 1000}; }

static void before_it_is_granted_it_is_not_ours(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(30));
        lock_clock_on_ask(&clock, at(1000));
        assert_false(lock_clock_is_ours(&clock, at(0)));
        assert_int_equal(lock_clock_extend_at(&clock).us, MONO_NEVER.us);
}

static void it_counts_from_before_the_command_was_sent(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(30));
        lock_clock_on_ask(&clock, at(1000));
        lock_clock_on_grant(&clock, at(1000));
        /* 2 ms and a hundredth of 30 s before the end. */
        assert_int_equal(lock_clock_deadline(&clock).us, at(1000 + 30000 - 2 - 300).us);
        assert_true(lock_clock_is_ours(&clock, at(30697)));
        assert_false(lock_clock_is_ours(&clock, at(30698)));
}

static void the_worst_round_trip_shortens_it(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(30));
        lock_clock_on_ask(&clock, at(0));
        lock_clock_on_grant(&clock, at(700));
        assert_int_equal(lock_clock_deadline(&clock).us, at(30000 - 2 - 300 - 700).us);
        lock_clock_on_ask(&clock, at(10000));
        lock_clock_on_grant(&clock, at(10001));
        assert_int_equal(lock_clock_deadline(&clock).us, at(40000 - 2 - 300 - 700).us);
}

static void a_round_trip_takes_a_tenth_of_the_time_to_live_at_most(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(10));
        lock_clock_on_ask(&clock, at(0));
        lock_clock_on_grant(&clock, at(5000));
        assert_int_equal(lock_clock_deadline(&clock).us, at(10000 - 2 - 100 - 1000).us);
}

static void it_is_extended_every_third(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(6));
        lock_clock_on_ask(&clock, at(0));
        lock_clock_on_grant(&clock, at(1));
        assert_int_equal(lock_clock_extend_at(&clock).us, at(2000).us);
        lock_clock_on_ask(&clock, at(2000));
        assert_int_equal(lock_clock_extend_at(&clock).us, MONO_NEVER.us);
        lock_clock_on_grant(&clock, at(2001));
        assert_int_equal(lock_clock_extend_at(&clock).us, at(4000).us);
}

static void an_unknown_answer_is_asked_for_again_and_changes_no_deadline(void **state) {
        struct lock_clock clock;
        struct mono deadline;

        lock_clock_init(&clock, span_s(6));
        lock_clock_on_ask(&clock, at(0));
        lock_clock_on_grant(&clock, at(1));
        deadline = lock_clock_deadline(&clock);
        lock_clock_on_ask(&clock, at(2000));
        lock_clock_on_unknown(&clock, at(3000));
        assert_int_equal(lock_clock_extend_at(&clock).us, at(3500).us);
        assert_int_equal(lock_clock_deadline(&clock).us, deadline.us);
}

static void a_lost_lock_is_not_ours_any_more(void **state) {
        struct lock_clock clock;

        lock_clock_init(&clock, span_s(6));
        lock_clock_on_ask(&clock, at(0));
        lock_clock_on_grant(&clock, at(1));
        lock_clock_on_loss(&clock);
        assert_false(lock_clock_is_ours(&clock, at(2)));
        assert_int_equal(lock_clock_extend_at(&clock).us, MONO_NEVER.us);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(before_it_is_granted_it_is_not_ours),
                cmocka_unit_test(it_counts_from_before_the_command_was_sent),
                cmocka_unit_test(the_worst_round_trip_shortens_it),
                cmocka_unit_test(a_round_trip_takes_a_tenth_of_the_time_to_live_at_most),
                cmocka_unit_test(it_is_extended_every_third),
                cmocka_unit_test(an_unknown_answer_is_asked_for_again_and_changes_no_deadline),
                cmocka_unit_test(a_lost_lock_is_not_ours_any_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
