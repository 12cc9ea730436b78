#include "ingest/service.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/memory.h"
#include "ingest/core/problem.h"

#include <stdio.h>

/* -- answers ------------------------------------------------------------------------------------------------------- */

void service_answer(struct http_request *request, unsigned status, struct buffer *body) {
        struct http_answer answer = {.status = status, .body = body};
        char retry_after[16];

        answer.content_type = status < 400 ? "application/json" : PROBLEM_CONTENT_TYPE;
        snprintf(retry_after, sizeof retry_after, "%d", LIMIT_RETRY_AFTER_S);
        if (status == 503 || status == 429 || status == 507) {
                answer.header.name = "Retry-After";
                answer.header.value = retry_after;
        }
        http_answer(request, &answer);
}

void service_answer_problem(struct http_request *request, unsigned status, const char *code, const char *detail) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){status, code, detail}, &body);
        service_answer(request, status, &body);
}

void service_answer_unproven(struct http_request *request, const char *challenge, const char *code,
                             const char *detail) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){401, code, detail}, &body);
        http_answer(request, &(struct http_answer){401, PROBLEM_CONTENT_TYPE, {"WWW-Authenticate", challenge}, &body});
}

void service_answer_late(struct http_request *request) {
        service_answer_problem(request, 503, "broker_away",
                               "the broker did not acknowledge in time; send it again, with the same ids");
}

/* -- waiting ------------------------------------------------------------------------------------------------------- */

int service_push(struct service *service, struct parcel *parcel, struct waiting *waiting, struct span patience) {
        int r = intake_push(service->intake, parcel, waiting, mono_add(clock_mono(), patience));

        if (r == INTAKE_TOO_LARGE)
                service_answer_problem(waiting->request, 413, "too_large",
                                       "the messages do not fit one frame; send them in parts");
        else if (r == INTAKE_FULL)
                service_answer_problem(waiting->request, 503, "overloaded",
                                       "too many requests wait for the broker; send it again");
        return r;
}

void service_on_verdict(struct intake_verdict *verdict) {
        struct waiting *waiting = verdict->owner;

        waiting->on_verdict(waiting, verdict);
        intake_verdict_done(verdict);
}
