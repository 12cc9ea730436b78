#include "ingest/http_private.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "ingest/core/problem.h"

#include <stdio.h>
#include <string.h>

/* -- requests ------------------------------------------------------------------------------------------------------ */

static uint32_t count_arguments(const char *target) {
        const char *at = strchr(target, '?');
        uint32_t n = at ? 1 : 0;

        for (; at && *at; at++)
                n += *at == '&';
        return n;
}

/* Here the library takes no answer yet, and later may be too late: see LIMIT_HTTP_ARGUMENTS. */
static void end_with_problem(struct http_request *request, const struct problem *problem) {
        CLEANUP_BUFFER struct buffer body = {0}, answer = {0};

        problem_encode(problem, &body);
        buffer_print(&answer,
                     "HTTP/1.1 %u %s\r\nContent-Type: " PROBLEM_CONTENT_TYPE
                     "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     problem->status, problem_title(problem->status), body.len);
        buffer_push(&answer, body.data, body.len);
        http_connection_end(request->http, request->owner, buffer_bytes(&answer));
}

static void check_target(struct http_request *request) {
        char detail[100];

        if (strlen(request->target) > LIMIT_HTTP_TARGET_BYTES) {
                snprintf(detail, sizeof detail, "the address has more than %d bytes; shorten it",
                         LIMIT_HTTP_TARGET_BYTES);
                end_with_problem(request, &(struct problem){MHD_HTTP_URI_TOO_LONG, "too_long", detail});
        } else if (count_arguments(request->target) > LIMIT_HTTP_ARGUMENTS) {
                snprintf(detail, sizeof detail, "the query has more than %d arguments; send fewer",
                         LIMIT_HTTP_ARGUMENTS);
                end_with_problem(request, &(struct problem){MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                                                            "too_many_arguments", detail});
        }
}

/* The request line is read. The library decodes the path before anyone else sees it, and then "%2F" looks like a
 * slash; here it is as it came. */
void *http_on_target(void *context, const char *target, struct MHD_Connection *connection) {
        struct http_request *request = memory_new(1, sizeof *request);

        request->http = context;
        request->connection = connection;
        request->owner = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        request->target = memory_print("%s", target);
        request->target_end = (uintptr_t)target + strlen(target);
        head_push_target(&request->head, target);
        if (request->owner->request)
                http_request_free(request->owner->request);
        http_connection_on_request(request->owner, request);
        request->http->n_requests++;
        request->http->n_partial++;
        check_target(request);
        return request;
}

/* Nothing more is to be read of it. */
static void set_whole(struct http_request *request) {
        if (!request->is_whole)
                request->http->n_partial--;
        request->is_whole = true;
}

void http_request_forget_body(struct http_request *request) {
        request->http->n_buffered -= request->body.cap;
        buffer_done(&request->body);
}

void http_request_free(struct http_request *request) {
        struct http *http = request->http;

        request->owner->request = NULL;
        set_whole(request);
        http_request_forget_body(request);
        http->n_requests--;
        free(request->target);
        free(request->answer.content_type);
        free(request->answer.header_name);
        free(request->answer.header_value);
        buffer_done(&request->answer.body);
        free(request);
}

void http_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                       enum MHD_RequestTerminationCode code) {
        struct http_request *request = *request_context;

        if (!request)
                return;
        ENSURE(!request->owner->is_suspended);
        *request_context = NULL;
        http_connection_on_completed(context, request->owner);
        http_request_free(request);
}

static enum MHD_Result queue_answer(struct http_request *request) {
        struct buffer *body = &request->answer.body;
        struct MHD_Response *response;
        enum MHD_Result r;

        set_whole(request);
        http_connection_on_answer(request->http, request->owner);
        response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
        ENSURE(response);
        *body = (struct buffer){0};
        if (request->answer.content_type)
                ENSURE(MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->answer.content_type) ==
                       MHD_YES);
        if (request->answer.header_name)
                ENSURE(MHD_add_response_header(response, request->answer.header_name, request->answer.header_value) ==
                       MHD_YES);
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
        http_request_forget_body(request);
        if (request->owner->is_suspended) {
                request->owner->is_suspended = false;
                MHD_resume_connection(request->connection);
                loop_timer_set(request->http->timer, span_us(0));
        }
}

static void answer_problem(struct http_request *request, unsigned status, const char *code, const char *detail) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){status, code, detail}, &body);
        http_answer(request,
                    &(struct http_answer){.status = status, .content_type = PROBLEM_CONTENT_TYPE, .body = &body});
}

/* -- reading a request --------------------------------------------------------------------------------------------- */

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
        struct http_request *request = context;

        head_push_field(&request->head, name, value);
        return MHD_YES;
}

/* Before 1.0 the library takes a NUL in the request line for the end of the target, and of what is behind it nothing
 * is seen. But the version, which it leaves where it came, then does not begin one blank behind the target. */
static bool is_target_cut(const struct http_request *request, const char *version) {
        uintptr_t gap = (uintptr_t)version - request->target_end;

        return MHD_get_version()[0] == '0' && gap > 1 && gap < LIMIT_HTTP_HEAD_BYTES;
}

static void answer_too_large(struct http_request *request) {
        char detail[100];

        snprintf(detail, sizeof detail, "the body has more than %d bytes; send it in parts", LIMIT_HTTP_BODY_BYTES);
        answer_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large", detail);
}

static void answer_too_many_fields(struct http_request *request) {
        char detail[100];

        snprintf(detail, sizeof detail, "the request has more than %d header fields; send fewer", LIMIT_HTTP_FIELDS);
        answer_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", detail);
}

static const char *fault_find(struct http_request *request, const char *version) {
        MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, request);
        if (is_target_cut(request, version))
                request->head.has_bad_target = true;
        return head_fault_find(&request->head);
}

/* Is the body of an answered request not to be waited for? Who asked before sending it is told now, and sends
 * nothing. */
static bool is_body_unwanted(const struct http_request *request) {
        return request->head.length > LIMIT_HTTP_SWALLOWED_BYTES || http_header_find(request, MHD_HTTP_HEADER_EXPECT);
}

/* What cannot be told from something else, or is beyond measure, is answered without looking at the rest. */
static bool is_head_refused(struct http_request *request, const char *version) {
        const char *fault = fault_find(request, version);

        if (fault)
                answer_problem(request, MHD_HTTP_BAD_REQUEST, "bad_request", fault);
        else if (request->head.n_fields > LIMIT_HTTP_FIELDS)
                answer_too_many_fields(request);
        return request->is_answered;
}

static enum MHD_Result on_head(struct http_request *request, const char *method, const char *version) {
        bool is_refused = is_head_refused(request, version);

        request->is_head_read = true;
        request->method = method;
        http_connection_on_head(request->owner);
        if (!is_refused && request->head.length > LIMIT_HTTP_BODY_BYTES)
                answer_too_large(request);
        else if (!is_refused)
                request->http->events.on_head(request->http->events.context, request);
        if (!request->is_answered || (!is_refused && !is_body_unwanted(request)))
                return MHD_YES;
        request->is_last = true;
        return queue_answer(request);
}

/* How much more memory its body may take for `len` more bytes: a buffer grows by doubling. */
static size_t growth_of(const struct http_request *request, size_t len) {
        const struct buffer *body = &request->body;

        return body->cap - body->len >= len ? 0 : body->cap + 2 * len;
}

static void keep_body(struct http_request *request, const char *data, size_t len) {
        struct http *http = request->http;

        http->n_buffered -= request->body.cap;
        buffer_push(&request->body, data, len);
        http->n_buffered += request->body.cap;
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
        } else if (!http_connections_spare(http, request->owner, growth_of(request, len))) {
                answer_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "overloaded",
                               "too many bodies are on their way; try again in a moment");
        } else {
                keep_body(request, data, len);
        }
        return MHD_YES;
}

/* Called for the head, for each part of the body, at the end, and again when a suspended request goes on. */
enum MHD_Result http_on_access(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                               const char *version, const char *data, size_t *len, void **request_context) {
        struct http_request *request = *request_context;
        enum MHD_Result r;

        if (request->owner->is_dropped)
                return MHD_NO;
        if (!request->is_head_read)
                return on_head(request, method, version);
        if (*len > 0) {
                r = on_body(request, data, *len);
                *len = 0;
                return r;
        }
        if (!request->is_whole && !request->is_answered)
                request->http->events.on_request(request->http->events.context, request);
        set_whole(request);
        if (request->is_answered)
                return queue_answer(request);
        http_request_forget_body(request);
        http_connection_on_whole(request->http, request->owner);
        MHD_suspend_connection(connection);
        return MHD_YES;
}

/* -- what the rest of the program asks ----------------------------------------------------------------------------- */

const char *http_method(const struct http_request *request) { return request->method; }
const char *http_target(const struct http_request *request) { return request->target; }
struct bytes http_body(const struct http_request *request) {
        return buffer_bytes(&request->body);
}

const char *http_header_find(const struct http_request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_query_find(const struct http_request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* A proxy that adds none of these cannot be told from a program on this machine. */
bool http_is_local(const struct http_request *request) {
        static const char *const signs[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "Origin"};
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

        if (!http_socket_is_loopback(info->client_addr))
                return false;
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
                if (http_header_find(request, signs[i]))
                        return false;
        return true;
}
