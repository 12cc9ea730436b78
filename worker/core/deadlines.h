/* Which of many instants is the next: a 4-ary heap of deadlines that belong to somebody else. Pure.
 *
 * A deadline that is put off stays where it is in the heap and moves when it comes up: a run's is put off with each
 * step, and seldom comes up at all. */
#pragma once

#include "common/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of what has a deadline. { .due = MONO_NEVER } is one that is not set. */
struct deadline {
        struct mono due; /* MONO_NEVER = not set */
        uint32_t place; /* in the heap, from 1; 0 = it is not there */
};

struct deadlines_entry {
        struct mono at; /* never later than when it is due */
        struct deadline *deadline;
};

/* { 0 } is an empty heap. */
struct deadlines {
        struct deadlines_entry *entries;
        uint32_t n, cap;
};

/* Frees the heap; what is in it is its owners'. */
void deadlines_done(struct deadlines *deadlines);
/* What it was set to before is forgotten; MONO_NEVER unsets it. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, struct mono due);
/* When to look the next time, which may be too early; MONO_NEVER when nothing is set. */
struct mono deadlines_next(const struct deadlines *deadlines);
/* One that is due, unset; NULL when none is. */
struct deadline *deadlines_pop(struct deadlines *deadlines, struct mono now);
