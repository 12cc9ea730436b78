/* What http.c and http_request.c share: the server, its connections, and the requests on them. */
#pragma once

#include "common/time.h"
#include "ingest/core/head.h"
#include "ingest/http.h"
#include "ingest/http_socket.h"

#include <microhttpd.h>

struct http_connection {
        struct http_connection *previous, *next;
        struct mono since; /* its first byte, or the end of its last request */
        int fd;
        bool is_suspended; /* the request waits for its answer */
        bool is_answering; /* the answer is on its way */
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
        struct http_connection *oldest, *newest; /* by `since` */
        size_t n_buffered;
        uint32_t n_requests, n_partial;
        bool is_stopping;
        char address[HTTP_ADDRESS_MAX];
};

/* Takes a connection out of the list, and puts it in as the youngest. */
void http_connection_remove(struct http *http, struct http_connection *connection);
void http_connection_push(struct http *http, struct http_connection *connection);

/* Callbacks of the library, in the order of a request's life. */
void *http_on_target(void *http, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_on_access(void *http, struct MHD_Connection *connection, const char *path, const char *method,
                               const char *version, const char *data, size_t *len, void **request);
void http_on_completed(void *http, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode code);
