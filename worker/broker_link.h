/* The worker's side of lull/1 (common/PROTOCOL.md, sections 3 and 4): says HELLO until it is welcomed, proves life
 * for the leases it holds, and hands the broker's frames on.
 *
 * A worker of whom the broker has heard nothing, as far as it knows, for as long as a lease lives cannot know
 * whether its leases still stand; core/lease_clock.h decides that. Then it is unsure: it says HELLO again, and until it
 * is welcomed RUN and GO are dropped (the broker says them again) and no call may be begun. */
#pragma once

#include "common/wire.h"
#include "worker/core/lease_clock.h"
#include "worker/loop.h"

struct broker_link;

struct broker_link_owner {
        void *context;
        void (*on_run)(void *context, const struct wire_run *run);
        void (*on_go)(void *context, uint64_t fence);
        void (*on_verdict)(void *context, enum wire_type type, const struct wire_verdict *verdict); /* STOP, CANCEL */
        void (*on_settled)(void *context, const struct wire_settled *settled);
        /* The leases held: how many, and wire_encode_held() for each. */
        uint32_t (*count_held)(void *context);
        void (*encode_held)(void *context, struct buffer *frame);
};

/* 0; a negative errno when `endpoint` is none. `owner` is copied. */
MUST_USE int broker_link_new(struct loop *loop, const char *endpoint, const uint8_t uuid[WIRE_UUID_LEN],
                             uint64_t incarnation, uint32_t slots, const struct broker_link_owner *owner,
                             struct broker_link **ret);
/* What has been sent still leaves, for a short while. */
struct broker_link *broker_link_free(struct broker_link *link);

/* Tells the broker at once. */
void broker_link_set_slots(struct broker_link *link, uint32_t slots);
/* Of a lease whose RUN has just come: to be kept with it. */
struct lease_mark broker_link_mark(const struct broker_link *link);
/* Is it certain that the broker has not given this lease away for want of a sign of life? */
bool broker_link_is_sure(const struct broker_link *link, const struct lease_mark *mark, struct mono now);

/* A frame that is not sent, as there is no connection, is sent again by the run's own timer. */
void broker_link_send_answered(struct broker_link *link, const struct wire_answered *answered);
void broker_link_send_result(struct broker_link *link, const struct wire_result *result);
/* These two are sent once: what POSTED says the RESULT says again, and a TALLY that is lost is lost. */
void broker_link_send_posted(struct broker_link *link, const struct wire_posted *posted);
void broker_link_send_tally(struct broker_link *link, struct bytes tenant, const struct wire_tally_item *items,
                            uint32_t n);
