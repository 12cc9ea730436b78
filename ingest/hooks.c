#include "ingest/hooks.h"

#include "common/clock.h"
#include "common/item.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "ingest/core/reply.h"

#include <errno.h>
#include <string.h>

/* A webhook on its way: what was found in it, and what it is called in the log. */
struct webhook {
        struct waiting waiting; /* first, so that one is the other */
        char *tenant, *channel;
        struct refusals refusals;
        struct reply_ignored ignored;
        uint32_t n_warnings; /* what it tells that somebody should hear of; the log has the first of it */
        struct {
                uint32_t n_messages;
                size_t n_bytes;
        } left_out;
        /* What the platform wants to hear when all is well; a copy, as the file may be read anew while it waits. */
        struct {
                unsigned status; /* 0 = our own words will do */
                char *type, *body;
        } wanted;
};

static struct webhook *webhook_new(struct http_request *request, const struct door *door) {
        struct webhook *webhook = memory_new(1, sizeof *webhook);
        struct channel_answer wanted;

        webhook->waiting.request = request;
        webhook->tenant = memory_print("%s", door->tenant->name);
        webhook->channel = memory_print("%s", door->config->name);
        if (channel_respond(door->channel, &wanted)) {
                webhook->wanted.status = wanted.status;
                webhook->wanted.type = memory_print("%s", wanted.type);
                webhook->wanted.body = memory_print("%s", wanted.body);
        }
        return webhook;
}

static struct webhook *webhook_free(struct webhook *webhook) {
        if (!webhook)
                return NULL;
        for (uint32_t i = 0; i < LIMIT_IGNORED_SHOWN; i++)
                free(webhook->ignored.why[i]);
        refusals_done(&webhook->refusals);
        free(webhook->wanted.type);
        free(webhook->wanted.body);
        free(webhook->tenant);
        free(webhook->channel);
        free(webhook);
        return NULL;
}

static void webhook_cleanup(struct webhook **webhook) { webhook_free(*webhook); }
#define CLEANUP_WEBHOOK CLEANUP(webhook_cleanup)

/* -- answers ------------------------------------------------------------------------------------------------------- */

static void refuse(struct http_request *request, const struct door *door, unsigned status, const char *code,
                   const char *why) {
        /* A JSON error ends with the text it stumbled over, which is not for the log. */
        const char *quote = strstr(why, " near '");
        struct bytes shown = {why, quote ? (size_t)(quote - why) : strlen(why)};

        log_warning("webhook_refused", LOG_TEXT("tenant", door->tenant->name), LOG_TEXT("channel", door->config->name),
                    LOG_NUMBER("status", status), LOG_TEXT("code", code), LOG_BYTES("why", shown));
        if (status == 401)
                service_answer_unproven(request, "Signature realm=\"lull\"", code, why);
        else
                service_answer_problem(request, status, code, why);
}

/* In the platform's words where it wants to hear them. */
static void answer_body(const struct webhook *webhook, unsigned status, struct buffer *body) {
        struct http_answer wanted = {.status = webhook->wanted.status, .body = body};

        if (status >= 300 || webhook->wanted.status == 0) {
                service_answer(webhook->waiting.request, status, body);
                return;
        }
        wanted.content_type = webhook->wanted.type;
        buffer_clear(body);
        buffer_push_text(body, webhook->wanted.body);
        http_answer(webhook->waiting.request, &wanted);
}

static void answer(struct webhook *webhook, const struct intake_verdict *verdict) {
        struct reply_outcome outcome = {verdict->n_accepted, verdict->n_duplicates, verdict->n_events,
                                        &webhook->refusals};
        CLEANUP_BUFFER struct buffer body = {0};
        unsigned status;

        for (uint32_t i = 0; i < webhook->refusals.n; i++)
                log_warning("message_refused", LOG_TEXT("tenant", webhook->tenant),
                            LOG_TEXT("channel", webhook->channel), LOG_TEXT("code", webhook->refusals.items[i].code),
                            LOG_TEXT("why", webhook->refusals.items[i].why));
        status = reply_to_hook(&outcome, &webhook->ignored, &body);
        log_debug("webhook", LOG_TEXT("tenant", webhook->tenant), LOG_TEXT("channel", webhook->channel),
                  LOG_NUMBER("status", status), LOG_NUMBER("accepted", verdict->n_accepted),
                  LOG_NUMBER("duplicate", verdict->n_duplicates), LOG_NUMBER("events", verdict->n_events),
                  LOG_NUMBER("ignored", webhook->ignored.n));
        answer_body(webhook, status, &body);
}

static void on_verdict(struct waiting *waiting, struct intake_verdict *verdict) {
        CLEANUP_WEBHOOK struct webhook *webhook = (struct webhook *)waiting;

        if (verdict->is_late) {
                log_warning("webhook_late", LOG_TEXT("tenant", webhook->tenant), LOG_TEXT("channel", webhook->channel),
                            LOG_NUMBER("status", 503), LOG_TEXT("why", "no acknowledgement from the broker in time"));
                service_answer_late(waiting->request);
                return;
        }
        refusals_merge(&webhook->refusals, &verdict->refusals);
        answer(webhook, verdict);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static const char *find_header(void *context, const char *name) { return http_header_find(context, name); }
static const char *find_query(void *context, const char *name) { return http_query_find(context, name); }

static struct channel_request channel_request_of(struct http_request *request) {
        return (struct channel_request){find_header, find_query, request, http_body(request), clock_now().wall};
}

static const char *why_forged(const struct door *door) {
        if (channel_signs_address(door->channel))
                return "the signature is wrong; public_url in lull.yaml must be the webhook's address as the platform "
                       "has it, to the letter (https, host, path, query), and the secret the platform's";
        return "the signature is wrong; the secret must be the one that lull.yaml has";
}

/* 0; or it is answered 401. */
static int verify(struct http_request *request, const struct door *door) {
        struct channel_request asked = channel_request_of(request);

        switch (channel_verify(door->channel, &asked)) {
        case CHANNEL_GENUINE:
                return 0;
        case CHANNEL_UNSIGNED:
                refuse(request, door, 401, "unsigned",
                       "there is no signature; give the platform the secret that lull.yaml has");
                break;
        case CHANNEL_FORGED:
                refuse(request, door, 401, "forged", why_forged(door));
                break;
        case CHANNEL_STALE:
                refuse(request, door, 401, "stale", "the signature is too old or from the future; check both clocks");
                break;
        }
        return 1;
}

/* As much of a text as a name may have, cut between two characters. */
static struct bytes cut(struct bytes text) {
        const char *data = text.data;

        if (text.len <= LIMIT_NAME_LEN)
                return text;
        for (text.len = LIMIT_NAME_LEN; text.len > 0 && (data[text.len] & 0xc0) == 0x80;)
                text.len--;
        return text;
}

static struct wire_body body_of(const struct channel_event *event) {
        struct wire_body body = {.at = event->at,
                                 .from = bytes_of(event->from),
                                 .kind = bytes_of(event->kind),
                                 .text = bytes_of(event->text),
                                 .data = bytes_of(event->data),
                                 .to = bytes_of(event->to),
                                 .url = bytes_of(event->url)};
        bool is_person = event->what == WIRE_WHAT_PERSON || event->what == WIRE_WHAT_CLOSED;
        bool is_typing = event->what == WIRE_WHAT_TYPING || event->what == WIRE_WHAT_PAUSED;

        if (is_person)
                body.kind = cut(bytes_of(event->why)); /* what people read about it */
        /* How old it is decides whether, and how long, it counts. */
        if ((is_typing || is_person) && event->at.ms == 0)
                body.at = clock_now().wall;
        return body;
}

static struct wire_message item_of(const struct webhook *webhook, const struct channel_event *event) {
        struct wire_message item = {.tenant = bytes_of(webhook->tenant),
                                    .thread = bytes_of(event->thread),
                                    .id = bytes_of(event->id),
                                    .channel = bytes_of(webhook->channel),
                                    .what = event->what,
                                    .number = event->number,
                                    .n_aliases = event->n_aliases};

        for (uint32_t i = 0; i < event->n_aliases; i++)
                item.aliases[i] = bytes_of(event->aliases[i]);
        return item;
}

static void encode_anew(const struct wire_body *said, struct buffer *body) {
        buffer_clear(body);
        wire_encode_body(body, said);
}

/* A short message may have much around it, such as the HTML of an e-mail, or the message that it replies to. When that
 * is too much, it stays behind, and not the message. */
static void encode_fitting(struct webhook *webhook, struct wire_body *said, size_t len_max, struct buffer *body) {
        size_t len;

        encode_anew(said, body);
        len = body->len;
        if (body->len > len_max) {
                said->data = (struct bytes){0};
                encode_anew(said, body);
        }
        if (body->len > len_max) {
                said->url = (struct bytes){0};
                encode_anew(said, body);
        }
        if (body->len == len || body->len > len_max)
                return;
        webhook->left_out.n_messages++;
        webhook->left_out.n_bytes += len - body->len;
}

static void push_event(struct service *service, struct webhook *webhook, const struct channel_event *event,
                       uint32_t index, struct parcel *parcel) {
        struct wire_message item = item_of(webhook, event);
        struct wire_body said = body_of(event);
        CLEANUP_BUFFER struct buffer body = {0};
        struct item_fault fault;

        encode_fitting(webhook, &said, service->config->limits.message_bytes, &body);
        item.body = buffer_bytes(&body);
        if (item_check(&item, service->config->limits.message_bytes, &fault) == 0) {
                parcel_push(parcel, &service->ids, &item, index);
                return;
        }
        refusals_push(&webhook->refusals, index, bytes_of(fault.code), bytes_of(fault.why));
        free(fault.why);
}

static void push_ignored(struct webhook *webhook, const struct channel_event *event) {
        struct reply_ignored *ignored = &webhook->ignored;

        if (event->is_warning && webhook->n_warnings++ < LIMIT_IGNORED_SHOWN)
                log_warning("webhook_tells", LOG_TEXT("tenant", webhook->tenant), LOG_TEXT("channel", webhook->channel),
                            LOG_TEXT("why", event->why));
        if (ignored->n < LIMIT_IGNORED_SHOWN)
                ignored->why[ignored->n] = memory_print("%s", event->why);
        ignored->n++;
}

static void push_events(struct service *service, struct webhook *webhook, const struct channel_events *events,
                        struct parcel *parcel) {
        for (uint32_t i = 0; i < events->n; i++) {
                if (events->items[i].is_ignored)
                        push_ignored(webhook, &events->items[i]);
                else
                        push_event(service, webhook, &events->items[i], i, parcel);
        }
        if (webhook->left_out.n_messages > 0)
                log_warning("data_left_out", LOG_TEXT("tenant", webhook->tenant), LOG_TEXT("channel", webhook->channel),
                            LOG_NUMBER("messages", webhook->left_out.n_messages),
                            LOG_NUMBER("bytes", webhook->left_out.n_bytes),
                            LOG_TEXT("why", "the message would be over limits.message_bytes"));
}

static void answer_text(struct http_request *request, struct buffer *text) {
        http_answer(request,
                    &(struct http_answer){.status = 200, .content_type = "text/plain; charset=utf-8", .body = text});
}

static void answer_challenge(struct http_request *request, const char *challenge) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_push_text(&text, challenge);
        answer_text(request, &text);
}

void hooks_on_post(struct service *service, struct http_request *request, const struct door *door) {
        CLEANUP_WEBHOOK struct webhook *webhook = NULL;
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_PARCEL struct parcel parcel = {0};
        CLEANUP_FREE char *error = NULL;
        int r;

        if (verify(request, door) != 0)
                return;
        r = channel_read(door->channel, http_body(request), &events, &error);
        if (r < 0) {
                refuse(request, door, r == -E2BIG ? 413 : 400, r == -E2BIG ? "too_large" : "bad_webhook", error);
                return;
        }
        if (events.challenge) {
                answer_challenge(request, events.challenge);
                return;
        }
        webhook = webhook_new(request, door);
        webhook->waiting.on_verdict = on_verdict;
        push_events(service, webhook, &events, &parcel);
        if (parcel.n == 0)
                answer(webhook, &(struct intake_verdict){0});
        else if (service_push(service, &parcel, &webhook->waiting, service->config->ingest.ack_timeout) == 0)
                webhook = NULL; /* on_verdict() has it */
}

/* -- the rest ------------------------------------------------------------------------------------------------------ */

void hooks_on_get(struct service *service, struct http_request *request, const struct door *door) {
        struct channel_request asked = channel_request_of(request);
        CLEANUP_BUFFER struct buffer text = {0};

        switch (channel_challenge(door->channel, &asked, &text)) {
        case 0:
                answer_text(request, &text);
                break;
        case 2:
                refuse(request, door, 403, "forged", "the verify token is not the one that lull.yaml has");
                break;
        default:
                service_answer_problem(request, 404, "not_found",
                                       "this is no verification question; webhooks are sent with POST");
                break;
        }
}

int hooks_find(struct service *service, struct http_request *request, const struct path *path, struct door *ret) {
        /* Anybody can ask for anything: a name that nobody has is not for a log, or an answer, in its whole length. */
        struct bytes tenant = cut(path->segments[1]), channel = cut(path->segments[2]);
        CLEANUP_FREE char *why = NULL;
        int r = doors_find(service->doors, path->segments[1], path->segments[2], ret);

        if (r == 0)
                return 0;
        if (r == 1)
                why = memory_print("there is no tenant \"%.*s\" in lull.yaml", BYTES_PRINT(tenant));
        else
                why = memory_print("tenant \"%.*s\" has no channel \"%.*s\" in lull.yaml", BYTES_PRINT(tenant),
                                   BYTES_PRINT(channel));
        log_warning("webhook_refused", LOG_BYTES("tenant", tenant), LOG_BYTES("channel", channel),
                    LOG_NUMBER("status", 404), LOG_TEXT("code", r == 1 ? "unknown_tenant" : "unknown_channel"));
        service_answer_problem(request, 404, r == 1 ? "unknown_tenant" : "unknown_channel", why);
        return r;
}
