/* Crowds of the loop: many descriptors that are looked at together, and not more often than is worth it. */
#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "worker/loop_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* What one look takes in; the rest is there for the next. */
enum { READY_MAX = 256 };
/* To be woken costs as much as it does to read what is there. Where thousands of streams bring a word each now and
 * then, none of them misses a millisecond for every so many of them, and not more than so many. */
enum { REST_SHARE = 1000, REST_MAX_MS = 5 };

struct loop_crowd {
        int fd; /* an epoll of its own, which the loop watches as one descriptor */
        int64_t n;
        struct loop_watch *watch;
        struct loop_timer *timer; /* while it rests */
        void (*on_ready)(void *context, int fd, int events);
        void *context;
};

static int events_of(uint32_t ready) {
        uint32_t failed = ready & (EPOLLERR | EPOLLHUP);

        return (ready & EPOLLIN || failed ? LOOP_READ : 0) | (ready & EPOLLOUT || failed ? LOOP_WRITE : 0);
}

/* How many were ready. One that was forgotten by the callback of another is called all the same. */
static int look(struct loop_crowd *crowd) {
        struct epoll_event ready[READY_MAX];
        int n = epoll_wait(crowd->fd, ready, READY_MAX, 0);

        for (int i = 0; i < n; i++)
                crowd->on_ready(crowd->context, ready[i].data.fd, events_of(ready[i].events));
        return n;
}

/* After a look that left nothing behind. */
static void rest(struct loop_crowd *crowd) {
        struct mono now = clock_mono();
        int64_t ms = crowd->n / REST_SHARE;

        if (ms == 0)
                return;
        loop_watch_set(crowd->watch, 0);
        loop_timer_set(crowd->timer, now, mono_add(now, span_ms(ms < REST_MAX_MS ? ms : REST_MAX_MS)));
}

static void on_watch_ready(void *context, int events) {
        struct loop_crowd *crowd = context;

        if (look(crowd) < READY_MAX)
                rest(crowd);
}

/* It has rested. When nothing came meanwhile, the next that comes is called at once. */
static void on_rested(void *context) {
        struct loop_crowd *crowd = context;
        int n = look(crowd);

        if (n > 0 && n < READY_MAX && crowd->n >= REST_SHARE)
                rest(crowd);
        else
                loop_watch_set(crowd->watch, LOOP_READ);
}

struct loop_crowd *loop_crowd_new(struct loop *loop, void (*on_ready)(void *context, int fd, int events),
                                  void *context) {
        struct loop_crowd *crowd = memory_new(1, sizeof *crowd);

        crowd->fd = epoll_create1(EPOLL_CLOEXEC);
        ENSURE(crowd->fd >= 0);
        crowd->on_ready = on_ready;
        crowd->context = context;
        crowd->timer = loop_timer_new(loop, on_rested, crowd);
        crowd->watch = loop_watch_new(loop, crowd->fd, on_watch_ready, crowd);
        loop_watch_set(crowd->watch, LOOP_READ);
        return crowd;
}

void loop_crowd_set(struct loop_crowd *crowd, int fd, int events) {
        struct epoll_event wanted = {
                .events = (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u), .data.fd = fd};

        if (events == 0) {
                crowd->n -= epoll_ctl(crowd->fd, EPOLL_CTL_DEL, fd, NULL) == 0;
        } else if (epoll_ctl(crowd->fd, EPOLL_CTL_MOD, fd, &wanted) < 0) {
                ENSURE(errno == ENOENT && epoll_ctl(crowd->fd, EPOLL_CTL_ADD, fd, &wanted) == 0);
                crowd->n++;
        }
}

struct loop_crowd *loop_crowd_free(struct loop_crowd *crowd) {
        loop_watch_free(crowd->watch);
        loop_timer_free(crowd->timer);
        close(crowd->fd);
        free(crowd);
        return NULL;
}
