/* The ids of messages accepted lately: what duplicates are found by. Bounded in time (limits.dedupe_window) and in
 * number (limits.dedupe_ids), whichever comes first; the oldest go first. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/table.h"

/* Ids that came one after the other. What they have in common is there once. */
#define SEEN_PAGE 16
struct seen_page {
        uint64_t seq : 48; /* of the first; LIMIT_SEQ_MAX is below that */
        uint64_t n : 16;
        struct wall at; /* of the first */
        struct seen_id {
                /* 96 bits: of a hundred million ids one agrees with a new one by chance once in 10^21 times. */
                uint32_t hash[3];
                uint16_t seq, at_ms; /* how much later than the first; who is later than fits begins a page */
        } ids[SEEN_PAGE];
};

/* { 0 } is empty, with the default window and number. */
struct seen {
        /* An id's number says which place of which page of which segment it has: pages follow each other, and what a
         * page has no use for is passed over. Segment number i is at i modulo `cap`, which is a power of two. */
        struct seen_page **segments, *spare;
        uint32_t n_segments, cap;
        uint32_t first, next; /* numbers: of the oldest one, and of the one to come */
        uint32_t n;
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
/* When the oldest one came; 0 when there is none. */
struct wall seen_oldest(const struct seen *seen);
/* Forgets what the window has passed, or is too much, a bounded number a call. */
void seen_expire(struct seen *seen, struct wall now, struct effects *fx);
