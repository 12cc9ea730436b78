/* Many short texts beside each other: the names of threads, of which there may be ten million. Each by itself would
 * cost its length and half as much again.
 *
 * Texts of about the same length share segments of TEXTS_SEGMENT places, which never move: a text stays where it is
 * until it is removed. A segment that is empty is given back, as long as there is room in another. Private to
 * broker/core. */
#pragma once

#include "common/bytes.h"
#include "common/limits.h"

#include <stdint.h>

/* Lengths are rounded up to a multiple of it. */
#define TEXTS_UNIT 4
#define TEXTS_SIZES (LIMIT_THREAD_LEN / TEXTS_UNIT)
/* Places in a segment: a few KiB of usual names, so that a small broker pays little for those that are not used. */
#define TEXTS_SEGMENT 512
/* What a text of that length takes up. */
#define TEXTS_COST(len) (((uint64_t)(len) + TEXTS_UNIT - 1) / TEXTS_UNIT * TEXTS_UNIT)

struct text_segment {
        uint8_t *data; /* NULL: given back */
        uint32_t n, n_begun; /* places in use; behind `n_begun` of them none ever was */
        uint32_t first_free; /* place; NONE when there is none before `n_begun` */
        uint32_t before, after; /* in the row of those with room; given back: `after` is the next one of those */
};

/* Segments of places of one size. */
struct text_size {
        struct text_segment *segments;
        uint32_t n, cap;
        uint32_t with_room, given_back; /* the first of each, counted from 1; 0 = none */
};

/* { 0 } is empty. */
struct texts {
        struct text_size sizes[TEXTS_SIZES];
};

void texts_done(struct texts *texts);
/* Keeps a copy of the text, of 1 to LIMIT_THREAD_LEN bytes. Its place is answered, by which and its length it is found
 * again. */
uint32_t texts_push(struct texts *texts, struct bytes text);
void texts_remove(struct texts *texts, uint32_t place, size_t len);
/* Good until it is removed. */
struct bytes texts_get(const struct texts *texts, uint32_t place, size_t len);
