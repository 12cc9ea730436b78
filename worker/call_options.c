/* What libcurl is told of a request, and how the request leaves and the answer comes. */
#include "worker/call_private.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"

#include <string.h>

/* Connections are kept for the next call for less time than load balancers keep theirs, and not for ever, so that a
 * changed name is noticed. */
enum { IDLE_S = 30, LIFETIME_S = 600 };
/* What each call holds for as long as it is under way, however little comes; libcurl's own are 16 and 64 KiB. */
enum { RECEIVE_BYTES = 4 * 1024, SEND_BYTES = 16 * 1024 };

/* -- the answer ---------------------------------------------------------------------------------------------------- */

static bool is_well(const struct call *call) {
        long status = 0;

        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        return status >= 200 && status <= 299;
}

static size_t on_header(char *data, size_t size, size_t n, void *context) {
        struct call *call = context;

        call->n_header_bytes += n;
        if (call->n_header_bytes <= LIMIT_RESPONSE_HEADER_BYTES)
                return n;
        call_give_up(call, OUTCOME_TOO_LARGE, "its headers are over %d bytes", LIMIT_RESPONSE_HEADER_BYTES);
        return 0;
}

/* Of an error its beginning says enough, and its end may never come. */
static size_t on_error_body(struct call *call, const char *data, size_t n) {
        size_t max = call->on_data && call->body_max > LIMIT_ERROR_BYTES ? LIMIT_ERROR_BYTES : call->body_max;
        size_t room = max - call->body.len;

        call->n_received += n;
        call_hear(call);
        buffer_push(&call->body, data, n < room ? n : room);
        if (n <= room)
                return n;
        call_give_up(call, OUTCOME_ANSWERED, "its error is over %zu bytes", max);
        return CURL_WRITEFUNC_ERROR;
}

static size_t on_body(char *data, size_t size, size_t n, void *context) {
        struct call *call = context;

        if (!call->on_end)
                return CURL_WRITEFUNC_ERROR;
        if (!is_well(call))
                return on_error_body(call, data, n);
        if (n > call->body_max - call->n_received) {
                call_give_up(call, OUTCOME_TOO_LARGE, "it is over %zu bytes", call->body_max);
                return CURL_WRITEFUNC_ERROR;
        }
        call->n_received += n;
        call_hear(call);
        if (!call->on_data) {
                buffer_push(&call->body, data, n);
                return n;
        }
        if (!call->on_data(call->context, (struct bytes){data, n}))
                call_give_up(call, OUTCOME_TOO_LARGE, "a part of it is over what is read of it");
        /* It may have freed the call, too. */
        return call->on_end && !call->is_given_up ? n : CURL_WRITEFUNC_ERROR;
}

/* -- the request --------------------------------------------------------------------------------------------------- */

static bool may_send(struct call *call) {
        if (!call->on_end)
                return false;
        if (call->may_send && !call->may_send(call->context)) {
                call->is_held_back = true;
                call_give_up(call, OUTCOME_BROKEN, "the request was held back");
                return false;
        }
        return true;
}

/* Called on a new or reused connection right before the request is sent. */
static int on_connected(void *context, char *remote, char *local, int remote_port, int local_port) {
        struct call *call = context;

        call->is_resolved = true;
        /* A kept connection may be that of a call which was allowed more. */
        if (!call_check_remote(call, remote) || !may_send(call))
                return CURL_PREREQFUNC_ABORT;
        call->is_sent = true;
        if (call->longest.us > 0)
                call->end = mono_add(clock_mono(), call->longest);
        call_hear(call);
        return CURL_PREREQFUNC_OK;
}

static size_t on_send_body(char *data, size_t size, size_t n, void *context) {
        struct call *call = context;
        size_t left = call->request_body.len - call->n_sent, len = left < n ? left : n;

        /* The last of it has been handed over, and cannot be held back. */
        if (left == 0)
                return 0;
        if (!may_send(call))
                return CURL_READFUNC_ABORT;
        if (len > 0)
                memcpy(data, call->request_body.data + call->n_sent, len);
        call->n_sent += len;
        call_hear(call);
        return len;
}

/* Called before the request is sent again on another connection. */
static int on_rewind(void *context, curl_off_t offset, int origin) {
        struct call *call = context;

        if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->request_body.len)
                return CURL_SEEKFUNC_FAIL;
        call->n_sent = (size_t)offset;
        return CURL_SEEKFUNC_OK;
}

/* A line break would begin another header, or another request. */
static bool has_control(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        return true;
        return false;
}

static void set_headers(struct call *call, const struct call_request *request) {
        /* Without this libcurl waits a second for "100 Continue" before it sends a large body. */
        call->headers = curl_slist_append(NULL, "Expect:");
        for (const char *const *header = request->headers; header && *header; header++) {
                if (has_control(*header))
                        call_give_up(call, OUTCOME_UNSENDABLE, "a control character in the header %.*s",
                                     (int)strcspn(*header, ":"), *header);
                call->headers = curl_slist_append(call->headers, *header);
        }
        ENSURE(call->headers);
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_body(struct call *call, const struct call_request *request) {
        CURL *easy = call->easy;

        if (strcmp(request->method, "GET") == 0) {
                curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
                return;
        }
        buffer_push(&call->request_body, request->body.data, request->body.len);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_body.len);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, call);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_connection(struct call *call, const struct call_request *request) {
        CURL *easy = call->easy;

        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_CONNECT_MS);
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
        curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S);
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
        if (!request->is_repeatable) {
                curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
                curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        }
}

void call_set_options(struct call *call, const struct call_request *request) {
        CURL *easy = call->easy;

        if (has_control(request->url) || (request->proxy && has_control(request->proxy)))
                call_give_up(call, OUTCOME_UNSENDABLE, "a control character in its URL");
        curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "lull/" LULL_VERSION);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
        set_connection(call, request);
        set_headers(call, request);
        set_body(call, request);
}
