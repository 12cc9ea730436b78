#include "ingest/http.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "ingest/core/problem.h"
#include "ingest/http_socket.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct http_connection {
        struct http_connection *previous, *next;
        struct mono since; /* its first byte, or the end of its last request */
        int fd;
        bool is_suspended;
};

struct http_request {
        struct http *http;
        struct MHD_Connection *connection;
        struct http_connection *owner;
        char *target;
        const char *method;
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
        uint32_t n_requests;
        bool is_stopping;
        char address[HTTP_ADDRESS_MAX];
};

/* -- the daemon on the loop ---------------------------------------------------------------------------------------- */

/* libmicrohttpd must be run when its descriptor is readable and whenever its own timeout has passed. */
static void on_turn(void *context) {
        struct http *http = context;
        MHD_UNSIGNED_LONG_LONG timeout_ms;

        MHD_run(http->daemon);
        if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES)
                loop_timer_set(http->timer, span_ms((int64_t)timeout_ms));
        else
                loop_timer_stop(http->timer);
}

static void on_library_log(void *context, const char *format, va_list arguments) {
        char text[LIMIT_WHY_LEN];
        int len = vsnprintf(text, sizeof text, format, arguments);

        while (len > 0 && len < (int)sizeof text && text[len - 1] == '\n')
                text[--len] = '\0';
        log_debug("http_library", LOG_TEXT("why", text));
}

/* -- connections --------------------------------------------------------------------------------------------------- */

static void connection_remove(struct http *http, struct http_connection *connection) {
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                http->oldest = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        else
                http->newest = connection->previous;
}

static void connection_push(struct http *http, struct http_connection *connection) {
        connection->since = clock_mono();
        connection->next = NULL;
        connection->previous = http->newest;
        *(http->newest ? &http->newest->next : &http->oldest) = connection;
        http->newest = connection;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **connection_context,
                          enum MHD_ConnectionNotificationCode code) {
        struct http_connection *connection = *connection_context;
        struct http *http = context;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                connection_remove(http, connection);
                free(connection);
                return;
        }
        connection = memory_new(1, sizeof *connection);
        connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        connection_push(http, connection);
        *connection_context = connection;
}

/* The library's timeout starts again with each byte, so that one byte now and then keeps a connection for ever. The
 * library closes what is shut down here. */
static void on_sweep(void *context) {
        struct http *http = context;
        struct mono latest = mono_sub(clock_mono(), span_s(LIMIT_HTTP_REQUEST_S));

        for (struct http_connection *at = http->oldest; at && mono_is_before(at->since, latest); at = at->next)
                if (!at->is_suspended)
                        shutdown(at->fd, SHUT_RDWR);
        loop_timer_set(http->sweep, span_s(1));
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

/* The request line is read. The library decodes the path before anyone else sees it, and then "%2F" looks like a
 * slash; here it is as it came. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
        struct http_request *request = memory_new(1, sizeof *request);

        request->http = context;
        request->connection = connection;
        request->owner = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        request->target = memory_print("%s", target);
        request->http->n_requests++;
        return request;
}

static void forget_body(struct http_request *request) {
        request->http->n_buffered -= request->body.len;
        buffer_done(&request->body);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode code) {
        struct http_request *request = *request_context;
        struct http *http = context;

        if (!request)
                return;
        ENSURE(!request->owner->is_suspended);
        *request_context = NULL;
        connection_remove(http, request->owner);
        connection_push(http, request->owner);
        forget_body(request);
        http->n_requests--;
        free(request->target);
        free(request->answer.content_type);
        free(request->answer.header_name);
        free(request->answer.header_value);
        buffer_done(&request->answer.body);
        free(request);
}

static enum MHD_Result queue_answer(struct http_request *request) {
        struct buffer *body = &request->answer.body;
        struct MHD_Response *response;
        enum MHD_Result r;

        response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
        ENSURE(response);
        *body = (struct buffer){0};
        if (request->answer.content_type)
                ENSURE(MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->answer.content_type) == MHD_YES);
        if (request->answer.header_name)
                ENSURE(MHD_add_response_header(response, request->answer.header_name, request->answer.header_value) == MHD_YES);
        if (request->is_last || request->http->is_stopping)
                ENSURE(MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES);
        r = MHD_queue_response(request->connection, request->answer.status, response);
        MHD_destroy_response(response);
        return r;
}

void http_answer(struct http_request *request, const struct http_answer *answer) {
        ENSURE(!request->is_answered);
        request->is_answered = true;
        request->answer.status = answer->status;
        request->answer.content_type = answer->content_type ? memory_print("%s", answer->content_type) : NULL;
        if (answer->header.name) {
                request->answer.header_name = memory_print("%s", answer->header.name);
                request->answer.header_value = memory_print("%s", answer->header.value);
        }
        request->answer.body = *answer->body;
        *answer->body = (struct buffer){0};
        forget_body(request);
        if (request->owner->is_suspended) {
                request->owner->is_suspended = false;
                MHD_resume_connection(request->connection);
                loop_timer_set(request->http->timer, span_us(0));
        }
}

static void answer_problem(struct http_request *request, unsigned status, const char *code, const char *detail) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){status, code, detail}, &body);
        http_answer(request, &(struct http_answer){.status = status, .content_type = PROBLEM_CONTENT_TYPE, .body = &body});
}

/* -- reading a request --------------------------------------------------------------------------------------------- */

/* How the head tells the length of the body. */
struct framing {
        uint32_t n_lengths, n_codings;
        bool is_chunked;
        uint64_t length;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
        struct framing *framing = context;

        if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
                framing->n_lengths++;
                framing->length = strtoull(value ? value : "", NULL, 10);
        } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
                framing->n_codings++;
                framing->is_chunked = value && strcasecmp(value, "chunked") == 0;
        }
        return MHD_YES;
}

static bool is_ambiguous(const struct framing *framing) {
        return framing->n_lengths + framing->n_codings > 1 || (framing->n_codings > 0 && !framing->is_chunked);
}

static void answer_too_large(struct http_request *request) {
        char detail[100];

        snprintf(detail, sizeof detail, "the body has more than %d bytes; send it in parts", LIMIT_HTTP_BODY_BYTES);
        answer_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large", detail);
}

/* Where two programs disagree on how long a request is, the rest of it becomes a request of its own: so one that can
 * be read in two ways is not read at all. */
static enum MHD_Result on_head(struct http_request *request, const char *method) {
        struct framing framing = {0};

        request->is_head_read = true;
        request->method = method;
        MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, &framing);
        if (is_ambiguous(&framing)) {
                request->is_last = true;
                answer_problem(request, MHD_HTTP_BAD_REQUEST, "bad_request", "the length of the body is told in more than one way");
                return queue_answer(request);
        }
        if (framing.length > LIMIT_HTTP_BODY_BYTES) {
                answer_too_large(request);
                if (framing.length > LIMIT_HTTP_SWALLOWED_BYTES || http_header_find(request, MHD_HTTP_HEADER_EXPECT)) {
                        request->is_last = true;
                        return queue_answer(request);
                }
                return MHD_YES;
        }
        request->http->events.on_head(request->http->events.context, request);
        return MHD_YES;
}

static enum MHD_Result on_body(struct http_request *request, const char *data, size_t len) {
        struct http *http = request->http;

        request->n_received += len;
        if (request->n_received > LIMIT_HTTP_SWALLOWED_BYTES)
                return MHD_NO; /* closes the connection */
        if (request->is_answered)
                return MHD_YES;
        if (request->n_received > LIMIT_HTTP_BODY_BYTES) {
                answer_too_large(request);
        } else if (http->n_buffered + len > LIMIT_HTTP_BUFFERED_BYTES) {
                answer_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "overloaded", "too many bodies are on their way; try again in a moment");
        } else {
                buffer_push(&request->body, data, len);
                http->n_buffered += len;
        }
        return MHD_YES;
}

/* Called for the head, for each part of the body, at the end, and again when a suspended request goes on. */
static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                 const char *version, const char *data, size_t *len, void **request_context) {
        struct http_request *request = *request_context;
        enum MHD_Result r;

        if (!request->is_head_read)
                return on_head(request, method);
        if (*len > 0) {
                r = on_body(request, data, *len);
                *len = 0;
                return r;
        }
        if (!request->is_whole && !request->is_answered)
                request->http->events.on_request(request->http->events.context, request);
        request->is_whole = true;
        if (request->is_answered)
                return queue_answer(request);
        request->owner->is_suspended = true;
        MHD_suspend_connection(connection);
        return MHD_YES;
}

/* -- what the rest of the program asks ----------------------------------------------------------------------------- */

const char *http_method(const struct http_request *request) { return request->method; }
const char *http_target(const struct http_request *request) { return request->target; }
struct bytes http_body(const struct http_request *request) { return buffer_bytes(&request->body); }

const char *http_header_find(const struct http_request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_query_find(const struct http_request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool http_is_local(const struct http_request *request) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

        return http_socket_is_loopback(info->client_addr) && !http_header_find(request, "X-Forwarded-For") &&
               !http_header_find(request, "Forwarded") && !http_header_find(request, "Origin");
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http *http, int fd) {
        return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, http,
                                MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
                                MHD_OPTION_LISTEN_SOCKET, fd,
                                MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
                                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIMIT_HTTP_IDLE_S,
                                MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
                                MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
                                MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
                                MHD_OPTION_END);
}

int http_new(struct loop *loop, const char *address, const struct http_events *events, struct http **ret, char **ret_error) {
        CLEANUP_FREE struct http *http = memory_new(1, sizeof *http);
        CLEANUP_CLOSE int fd = -1;
        int r;

        r = http_socket_open(address, &fd, http->address, ret_error);
        if (r < 0)
                return r;
        http->events = *events;
        http->daemon = start_daemon(http, fd);
        if (!http->daemon) {
                *ret_error = memory_print("libmicrohttpd did not start; LULL_LOG=debug shows what it says");
                return -EIO;
        }
        fd = -1;
        http->readable = loop_on_readable(loop, MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                                          (struct loop_call){on_turn, http});
        http->timer = loop_timer_new(loop, (struct loop_call){on_turn, http});
        http->sweep = loop_timer_new(loop, (struct loop_call){on_sweep, http});
        loop_timer_set(http->sweep, span_s(1));
        *ret = TAKE(http);
        return 0;
}

const char *http_address(const struct http *http) { return http->address; }
bool http_is_stopping(const struct http *http) { return http->is_stopping; }
uint32_t http_n_requests(const struct http *http) { return http->n_requests; }

void http_stop(struct http *http) {
        int fd = MHD_quiesce_daemon(http->daemon);

        http->is_stopping = true;
        if (fd >= 0)
                close(fd);
}

struct http *http_free(struct http *http) {
        if (!http)
                return NULL;
        loop_handle_free(http->readable);
        loop_handle_free(http->timer);
        loop_handle_free(http->sweep);
        MHD_stop_daemon(http->daemon);
        free(http);
        return NULL;
}
