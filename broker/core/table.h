/* A hash table of 32-bit hashes to 32-bit indices, for records that live in arrays: eight bytes a slot, so that ten
 * million threads cost little more than themselves. It compares no keys: a probe gives every index whose hash agrees,
 * and the caller, who has the records, knows which one is meant. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct table_slot {
        uint32_t hash, value; /* value TABLE_EMPTY = free */
};

/* { 0 } is an empty table. */
struct table {
        struct table_slot *slots;
        uint32_t n, n_slots;
};

#define TABLE_EMPTY UINT32_MAX

struct table_probe {
        uint32_t hash, at;
        bool is_started;
};

void table_done(struct table *table);
/* `value` must not be TABLE_EMPTY; the same pair must not be in it already. */
void table_push(struct table *table, uint32_t hash, uint32_t value);
/* The pair must be in the table. */
void table_remove(struct table *table, uint32_t hash, uint32_t value);
/* Begins with { .hash = hash }; answers each candidate in turn, false when there are no more. The table must not
 * change meanwhile. */
bool table_next(const struct table *table, struct table_probe *probe, uint32_t *ret_value);
