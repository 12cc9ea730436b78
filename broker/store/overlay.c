#include "broker/store/overlay.h"

#include "common/memory.h"

#include <string.h>

/* Sequence numbers whose slots are side by side. */
enum { GROUP = 8 };

/* What an entry was before the commit that is being made. */
struct overlay_former {
        uint32_t index;
        struct overlay_entry was;
};

/* What the database takes for a value beside its bytes: a key, a node's head, a page that is not quite full. */
static uint64_t cost_of(const struct overlay_entry *entry) {
        return entry->state == OVERLAY_VALUE ? entry->len + entry->len / 8 + 32 : 0;
}

/* Sequence numbers are neighbours, and so are the slots of a group of them, in one line of the cache: of each a message
 * and its id, mostly. The groups are spread, so that those of other times, which go, are seldom in the way. */
static uint32_t slot_of(const struct overlay *overlay, enum engine_table table, uint64_t seq) {
        uint32_t group = (uint32_t)((seq / GROUP) * UINT64_C(0x9e3779b97f4a7c15) >> 32);

        return (group * 2 * GROUP + (uint32_t)(seq % GROUP) * 2 + (table == ENGINE_SEEN)) & (overlay->n_slots - 1);
}

void overlay_done(struct overlay *overlay) {
        free(overlay->entries);
        free(overlay->slots);
        free(overlay->former);
        *overlay = (struct overlay){0};
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t *seek(const struct overlay *overlay, enum engine_table table, uint64_t seq) {
        uint32_t slot = slot_of(overlay, table, seq);

        for (;; slot = (slot + 1) & (overlay->n_slots - 1)) {
                const struct overlay_entry *entry = &overlay->entries[overlay->slots[slot] - 1];

                if (overlay->slots[slot] == 0 || (entry->seq == seq && entry->table == table))
                        return &overlay->slots[slot];
        }
}

/* Slots are never more than half full. */
static void make_room(struct overlay *overlay) {
        if (overlay->n == overlay->cap) {
                overlay->cap = overlay->cap ? overlay->cap * 2 : 128;
                overlay->entries = memory_resize(overlay->entries, overlay->cap, sizeof *overlay->entries);
        }
        if (overlay->n * 2 < overlay->n_slots)
                return;
        overlay->n_slots = overlay->n_slots ? overlay->n_slots * 2 : 256;
        free(overlay->slots);
        overlay->slots = memory_new(overlay->n_slots, sizeof *overlay->slots);
        for (uint32_t i = 0; i < overlay->n; i++)
                *seek(overlay, overlay->entries[i].table, overlay->entries[i].seq) = i + 1;
}

static void keep_former(struct overlay *overlay, uint32_t index) {
        if (overlay->n_former == overlay->former_cap) {
                overlay->former_cap = overlay->former_cap ? overlay->former_cap * 2 : 64;
                overlay->former = memory_resize(overlay->former, overlay->former_cap, sizeof *overlay->former);
        }
        overlay->former[overlay->n_former++] = (struct overlay_former){index, overlay->entries[index]};
}

static void set(struct overlay *overlay, struct overlay_entry entry) {
        uint32_t *slot;

        make_room(overlay);
        slot = seek(overlay, entry.table, entry.seq);
        if (*slot == 0) {
                overlay->entries[overlay->n++] = entry;
                *slot = overlay->n;
        } else {
                struct overlay_entry *old = &overlay->entries[*slot - 1];

                if (*slot <= overlay->n_before)
                        keep_former(overlay, *slot - 1);
                overlay->bytes -= cost_of(old);
                entry.is_new = old->is_new;
                *old = entry;
        }
        overlay->bytes += cost_of(&entry);
}

void overlay_begin(struct overlay *overlay) {
        overlay->n_former = 0;
        overlay->n_before = overlay->n;
        overlay->bytes_before = overlay->bytes;
}

void overlay_put(struct overlay *overlay, enum engine_table table, uint64_t seq, uint64_t at, uint32_t len) {
        if (seq > overlay->highest)
                overlay->highest = seq;
        set(overlay, (struct overlay_entry){seq, at, len, (uint8_t)table, OVERLAY_VALUE});
}

void overlay_drop(struct overlay *overlay, enum engine_table table, uint64_t seq) {
        set(overlay, (struct overlay_entry){seq, 0, 0, (uint8_t)table, OVERLAY_GONE});
}

void overlay_undo(struct overlay *overlay) {
        while (overlay->n_former > 0) {
                const struct overlay_former *former = &overlay->former[--overlay->n_former];

                overlay->entries[former->index] = former->was;
        }
        for (uint32_t i = overlay->n_before; i < overlay->n; i++)
                overlay->entries[i].state = OVERLAY_NONE;
        overlay->bytes = overlay->bytes_before;
}

const struct overlay_entry *overlay_find(const struct overlay *overlay, enum engine_table table, uint64_t seq) {
        uint32_t slot = overlay->n > 0 ? *seek(overlay, table, seq) : 0;

        return slot > 0 && overlay->entries[slot - 1].state != OVERLAY_NONE ? &overlay->entries[slot - 1] : NULL;
}

void overlay_supersede(struct overlay *old, struct overlay *young) {
        for (uint32_t i = 0; i < young->n && old->n > 0; i++) {
                struct overlay_entry *entry = &young->entries[i], *former;
                uint32_t slot = entry->state == OVERLAY_NONE ? 0 : *seek(old, entry->table, entry->seq);

                if (slot == 0)
                        continue;
                former = &old->entries[slot - 1];
                entry->is_new = !overlay_is_below(old, former);
                old->bytes -= cost_of(former);
                former->state = OVERLAY_NONE;
        }
}

void overlay_follow(struct overlay *overlay, const struct overlay *before) {
        overlay->fresh_from = before->fresh_from > before->highest ? before->fresh_from : before->highest + 1;
}

void overlay_clear(struct overlay *overlay) {
        if (overlay->n > 0)
                memset(overlay->slots, 0, overlay->n_slots * sizeof *overlay->slots);
        overlay->n = overlay->n_before = overlay->n_former = 0;
        overlay->bytes = overlay->bytes_before = 0;
        overlay->highest = 0;
}
