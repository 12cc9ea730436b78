/* What a request is answered once it is known what became of its messages. */
#pragma once

#include "common/bytes.h"
#include "common/limits.h"
#include "ingest/core/refusals.h"

struct reply_outcome {
        uint32_t n_accepted, n_duplicates; /* messages */
        uint32_t n_events; /* events about threads that were taken in */
        const struct refusals *refusals;
};

/* Each appends the body and returns the status of HTTP; the body is a problem (problem.h) from 400 on. */

/* POST /v1/messages: 202 when anything was accepted, is held already, or nothing was refused; otherwise what the
 * refusals have in common: 404 unknown names, 413 too large, 429, 503 or 507 no room (503 when some lack one kind of it
 * and some another), else 400. */
unsigned reply_to_api(const struct reply_outcome *outcome, struct buffer *body);

/* What a webhook held that is not for lull: how much, and why, of the first LIMIT_IGNORED_SHOWN. */
struct reply_ignored {
        uint32_t n;
        char *why[LIMIT_IGNORED_SHOWN];
};

/* POST /hooks/...: 200, also when what is wrong with a message stays wrong, as the platform would come again with it
 * for days; the body names it. But when anything found no room, 507 for the disk or 503: then the platform has to come
 * again for that, and may bring what was accepted, too. 503 as well when nothing was taken, and the broker does not
 * know the tenant or channel yet, is too old for the event, or holds as many threads as it may. */
unsigned reply_to_hook(const struct reply_outcome *outcome, const struct reply_ignored *ignored, struct buffer *body);
