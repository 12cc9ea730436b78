/* What the broker tells workers in a turn, brought back into the order in which it came about: each worker is told its
 * part as a whole. Runs are handed out at the end of a turn, in the order of their fences. */
#include "tests/sim/check_state.h"

#include "tests/sim/net.h"

#include <string.h>

struct told {
        struct told *next;
        struct process *to;
        bool is_sent;
        uint64_t fence; /* of a run; else 0 */
        size_t len;
        uint8_t frame[];
};

/* Of this turn: in the order of their fences, those without one before all others, as they were told. */
static struct told *first;

static uint64_t fence_of(struct bytes frame) {
        enum wire_type type;
        struct wire_run run;
        struct bytes body;

        return wire_open(frame, &type, &body) == 0 && type == WIRE_RUN && wire_decode_run(body, &run) == 0 ? run.fence
                                                                                                           : 0;
}

static void push(struct process *to, struct bytes frame, bool is_sent) {
        struct told *told = sim_new(sizeof *told + frame.len), **place = &first;

        *told = (struct told){.to = to, .is_sent = is_sent, .fence = fence_of(frame), .len = frame.len};
        memcpy(told->frame, frame.data, frame.len);
        while (*place && (*place)->fence <= told->fence)
                place = &(*place)->next;
        told->next = *place;
        *place = told;
}

static void take(struct process *to, enum socket_name door, struct bytes frame, bool is_sent) {
        struct net_frames frames = net_frames_of(frame);
        struct bytes single;

        if (door != SOCKET_WORKERS)
                return;
        while (net_frames_next(&frames, &single))
                push(to, single, is_sent);
}

void check_on_sent(struct process *to, enum socket_name door, struct bytes frame) { take(to, door, frame, true); }
void check_on_unsent(enum socket_name door, struct bytes frame) { take(NULL, door, frame, false); }

/* A run that was called off is over, whether its worker hears of it or not: the next one may have left already. */
void check_on_cut_off(enum socket_name door, struct bytes frame) {
        struct net_frames frames = net_frames_of(frame);
        struct bytes single, body;
        enum wire_type type;

        while (door == SOCKET_WORKERS && net_frames_next(&frames, &single))
                if (wire_open(single, &type, &body) == 0 && type == WIRE_CANCEL)
                        push(NULL, single, false);
}

void check_frames_begin(void) { first = NULL; }

void check_frames_end(void) {
        for (const struct told *told = first; told; told = told->next)
                check_on_frame(told->to, (struct bytes){told->frame, told->len}, told->is_sent);
        first = NULL;
}
