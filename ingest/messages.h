/* The message API: POST /v1/messages. */
#pragma once

#include "ingest/service.h"

/* May this client use it? Otherwise it is answered, 401 or 403, and the answer is false. */
MUST_USE bool messages_check(struct service *service, struct http_request *request);
/* Reads the body, hands the messages over, and answers after the broker's acknowledgement. */
void messages_on_post(struct service *service, struct http_request *request);
