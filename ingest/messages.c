#include "ingest/messages.h"

#include "common/memory.h"
#include "common/sign.h"
#include "ingest/core/api.h"
#include "ingest/core/reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct waiting_post {
        struct waiting waiting; /* first, so that one is the other */
        struct refusals refusals; /* found here; the broker's come to them */
};

bool messages_check(struct service *service, struct http_request *request) {
        const char *header = http_header_find(request, "Authorization"), *scheme = "Bearer ";
        const char *token = service->config->ingest.token;

        if (!token && http_is_local(request))
                return true;
        if (!token) {
                service_answer_problem(
                        request, 403, "token_needed",
                        "only programs on this machine are served; set ingest.token in lull.yaml to serve others");
                return false;
        }
        if (header && strncasecmp(header, scheme, strlen(scheme)) == 0 &&
            sign_is_equal(bytes_of(header + strlen(scheme)), bytes_of(token)))
                return true;
        service_answer_unproven(request, "Bearer realm=\"lull\"", "unauthorized",
                                "send the header Authorization: Bearer TOKEN with ingest.token of lull.yaml");
        return false;
}

static void answer(struct http_request *request, struct refusals *refusals, const struct intake_verdict *verdict) {
        struct reply_outcome outcome = {verdict->n_accepted, verdict->n_duplicates, verdict->n_events, refusals};
        CLEANUP_BUFFER struct buffer body = {0};
        unsigned status = reply_to_api(&outcome, &body);

        service_answer(request, status, &body);
}

static void on_verdict(struct waiting *waiting, struct intake_verdict *verdict) {
        struct waiting_post *post = (struct waiting_post *)waiting;

        if (verdict->is_late) {
                service_answer_late(waiting->request);
        } else {
                refusals_merge(&post->refusals, &verdict->refusals);
                answer(waiting->request, &post->refusals, verdict);
        }
        refusals_done(&post->refusals);
        free(post);
}

static void hand_over(struct service *service, struct http_request *request, struct api_request *messages) {
        struct waiting_post *post = memory_new(1, sizeof *post);

        post->waiting = (struct waiting){request, on_verdict};
        post->refusals = messages->refusals;
        messages->refusals = (struct refusals){0};
        if (service_push(service, &messages->parcel, &post->waiting, service->config->ingest.ack_timeout) == 0)
                return;
        refusals_done(&post->refusals);
        free(post);
}

void messages_on_post(struct service *service, struct http_request *request) {
        CLEANUP_FREE char *error = NULL;
        struct api_request messages;
        int r;

        r = api_decode(http_body(request), http_header_find(request, "Content-Type"), &service->ids,
                       service->config->limits.message_bytes, &messages, &error);
        if (r < 0) {
                service_answer_problem(request, r == -E2BIG ? 413 : 400, r == -E2BIG ? "too_large" : "bad_json", error);
                return;
        }
        if (messages.parcel.n == 0)
                answer(request, &messages.refusals, &(struct intake_verdict){0});
        else
                hand_over(service, request, &messages);
        api_request_done(&messages);
}
