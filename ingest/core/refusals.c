#include "ingest/core/refusals.h"

#include "common/memory.h"

void refusals_done(struct refusals *refusals) {
        for (uint32_t i = 0; i < refusals->n; i++) {
                free(refusals->items[i].code);
                free(refusals->items[i].why);
        }
        free(refusals->items);
        *refusals = (struct refusals){0};
}

static void push(struct refusals *refusals, struct refusal refusal) {
        if (refusals->n == refusals->cap) {
                refusals->cap = refusals->cap ? 2 * refusals->cap : 4;
                refusals->items = memory_resize(refusals->items, refusals->cap, sizeof *refusals->items);
        }
        refusals->items[refusals->n++] = refusal;
}

void refusals_push(struct refusals *refusals, uint32_t index, struct bytes code, struct bytes why) {
        push(refusals, (struct refusal){index, bytes_copy_text(code), bytes_copy_text(why)});
}

static int compare(const void *a, const void *b) {
        uint32_t first = ((const struct refusal *)a)->index, second = ((const struct refusal *)b)->index;

        return (first > second) - (first < second);
}

void refusals_merge(struct refusals *into, struct refusals *from) {
        for (uint32_t i = 0; i < from->n; i++)
                push(into, from->items[i]);
        free(from->items);
        *from = (struct refusals){0};
        if (into->n > 1)
                qsort(into->items, into->n, sizeof *into->items, compare);
}
