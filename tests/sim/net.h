/* Connections, for the processes of the simulator that are not lull's own shells. */
#pragma once

#include "broker/sockets.h"
#include "common/link.h"
#include "common/wire.h"
#include "tests/sim/sim.h"

struct sockets *net_sockets(void);
/* A client's link, used as common/link.h has it; `on_frames` is called when something may have happened. */
struct link *net_connect(struct process *process, enum socket_name door, void (*on_frames)(void *context),
                         void *context);
/* The frames of a bundle, one after the other; of any other frame, itself. */
struct net_frames {
        struct bytes single;
        struct pack_reader reader;
        uint32_t n;
        bool is_bundle;
};

struct net_frames net_frames_of(struct bytes frame);
bool net_frames_next(struct net_frames *frames, struct bytes *ret);
/* Does nothing come of it when the frame is taken twice? */
bool net_may_come_twice(struct bytes frame);
/* One worker in four is of before lull/1.3: it sends no bundles and gets none. What the real one says of that stands
 * last in its HELLO, and what it hears in the WELCOME. */
void net_make_old(const struct process *process, uint8_t *data, size_t len);
void net_watch(struct link *link, void (*on_frames)(void *context), void *context);
