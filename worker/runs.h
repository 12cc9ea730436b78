/* The runs a worker holds, found by their fence. Has room for as many as the worker has slots, and more if it must. */
#pragma once

#include "worker/work.h"

struct runs;

struct runs *runs_new(uint32_t slots);
/* Frees the runs too, without a word. */
struct runs *runs_free(struct runs *runs);

/* The runs own it from now on. No other of that fence may be there. */
void runs_push(struct runs *runs, struct work *work);
/* NULL when there is none. */
struct work *runs_find(const struct runs *runs, uint64_t fence);
/* Frees it; it must be there. */
void runs_remove(struct runs *runs, struct work *work);

uint32_t runs_count(const struct runs *runs);
/* Calls for each; the one it is called for, and no other, may be removed meanwhile. */
void runs_each(struct runs *runs, void (*on_each)(void *context, struct work *work), void *context);
