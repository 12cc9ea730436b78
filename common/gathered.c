#include "common/gathered.h"

void gathered_done(struct gathered *gathered) { buffer_done(&gathered->frames); }

struct buffer *gathered_begin(struct gathered *gathered) {
        if (gathered->bundle.n == 0)
                wire_begin_bundle(&gathered->frames, &gathered->bundle);
        wire_begin_bundled(&gathered->frames, &gathered->bundle);
        return &gathered->frames;
}

/* The last frame has made it too long. */
static void send_apart(struct gathered *gathered) {
        struct bytes last = wire_take_bundled(&gathered->frames, &gathered->bundle);

        gathered->send(gathered->context, wire_end_bundle(&gathered->frames, &gathered->bundle));
        gathered->send(gathered->context, last);
        buffer_clear(&gathered->frames);
        gathered->bundle.n = 0;
}

void gathered_end(struct gathered *gathered) {
        wire_end_bundled(&gathered->frames, &gathered->bundle);
        if (gathered->frames.len > LIMIT_BUNDLE_BYTES && gathered->bundle.n > 1)
                send_apart(gathered);
        if (!gathered->takes_bundles || gathered->bundle.n == LIMIT_BUNDLE_FRAMES)
                gathered_flush(gathered);
}

void gathered_flush(struct gathered *gathered) {
        if (gathered->bundle.n > 0)
                gathered->send(gathered->context, wire_end_bundle(&gathered->frames, &gathered->bundle));
        buffer_clear(&gathered->frames);
        gathered->bundle.n = 0;
}
