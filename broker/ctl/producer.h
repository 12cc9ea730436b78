/* Hands messages to the broker (PROTOCOL.md, section 2): several frames in flight, each sent again every second until
 * its acknowledgement comes. Messages need an id, or a frame that is sent twice is taken in twice.
 *
 * Frames go out in order. But when a connection breaks, those that were on their way are lost while a later one may
 * be taken in before they are sent again: whoever must keep a thread's order through that has a window of one.
 *
 * For an event loop of one's own: push and flush what there is, then producer_step(), then wait on producer_fd()
 * for at most producer_wait(). The clock is the caller's. */
#pragma once

#include "common/link.h"
#include "common/wire.h"

struct producer;

/* What became of a frame: of its `n` messages, each under the tag that it was pushed with. */
struct producer_frame {
        const uint64_t *tags;
        uint32_t n;
        struct mono sent; /* for the first time */
        bool is_resent;
        const struct wire_ack *ack;
};

struct producer_settings {
        uint32_t frame_messages; /* at most LIMIT_FRAME_MESSAGES */
        uint32_t window;         /* frames in flight, from the oldest that is not acknowledged */
        void (*on_ack)(void *context, const struct producer_frame *frame);
        void *context;
        /* A frame of which something is refused for want of room is sent again until there is some; meanwhile this is
         * told the code. NULL: the refusal is an answer like any other. */
        void (*on_full)(void *context, struct bytes code);
};

/* Connects. 0; -EINVAL when `endpoint` is none. */
MUST_USE int producer_new(const char *endpoint, const struct producer_settings *settings, struct producer **ret);
struct producer *producer_free(struct producer *producer);
static inline void producer_cleanup(struct producer **producer) { producer_free(*producer); }
#define CLEANUP_PRODUCER CLEANUP(producer_cleanup)

/* May another message be pushed, or does the window have to empty first? */
bool producer_has_room(const struct producer *producer);
/* Copies the message into the open frame; a frame that is full goes out at once. */
void producer_push(struct producer *producer, uint64_t tag, const struct wire_message *message, struct mono now);
/* Sends the open frame as it is, if it has any message. */
void producer_flush(struct producer *producer, struct mono now);
/* Takes in acknowledgements, calling on_ack for each, and sends again what has waited too long. */
void producer_step(struct producer *producer, struct mono now);
/* Frames that are not acknowledged. */
uint32_t producer_in_flight(const struct producer *producer);
/* How long nothing has to be done unless producer_fd() becomes readable. */
struct span producer_wait(const struct producer *producer, struct mono now);
int producer_fd(const struct producer *producer);
/* What the broker complained of last ("code: why"), or NULL. */
const char *producer_error(const struct producer *producer);
