/* Questions to the broker, on its stats socket: each gets its answer, or none in time.
 *
 * A question that finds no connection is tried again until its time is over; one that has left is not: asked twice,
 * `cancel` would cancel what came between. So no answer means that nobody knows. At most LIMIT_ASKS wait at once. */
#pragma once

#include "common/json.h"
#include "common/time.h"

struct asks;

/* 0; a negative errno when libzmq does not take `endpoint`. */
MUST_USE int asks_new(const char *endpoint, struct asks **ret);
/* Questions that still wait get no answer. */
struct asks *asks_free(struct asks *asks);
static inline void asks_cleanup(struct asks **asks) { asks_free(*asks); }
#define CLEANUP_ASKS CLEANUP(asks_cleanup)

struct asks_call {
        /* `answer` is borrowed, and may be changed; NULL = there was none in time. */
        void (*function)(void *context, json_t *answer);
        void *context;
};

enum { ASKS_FULL = 1 };

/* Asks `question`, an object, which remains the caller's. `call` is made once, from asks_run(), by `deadline`. 0;
 * ASKS_FULL when too many wait, and then it is not. */
MUST_USE int asks_push(struct asks *asks, json_t *question, struct mono deadline, struct asks_call call);

/* Readable when asks_run() should be called. */
int asks_fd(const struct asks *asks);
/* Sends what is to be sent and hands out what has come or is late. To be called after every wake and every push. */
void asks_run(struct asks *asks, struct mono now);
/* When to call asks_run() next, as far as time alone decides it. */
struct mono asks_next(const struct asks *asks);
