/* What the routes work with, and the requests that wait for the broker. */
#pragma once

#include "common/config.h"
#include "ingest/asks.h"
#include "ingest/core/intake.h"
#include "ingest/doors.h"
#include "ingest/http.h"

struct service {
        struct config *config;
        struct doors *doors;
        struct intake *intake;
        struct asks *asks;
        struct parcel_ids ids;
        struct http *http;
};

/* A request whose messages are with the broker. Whoever makes one embeds it, and frees it in on_verdict. */
struct waiting {
        struct http_request *request;
        void (*on_verdict)(struct waiting *waiting, struct intake_verdict *verdict);
};

/* Hands the parcel to the intake, which takes it; `patience` from now is the latest that on_verdict is called. 0;
 * else the request has been answered 413 or 503, and on_verdict will not be called. */
MUST_USE int service_push(struct service *service, struct parcel *parcel, struct waiting *waiting,
                          struct span patience);
/* Passes a verdict on to who waits for it. */
void service_on_verdict(struct intake_verdict *verdict);

/* Answers, with a body that is taken. */
void service_answer(struct http_request *request, unsigned status, struct buffer *body);
/* A problem; 429, 503 and 507 get their Retry-After. */
void service_answer_problem(struct http_request *request, unsigned status, const char *code, const char *detail);
/* 401; `challenge` is the value of WWW-Authenticate. */
void service_answer_unproven(struct http_request *request, const char *challenge, const char *code, const char *detail);
/* 503: no acknowledgement in time. */
void service_answer_late(struct http_request *request);
