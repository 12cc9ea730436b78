/* The delay queue: a 4-ary heap of (when, who) in one array.
 *
 * Deadlines are lazy. A thread's own `due` is the truth; its entry may say an earlier time, and is put right when it
 * comes up. So a message that moves the quiet costs one store, not a walk through the heap. Entries can not be removed
 * or moved forward: whoever gets an earlier due time pushes a second entry, and the one that is not expected is passed
 * over (see threads.h). What has left gives its memory back: whoever waits for the quiet is in one heap, and in another
 * when that is over. */
#pragma once

#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

struct heap_entry {
        struct mono at;
        uint32_t who;
        uint32_t ticket; /* the owner's own mark: which of its entries this is */
};

/* { 0 } is an empty heap. */
struct heap {
        struct heap_entry *entries;
        uint32_t n, cap;
};

void heap_done(struct heap *heap);
void heap_push(struct heap *heap, struct heap_entry entry);
/* The earliest entry, NULL when there is none; of equal times any. Valid until the next push or pop. */
const struct heap_entry *heap_peek(const struct heap *heap);
/* Takes the earliest out; there must be one. */
struct heap_entry heap_pop(struct heap *heap);
