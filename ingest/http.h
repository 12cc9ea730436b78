/* The HTTP server, on the event loop: whole requests in, answers out, at once or later. The one door to
 * libmicrohttpd.
 *
 * What it keeps to itself: bodies beyond LIMIT_HTTP_BODY_BYTES are answered 413, heads that can be read in two ways
 * (see core/head.h) 400, those of more than LIMIT_HTTP_FIELDS fields, or LIMIT_HTTP_ARGUMENTS arguments in the query,
 * 431, targets beyond LIMIT_HTTP_TARGET_BYTES 414. Connections that are silent for LIMIT_HTTP_IDLE_S, whose head is not
 * there after LIMIT_HTTP_HEAD_S or whose request after LIMIT_HTTP_REQUEST_S, are closed, whatever trickles in. When
 * there are as many connections as may be, or as many from one address, the oldest whose request is not there yet is
 * closed for the new one; so is, when bodies beyond LIMIT_HTTP_BUFFERED_BYTES altogether would be held, the oldest that
 * has a part of one.
 *
 * While an answer is being waited for, nothing is noticed of the client: who does not answer in time himself keeps a
 * connection for ever. */
#pragma once

#include "common/bytes.h"
#include "ingest/loop.h"

#include <stdbool.h>

struct http;
/* One request: valid until it was answered. */
struct http_request;

struct http_events {
        /* The head is there. A request that is answered here already has its body passed over, not kept; or is done
         * with at once, when the client asked before sending it (Expect: 100-continue). */
        void (*on_head)(void *context, struct http_request *request);
        /* All of it is there; its body until this returns. Answer it, now or later, exactly once. */
        void (*on_request)(void *context, struct http_request *request);
        void *context;
};

struct http_limits {
        uint32_t n_connections, n_per_address;
        uint64_t seed; /* a secret, see core/crowd.h */
};

/* Listens at `address` (see http_socket.h), which other processes may share. 0; a negative errno and *ret_error, which
 * the caller frees. */
MUST_USE int http_new(struct loop *loop, const char *address, bool is_shared, const struct http_limits *limits,
                      const struct http_events *events, struct http **ret, char **ret_error);
/* Every request must have been answered. */
struct http *http_free(struct http *http);
static inline void http_cleanup(struct http **http) { http_free(*http); }
#define CLEANUP_HTTP CLEANUP(http_cleanup)

/* Where it really listens. */
const char *http_address(const struct http *http);
/* Accepts no further connection, and closes those that are there with their next answer. */
void http_stop(struct http *http);
bool http_is_stopping(const struct http *http);
/* Requests that have begun and whose answer has not left altogether. */
uint32_t http_n_requests(const struct http *http);
/* Those of them that are not there as a whole yet. */
uint32_t http_n_partial(const struct http *http);

/* What the client asked for. The texts live as long as the request. */
const char *http_method(const struct http_request *request);
/* The path and what follows it, as it came. */
const char *http_target(const struct http_request *request);
/* Any case of `name`; NULL when there is none. */
const char *http_header_find(const struct http_request *request, const char *name);
/* Decoded; NULL when there is none. */
const char *http_query_find(const struct http_request *request, const char *name);
struct bytes http_body(const struct http_request *request);
/* Does it come from this machine itself, neither through a proxy nor from a page in a browser? */
bool http_is_local(const struct http_request *request);

struct http_answer {
        unsigned status;
        const char *content_type;
        struct {
                const char *name, *value; /* NULL = no further header */
        } header;
        struct buffer *body; /* taken, and left empty */
};

void http_answer(struct http_request *request, const struct http_answer *answer);
