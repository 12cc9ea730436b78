/* Frames for one peer, gathered while a program works, to leave together: as a BUNDLE where the peer takes that, one by
 * one where it does not. Within the bounds of limits.h; their order is kept. */
#pragma once

#include "common/wire.h"

struct gathered {
        /* Sends a frame, or does not: nothing hangs on it. It is good only for the call. */
        void (*send)(void *context, struct bytes frame);
        void *context;
        bool takes_bundles;
        /* Zero. */
        struct buffer frames;
        struct wire_bundle bundle;
};

void gathered_done(struct gathered *gathered);
/* One more frame: encode it into the returned buffer, then gathered_end(). */
struct buffer *gathered_begin(struct gathered *gathered);
/* Sends what there is when that is enough, or may not wait. */
void gathered_end(struct gathered *gathered);
static inline bool gathered_is_empty(const struct gathered *gathered) { return gathered->bundle.n == 0; }
void gathered_flush(struct gathered *gathered);
