/* A hash table of 32-bit hashes to 32-bit indices, for records that live in arrays: eight bytes a slot, so that ten
 * million threads cost little more than themselves. It compares no keys: a probe gives every index whose hash agrees,
 * and the caller, who has the records, knows which one is meant.
 *
 * A table that is full moves into a larger one bit by bit, with each push: moving millions at once would keep everybody
 * waiting for half a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct table_slot {
        uint32_t hash, place; /* the value and one; 0 = free, as memory is when it is new */
};

struct table_slots {
        struct table_slot *items;
        uint32_t n;
};

/* { 0 } is an empty table. */
struct table {
        struct table_slots slots;
        struct table_slots before; /* what is left of the smaller one, from slot `moved` on; else none */
        uint32_t moved;
        uint32_t n; /* values, in both */
};

#define TABLE_EMPTY UINT32_MAX

struct table_probe {
        uint32_t hash, at;
        bool is_started, is_before;
};

void table_done(struct table *table);
/* Room for `n` values in all, at once: for who knows how many come. */
void table_reserve(struct table *table, uint32_t n);
/* `value` must not be TABLE_EMPTY; the same pair must not be in it already. */
void table_push(struct table *table, uint32_t hash, uint32_t value);
/* The pair must be in the table. */
void table_remove(struct table *table, uint32_t hash, uint32_t value);
/* The hash is looked for soon: has its slots fetched into the cache meanwhile. */
void table_expect(const struct table *table, uint32_t hash);
/* Begins with { .hash = hash }; answers each candidate in turn, false when there are no more. The table must not
 * change meanwhile. */
bool table_next(const struct table *table, struct table_probe *probe, uint32_t *ret_value);
