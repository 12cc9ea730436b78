#include "broker/core/table.h"

#include "common/ensure.h"
#include "common/memory.h"

enum { FIRST_SLOTS = 64 };

void table_done(struct table *table) {
        free(table->slots);
        *table = (struct table){0};
}

static uint32_t home_of(const struct table *table, uint32_t hash) { return hash & (table->n_slots - 1); }
static uint32_t after(const struct table *table, uint32_t at) { return (at + 1) & (table->n_slots - 1); }

static void place(struct table *table, struct table_slot slot) {
        uint32_t at = home_of(table, slot.hash);

        while (table->slots[at].value != TABLE_EMPTY)
                at = after(table, at);
        table->slots[at] = slot;
}

static void grow(struct table *table) {
        struct table old = *table;

        ENSURE(old.n_slots < UINT32_MAX / 2);
        table->n_slots = old.n_slots ? old.n_slots * 2 : FIRST_SLOTS;
        table->slots = memory_new(table->n_slots, sizeof *table->slots);
        for (uint32_t i = 0; i < table->n_slots; i++)
                table->slots[i].value = TABLE_EMPTY;
        for (uint32_t i = 0; i < old.n_slots; i++)
                if (old.slots[i].value != TABLE_EMPTY)
                        place(table, old.slots[i]);
        free(old.slots);
}

void table_push(struct table *table, uint32_t hash, uint32_t value) {
        ENSURE(value != TABLE_EMPTY);
        /* Three quarters full at most: beyond that, linear probing's chains grow long. */
        if ((uint64_t)(table->n + 1) * 4 > (uint64_t)table->n_slots * 3)
                grow(table);
        place(table, (struct table_slot){hash, value});
        table->n++;
}

/* Closes the gap at `gap`: whatever could not be found any more across it moves into it. No tombstones. */
static void close_gap(struct table *table, uint32_t gap) {
        uint32_t mask = table->n_slots - 1;

        for (uint32_t at = after(table, gap); table->slots[at].value != TABLE_EMPTY; at = after(table, at)) {
                uint32_t home = home_of(table, table->slots[at].hash);

                if (((at - home) & mask) >= ((at - gap) & mask)) {
                        table->slots[gap] = table->slots[at];
                        gap = at;
                }
        }
        table->slots[gap].value = TABLE_EMPTY;
}

void table_remove(struct table *table, uint32_t hash, uint32_t value) {
        uint32_t at;

        ENSURE(table->n > 0);
        at = home_of(table, hash);
        while (table->slots[at].value != value) {
                ENSURE(table->slots[at].value != TABLE_EMPTY);
                at = after(table, at);
        }
        close_gap(table, at);
        table->n--;
}

bool table_next(const struct table *table, struct table_probe *probe, uint32_t *ret_value) {
        if (table->n == 0)
                return false;
        if (!probe->is_started) {
                probe->at = home_of(table, probe->hash);
                probe->is_started = true;
        }
        for (;;) {
                struct table_slot slot = table->slots[probe->at];

                if (slot.value == TABLE_EMPTY)
                        return false;
                probe->at = after(table, probe->at);
                if (slot.hash == probe->hash) {
                        *ret_value = slot.value;
                        return true;
                }
        }
}
