/* Redis: the thread locks, in virtual time. Takes the place of worker/redis.c, the door to hiredis; what the three
 * scripts of a lock (worker/scripts.c) do is written down a second time here (that they do it is shown by the tests
 * with a real Redis). What else Redis remembers is not made up: whoever asks for it finds no connection. */
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/sim.h"
#include "worker/redis.h"
#include "worker/scripts.h"

#include <stdlib.h>
#include <string.h>

enum {
        TRIP_US = 100,
        TRIP_MAX_US = 20000,
        SLOW_US = 900000,
        LOCKS_MAX = SIM_ALL_THREADS,
};

struct redis {
        struct process *process;
};

struct redis_request {
        struct process *process;
        int script;
        char key[48], value[64];
        int64_t ttl_us, asked;
        void (*on_end)(void *context, const struct redis_answer *answer);
        void *context;
        struct redis_answer answer;
        bool is_freed, is_ended;
};

struct lock {
        char key[48], value[64];
        int64_t until; /* 0 = not held */
};

static struct {
        struct lock locks[LOCKS_MAX];
        uint32_t n;
        int64_t down_until;
        uint32_t generation; /* grows when its connections break */
} redis;

void redis_init(void) { memset(&redis, 0, sizeof redis); }

void redis_flush(void) { redis.n = 0; }

void redis_stop(int64_t until, bool is_emptied) {
        redis.down_until = until;
        redis.generation++;
        if (is_emptied)
                redis.n = 0;
}

/* Redis counts a key's time to live by the calendar. */
void redis_step_clock(int64_t ms) {
        for (uint32_t i = 0; i < redis.n; i++)
                redis.locks[i].until -= ms * 1000;
}

/* -- the scripts --------------------------------------------------------------------------------------------------- */

static struct lock *find(const char *key) {
        for (uint32_t i = 0; i < redis.n; i++)
                if (strcmp(redis.locks[i].key, key) == 0)
                        return &redis.locks[i];
        ENSURE(redis.n < LOCKS_MAX);
        redis.locks[redis.n] = (struct lock){0};
        strcpy(redis.locks[redis.n].key, key);
        return &redis.locks[redis.n++];
}

static int64_t evaluate(const struct redis_request *request) {
        struct lock *lock = find(request->key);
        bool is_held = lock->until > sim_time(), is_ours = is_held && strcmp(lock->value, request->value) == 0;

        if (request->script == SCRIPT_LOCK_ACQUIRE) {
                if (is_held && !is_ours && strncmp(lock->value, request->value, 20) >= 0)
                        return 0;
                strcpy(lock->value, request->value);
                lock->until = sim_time() + request->ttl_us;
                return 1;
        }
        if (!is_ours)
                return 0;
        if (request->script != SCRIPT_LOCK_NOTE)
                lock->until = request->script == SCRIPT_LOCK_EXTEND ? sim_time() + request->ttl_us : 0;
        return 1;
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

static bool is_grant(const struct redis_request *request) {
        return (request->script == SCRIPT_LOCK_ACQUIRE || request->script == SCRIPT_LOCK_EXTEND) &&
               request->answer.result == REDIS_ANSWERED && request->answer.number == 1;
}

static void on_answer(void *context, uint64_t generation) {
        struct redis_request *request = context;

        if (request->is_freed || request->is_ended)
                return;
        request->is_ended = true;
        sim_step(STEP_REDIS_ANSWER);
        if (generation != redis.generation)
                request->answer.result = REDIS_UNKNOWN;
        if (is_grant(request))
                check_on_locked(request->process, strtoull(request->value, NULL, 10), request->asked, request->ttl_us);
        request->on_end(request->context, &request->answer);
}

/* The answer does not come: after a while the worker gives the connection up. */
static void on_given_up(void *context, uint64_t generation) {
        struct redis_request *request = context;

        request->answer.result = REDIS_UNKNOWN;
        on_answer(request, generation);
}

static void on_script(void *context, uint64_t generation) {
        struct redis_request *request = context;

        if (sim_time() < redis.down_until || generation != redis.generation)
                return;
        sim_step(STEP_REDIS);
        request->answer.number = evaluate(request);
        if (!request->on_end || sim_goes_wrong(FAULT_REDIS_LOST_ANSWER))
                return;
        sim_at(sim_time() + sim_delay(TRIP_US, sim_goes_wrong(FAULT_REDIS_SLOW) ? SLOW_US : TRIP_MAX_US),
               request->process, on_answer, request, generation);
}

static void copy(struct bytes from, char *to, size_t size) {
        ENSURE(from.len < size);
        memcpy(to, from.data, from.len);
        to[from.len] = '\0';
}

struct redis_request *redis_eval(struct redis *connection, const struct redis_call *call,
                                 void (*on_end)(void *context, const struct redis_answer *answer), void *context) {
        struct redis_request *request;
        char ttl[16];

        /* What is remembered of threads is not made up here. */
        if (sim_time() < redis.down_until || call->script > SCRIPT_LOCK_NOTE)
                return NULL;
        request = sim_new(sizeof *request);
        *request = (struct redis_request){.process = connection->process, .script = call->script, .asked = sim_time()};
        copy(call->keys[0], request->key, sizeof request->key);
        copy(call->arguments[0], request->value, sizeof request->value);
        if (call->script == SCRIPT_LOCK_ACQUIRE || call->script == SCRIPT_LOCK_EXTEND) {
                copy(call->arguments[1], ttl, sizeof ttl);
                request->ttl_us = strtoll(ttl, NULL, 10) * 1000;
        }
        request->on_end = on_end;
        request->context = context;
        request->is_freed = !on_end;
        sim_at(sim_time() + sim_delay(TRIP_US, TRIP_MAX_US), NULL, on_script, request, redis.generation);
        if (on_end)
                sim_at(sim_time() + LIMIT_REDIS_MS * 1000, connection->process, on_given_up, request, redis.generation);
        return request;
}

struct redis_request *redis_request_free(struct redis_request *request) {
        if (request)
                request->is_freed = true;
        return NULL;
}

int redis_new(struct loop *loop, const char *url, const char *const *scripts, int n_scripts, struct redis **ret,
              char **ret_error) {
        *ret = sim_new(sizeof **ret);
        (*ret)->process = sim.current;
        return 0;
}

struct redis *redis_free(struct redis *connection) {
        return NULL;
}
