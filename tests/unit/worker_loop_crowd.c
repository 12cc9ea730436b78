#include "tests/unit/unit.h"

#include "common/clock.h"
#include "worker/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* More than are looked at without a rest, and more than one look takes in. */
enum { MANY = 1200, FEW = 3, PATIENCE_S = 20 };

struct stage {
        struct loop *loop;
        struct loop_crowd *crowd;
        struct loop_timer *patience;
        int fds[MANY];
        int n_calls[MANY];
        int n, n_left; /* to be called */
        int n_rounds;
};

static int index_of(const struct stage *stage, int fd) {
        for (int i = 0; i < stage->n; i++)
                if (stage->fds[i] == fd)
                        return i;
        fail_msg("%d is none of the crowd", fd);
        return -1;
}

static void say(const struct stage *stage, int i) {
        const uint64_t one = 1;

        assert_int_equal(write(stage->fds[i], &one, sizeof one), sizeof one);
}

static void begin_round(struct stage *stage) {
        stage->n_left = stage->n;
        stage->n_rounds--;
        for (int i = 0; i < stage->n; i++)
                say(stage, i);
}

static void on_ready(void *context, int fd, int events) {
        struct stage *stage = context;
        uint64_t count;

        assert_int_equal(events, LOOP_READ);
        assert_int_equal(read(fd, &count, sizeof count), sizeof count);
        stage->n_calls[index_of(stage, fd)]++;
        if (--stage->n_left == 0 && stage->n_rounds > 0)
                begin_round(stage);
        else if (stage->n_left == 0)
                loop_stop(stage->loop);
}

static void on_patience_over(void *context) { fail_msg("some were not called"); }

static void stage_init(struct stage *stage, int n) {
        *stage = (struct stage){.loop = loop_new(), .n = n};
        stage->crowd = loop_crowd_new(stage->loop, on_ready, stage);
        stage->patience = loop_timer_new(stage->loop, on_patience_over, stage);
        loop_timer_set(stage->patience, clock_mono(), mono_add(clock_mono(), span_s(PATIENCE_S)));
        for (int i = 0; i < n; i++) {
                stage->fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
                assert_true(stage->fds[i] >= 0);
                loop_crowd_set(stage->crowd, stage->fds[i], LOOP_READ);
        }
}

static void stage_done(struct stage *stage) {
        loop_timer_free(stage->patience);
        loop_crowd_free(stage->crowd);
        for (int i = 0; i < stage->n; i++)
                close(stage->fds[i]);
        loop_free(stage->loop);
}

static void assert_called(const struct stage *stage, int n) {
        for (int i = 0; i < stage->n; i++)
                assert_int_equal(stage->n_calls[i], n);
}

static void each_of_a_few_is_called_when_it_is_ready(void **state) {
        struct stage stage;

        stage_init(&stage, FEW);
        stage.n_rounds = 10;
        begin_round(&stage);
        loop_run(stage.loop);
        assert_called(&stage, 10);
        stage_done(&stage);
}

static void each_of_many_is_called_whatever_came_while_the_crowd_rested(void **state) {
        struct stage stage;

        stage_init(&stage, MANY);
        stage.n_rounds = 10;
        begin_round(&stage);
        loop_run(stage.loop);
        assert_called(&stage, 10);
        stage_done(&stage);
}

/* What lies between is quiet: the crowd has stopped resting, and waits. */
static void on_pause_over(void *context) { begin_round(context); }

static void one_of_many_is_called_after_a_silence(void **state) {
        struct loop_timer *pause;
        struct stage stage;

        stage_init(&stage, MANY);
        stage.n_rounds = 1;
        pause = loop_timer_new(stage.loop, on_pause_over, &stage);
        loop_timer_set(pause, clock_mono(), mono_add(clock_mono(), span_ms(30)));
        loop_run(stage.loop);
        assert_called(&stage, 1);
        loop_timer_free(pause);
        stage_done(&stage);
}

static void what_was_forgotten_is_not_called_any_more_and_can_come_back(void **state) {
        struct stage stage;

        stage_init(&stage, FEW);
        loop_crowd_set(stage.crowd, stage.fds[0], 0);
        loop_crowd_set(stage.crowd, stage.fds[0], 0);
        stage.n_rounds = 1;
        begin_round(&stage);
        stage.n_left = FEW - 1;
        loop_run(stage.loop);
        assert_int_equal(stage.n_calls[0], 0);
        loop_crowd_set(stage.crowd, stage.fds[0], LOOP_READ);
        stage.n_left = 1;
        loop_run(stage.loop);
        assert_called(&stage, 1);
        stage_done(&stage);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_of_a_few_is_called_when_it_is_ready),
                cmocka_unit_test(each_of_many_is_called_whatever_came_while_the_crowd_rested),
                cmocka_unit_test(one_of_many_is_called_after_a_silence),
                cmocka_unit_test(what_was_forgotten_is_not_called_any_more_and_can_come_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
