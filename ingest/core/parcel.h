/* A parcel: the items of one request, encoded for the broker.
 *
 * What came without an id gets one here, so that a frame may be sent twice without taking it in twice: messages, and
 * the events of which a second would not be the same as none (a person, closed, resume, alias). */
#pragma once

#include "common/wire.h"

/* Where ids come from. */
struct parcel_ids {
        const char *seed; /* unique to this process: whoever starts it throws the dice */
        uint64_t counter;
};

struct parcel_place {
        uint32_t index; /* the message's place in its request */
        bool is_id_ours, is_event;
};

struct parcel {
        struct buffer messages;
        struct parcel_place *places; /* one for each message in `messages` */
        uint32_t n, cap;
        bool has_events; /* or aliases: the frame must be EVENTS */
};

void parcel_done(struct parcel *parcel);
#define CLEANUP_PARCEL CLEANUP(parcel_done)

/* Adds an item that item_check() let through; `index` is its place in its request. */
void parcel_push(struct parcel *parcel, struct parcel_ids *ids, const struct wire_message *message, uint32_t index);
/* Adds one that is encoded already; `message` is what it says. */
void parcel_push_item(struct parcel *parcel, struct bytes item, const struct wire_message *message, uint32_t index);
/* Does the parcel fit one frame, alone? */
bool parcel_is_sendable(const struct parcel *parcel);
