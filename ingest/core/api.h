/* The body of POST /v1/messages: a JSON object, an array of them, or one a line (NDJSON).
 *
 * A message that is not one is refused alone; the others of its request are handed over. */
#pragma once

#include "common/json.h"
#include "ingest/core/parcel.h"
#include "ingest/core/refusals.h"

struct api_request {
        struct parcel parcel; /* what goes to the broker */
        struct refusals refusals; /* what does not; places count from 0 */
};

/* Reads a body. `content_type` may be NULL; only an NDJSON one matters, for the other forms tell themselves.
 * `body_len_max` is limits.message_bytes. 0 and *ret, for api_request_done(); -EBADMSG when the body as a whole is
 * broken, -E2BIG when it has too many messages: then *ret_error (the caller frees) says so, with line and column
 * where it is broken JSON. */
MUST_USE int api_decode(struct bytes body, const char *content_type, struct parcel_ids *ids, uint32_t body_len_max,
                        struct api_request *ret, char **ret_error);
void api_request_done(struct api_request *request);
