/* A server on the test's own loop, for tests of worker/call.h, and a call that is waited for.
 *
 * The names it looks up are made up, as no test may depend on a network: everything in ".test" is looked up here. */
#pragma once

#include "worker/call.h"

struct server {
        struct loop *loop;
        struct loop_watch *watch;
        int fd, port;
        const char *answer; /* sent when a request's head is there, as it is */
        size_t n_repeats; /* of `more`, sent after it */
        const char *more;
        bool is_closing; /* then the connection is closed */
        /* What was seen: */
        int n_accepted, n_requests, n_hung_up;
        struct buffer request; /* of all connections */
        struct server_peer *peers;
        void (*on_hung_up)(void *context);
        void *context;
};

void server_init(struct server *server, struct loop *loop);
void server_done(struct server *server);

/* A call and what came of it. */
struct trial {
        struct loop *loop;
        struct calls *calls;
        struct server server;
        struct call_request request;
        char url[256];
        struct call *call;
        /* What came: */
        bool is_ended, is_held_back;
        enum outcome_transport transport;
        long status;
        struct buffer detail, body, data;
        int n_data;
        struct span retry_after; /* as the headers say it */
};

/* Begins with a server, and a GET of "http://127.0.0.1:PORT/x" that is repeatable. */
void trial_init(struct trial *trial);
void trial_done(struct trial *trial);
/* "http://HOST:PORT/x" of the server. */
void trial_set_host(struct trial *trial, const char *host);
/* Makes the call and waits for its end. */
void trial_run(struct trial *trial);
/* Makes it and returns. */
void trial_start(struct trial *trial);
/* Runs the loop until the condition holds; fails when it does not for long. */
void trial_wait(struct trial *trial, bool (*is_so)(const struct trial *trial));
/* For request.on_data: collects what comes in `data`. */
bool trial_on_data(void *context, struct bytes data);
