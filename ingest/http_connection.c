/* The connections of the HTTP server: who may come, how long each may take, and who has to make room. */
#include "ingest/http_private.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"

#include <stdio.h>
#include <sys/socket.h>

/* -- coming and going ---------------------------------------------------------------------------------------------- */

/* The library closes what is shut down here. What it still holds of the request is not listened to. */
static void drop(struct http *http, struct http_connection *connection) {
        connection->is_dropped = true;
        connection->deadline = MONO_NEVER;
        crowd_remove(http->crowd, &connection->member);
        if (connection->request)
                http_request_forget_body(connection->request);
        shutdown(connection->fd, SHUT_RDWR);
}

/* Somebody has connected: is there a place? */
enum MHD_Result http_on_arrival(void *context, const struct sockaddr *peer, socklen_t len) {
        struct crowd_member *leaver;
        struct http *http = context;

        if (crowd_make_room(http->crowd, http_socket_origin(peer), &leaver) != 0) {
                log_debug("connection_refused", LOG_NUMBER("connections", crowd_n(http->crowd)));
                return MHD_NO;
        }
        if (leaver) {
                log_debug("connection_displaced", LOG_NUMBER("connections", crowd_n(http->crowd)));
                drop(http, (struct http_connection *)leaver);
        }
        return MHD_YES;
}

void http_connection_end(struct http *http, struct http_connection *connection, struct bytes answer) {
        send(connection->fd, answer.data, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        drop(http, connection);
}

static void set_begin(struct http_connection *connection, struct mono begin) {
        connection->begin = begin;
        connection->deadline = mono_add(begin, span_s(LIMIT_HTTP_HEAD_S));
}

static struct http_connection *connection_new(struct http *http, struct MHD_Connection *mhd) {
        struct http_connection *connection = memory_new(1, sizeof *connection);
        const struct sockaddr *peer = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;

        connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        crowd_push(http->crowd, &connection->member, http_socket_origin(peer));
        set_begin(connection, clock_mono());
        connection->next = http->connections;
        if (connection->next)
                connection->next->previous = connection;
        http->connections = connection;
        return connection;
}

static void connection_free(struct http *http, struct http_connection *connection) {
        if (connection->request)
                http_request_free(connection->request);
        crowd_remove(http->crowd, &connection->member);
        if (connection->next)
                connection->next->previous = connection->previous;
        *(connection->previous ? &connection->previous->next : &http->connections) = connection->next;
        free(connection);
}

void http_on_connection(void *context, struct MHD_Connection *mhd, void **connection,
                        enum MHD_ConnectionNotificationCode code) {
        if (code == MHD_CONNECTION_NOTIFY_STARTED)
                *connection = connection_new(context, mhd);
        else
                connection_free(context, *connection);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

void http_connection_on_request(struct http_connection *connection, struct http_request *request) {
        connection->request = request;
        set_begin(connection, mono_min(connection->begin, clock_mono()));
}

void http_connection_on_head(struct http_connection *connection) {
        connection->deadline = mono_add(connection->begin, span_s(LIMIT_HTTP_REQUEST_S));
}

void http_connection_on_whole(struct http *http, struct http_connection *connection) {
        connection->is_suspended = true;
        connection->deadline = MONO_NEVER;
        crowd_on_whole(http->crowd, &connection->member);
}

void http_connection_on_answer(struct http *http, struct http_connection *connection) {
        crowd_on_whole(http->crowd, &connection->member);
        connection->is_answering = true;
        connection->deadline = mono_add(clock_mono(), span_s(LIMIT_HTTP_ANSWER_S));
}

void http_connection_on_completed(struct http *http, struct http_connection *connection) {
        connection->request = NULL;
        connection->is_answering = false;
        if (connection->is_dropped)
                return;
        set_begin(connection, mono_add(clock_mono(), span_s(LIMIT_HTTP_IDLE_S)));
        crowd_on_answered(http->crowd, &connection->member);
}

/* Has the client hung up, without an answer being due to it? Before 0.9.77 the library does not notice an end that
 * comes together with the last bytes. */
static bool is_abandoned(const struct http_connection *connection) {
        char byte;

        return !connection->is_suspended && !connection->is_answering &&
               recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The library's own timeout starts again with each byte: one now and then would keep a connection for ever. */
void http_connections_sweep(struct http *http) {
        struct mono now = clock_mono();

        for (struct http_connection *at = http->connections; at; at = at->next)
                if (!at->is_dropped && (mono_is_due(now, at->deadline) || is_abandoned(at)))
                        drop(http, at);
}

/* -- bodies -------------------------------------------------------------------------------------------------------- */

bool http_connections_spare(struct http *http, const struct http_connection *connection, size_t len) {
        struct crowd_member *at = crowd_oldest(http->crowd);

        while (at && http->n_buffered + len > LIMIT_HTTP_BUFFERED_BYTES) {
                struct http_connection *oldest = (struct http_connection *)at;

                at = crowd_next(http->crowd, at);
                if (oldest != connection && oldest->request && oldest->request->body.cap > 0)
                        drop(http, oldest);
        }
        return http->n_buffered + len <= LIMIT_HTTP_BUFFERED_BYTES;
}
