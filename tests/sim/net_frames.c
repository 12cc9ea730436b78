/* What is in the frames of workers, as far as the network knows of that. */
#include "tests/sim/net.h"

struct net_frames net_frames_of(struct bytes frame) {
        struct net_frames frames = {.single = frame, .n = 1};
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0 || type != WIRE_BUNDLE)
                return frames;
        frames.is_bundle = true;
        if (wire_decode_bundle(body, &frames.n, &frames.reader) < 0)
                sim_violation("the wire", "a bundle is none");
        return frames;
}

bool net_frames_next(struct net_frames *frames, struct bytes *ret) {
        if (frames->n == 0)
                return false;
        frames->n--;
        *ret = frames->single;
        if (frames->is_bundle && wire_bundled_next(&frames->reader, ret) < 0)
                sim_violation("the wire", "a bundle has fewer frames than it says");
        return true;
}

static bool may_single_come_twice(enum wire_type type) {
        return type == WIRE_MESSAGES || type == WIRE_EVENTS || type == WIRE_ANSWERED || type == WIRE_RESULT;
}

bool net_may_come_twice(struct bytes frame) {
        struct net_frames frames = net_frames_of(frame);
        enum wire_type type;
        struct bytes single, body;

        while (net_frames_next(&frames, &single))
                if (wire_open(single, &type, &body) < 0 || !may_single_come_twice(type))
                        return false;
        return true;
}

void net_make_old(const struct process *process, uint8_t *data, size_t len) {
        enum wire_type type;
        struct bytes body;

        if (sim.profile.is_still || (sim.seed + worker_of(process)) % 4 != 0)
                return;
        if (wire_open((struct bytes){data, len}, &type, &body) < 0)
                return;
        if (type == WIRE_BUNDLE)
                sim_violation("the wire", "a bundle, where nobody takes them");
        if (type == WIRE_HELLO || type == WIRE_WELCOME)
                data[len - 1] = 0;
}
