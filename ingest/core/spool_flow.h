/* Which way what comes in goes: to the broker at once, or into the spool first, and from there to the broker. Pure: the
 * spool is a set of calls, time comes as an argument.
 *
 * It goes to the broker until a frame has had no acknowledgement for as long as the caller is patient, or there is no
 * connection. Then everything that waits in the intake goes into the spool, the frame under way included, which the
 * broker may so get twice: under the same ids, the second time as duplicates. While the spool holds anything, what
 * comes in goes behind it: so no message overtakes another of its thread. What is spooled is answered after the commit
 * that it shares with everything of its turn. From the spool goes one frame after the other; what is acknowledged is
 * taken out. When nothing is left, the way is straight again.
 *
 * What the broker has no room for stays: of a full tenant its own messages, otherwise all wait, and are sent again.
 * What it refuses for good goes to spool_ops.refuse(), and is taken out after that. Events that it is too old for are
 * dropped, which is told. A tenant that waits for room may
 * fill half of the spool; what is beyond is refused as the broker would. */
#pragma once

#include "ingest/core/intake.h"
#include "ingest/core/spool_queue.h"

struct spool_flow;

enum spool_event_kind {
        SPOOL_EVENT_SPOOLING, /* from here on what comes in is spooled */
        SPOOL_EVENT_FORWARDING, /* so far has it got */
        SPOOL_EVENT_FORWARDED, /* nothing is left */
        SPOOL_EVENT_FULL,
        SPOOL_EVENT_HAS_ROOM,
        SPOOL_EVENT_FAILED, /* the spool cannot be written: `error` */
        SPOOL_EVENT_WORKS, /* it can again */
        SPOOL_EVENT_WAITS, /* the broker has no room, as `code` says */
        SPOOL_EVENT_DROPPED, /* `n_dropped` events that the broker is too old for */
};

struct spool_event {
        enum spool_event_kind kind;
        uint64_t n_messages, n_bytes; /* in the spool */
        uint64_t n_forwarded, n_spooled; /* since SPOOLING */
        uint32_t n_dropped;
        struct span since; /* SPOOLING */
        int error; /* negative errno */
        const char *code; /* borrowed */
};

/* The spool, as its shell provides it. */
struct spool_ops {
        /* Both are part of the next commit of their slot. */
        void (*put)(void *context, struct spool_key key, struct bytes record);
        void (*remove)(void *context, struct spool_key key);
        /* 0 when it is durable; a negative errno, and nothing of it has happened. */
        int (*commit)(void *context, uint64_t slot);
        /* Calls `visit` for each record of the lane from `from` on, in order, until it answers other than 0, which is
         * returned. -EBADMSG when the spool is damaged. */
        int (*read)(void *context, struct spool_key from,
                    int (*visit)(void *visited, struct spool_key key, struct bytes record), void *visited);
        /* Collects a message that the broker has refused for good. */
        void (*refuse)(void *context, const struct wire_message *message, const char *code, const char *why);
        /* 0 when all that were collected are kept durably; a negative errno, and none is. */
        int (*refused)(void *context);
        void (*on_event)(void *context, const struct spool_event *event);
};

/* `intake`, `queue` and `ops` must outlive it. */
struct spool_flow *spool_flow_new(struct intake *intake, struct spool_queue *queue, const struct spool_ops *ops,
                                  void *context);
struct spool_flow *spool_flow_free(struct spool_flow *flow);

/* Our own spool, and when it is full. */
struct spool_bounds {
        uint32_t slot;
        uint64_t n_bytes;
        struct span patience; /* with a frame without an acknowledgement */
        struct wall wall; /* now, for what is to be told apart by age */
};

/* One turn: to be called when the acknowledgements of the turn have been handed to the intake. 0; -EBADMSG when the
 * spool is damaged. */
MUST_USE int spool_flow_run(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now);
/* Takes the verdict when it is one on a frame of the spool. */
MUST_USE bool spool_flow_on_verdict(struct spool_flow *flow, const struct intake_verdict *verdict, struct mono now);
/* The next verdict on a request that was to be spooled, for intake_verdict_done(). */
MUST_USE bool spool_flow_pop_verdict(struct spool_flow *flow, struct intake_verdict *ret);
/* When to call spool_flow_run() next, as far as time alone decides it. */
struct mono spool_flow_next(const struct spool_flow *flow, const struct spool_bounds *bounds);
bool spool_flow_is_spooling(const struct spool_flow *flow);
/* Is there anything of this slot that was sent and not taken out yet? */
bool spool_flow_has_gone(const struct spool_flow *flow, uint64_t slot);
