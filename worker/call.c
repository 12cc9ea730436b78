#include "worker/call.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* libcurl's own idea of when to be called again has been wrong before: never trust it for longer. */
enum { SLEEP_MAX_MS = 1000 };
/* Connections are kept for the next call for less time than load balancers keep theirs, and not for ever, so that a
 * changed name is noticed. */
enum { IDLE_S = 30, LIFETIME_S = 600 };

struct calls {
        struct loop *loop;
        CURLM *multi;
        struct loop_timer *timer;
        struct call *first;
};

struct call {
        struct calls *calls;
        struct call *next, **link; /* in calls->first */
        CURL *easy;
        struct curl_slist *headers;
        struct buffer request_body, body;
        char error[CURL_ERROR_SIZE];
        size_t n_sent; /* of request_body */
        bool (*may_send)(void *context);
        void (*on_end)(void *context, const struct outcome_response *response); /* NULL = aborted */
        void *context;
        bool is_resolved; /* the name has been looked up, or a connection is reused */
        bool is_too_large;
};

/* -- one call ------------------------------------------------------------------------------------------------------ */

static void destroy(struct call *call) {
        *call->link = call->next;
        if (call->next)
                call->next->link = call->link;
        curl_multi_remove_handle(call->calls->multi, call->easy);
        curl_easy_cleanup(call->easy);
        curl_slist_free_all(call->headers);
        buffer_done(&call->request_body);
        buffer_done(&call->body);
        free(call);
}

static size_t on_body(char *data, size_t size, size_t n, void *context) {
        struct call *call = context;

        if (call->body.len + n > LIMIT_HANDLER_BYTES) {
                call->is_too_large = true;
                return CURL_WRITEFUNC_ERROR;
        }
        buffer_push(&call->body, data, n);
        return n;
}

/* Called when the name has been looked up: the moment from which a call can be ended without waiting. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
        struct call *call = context;

        call->is_resolved = true;
        if (!call->on_end)
                return CURL_SOCKET_BAD;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What a call that was given up has written and its host not taken yet must not arrive later, when the network is back:
 * then the connection is reset, which drops it. */
static int on_close_socket(void *context, curl_socket_t socket) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        int n_unsent = 0;

        if (ioctl(socket, SIOCOUTQ, &n_unsent) == 0 && n_unsent > 0)
                setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        return close(socket);
}

static bool may_send(const struct call *call) { return call->on_end && call->may_send(call->context); }

/* Called on a new or reused connection right before the request is sent. */
static int on_connected(void *context, char *remote, char *local, int remote_port, int local_port) {
        struct call *call = context;

        call->is_resolved = true;
        return may_send(call) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_send_body(char *data, size_t size, size_t n, void *context) {
        struct call *call = context;
        size_t left = call->request_body.len - call->n_sent, len = left < n ? left : n;

        if (!may_send(call))
                return CURL_READFUNC_ABORT;
        if (len > 0)
                memcpy(data, call->request_body.data + call->n_sent, len);
        call->n_sent += len;
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

static void set_options(struct call *call, const struct call_request *request) {
        CURL *easy = call->easy;

        curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_CONNECT_MS);
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
        curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S);
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "lull/" LULL_VERSION);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
        if (!request->is_repeatable) {
                curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
                curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        }
}

static void set_request(struct call *call, const struct call_request *request) {
        buffer_push(&call->request_body, request->body.data, request->body.len);
        /* Without this libcurl waits a second for "100 Continue" before it sends a large body. */
        call->headers = curl_slist_append(NULL, "Expect:");
        for (const char *const *header = request->headers; header && *header; header++)
                call->headers = curl_slist_append(call->headers, *header);
        ENSURE(call->headers);
        curl_easy_setopt(call->easy, CURLOPT_URL, request->url);
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_body.len);
        curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, on_send_body);
        curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
        curl_easy_setopt(call->easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(call->easy, CURLOPT_SEEKDATA, call);
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

struct call *call_new(struct calls *calls, const struct call_request *request,
                      void (*on_end)(void *context, const struct outcome_response *response), void *context) {
        struct call *call = memory_new(1, sizeof *call);

        call->calls = calls;
        call->may_send = request->may_send;
        call->on_end = on_end;
        call->context = context;
        call->easy = curl_easy_init();
        ENSURE(call->easy);
        set_options(call, request);
        set_request(call, request);
        call->link = &calls->first;
        call->next = calls->first;
        if (call->next)
                call->next->link = &call->next;
        calls->first = call;
        ENSURE(curl_multi_add_handle(calls->multi, call->easy) == CURLM_OK);
        return call;
}

struct call *call_free(struct call *call) {
        if (!call)
                return NULL;
        call->on_end = NULL;
        /* Before the name is known libcurl would wait for the thread that looks it up; the callbacks above end it
         * later. */
        if (call->is_resolved)
                destroy(call);
        return NULL;
}

/* -- how a call ended ---------------------------------------------------------------------------------------------- */

static enum outcome_transport transport_of(const struct call *call, CURLcode result) {
        if (result == CURLE_OK)
                return OUTCOME_ANSWERED;
        if (call->is_too_large)
                return OUTCOME_TOO_LARGE;
        switch ((int)result) {
        case CURLE_URL_MALFORMAT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT: /* the only timeout libcurl is given is that of connecting */
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
                return OUTCOME_UNREACHABLE;
        default:
                return OUTCOME_BROKEN;
        }
}

static void finish(struct call *call, CURLcode result) {
        struct outcome_response response = {.transport = transport_of(call, result)};
        struct curl_header *header;

        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &response.status);
        if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
                response.retry_after = header->value;
        response.detail = call->error[0] ? call->error : curl_easy_strerror(result);
        response.body = buffer_bytes(&call->body);
        response.now = clock_now().wall;
        if (call->on_end)
                call->on_end(call->context, &response);
        /* The owner knows that it is over and does not free it as well. */
        destroy(call);
}

static void finish_ended(struct calls *calls) {
        CURLMsg *message;
        int n_left;

        while ((message = curl_multi_info_read(calls->multi, &n_left))) {
                struct call *call;
                CURLcode result = message->data.result;

                if (message->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
                finish(call, result);
        }
}

/* -- libcurl and the loop ------------------------------------------------------------------------------------------ */

struct call_socket {
        struct calls *calls;
        curl_socket_t fd;
        struct loop_watch *watch;
};

static void set_timer(struct calls *calls, long ms) {
        struct mono now = clock_mono();

        loop_timer_set(calls->timer, now, mono_add(now, span_ms(ms)));
}

static void step(struct calls *calls, curl_socket_t fd, int events) {
        int n_running;

        curl_multi_socket_action(calls->multi, fd, events, &n_running);
        finish_ended(calls);
}

static void on_timer(void *context) {
        struct calls *calls = context;

        /* libcurl speaks up only when its wish has changed. */
        if (calls->first)
                set_timer(calls, SLEEP_MAX_MS);
        step(calls, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_ready(void *context, int events) {
        struct call_socket *call_socket = context;

        step(call_socket->calls, call_socket->fd,
             (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_timer_wanted(CURLM *multi, long ms, void *context) {
        struct calls *calls = context;

        if (ms < 0 || ms > SLEEP_MAX_MS)
                ms = SLEEP_MAX_MS;
        set_timer(calls, ms);
        return 0;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context) {
        struct calls *calls = context;
        struct call_socket *call_socket = socket_context;

        if (what == CURL_POLL_REMOVE) {
                if (call_socket)
                        loop_watch_free(call_socket->watch);
                free(call_socket);
                return 0;
        }
        if (!call_socket) {
                call_socket = memory_new(1, sizeof *call_socket);
                *call_socket = (struct call_socket){.calls = calls, .fd = fd};
                call_socket->watch = loop_watch_new(calls->loop, fd, on_socket_ready, call_socket);
                curl_multi_assign(calls->multi, fd, call_socket);
        }
        loop_watch_set(call_socket->watch,
                       (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
        return 0;
}

struct calls *calls_new(struct loop *loop) {
        struct calls *calls = memory_new(1, sizeof *calls);

        ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        calls->loop = loop;
        calls->timer = loop_timer_new(loop, on_timer, calls);
        calls->multi = curl_multi_init();
        ENSURE(calls->multi);
        curl_multi_setopt(calls->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
        curl_multi_setopt(calls->multi, CURLMOPT_SOCKETDATA, calls);
        curl_multi_setopt(calls->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
        curl_multi_setopt(calls->multi, CURLMOPT_TIMERDATA, calls);
        return calls;
}

struct calls *calls_free(struct calls *calls) {
        if (!calls)
                return NULL;
        while (calls->first)
                destroy(calls->first);
        curl_multi_cleanup(calls->multi);
        loop_timer_free(calls->timer);
        free(calls);
        curl_global_cleanup();
        return NULL;
}
