/* HTTP calls out, a thousand at once on the loop. The one door to libcurl.
 *
 * HTTP/1.1, http and https only, certificates checked, no redirects, no proxy but the one that the request names. A
 * connection is made within LIMIT_CONNECT_MS; how long an answer may take as a whole is the caller's own timer, who
 * aborts. An answer's headers are at most LIMIT_RESPONSE_HEADER_BYTES, its body as the request says. Of an error, which
 * is any status but 2xx, the status is the answer: a body over the limit is cut off there, and not even read to that in
 * place of a stream.
 *
 * Where a call may go: what the URL's host is written as, when it is an address or "localhost"; otherwise to the
 * addresses that the name has, unless they are private ones (core/address.h) and the request does not allow these. The
 * address is looked at when the connection is made, and again before a request goes out on one that was kept, so that
 * a name that changes meanwhile gains nothing. Through a proxy nothing is looked at: it is the operator's, and it
 * alone knows where it goes.
 *
 * Connecting takes its time, in which the process may be stopped and what was true when the call began cease to be. So
 * the caller is asked once more right before the request is sent, and before each part of a large body. What the
 * system has then been handed cannot be called back. */
#pragma once

#include "common/bytes.h"
#include "worker/core/outcome.h"
#include "worker/loop.h"

struct calls;
struct call;

struct calls *calls_new(struct loop *loop);
/* Ends what is under way, without a word. */
struct calls *calls_free(struct calls *calls);

struct call_request {
        const char *method, *url; /* GET is sent without a body, everything else with one */
        const char *const *headers; /* "Name: value", NULL at the end */
        struct bytes body;
        /* May it still be sent? Given the context of call_new(); NULL = yes. After a no the call ends as
         * OUTCOME_BROKEN and held back, and nobody has seen the whole request. */
        bool (*may_send)(void *context);
        /* May it be handled twice? libcurl repeats a request whose reused connection died before the answer began;
         * what must not be repeated gets a connection of its own. */
        bool is_repeatable;
        bool is_private_allowed; /* a name may lead to a private range of addresses */
        const char
                *proxy; /* URL, http, https, socks5 or socks5h; NULL or empty = none, whatever the environment says */
        /* Longest wait for the first byte of the body, counted from when the last of the request was taken, and for
         * the next one; 0 = none. Past it the call ends as OUTCOME_STALLED. */
        struct span first_byte, stall;
        /* The longest that it may take once it is sent, for who has no timer of his own; 0 = none. Past it, too, it
         * ends as OUTCOME_STALLED. */
        struct span longest;
        size_t body_max; /* 0 = LIMIT_HANDLER_BYTES, or LIMIT_STREAM_BYTES when there is on_data */
        /* Given the body of a 2xx as it comes, in place of the response; NULL = it is collected. False ends the call
         * as OUTCOME_TOO_LARGE. Of an error LIMIT_ERROR_BYTES are collected then. */
        bool (*on_data)(void *context, struct bytes data);
};

/* Begins a call; the request is copied. on_end is called once, later, with what came of it, which is valid until on_end
 * returns; then the call is freed. What can never be sent, such as a header with a line break, ends so too. */
struct call *call_new(struct calls *calls, const struct call_request *request,
                      void (*on_end)(void *context, const struct outcome_response *response), void *context);
/* Aborts: the connection is closed at once, or, while a name is being looked up, as soon as that ends. Nothing of the
 * call is called any more. Never blocks. May be called from any callback but the call's own on_end. */
struct call *call_free(struct call *call);

/* A header of the answer, the first of that name, or NULL. To be asked in on_data and on_end only, and valid until they
 * return. */
const char *call_header(const struct call *call, const char *name);
