/* A thread's lock in Redis: the three scripts of common/PROTOCOL.md, section 5. When a lock is ours by our own clock is
 * core/lock_clock.h's business. */
#pragma once

#include "common/wire.h"
#include "worker/redis.h"

struct locks;

/* `redis_url` empty = there are no locks, and nothing here but locks_free() may be called. 0; -EINVAL and *ret_error
 * (the caller frees) when it is no address of Redis. `uuid` is the worker's. */
MUST_USE int locks_new(struct loop *loop, const char *redis_url, const uint8_t uuid[WIRE_UUID_LEN], struct locks **ret,
                       char **ret_error);
struct locks *locks_free(struct locks *locks);

/* Which lock, and who wants it. */
struct lock_claim {
        const char *tenant, *thread;
        uint64_t fence;
        struct span ttl;
};

enum lock_answer {
        LOCK_OURS,
        LOCK_THEIRS, /* held under a fence that is not lower; for extend: no longer ours */
        LOCK_UNKNOWN, /* Redis could not be asked, or did not say */
};

/* Asks; on_answer is called once, later. NULL when there is no connection: then it is not called, and the answer is
 * LOCK_UNKNOWN. redis_request_free() the result to stop waiting. Asking again after LOCK_UNKNOWN is harmless. */
struct redis_request *lock_acquire(struct locks *locks, const struct lock_claim *claim,
                                   void (*on_answer)(void *context, enum redis_result result, int64_t answer),
                                   void *context);
struct redis_request *lock_extend(struct locks *locks, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, enum redis_result result, int64_t answer),
                                  void *context);
/* What on_answer was given, as a lock's answer. */
enum lock_answer lock_answer_of(enum redis_result result, int64_t answer);
/* Lets go, if it is ours. Nobody waits: what is not released ends with its time to live, and gives way to a higher
 * fence. */
void lock_release(struct locks *locks, const struct lock_claim *claim);
