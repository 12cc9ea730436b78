/* The producer's frame that is being taken in. Who had no ACK in time sends his frame again, and then it must not end
 * otherwise than when it came first: its messages are known by their ids, its events are not, and happen again. */
#pragma once

#include "common/hash.h"
#include "common/time.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct thread;

/* So many items are looked at together before the first of them is taken in: what will be looked for is on its way from
 * memory meanwhile. */
enum { FRAME_AHEAD = 16 };

/* What is known of an item by then. */
struct frame_item {
        uint32_t tenant; /* NONE: there is none of that name, and nothing else is known */
        uint32_t thread; /* the hash of its thread's name */
        struct hash_128 id; /* hash_of_id(), where it has one */
};

/* { 0 } before the first one. */
struct frame {
        uint64_t number; /* from 1; also when it is over */
        const struct wire_message *items;
        uint32_t n, at; /* which item it is at; n = 0 when no frame is being taken in */
        bool is_looked_through;
        uint32_t n_known; /* then: behind so many there is no message that was accepted before */
        struct bytes tenant_name; /* that was looked up last, */
        uint32_t tenant; /* and what was found */
        struct frame_item ahead[FRAME_AHEAD];
};

void frame_begin(struct core *core, const struct wire_message *items, uint32_t n);
void frame_end(struct core *core);
/* Goes to the item `at`, and each of its FRAME_AHEAD looks at those that follow. */
void frame_go_to(struct core *core, uint32_t at);
/* What is known of the item that it is at. */
const struct frame_item *frame_item(const struct core *core);
/* thread_get() for that item, whose thread's name may be another than it says. */
struct thread *frame_thread(struct core *core, struct now now, uint32_t tenant, struct bytes name);
/* The number of the first message of the thread that stands in the frame from its present item on, and was accepted
 * before; UINT64_MAX: there is none, or no frame. It was said after that item, whatever came first to the broker. */
uint64_t frame_first_known(struct core *core, struct now now, const struct thread *thread);
