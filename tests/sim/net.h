/* Connections, for the processes of the simulator that are not lull's own shells. */
#pragma once

#include "broker/sockets.h"
#include "common/link.h"
#include "tests/sim/sim.h"

struct sockets *net_sockets(void);
/* A client's link, used as common/link.h has it; `on_frames` is called when something may have happened. */
struct link *net_connect(struct process *process, enum socket_name door, void (*on_frames)(void *context),
                         void *context);
void net_watch(struct link *link, void (*on_frames)(void *context), void *context);
