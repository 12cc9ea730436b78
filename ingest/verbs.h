/* The verbs of a thread: POST /v1/threads/TENANT/THREAD/VERB. */
#pragma once

#include "ingest/core/verb.h"
#include "ingest/service.h"

/* Reads the body, asks the broker, or hands it the event, and answers when it has. */
void verbs_on_post(struct service *service, struct http_request *request, const struct path *path);
