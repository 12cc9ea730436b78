/* The ids of messages accepted lately: what duplicates are found by. Bounded in time (the dedupe window) and in number
 * (LIMIT_SEEN); the oldest go first. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/table.h"

/* A message id seen again within this is a duplicate. Platforms retry for hours (WhatsApp: days), most of it early. */
#define SEEN_WINDOW span_s(24 * 60 * 60)

/* { 0 } is empty. */
struct seen {
        struct stored_seen *ring;
        uint32_t first, n, cap; /* cap is a power of two */
        struct table table; /* hash to place in the ring */
};

void seen_done(struct seen *seen);
bool seen_has(const struct seen *seen, struct hash_128 hash, struct wall now);
/* Remembers it. `fx` gets what is to be stored, and what is forgotten for its sake; NULL while loading. */
void seen_push(struct seen *seen, const struct stored_seen *item, struct effects *fx);
/* Forgets what the window has passed, a bounded number a call. */
void seen_expire(struct seen *seen, struct wall now, struct effects *fx);
