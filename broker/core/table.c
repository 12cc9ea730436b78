#include "broker/core/table.h"

#include "common/ensure.h"
#include "common/memory.h"

/* Free slots that are passed with each push while a table moves. The larger one is a third larger at least, so as many
 * values as a quarter of the smaller one's slots come before it is full: by then the smaller one is empty. */
enum { FIRST_SLOTS = 64, MOVED_PER_PUSH = 4 };

void table_done(struct table *table) {
        free(table->slots.items);
        free(table->before.items);
        *table = (struct table){0};
}

/* By the rank of the hash, once that is spread, not by its remainder: a table may have any number of slots, and one
 * that moves is read and written in order. */
static uint32_t home_of(const struct table_slots *slots, uint32_t hash) {
        return (uint32_t)((uint64_t)(hash * UINT32_C(0x9e3779b1)) * slots->n >> 32);
}

static uint32_t after(const struct table_slots *slots, uint32_t at) { return at + 1 < slots->n ? at + 1 : 0; }

/* How many slots further `to` is than `from`, around the end. */
static uint32_t distance(const struct table_slots *slots, uint32_t from, uint32_t to) {
        return to >= from ? to - from : to + (slots->n - from);
}

/* -- slots --------------------------------------------------------------------------------------------------------- */

static void place(struct table_slots *slots, struct table_slot slot) {
        uint32_t at = home_of(slots, slot.hash);

        while (slots->items[at].place != 0)
                at = after(slots, at);
        slots->items[at] = slot;
}

/* Closes the gap at `gap`: whatever could not be found any more across it moves into it. No tombstones. */
static void close_gap(struct table_slots *slots, uint32_t gap) {
        for (uint32_t at = after(slots, gap); slots->items[at].place != 0; at = after(slots, at)) {
                uint32_t home = home_of(slots, slots->items[at].hash);

                if (distance(slots, home, at) >= distance(slots, gap, at)) {
                        slots->items[gap] = slots->items[at];
                        gap = at;
                }
        }
        slots->items[gap].place = 0;
}

static bool has_removed(struct table_slots *slots, uint32_t hash, uint32_t value) {
        uint32_t at;

        if (slots->n == 0)
                return false;
        for (at = home_of(slots, hash); slots->items[at].place != value + 1; at = after(slots, at))
                if (slots->items[at].place == 0)
                        return false;
        close_gap(slots, at);
        return true;
}

/* The next candidate of the slots, from probe->at on. */
static bool next_of(const struct table_slots *slots, struct table_probe *probe, uint32_t *ret_value) {
        for (;;) {
                struct table_slot slot = slots->items[probe->at];

                if (slot.place == 0)
                        return false;
                probe->at = after(slots, probe->at);
                if (slot.hash == probe->hash) {
                        *ret_value = slot.place - 1;
                        return true;
                }
        }
}

/* -- growth -------------------------------------------------------------------------------------------------------- */

static void drop_before(struct table *table) {
        free(table->before.items);
        table->before = (struct table_slots){0};
}

/* Moves what is in the smaller table on, up to its next free slots: so each chain moves as a whole, and those that are
 * left are found there as before. */
static void move(struct table *table, uint32_t n_free) {
        struct table_slots *before = &table->before;

        for (; n_free > 0 && table->moved < before->n; table->moved++) {
                struct table_slot *slot = &before->items[table->moved];

                if (slot->place == 0) {
                        n_free--;
                        continue;
                }
                place(&table->slots, *slot);
                slot->place = 0;
        }
        if (table->moved == before->n)
                drop_before(table);
}

static void grow(struct table *table, uint32_t n_slots) {
        if (table->before.n > 0)
                move(table, table->before.n);
        table->before = table->slots;
        table->moved = 0;
        table->slots = (struct table_slots){memory_new(n_slots, sizeof(struct table_slot)), n_slots};
}

/* Three quarters full at most: beyond that, linear probing's chains grow long. */
static bool has_room(const struct table *table, uint32_t n, uint32_t n_slots) {
        return (uint64_t)n * 4 <= (uint64_t)n_slots * 3;
}

/* By a half and by a third in turn: of a table that doubles, more than half may be empty. */
static uint32_t larger(uint32_t n_slots) {
        bool is_power = (n_slots & (n_slots - 1)) == 0;

        ENSURE(n_slots < UINT32_MAX / 2);
        return is_power ? n_slots / 2 * 3 : n_slots / 3 * 4;
}

void table_reserve(struct table *table, uint32_t n) {
        uint32_t n_slots = table->slots.n > 0 ? table->slots.n : FIRST_SLOTS;

        while (!has_room(table, n, n_slots))
                n_slots = larger(n_slots);
        if (n_slots > table->slots.n)
                grow(table, n_slots);
}

void table_push(struct table *table, uint32_t hash, uint32_t value) {
        ENSURE(value != TABLE_EMPTY);
        table_reserve(table, table->n + 1);
        if (table->before.n > 0)
                move(table, MOVED_PER_PUSH);
        place(&table->slots, (struct table_slot){hash, value + 1});
        table->n++;
}

void table_remove(struct table *table, uint32_t hash, uint32_t value) {
        if (!has_removed(&table->slots, hash, value) && !has_removed(&table->before, hash, value))
                UNREACHABLE("what is removed from a table is in it");
        table->n--;
}

void table_expect(const struct table *table, uint32_t hash) {
        if (table->slots.n > 0)
                __builtin_prefetch(&table->slots.items[home_of(&table->slots, hash)]);
        if (table->before.n > 0)
                __builtin_prefetch(&table->before.items[home_of(&table->before, hash)]);
}

bool table_next(const struct table *table, struct table_probe *probe, uint32_t *ret_value) {
        if (table->n == 0)
                return false;
        if (!probe->is_started) {
                probe->at = home_of(&table->slots, probe->hash);
                probe->is_started = true;
        }
        if (!probe->is_before) {
                if (next_of(&table->slots, probe, ret_value))
                        return true;
                if (table->before.n == 0)
                        return false;
                probe->at = home_of(&table->before, probe->hash);
                probe->is_before = true;
        }
        return next_of(&table->before, probe, ret_value);
}
