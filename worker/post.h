/* Posts a reply to a batch's channel: the channel's file says how, call.h does it. */
#pragma once

#include "common/channel.h"
#include "worker/call.h"
#include "worker/core/batch.h"
#include "worker/core/outcome.h"

struct post;

/* What is to be posted. */
struct post_reply {
        const struct channel *channel;
        const struct batch *batch;
        struct bytes answer; /* as on the wire */
        uint32_t index; /* which of its replies */
        bool (*may_send)(void *context); /* as call.h has it, with the context of post_new() */
};

/* Begins to post. 0: on_end is called once, later, with an outcome that is done or says why not, unless it is freed
 * first. -EINVAL: it cannot be posted, *ret_outcome says why, and on_end is not called. The channel must live until
 * then. */
MUST_USE int post_new(struct calls *calls, const struct post_reply *reply,
                      void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
                      struct outcome *ret_outcome);
/* Gives up: on_end is not called. Whether the reply arrived is not known then. */
struct post *post_free(struct post *post);
