/* Writing to a disk that may be full: what finds no room is tried again until it does. Meanwhile nothing is said, and
 * the log tells what the broker waits for. */
#pragma once

#include "broker/store/store.h"

struct commit_wait {
        /* Waits for `pause`. False: the broker is to end. */
        bool (*wait)(void *context, struct span pause);
        void *context;
        /* Zero. */
        struct span pause;
        struct mono logged;
        bool is_waiting;
};

enum { COMMIT_GIVEN_UP = 1 };

/* 0, durable; COMMIT_GIVEN_UP, nothing of it is stored and the broker is to end; or a negative errno, after which the
 * process must end. */
MUST_USE int commit_changes(struct store *store, const struct change *changes, size_t n, struct commit_wait *wait);
/* The same answers; *ret_error as store_open(). */
MUST_USE int commit_open_store(const char *uri, struct commit_wait *wait, struct store **ret, char **ret_error);
