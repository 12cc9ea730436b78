/* What http.c, http_connection.c and http_request.c share: the server, its connections, and the requests on them. */
#pragma once

#include "common/time.h"
#include "ingest/core/crowd.h"
#include "ingest/core/head.h"
#include "ingest/http.h"
#include "ingest/http_socket.h"

#include <microhttpd.h>

struct http_connection {
        struct crowd_member member; /* first, so that one is the other */
        struct http_connection *previous, *next;
        struct http_request *request; /* the one on it; NULL between two */
        struct mono begin; /* of the request on it; between two, when the next one must begin at the latest */
        struct mono deadline; /* for what it has to do next: a head, a whole request, the reading of an answer */
        int fd;
        bool is_suspended; /* the request waits for its answer */
        bool is_answering; /* the answer is on its way */
        bool is_dropped; /* the library has yet to notice that it is over */
};

struct http_request {
        struct http *http;
        struct MHD_Connection *connection;
        struct http_connection *owner;
        char *target;
        uintptr_t target_end; /* where it ended in the library's memory */
        const char *method;
        struct head head;
        struct buffer body;
        uint64_t n_received;
        bool is_head_read, is_whole, is_answered, is_last; /* last: the connection closes behind it */
        struct {
                unsigned status;
                char *content_type, *header_name, *header_value;
                struct buffer body;
        } answer;
};

struct http {
        struct MHD_Daemon *daemon;
        struct http_events events;
        struct loop_handle *readable, *timer, *sweep;
        struct http_connection *connections;
        struct crowd *crowd;
        size_t n_buffered;
        uint32_t n_requests, n_partial;
        bool is_stopping;
        char address[HTTP_ADDRESS_MAX];
};

/* -- connections: http_connection.c -------------------------------------------------------------------------------- */

/* Callbacks of the library. */
enum MHD_Result http_on_arrival(void *http, const struct sockaddr *peer, socklen_t len);
void http_on_connection(void *http, struct MHD_Connection *mhd, void **connection,
                        enum MHD_ConnectionNotificationCode code);
/* Closes those that have had their time. To be called once a second. */
void http_connections_sweep(struct http *http);

/* Sends `answer`, whole with its head, past the library, and closes. Only at the beginning of a request: then all
 * before it was answered, and has left the library. */
void http_connection_end(struct http *http, struct http_connection *connection, struct bytes answer);

/* Where a request is, in the order of its life: the deadline follows. */
void http_connection_on_request(struct http_connection *connection, struct http_request *request);
void http_connection_on_head(struct http_connection *connection);
void http_connection_on_whole(struct http *http, struct http_connection *connection);
void http_connection_on_answer(struct http *http, struct http_connection *connection);
void http_connection_on_completed(struct http *http, struct http_connection *connection);

/* Makes room for `len` more bytes of a body: the oldest that has a part of one is closed, but never `connection`
 * itself. False: there is none. */
bool http_connections_spare(struct http *http, const struct http_connection *connection, size_t len);

/* -- requests: http_request.c -------------------------------------------------------------------------------------- */

/* Callbacks of the library, in the order of a request's life. */
void *http_on_target(void *http, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_on_access(void *http, struct MHD_Connection *connection, const char *path, const char *method,
                               const char *version, const char *data, size_t *len, void **request);
void http_on_completed(void *http, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode code);
/* Gives the memory of its body back. */
void http_request_forget_body(struct http_request *request);
/* Ends a request that the library has given up: what it refuses before it asks us, such as more arguments than it can
 * hold, it never tells to be completed. */
void http_request_free(struct http_request *request);
