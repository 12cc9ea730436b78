#include "ingest/verbs.h"

#include "common/clock.h"
#include "common/item.h"
#include "common/memory.h"
#include "ingest/core/reply.h"

/* -- typing: an event ---------------------------------------------------------------------------------------------- */

static void on_verdict(struct waiting *waiting, struct intake_verdict *verdict) {
        struct reply_outcome outcome = {verdict->n_accepted, verdict->n_duplicates, verdict->n_events,
                                        &verdict->refusals};
        CLEANUP_BUFFER struct buffer body = {0};

        if (verdict->is_late)
                service_answer_late(waiting->request);
        else
                service_answer(waiting->request, reply_to_api(&outcome, &body), &body);
        free(waiting);
}

static void hand_over(struct service *service, struct http_request *request, struct wire_message *event,
                      const struct verb_options *options) {
        struct waiting *waiting = memory_new(1, sizeof *waiting);
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_PARCEL struct parcel parcel = {0};

        wire_encode_body(&body, &(struct wire_body){.at = clock_now().wall});
        event->body = buffer_bytes(&body);
        event->what = options->is_paused ? WIRE_WHAT_PAUSED : WIRE_WHAT_TYPING;
        parcel_push(&parcel, &service->ids, event, 0);
        *waiting = (struct waiting){request, on_verdict};
        if (service_push(service, &parcel, waiting, service->config->ingest.ack_timeout) != 0)
                free(waiting);
}

/* -- the others: questions ----------------------------------------------------------------------------------------- */

static void on_answer(void *context, json_t *answer) {
        struct http_request *request = context;
        CLEANUP_BUFFER struct buffer body = {0};
        unsigned status;

        if (!answer) {
                service_answer_problem(request, 503, "broker_away",
                                       "the broker did not answer in time, and may have done it all the same; look, or "
                                       "say it again");
                return;
        }
        status = verb_reply(answer, &body);
        service_answer(request, status, &body);
}

static void ask(struct service *service, struct http_request *request, enum verb verb, const struct path *path,
                const struct verb_options *options) {
        CLEANUP_JSON json_t *question = verb_to_question(verb, path, options);
        struct mono deadline = mono_add(clock_mono(), service->config->ingest.ack_timeout);

        if (asks_push(service->asks, question, deadline, (struct asks_call){on_answer, request}) == ASKS_FULL)
                service_answer_problem(request, 503, "overloaded",
                                       "too many verbs wait for the broker; say it again in a moment");
}

void verbs_on_post(struct service *service, struct http_request *request, const struct path *path) {
        struct wire_message named = {.tenant = verb_tenant(path), .thread = verb_thread(path)};
        CLEANUP_VERB_OPTIONS struct verb_options options = {0};
        enum verb verb = verb_of(path);
        CLEANUP_FREE char *why = NULL;
        struct item_fault fault;

        if (verb_options_decode(verb, http_body(request), &options, &why) < 0) {
                service_answer_problem(request, 400, "bad_request", why);
                return;
        }
        if (item_check(&named, 0, &fault) < 0) {
                why = fault.why;
                service_answer_problem(request, verb_status(fault.code), fault.code, why);
                return;
        }
        if (verb == VERB_TYPING)
                hand_over(service, request, &named, &options);
        else
                ask(service, request, verb, path, &options);
}
