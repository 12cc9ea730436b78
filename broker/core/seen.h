/* The ids of messages accepted lately: what duplicates are found by. Bounded in time (limits.dedupe_window) and in
 * number (limits.dedupe_ids), whichever comes first; the oldest go first. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/table.h"

/* { 0 } is empty, with the default window and number. */
struct seen {
        struct stored_seen *ring; /* an id's place is its number, modulo `cap`, which is a power of two */
        uint32_t first, n, cap; /* the oldest one's number; how many follow each other from there */
        struct table table; /* hash to number */
        struct span window; /* 0 = LIMIT_SEEN_WINDOW_S */
        uint32_t limit; /* 0 = LIMIT_SEEN */
        uint64_t n_early; /* forgotten for their number, before their window ended */
};

void seen_done(struct seen *seen);
/* Another window or number, in force at once. What is too much then is forgotten bit by bit, by the calls below. */
void seen_configure(struct seen *seen, struct span window, uint32_t limit);
/* It is looked for soon: see table_expect(). */
void seen_expect(const struct seen *seen, struct hash_128 hash);
bool seen_has(const struct seen *seen, struct hash_128 hash, struct wall now);
/* The same, and whose it is: the number of its message. */
bool seen_find(const struct seen *seen, struct hash_128 hash, struct wall now, uint64_t *ret_seq);
/* Remembers it. `fx` gets what is to be stored, and what is forgotten for its sake; NULL while loading, when nothing is
 * forgotten. */
void seen_push(struct seen *seen, const struct stored_seen *item, struct effects *fx);
/* Forgets what the window has passed, or is too much, a bounded number a call. */
void seen_expire(struct seen *seen, struct wall now, struct effects *fx);
