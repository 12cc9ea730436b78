#include "worker/loop.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/loop_private.h"

#include <netdb.h>

struct loop_signal {
        uv_signal_t uv;
        struct loop_signal *next;
        void (*on_signal)(void *context, int signal);
        void *context;
};

static void raise_descriptors(struct loop *loop) {
        struct rlimit raised;

        ENSURE(getrlimit(RLIMIT_NOFILE, &loop->descriptors) == 0);
        raised = loop->descriptors;
        raised.rlim_cur = raised.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
                log_warning("descriptors", LOG_TEXT("why", "the limit of open files could not be raised"));
}

/* Each run logs two lines: those of a turn are written together. */
static void on_sleep(uv_prepare_t *uv) { log_flush(); }

struct loop *loop_new(void) {
        struct loop *loop = memory_new(1, sizeof *loop);

        raise_descriptors(loop);
        ENSURE(uv_loop_init(&loop->uv) == 0);
        ENSURE(uv_timer_init(&loop->uv, &loop->timer) == 0);
        loop->timer.data = loop;
        ENSURE(uv_prepare_init(&loop->uv, &loop->before_sleep) == 0);
        ENSURE(uv_prepare_start(&loop->before_sleep, on_sleep) == 0);
        loop->armed = MONO_NEVER;
        return loop;
}

void loop_run(struct loop *loop) {
        log_hold(true);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        log_hold(false);
}

void loop_stop(struct loop *loop) { uv_stop(&loop->uv); }

static void free_handle(uv_handle_t *handle) { free(handle->data); }

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        while (loop->signals) {
                struct loop_signal *signal = loop->signals;

                loop->signals = signal->next;
                uv_close((uv_handle_t *)&signal->uv, free_handle);
        }
        loop_program_kill_all(loop);
        uv_close((uv_handle_t *)&loop->timer, NULL);
        uv_close((uv_handle_t *)&loop->before_sleep, NULL);
        /* Handles close in the loop's next turns. */
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        ENSURE(uv_loop_close(&loop->uv) == 0);
        deadlines_done(&loop->deadlines);
        free(loop);
        return NULL;
}

uint64_t loop_delay_ms(struct mono now, struct mono due) {
        int64_t us = mono_since(due, now).us;

        return us <= 0 ? 0 : (uint64_t)us / 1000 + 1;
}

/* -- timers -------------------------------------------------------------------------------------------------------- */

struct loop_timer {
        struct deadline deadline;
        struct loop *loop;
        void (*on_time)(void *context);
        void *context;
};

static void on_uv_timer(uv_timer_t *uv);

/* One timer of libuv's for all of ours. It is never put off: gone off too early, it looks and waits again. */
static void arm(struct loop *loop) {
        struct mono next = deadlines_next(&loop->deadlines);

        if (!mono_is_before(next, loop->armed))
                return;
        loop->armed = next;
        /* The loop's idea of the time is that of the beginning of its turn. */
        uv_update_time(&loop->uv);
        ENSURE(uv_timer_start(&loop->timer, on_uv_timer, loop_delay_ms(clock_mono(), next), 0) == 0);
}

/* What becomes due while others are called has its turn the next time. */
static void on_uv_timer(uv_timer_t *uv) {
        struct loop *loop = uv->data;
        struct mono now = clock_mono();
        struct deadline *due;

        loop->armed = MONO_NEVER;
        while ((due = deadlines_pop(&loop->deadlines, now))) {
                struct loop_timer *timer = (struct loop_timer *)due;

                timer->on_time(timer->context);
        }
        arm(loop);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_time)(void *context), void *context) {
        struct loop_timer *timer = memory_new(1, sizeof *timer);

        *timer = (struct loop_timer){
                .deadline = {.due = MONO_NEVER}, .loop = loop, .on_time = on_time, .context = context};
        return timer;
}

void loop_timer_set(struct loop_timer *timer, struct mono now, struct mono due) {
        deadlines_set(&timer->loop->deadlines, &timer->deadline, due);
        /* Which asks the clock itself, if it has to: `now` may be from before this process was stopped. */
        arm(timer->loop);
}

struct loop_timer *loop_timer_free(struct loop_timer *timer) {
        if (timer)
                deadlines_set(&timer->loop->deadlines, &timer->deadline, MONO_NEVER);
        free(timer);
        return NULL;
}

/* -- before it sleeps ---------------------------------------------------------------------------------------------- */

struct loop_hook {
        uv_prepare_t uv;
        void (*on_turn_end)(void *context);
        void *context;
};

struct loop_hook *loop_hook_new(struct loop *loop, void (*on_turn_end)(void *context), void *context) {
        struct loop_hook *hook = memory_new(1, sizeof *hook);

        hook->on_turn_end = on_turn_end;
        hook->context = context;
        hook->uv.data = hook;
        ENSURE(uv_prepare_init(&loop->uv, &hook->uv) == 0);
        return hook;
}

static void on_prepare(uv_prepare_t *uv) {
        struct loop_hook *hook = uv->data;

        uv_prepare_stop(uv);
        hook->on_turn_end(hook->context);
}

void loop_hook_set(struct loop_hook *hook) { ENSURE(uv_prepare_start(&hook->uv, on_prepare) == 0); }

struct loop_hook *loop_hook_free(struct loop_hook *hook) {
        if (hook)
                uv_close((uv_handle_t *)&hook->uv, free_handle);
        return NULL;
}

/* -- descriptors --------------------------------------------------------------------------------------------------- */

struct loop_watch {
        uv_poll_t uv;
        void (*on_ready)(void *context, int events);
        void *context;
        int events;
};

struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*on_ready)(void *context, int events),
                                  void *context) {
        struct loop_watch *watch = memory_new(1, sizeof *watch);

        watch->on_ready = on_ready;
        watch->context = context;
        watch->uv.data = watch;
        ENSURE(uv_poll_init(&loop->uv, &watch->uv, fd) == 0);
        return watch;
}

static void on_poll(uv_poll_t *uv, int status, int events) {
        struct loop_watch *watch = uv->data;
        int ready = (events & UV_READABLE ? LOOP_READ : 0) | (events & UV_WRITABLE ? LOOP_WRITE : 0);

        watch->on_ready(watch->context, status < 0 ? LOOP_READ | LOOP_WRITE : ready);
}

void loop_watch_set(struct loop_watch *watch, int events) {
        int wanted = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);

        if (events == watch->events)
                return;
        watch->events = events;
        if (wanted == 0)
                uv_poll_stop(&watch->uv);
        else
                ENSURE(uv_poll_start(&watch->uv, wanted, on_poll) == 0);
}

struct loop_watch *loop_watch_free(struct loop_watch *watch) {
        if (!watch)
                return NULL;
        uv_poll_stop(&watch->uv);
        uv_close((uv_handle_t *)&watch->uv, free_handle);
        return NULL;
}

/* -- signals ------------------------------------------------------------------------------------------------------- */

static void on_uv_signal(uv_signal_t *uv, int signal) {
        struct loop_signal *self = uv->data;

        self->on_signal(self->context, signal);
}

void loop_on_signal(struct loop *loop, int signal, void (*on_signal)(void *context, int signal), void *context) {
        struct loop_signal *self = memory_new(1, sizeof *self);

        self->on_signal = on_signal;
        self->context = context;
        self->uv.data = self;
        self->next = loop->signals;
        loop->signals = self;
        ENSURE(uv_signal_init(&loop->uv, &self->uv) == 0);
        ENSURE(uv_signal_start(&self->uv, on_uv_signal, signal) == 0);
}

/* -- names --------------------------------------------------------------------------------------------------------- */

struct loop_lookup {
        uv_getaddrinfo_t uv;
        void (*on_found)(void *context, const char *address, const char *why); /* NULL = freed meanwhile */
        void *context;
        uint32_t turn;
};

static const struct addrinfo *address_of_turn(const struct addrinfo *found, uint32_t turn) {
        const struct addrinfo *address = found;
        uint32_t n = 0;

        for (const struct addrinfo *each = found; each; each = each->ai_next)
                n++;
        for (uint32_t i = 0; i < turn % n; i++)
                address = address->ai_next;
        return address;
}

static int print_address(const struct addrinfo *address, char text[NI_MAXHOST]) {
        int r = getnameinfo(address->ai_addr, address->ai_addrlen, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);

        return r == 0 ? 0 : UV_EAI_FAIL;
}

static void on_looked_up(uv_getaddrinfo_t *uv, int status, struct addrinfo *found) {
        struct loop_lookup *lookup = uv->data;
        char address[NI_MAXHOST];

        if (status == 0)
                status = print_address(address_of_turn(found, lookup->turn), address);
        if (lookup->on_found && status == 0)
                lookup->on_found(lookup->context, address, NULL);
        else if (lookup->on_found)
                lookup->on_found(lookup->context, NULL, uv_strerror(status));
        uv_freeaddrinfo(found);
        free(lookup);
}

struct loop_lookup *loop_lookup_new(struct loop *loop, const char *host, uint32_t turn,
                                    void (*on_found)(void *context, const char *address, const char *why),
                                    void *context) {
        struct loop_lookup *lookup = memory_new(1, sizeof *lookup);
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

        lookup->on_found = on_found;
        lookup->context = context;
        lookup->turn = turn;
        lookup->uv.data = lookup;
        ENSURE(uv_getaddrinfo(&loop->uv, &lookup->uv, on_looked_up, host, NULL, &hints) == 0);
        return lookup;
}

struct loop_lookup *loop_lookup_free(struct loop_lookup *lookup) {
        if (!lookup)
                return NULL;
        lookup->on_found = NULL;
        /* When a thread has begun it cannot be stopped; the result is then thrown away. */
        uv_cancel((uv_req_t *)&lookup->uv);
        return NULL;
}
