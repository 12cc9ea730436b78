/* HTTP calls out, hundreds at once on the loop. The one door to libcurl.
 *
 * HTTP/1.1, http and https only, no redirects, no proxy from the environment. An answer is at most
 * LIMIT_HANDLER_BYTES, a connection is made within LIMIT_CONNECT_MS; how long an answer may take is the caller's own
 * timer, who aborts.
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
        const char *method, *url;
        const char *const *headers; /* "Name: value", NULL at the end */
        struct bytes body;
        /* May it still be sent? Given the context of call_new(); must not free the call. After a no the call ends as
         * OUTCOME_BROKEN, and nobody has seen the whole request. */
        bool (*may_send)(void *context);
        /* May it be handled twice? libcurl repeats a request whose reused connection died before the answer began;
         * what must not be repeated gets a connection of its own. */
        bool is_repeatable;
};

/* Begins a call; the request is copied. on_end is called once, later, with what came of it, which is valid until on_end
 * returns; then the call is freed. */
struct call *call_new(struct calls *calls, const struct call_request *request,
                      void (*on_end)(void *context, const struct outcome_response *response), void *context);
/* Aborts: the connection is closed at once, or, while a name is being looked up, as soon as that ends. on_end is not
 * called. Never blocks. */
struct call *call_free(struct call *call);
