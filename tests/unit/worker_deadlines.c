#include "tests/unit/unit.h"

#include "worker/core/deadlines.h"

enum { MANY = 300 };

static struct mono at(int64_t us) { return (struct mono){us}; }

static void the_earliest_comes_first(void **state) {
        struct deadlines deadlines = {0};
        struct deadline many[MANY] = {0};
        int64_t before = -1;

        for (int i = 0; i < MANY; i++)
                deadlines_set(&deadlines, &many[i], at(i * 7919 % MANY));
        for (int i = 0; i < MANY; i++) {
                struct mono next = deadlines_next(&deadlines);

                assert_null(deadlines_pop(&deadlines, at(next.us - 1)));
                assert_non_null(deadlines_pop(&deadlines, next));
                assert_true(next.us >= before);
                before = next.us;
        }
        assert_int_equal(deadlines_next(&deadlines).us, MONO_NEVER.us);
        deadlines_done(&deadlines);
}

static void one_that_is_put_off_comes_at_its_new_time_and_no_other(void **state) {
        struct deadlines deadlines = {0};
        struct deadline late = {0}, early = {0};

        deadlines_set(&deadlines, &late, at(10));
        deadlines_set(&deadlines, &early, at(20));
        deadlines_set(&deadlines, &late, at(30));
        assert_int_equal(deadlines_next(&deadlines).us, 10);
        assert_null(deadlines_pop(&deadlines, at(19)));
        assert_int_equal(deadlines_next(&deadlines).us, 20);
        assert_ptr_equal(deadlines_pop(&deadlines, at(29)), &early);
        assert_null(deadlines_pop(&deadlines, at(29)));
        assert_ptr_equal(deadlines_pop(&deadlines, at(30)), &late);
        assert_null(deadlines_pop(&deadlines, at(100)));
        deadlines_done(&deadlines);
}

static void one_that_is_brought_forward_comes_earlier(void **state) {
        struct deadlines deadlines = {0};
        struct deadline many[MANY] = {0};

        for (int i = 0; i < MANY; i++)
                deadlines_set(&deadlines, &many[i], at(1000 + i));
        deadlines_set(&deadlines, &many[MANY - 1], at(5));
        assert_int_equal(deadlines_next(&deadlines).us, 5);
        assert_ptr_equal(deadlines_pop(&deadlines, at(5)), &many[MANY - 1]);
        deadlines_done(&deadlines);
}

static void one_that_is_unset_never_comes(void **state) {
        struct deadlines deadlines = {0};
        struct deadline many[MANY] = {0};
        int n = 0;

        for (int i = 0; i < MANY; i++)
                deadlines_set(&deadlines, &many[i], at(i * 31 % MANY));
        for (int i = 0; i < MANY; i += 2)
                deadlines_set(&deadlines, &many[i], MONO_NEVER);
        deadlines_set(&deadlines, &many[0], MONO_NEVER);
        for (struct deadline *one; (one = deadlines_pop(&deadlines, at(MANY))); n++)
                assert_int_equal((one - many) % 2, 1);
        assert_int_equal(n, MANY / 2);
        deadlines_done(&deadlines);
}

static void what_has_come_can_be_set_again(void **state) {
        struct deadlines deadlines = {0};
        struct deadline one = {0};

        for (int64_t us = 1; us < 100; us++) {
                deadlines_set(&deadlines, &one, at(us));
                assert_ptr_equal(deadlines_pop(&deadlines, at(us)), &one);
                assert_int_equal(one.due.us, MONO_NEVER.us);
        }
        deadlines_done(&deadlines);
}

/* Against a list that is searched from end to end. */
static void any_order_of_changes_gives_what_a_list_gives(void **state) {
        struct deadlines deadlines = {0};
        struct deadline many[MANY] = {0};
        int64_t due[MANY];
        uint32_t dice = 1;

        for (int i = 0; i < MANY; i++)
                due[i] = MONO_NEVER.us;
        for (int64_t now = 0; now < 20000; now++) {
                struct deadline *one;
                int which;

                dice = dice * 1664525 + 1013904223;
                which = (int)(dice >> 8) % MANY;
                due[which] = dice % 5 == 0 ? MONO_NEVER.us : now + (int64_t)(dice >> 16) % 500;
                deadlines_set(&deadlines, &many[which], at(due[which]));
                while ((one = deadlines_pop(&deadlines, at(now)))) {
                        assert_true(due[one - many] <= now);
                        due[one - many] = MONO_NEVER.us;
                }
                for (int i = 0; i < MANY; i++)
                        assert_true(due[i] > now);
        }
        deadlines_done(&deadlines);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_earliest_comes_first),
                cmocka_unit_test(one_that_is_put_off_comes_at_its_new_time_and_no_other),
                cmocka_unit_test(one_that_is_brought_forward_comes_earlier),
                cmocka_unit_test(one_that_is_unset_never_comes),
                cmocka_unit_test(what_has_come_can_be_set_again),
                cmocka_unit_test(any_order_of_changes_gives_what_a_list_gives),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
