/* A thread's lock in Redis, and beside it the record of the run that holds it: common/PROTOCOL.md, section 5. When a
 * lock is ours by our own clock is core/lock_clock.h's business. */
#pragma once

#include "common/time.h"
#include "common/wire.h"
#include "worker/redis.h"

struct locks;

/* `uuid` is the worker's. `redis` must outlive it; NULL = there are no locks, and nothing here but locks_free() may be
 * called. */
struct locks *locks_new(struct redis *redis, const uint8_t uuid[WIRE_UUID_LEN]);
struct locks *locks_free(struct locks *locks);

/* Which lock, and who wants it. */
struct lock_claim {
        const char *tenant, *thread;
        uint64_t fence;
        struct span ttl;
        /* For the record: */
        const char *batch;
        const char *provider; /* who is asked, such as an endpoint; NULL = nobody by name */
        struct wall since;
};

enum lock_answer {
        LOCK_OURS,
        LOCK_THEIRS, /* held under a fence that is not lower; for extend: no longer ours */
        LOCK_UNKNOWN, /* Redis could not be asked, or did not say */
};

/* Asks; on_answer is called once, later. NULL when there is no connection: then it is not called, and the answer is
 * LOCK_UNKNOWN. redis_request_free() the result to stop waiting. Asking again after LOCK_UNKNOWN is harmless. */
struct redis_request *lock_acquire(struct locks *locks, const struct lock_claim *claim,
                                   void (*on_answer)(void *context, const struct redis_answer *answer), void *context);
struct redis_request *lock_extend(struct locks *locks, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, const struct redis_answer *answer), void *context);
/* What on_answer was given, as a lock's answer. */
enum lock_answer lock_answer_of(const struct redis_answer *answer);
/* Writes what the provider calls the run into the record, if the lock is ours. Nobody waits. */
void lock_note(struct locks *locks, const struct lock_claim *claim, const char *provider_id);
/* Lets go, if it is ours. Nobody waits: what is not released ends with its time to live, and gives way to a higher
 * fence. */
void lock_release(struct locks *locks, const struct lock_claim *claim);
