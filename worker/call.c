#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "worker/call_private.h"

#include <stdarg.h>
#include <stdio.h>

/* libcurl's own idea of when to be called again has been wrong before: never trust it for longer. */
enum { SLEEP_MAX_MS = 1000 };

/* -- how a call ends ----------------------------------------------------------------------------------------------- */

static void destroy(struct call *call) {
        *call->link = call->next;
        if (call->next)
                call->next->link = call->link;
        if (call->is_added)
                curl_multi_remove_handle(call->calls->multi, call->easy);
        curl_easy_cleanup(call->easy);
        curl_url_cleanup(call->url);
        curl_slist_free_all(call->headers);
        loop_timer_free(call->timer);
        buffer_done(&call->request_body);
        buffer_done(&call->body);
        free(call);
}

void call_give_up(struct call *call, enum outcome_transport how, const char *format, ...) {
        va_list arguments;

        if (call->is_given_up)
                return;
        call->is_given_up = true;
        call->given_up_as = how;
        va_start(arguments, format);
        vsnprintf(call->why, sizeof call->why, format, arguments);
        va_end(arguments);
}

static enum outcome_transport transport_of(const struct call *call, CURLcode result) {
        if (call->is_given_up)
                return call->given_up_as;
        if (result == CURLE_OK)
                return OUTCOME_ANSWERED;
        if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
                return OUTCOME_UNSENDABLE;
        return call->is_sent ? OUTCOME_BROKEN : OUTCOME_UNREACHABLE;
}

const char *call_header(const struct call *call, const char *name) {
        struct curl_header *header;

        return curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

static void read_headers(const struct call *call, struct outcome_headers *ret) {
        ret->retry_after = call_header(call, "Retry-After");
        ret->retry_after_ms = call_header(call, "retry-after-ms");
        ret->requests_left = call_header(call, "x-ratelimit-remaining-requests");
        ret->requests_reset = call_header(call, "x-ratelimit-reset-requests");
        ret->tokens_left = call_header(call, "x-ratelimit-remaining-tokens");
        ret->tokens_reset = call_header(call, "x-ratelimit-reset-tokens");
}

static void finish(struct call *call, CURLcode result) {
        struct outcome_response response = {.is_held_back = call->is_held_back};

        if (result != CURLE_OK)
                call_check_refused(call);
        response.transport = transport_of(call, result);
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &response.status);
        read_headers(call, &response.headers);
        if (call->is_given_up)
                response.detail = call->why;
        else
                response.detail = call->error[0] ? call->error : curl_easy_strerror(result);
        response.body = buffer_bytes(&call->body);
        response.now = clock_now().wall;
        if (call->on_end)
                call->on_end(call->context, &response);
        /* The owner knows that it is over and does not free it as well. */
        destroy(call);
}

/* -- silence ------------------------------------------------------------------------------------------------------- */

static struct span patience(const struct call *call) { return call->n_received > 0 ? call->stall : call->first_byte; }

/* When the call has been silent, or under way, for too long. */
static struct mono silence_due(const struct call *call) {
        struct span limit = patience(call);

        if (!call->is_sent)
                return MONO_NEVER;
        return mono_min(limit.us > 0 ? mono_add(call->heard, limit) : MONO_NEVER, call->end);
}

static void set_timer(struct call *call, struct mono now, struct mono due) {
        call->due = due;
        loop_timer_set(call->timer, now, due);
}

void call_hear(struct call *call) {
        struct mono due;

        call->heard = clock_mono();
        due = silence_due(call);
        if (mono_is_before(due, call->due))
                set_timer(call, call->heard, due);
}

static void add(struct call *call) {
        call->is_added = true;
        ENSURE(curl_multi_add_handle(call->calls->multi, call->easy) == CURLM_OK);
}

static void end_late(struct call *call, struct mono now) {
        if (mono_is_due(now, call->end))
                call_give_up(call, OUTCOME_STALLED, "no end for %lld ms", (long long)span_to_ms(call->longest));
        else
                call_give_up(call, OUTCOME_STALLED, "no byte for %lld ms", (long long)span_to_ms(patience(call)));
        finish(call, CURLE_OPERATION_TIMEDOUT);
}

/* Either the call could not be begun where it was made, or it may have been silent for too long. */
static void on_call_time(void *context) {
        struct call *call = context;
        struct mono now = clock_mono(), due = silence_due(call);

        call->due = MONO_NEVER;
        if (call->is_given_up) {
                finish(call, CURLE_ABORTED_BY_CALLBACK);
        } else if (!call->is_added) {
                add(call);
        } else if (!mono_is_due(now, due)) {
                set_timer(call, now, due);
        } else {
                end_late(call, now);
        }
}

/* -- one call ------------------------------------------------------------------------------------------------------ */

static size_t body_max(const struct call_request *request) {
        if (request->body_max > 0)
                return request->body_max;
        return request->on_data ? LIMIT_STREAM_BYTES : LIMIT_HANDLER_BYTES;
}

struct call *call_new(struct calls *calls, const struct call_request *request,
                      void (*on_end)(void *context, const struct outcome_response *response), void *context) {
        struct call *call = memory_new(1, sizeof *call);
        struct mono now = clock_mono();

        call->calls = calls;
        call->may_send = request->may_send;
        call->on_data = request->on_data;
        call->on_end = on_end;
        call->context = context;
        call->body_max = body_max(request);
        call->first_byte = request->first_byte;
        call->stall = request->stall;
        call->longest = request->longest;
        call->end = MONO_NEVER;
        call->timer = loop_timer_new(calls->loop, on_call_time, call);
        call->due = MONO_NEVER;
        call->easy = curl_easy_init();
        ENSURE(call->easy);
        call_set_options(call, request);
        call_set_address(call, request);
        call->link = &calls->first;
        call->next = calls->first;
        if (call->next)
                call->next->link = &call->next;
        calls->first = call;
        if (call->is_given_up || calls->is_inside)
                set_timer(call, now, now);
        else
                add(call);
        return call;
}

struct call *call_free(struct call *call) {
        if (!call)
                return NULL;
        call->on_end = NULL;
        set_timer(call, clock_mono(), MONO_NEVER);
        /* Before the name is known libcurl would wait for the thread that looks it up; the callbacks end it later. */
        if (call->is_added && !call->is_resolved)
                return NULL;
        if (call->calls->is_inside)
                call->calls->has_freed = true;
        else
                destroy(call);
        return NULL;
}

/* -- libcurl and the loop ------------------------------------------------------------------------------------------ */

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

/* Calls that were freed while libcurl was at work. */
static void destroy_freed(struct calls *calls) {
        struct call *next;

        if (!calls->has_freed)
                return;
        calls->has_freed = false;
        for (struct call *call = calls->first; call; call = next) {
                next = call->next;
                if (!call->on_end && (call->is_resolved || !call->is_added))
                        destroy(call);
        }
}

static void set_wake(struct calls *calls, long ms) {
        struct mono now = clock_mono();

        loop_timer_set(calls->timer, now, mono_add(now, span_ms(ms)));
}

static void step(struct calls *calls, curl_socket_t fd, int events) {
        int n_running;

        calls->is_inside = true;
        curl_multi_socket_action(calls->multi, fd, events, &n_running);
        calls->is_inside = false;
        destroy_freed(calls);
        finish_ended(calls);
}

static void on_timer(void *context) {
        struct calls *calls = context;

        /* libcurl speaks up only when its wish has changed. */
        if (calls->first)
                set_wake(calls, SLEEP_MAX_MS);
        step(calls, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_ready(void *context, int fd, int events) {
        step(context, fd, (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_timer_wanted(CURLM *multi, long ms, void *context) {
        struct calls *calls = context;

        if (ms < 0 || ms > SLEEP_MAX_MS)
                ms = SLEEP_MAX_MS;
        set_wake(calls, ms);
        return 0;
}

/* CURL_POLL_REMOVE is neither of the two. */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context) {
        struct calls *calls = context;

        loop_crowd_set(calls->sockets, fd,
                       (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
        return 0;
}

struct calls *calls_new(struct loop *loop) {
        struct calls *calls = memory_new(1, sizeof *calls);

        ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        calls->loop = loop;
        calls->timer = loop_timer_new(loop, on_timer, calls);
        calls->sockets = loop_crowd_new(loop, on_socket_ready, calls);
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
        loop_crowd_free(calls->sockets);
        free(calls);
        curl_global_cleanup();
        return NULL;
}
