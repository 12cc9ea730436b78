/* A job beside the loop: done once, by a thread or late, and nobody goes on before it is. */
#include "tests/unit/unit.h"

#include "broker/store/beside.h"

#include <pthread.h>

struct work {
        int n;
        pthread_t by;
};

static void do_work(void *context) {
        struct work *work = context;

        work->n++;
        work->by = pthread_self();
}

static bool is_mine(const struct work *work) { return pthread_equal(work->by, pthread_self()); }

static void a_thread_does_one_job_after_the_other(void **state) {
        struct beside *beside = beside_new(BESIDE_THREAD);
        struct work work = {0};

        assert_true(beside_is_done(beside));
        for (int i = 1; i <= 100; i++) {
                beside_begin(beside, do_work, &work);
                beside_wait(beside);
                assert_true(beside_is_done(beside));
                assert_int_equal(work.n, i);
                assert_false(is_mine(&work));
        }
        beside_free(beside);
}

static void a_job_under_way_is_waited_for_in_the_end(void **state) {
        struct beside *beside = beside_new(BESIDE_THREAD);
        struct work work = {0};

        beside_begin(beside, do_work, &work);
        beside_free(beside);
        assert_int_equal(work.n, 1);
}

static void what_is_done_later_is_done_when_it_is_waited_for(void **state) {
        struct beside *beside = beside_new(BESIDE_LATER);
        struct work work = {0};

        beside_begin(beside, do_work, &work);
        assert_false(beside_is_done(beside));
        assert_int_equal(work.n, 0);
        beside_wait(beside);
        assert_int_equal(work.n, 1);
        assert_true(is_mine(&work) && beside_is_done(beside));
        beside_free(beside);
}

static void or_when_it_was_asked_for_often_enough(void **state) {
        struct beside *beside = beside_new(BESIDE_LATER);
        struct work work = {0};

        for (int i = 1; i <= 3; i++) {
                beside_begin(beside, do_work, &work);
                for (int asked = 1; asked < BESIDE_LATE; asked++)
                        assert_false(beside_is_done(beside));
                assert_true(beside_is_done(beside));
                assert_int_equal(work.n, i);
        }
        beside_free(beside);
        assert_null(beside_free(NULL));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_thread_does_one_job_after_the_other),
                cmocka_unit_test(a_job_under_way_is_waited_for_in_the_end),
                cmocka_unit_test(what_is_done_later_is_done_when_it_is_waited_for),
                cmocka_unit_test(or_when_it_was_asked_for_often_enough),
        };

        return cmocka_run_group_tests_name("broker/store/beside", tests, NULL, NULL);
}
