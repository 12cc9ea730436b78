/* What the files behind call.h share. */
#pragma once

#include "worker/call.h"

#include <curl/curl.h>
#include <netinet/in.h>

struct calls {
        struct loop *loop;
        CURLM *multi;
        struct loop_timer *timer; /* when libcurl wants to be called again */
        struct loop_crowd *sockets;
        struct call *first;
        bool is_inside; /* libcurl is at work, and may not be asked for anything else */
        bool has_freed; /* calls were freed meanwhile */
};

struct call {
        struct calls *calls;
        struct call *next, **link; /* in calls->first */
        CURL *easy;
        CURLU *url;
        struct curl_slist *headers;
        struct buffer request_body, body;
        char error[CURL_ERROR_SIZE];
        size_t n_sent; /* of request_body */
        size_t n_received, body_max;
        size_t n_header_bytes;
        bool (*may_send)(void *context);
        bool (*on_data)(void *context, struct bytes data);
        void (*on_end)(void *context, const struct outcome_response *response); /* NULL = aborted */
        void *context;

        /* Silence. The timer is not moved with each byte: it looks when it goes off whether there was one meanwhile. */
        struct span first_byte, stall;
        struct span longest;
        struct mono heard, end, due; /* end: of `longest`; due: what the timer is set to */
        struct loop_timer *timer;

        bool is_proxied, is_private_allowed;
        char refused[INET6_ADDRSTRLEN]; /* an address that was not allowed */
        bool is_added; /* libcurl has it */
        bool is_resolved; /* the name has been looked up, or a connection is reused */
        bool is_opened; /* an address was allowed */
        bool is_sent; /* the request has begun to leave */
        bool is_held_back;
        /* We ended it ourselves: how, and why. */
        bool is_given_up;
        enum outcome_transport given_up_as;
        char why[CURL_ERROR_SIZE];
};

/* Ends the call, from one of its callbacks, which is to return its error. The first reason given is the one that
 * counts. */
void call_give_up(struct call *call, enum outcome_transport how, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Something was taken or came: begins to wait for what comes next. */
void call_hear(struct call *call);

/* call_options.c: everything libcurl is told of the request. A request that cannot be sent is given up. */
void call_set_options(struct call *call, const struct call_request *request);

/* call_address.c: takes the request's URL, decides what it may lead to, and watches over the sockets. */
void call_set_address(struct call *call, const struct call_request *request);
/* May the request leave on a connection to this numeric address? Gives the call up if not. */
bool call_check_remote(struct call *call, const char *address);
/* The call has failed: was it for want of an address that is allowed? Then it is given up so. */
void call_check_refused(struct call *call);
