#include "broker/core/heap.h"

#include "common/ensure.h"
#include "common/memory.h"

/* A heap of that many entries or fewer keeps its room, as it will fill again. */
enum { WIDTH = 4, FIRST_CAP = 64, KEPT_CAP = 4096 };

void heap_done(struct heap *heap) {
        free(heap->entries);
        *heap = (struct heap){0};
}

static void resize(struct heap *heap, uint32_t cap) {
        heap->entries = memory_resize(heap->entries, cap, sizeof *heap->entries);
        heap->cap = cap;
}

void heap_push(struct heap *heap, struct heap_entry entry) {
        uint32_t at = heap->n;

        if (heap->n == heap->cap) {
                ENSURE(heap->cap < UINT32_MAX / 2);
                resize(heap, heap->cap ? heap->cap * 2 : FIRST_CAP);
        }
        heap->n++;
        while (at > 0) {
                uint32_t parent = (at - 1) / WIDTH;

                if (!mono_is_before(entry.at, heap->entries[parent].at))
                        break;
                heap->entries[at] = heap->entries[parent];
                at = parent;
        }
        heap->entries[at] = entry;
}

const struct heap_entry *heap_peek(const struct heap *heap) { return heap->n > 0 ? heap->entries : NULL; }

static uint32_t earliest_child(const struct heap *heap, uint32_t first) {
        uint32_t best = first, end = heap->n - first < WIDTH ? heap->n : first + WIDTH;

        for (uint32_t child = first + 1; child < end; child++)
                if (mono_is_before(heap->entries[child].at, heap->entries[best].at))
                        best = child;
        return best;
}

struct heap_entry heap_pop(struct heap *heap) {
        struct heap_entry top, moved;
        uint32_t at = 0;

        ENSURE(heap->n > 0);
        top = heap->entries[0];
        moved = heap->entries[--heap->n];
        for (uint32_t first = 1; first < heap->n; first = at * WIDTH + 1) {
                uint32_t child = earliest_child(heap, first);

                if (!mono_is_before(heap->entries[child].at, moved.at))
                        break;
                heap->entries[at] = heap->entries[child];
                at = child;
        }
        if (heap->n > 0)
                heap->entries[at] = moved;
        if (heap->cap > KEPT_CAP && heap->n < heap->cap / 4)
                resize(heap, heap->cap / 2);
        return top;
}
