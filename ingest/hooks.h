/* Webhooks of the platforms: /hooks/{tenant}/{channel}. */
#pragma once

#include "ingest/core/path.h"
#include "ingest/service.h"

/* The channel that the path names. 0 and *ret; otherwise the request is answered 404. */
MUST_USE int hooks_find(struct service *service, struct http_request *request, const struct path *path,
                        struct door *ret);
/* Checks the signature, reads the body, hands messages and events over, and answers after the broker's
 * acknowledgement, in the words that the platform wants to hear. A platform's question is answered at once. A message
 * that would be over limits.message_bytes loses first its `data`, then its `url`, before it is refused. */
void hooks_on_post(struct service *service, struct http_request *request, const struct door *door);
/* Answers the platform's question whether this address is ours. */
void hooks_on_get(struct service *service, struct http_request *request, const struct door *door);
