/* Posts a reply to a batch's channel, and finds out whether one is there: the channel's file says how, call.h does it.
 * How long either may take is the caller's own timer. */
#pragma once

#include "common/channel.h"
#include "worker/call.h"
#include "worker/core/batch.h"
#include "worker/core/outcome.h"

struct post;
struct post_reading;

/* What is to be posted, or looked for. */
struct post_reply {
        const struct channel *channel;
        const struct batch *batch;
        struct bytes answer; /* as on the wire; of no matter to a reading */
        uint32_t index; /* which of its replies */
        bool (*may_send)(void *context); /* as call.h has it, with the context of post_new() */
};

/* Begins to post. 0: on_end is called once, later, with an outcome that is done or says why not, unless it is freed
 * first; outcome.is_doubtful when the reply may be there all the same. -EINVAL: it cannot be posted, *ret_outcome says
 * why, and on_end is not called. The channel must live until then. */
MUST_USE int post_new(struct calls *calls, const struct post_reply *reply,
                      void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
                      struct outcome *ret_outcome);
/* Gives up: on_end is not called. Whether the reply arrived is not known then. */
struct post *post_free(struct post *post);

enum post_read {
        POST_READ_FOUND, /* the reply is there */
        POST_READ_NOT_FOUND, /* it is not */
        POST_READ_UNKNOWN, /* it cannot be known; the outcome says why */
        POST_READ_AGAIN, /* not now; the outcome says why and bears the Retry-After */
};

/* Begins to read the channel back, which it must be able to (channel_has_read_back). 0: on_end is called once, later,
 * unless it is freed first. -EINVAL: it cannot be asked, as POST_READ_UNKNOWN; *ret_outcome says why, and on_end is not
 * called. Channel and batch must live until then. */
MUST_USE int post_read_new(struct calls *calls, const struct post_reply *reply,
                           void (*on_end)(void *context, enum post_read read, const struct outcome *outcome),
                           void *context, struct post_reading **ret, struct outcome *ret_outcome);
struct post_reading *post_read_free(struct post_reading *reading);
