/* The producer's frame that is being taken in. Who had no ACK in time sends his frame again, and then it must not end
 * otherwise than when it came first: its messages are known by their ids, its events are not, and happen again. */
#pragma once

#include "common/time.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct thread;

/* { 0 } before the first one. */
struct frame {
        uint64_t number; /* from 1; also when it is over */
        const struct wire_message *items;
        uint32_t n, at; /* which item it is at; n = 0 when no frame is being taken in */
        bool is_looked_through;
        uint32_t n_known; /* then: behind so many there is no message that was accepted before */
        struct bytes tenant_name; /* that was looked up last, */
        uint32_t tenant; /* and what was found */
};

void frame_begin(struct core *core, const struct wire_message *items, uint32_t n);
void frame_end(struct core *core);
/* tenant_find(), for a frame's items, which are mostly of one tenant. */
uint32_t frame_tenant(struct core *core, struct bytes name);
/* The number of the first message of the thread that stands in the frame from its present item on, and was accepted
 * before; UINT64_MAX: there is none, or no frame. It was said after that item, whatever came first to the broker. */
uint64_t frame_first_known(struct core *core, struct now now, const struct thread *thread);
