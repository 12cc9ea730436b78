/* Which request goes where: paths and methods. */
#pragma once

#include "ingest/service.h"

/* For http_events; the context is the service. What cannot be served is answered at the head, so that a stranger's
 * body is not kept. */
void routes_on_head(void *service, struct http_request *request);
void routes_on_request(void *service, struct http_request *request);
