#include "broker/store/beside.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <pthread.h>
#include <signal.h>

struct beside {
        enum beside_kind kind;
        bool has_thread;
        pthread_t thread;
        pthread_mutex_t lock; /* of what follows */
        pthread_cond_t changed;
        void (*job)(void *context); /* NULL = none is under way */
        void *context;
        bool is_ending;
        int n_asked; /* whether it is done: of a job that is done later */
};

static void lock(struct beside *beside) { ENSURE(pthread_mutex_lock(&beside->lock) == 0); }
static void unlock(struct beside *beside) { ENSURE(pthread_mutex_unlock(&beside->lock) == 0); }
static void wait_for_change(struct beside *beside) { ENSURE(pthread_cond_wait(&beside->changed, &beside->lock) == 0); }
static void tell_change(struct beside *beside) { ENSURE(pthread_cond_broadcast(&beside->changed) == 0); }

struct beside *beside_new(enum beside_kind kind) {
        struct beside *beside = memory_new(1, sizeof *beside);

        beside->kind = kind;
        ENSURE(pthread_mutex_init(&beside->lock, NULL) == 0 && pthread_cond_init(&beside->changed, NULL) == 0);
        return beside;
}

/* -- the thread ---------------------------------------------------------------------------------------------------- */

static void *work(void *context) {
        struct beside *beside = context;

        lock(beside);
        for (;;) {
                while (!beside->job && !beside->is_ending)
                        wait_for_change(beside);
                if (!beside->job)
                        break;
                unlock(beside);
                beside->job(beside->context); /* nobody changes them while it is under way */
                lock(beside);
                beside->job = NULL;
                tell_change(beside);
        }
        unlock(beside);
        return NULL;
}

/* With the first job; without a thread it is done later. */
static void start(struct beside *beside) {
        sigset_t all, before;

        sigfillset(&all);
        ENSURE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
        beside->has_thread = pthread_create(&beside->thread, NULL, work, beside) == 0;
        ENSURE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
        if (!beside->has_thread)
                beside->kind = BESIDE_LATER;
}

struct beside *beside_free(struct beside *beside) {
        if (!beside)
                return NULL;
        if (beside->has_thread) {
                lock(beside);
                beside->is_ending = true;
                tell_change(beside);
                unlock(beside);
                ENSURE(pthread_join(beside->thread, NULL) == 0);
        }
        pthread_cond_destroy(&beside->changed);
        pthread_mutex_destroy(&beside->lock);
        free(beside);
        return NULL;
}

/* -- jobs ---------------------------------------------------------------------------------------------------------- */

void beside_begin(struct beside *beside, void (*job)(void *context), void *context) {
        if (beside->kind == BESIDE_THREAD && !beside->has_thread)
                start(beside);
        lock(beside);
        ENSURE(!beside->job);
        beside->job = job;
        beside->context = context;
        beside->n_asked = 0;
        tell_change(beside);
        unlock(beside);
}

static void do_later(struct beside *beside) {
        if (beside->job)
                beside->job(beside->context);
        beside->job = NULL;
}

bool beside_is_done(struct beside *beside) {
        bool is_done;

        if (beside->kind == BESIDE_LATER && ++beside->n_asked >= BESIDE_LATE)
                do_later(beside);
        lock(beside);
        is_done = !beside->job;
        unlock(beside);
        return is_done;
}

void beside_wait(struct beside *beside) {
        if (beside->kind == BESIDE_LATER)
                do_later(beside);
        lock(beside);
        while (beside->job)
                wait_for_change(beside);
        unlock(beside);
}
