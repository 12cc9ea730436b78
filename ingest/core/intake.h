/* The intake: what was handed to the broker and is not acknowledged yet.
 *
 * The parcels of many requests share a frame, and so a commit. At most one frame is under way: what comes meanwhile is
 * collected into the next. That keeps the order in which messages came even when a frame is lost and sent again, and it
 * makes frames as large as the broker's commits are long. A frame that is not acknowledged in LIMIT_RESEND_MS is sent
 * again, the same bytes, until its last request has had its answer.
 *
 * Pure: time comes as an argument (the steady clock), frames and verdicts are popped by the shell after each event.
 * Bounded by LIMIT_INTAKE_REQUESTS and LIMIT_INTAKE_BYTES. */
#pragma once

#include "common/time.h"
#include "ingest/core/parcel.h"
#include "ingest/core/refusals.h"

struct intake;

struct intake *intake_new(void);
/* From now on, a frame of which something is refused for want of room is sent again until there is some. Of no use to
 * requests with a deadline. */
void intake_be_patient(struct intake *intake);
/* The code of that refusal, while it lasts; else NULL. */
const char *intake_waits_for(const struct intake *intake);
/* Requests that still wait get no verdict. */
struct intake *intake_free(struct intake *intake);

enum {
        INTAKE_FULL = 1, /* too much waits already */
        INTAKE_TOO_LARGE = 2, /* the parcel fits no frame */
};

/* Hands a parcel over, which is taken when the answer is 0, and left alone otherwise. An empty one is fine: its
 * verdict tells whether the broker answers. `owner` comes back with the verdict, of which there is exactly one: at
 * `deadline` at the latest. */
MUST_USE int intake_push(struct intake *intake, struct parcel *parcel, void *owner, struct mono deadline);

/* Hands in an acknowledgement. 0; 1 when it is of no frame under way, such as the second one of a frame sent twice;
 * -EBADMSG when it does not add up, and then nothing has changed. */
MUST_USE int intake_on_ack(struct intake *intake, const struct wire_ack *ack);
/* The code of a refusal that comes of intake_on_bad_frame(). */
#define INTAKE_BROKER_OLD "broker_old"
/* The broker has answered that it does not know such a frame. True when the one under way may have events or aliases: a
 * broker before lull/1.2 knows none. It is made anew of its messages alone, so that they go on; the events,
 * *ret_n_events of them, are refused. */
MUST_USE bool intake_on_bad_frame(struct intake *intake, struct mono now, uint32_t *ret_n_events);
/* Tells the time: requests past their deadline get their verdict. */
void intake_on_time(struct intake *intake, struct mono now);

/* The frame to send now, if there is one: a new one, or the one under way that is due again. Borrowed until the next
 * call. */
bool intake_pop_frame(struct intake *intake, struct mono now, struct bytes *ret);
/* The popped frame could not be sent: there is no connection. It is due again soon. */
void intake_on_unsent(struct intake *intake, struct mono now);

struct intake_verdict {
        void *owner;
        bool is_late; /* no acknowledgement in time: whether the broker has the messages is not known */
        uint32_t n_accepted, n_duplicates; /* messages */
        uint32_t n_events; /* events about threads that were taken in */
        struct refusals refusals; /* with the places of the parcel */
};

/* The next verdict, for intake_verdict_done(). */
bool intake_pop_verdict(struct intake *intake, struct intake_verdict *ret);
void intake_verdict_done(struct intake_verdict *verdict);

/* -- beside a spool (spool_flow.h) --------------------------------------------------------------------------------- */

/* While it is held, what is pushed waits for intake_pop_request(), and no frame is made of it. */
void intake_hold(struct intake *intake, bool is_held);
/* Hands over what a frame of its own is made of before all that is collected. Only one at a time; it has no deadline.
 * `parcel` must be sendable, and is taken. */
void intake_push_backlog(struct intake *intake, struct parcel *parcel, void *owner);
/* Forgets it, also when it is under way: it gets no verdict. */
void intake_drop_backlog(struct intake *intake);
/* When the frame under way will have had no acknowledgement for `patience`, or no connection for LIMIT_UNSENT_MS. */
struct mono intake_unheard_at(const struct intake *intake, struct span patience);

/* A request that was taken back, with its messages: it gets no verdict from here. */
struct intake_request {
        void *owner; /* NULL: it had its verdict, too late for the broker */
        struct parcel parcel; /* the caller's */
        struct refusals refusals; /* the caller's: what the broker has refused already */
};

/* Takes back the first of all requests that are not acknowledged, those in the frame under way first, which is then
 * given up: an acknowledgement of it counts no more. The backlog stays. */
MUST_USE bool intake_pop_request(struct intake *intake, struct intake_request *ret);

/* When to call intake_on_time() and intake_pop_frame() next, as far as time alone decides it. */
struct mono intake_next(const struct intake *intake);
/* Requests that wait for their verdict. */
uint32_t intake_n_waiting(const struct intake *intake);
