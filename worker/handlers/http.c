/* Answers a batch by a POST to a URL: design 6.3. Signed as Standard Webhooks say when there is a secret; the batch
 * is the webhook's id and the idempotency key, the same in every attempt. */
#include "worker/handler.h"

#include "common/clock.h"
#include "common/memory.h"
#include "common/sign.h"

#include <stdio.h>

enum { HEADER_LEN_MAX = 128 };

struct http_call {
        struct call *call;
        struct answer *answer;
        bool (*may_send)(void *context);
        void (*on_answered)(void *context);
        void *context;
        bool is_sent; /* as far as anybody can tell */
};

static void on_end(void *context, const struct outcome_response *response) {
        struct http_call *self = context;
        struct answer *answer = self->answer;
        struct outcome outcome;

        outcome_of_http(response, "the handler", &outcome);
        answer->outcome = outcome;
        answer->usage.n_calls = self->is_sent ? 1 : 0;
        if (outcome.kind == WIRE_DONE && response->status == 204)
                answer_of_nothing(answer);
        else if (outcome.kind == WIRE_DONE)
                answer_of_json(response->body, answer);
        /* An answer that cannot be read came from a service that is there. */
        answer->outcome.provider = outcome.provider;
        answer->outcome.pause = outcome.pause;
        self->on_answered(self->context);
        free(self);
}

static bool may_send(void *context) {
        struct http_call *self = context;
        bool may = self->may_send(self->context);

        self->is_sent |= may;
        return may;
}

static struct call *post(const struct handler_question *question, struct http_call *self) {
        const struct config_handler *config = question->config;
        const char *batch = question->batch->id;
        CLEANUP_BUFFER struct buffer json = {0};
        struct wall now = clock_now().wall;
        char key[HEADER_LEN_MAX], id[HEADER_LEN_MAX], timestamp[HEADER_LEN_MAX], signature[HEADER_LEN_MAX];
        char value[SIGN_WEBHOOK_MAX];
        const char *headers[] = {
                "Content-Type: application/json", "Accept: application/json", key, NULL, NULL, NULL, NULL};
        struct call_request request = {.method = "POST", .url = config->url, .headers = headers};

        batch_encode_question(question->batch, &json);
        request.body = buffer_bytes(&json);
        request.may_send = may_send;
        request.is_repeatable = true; /* under its idempotency key */
        request.is_private_allowed = config->is_private;
        request.proxy = config->proxy;
        snprintf(key, sizeof key, "Idempotency-Key: \"%s\"", batch);
        if (config->secret) {
                sign_webhook_encode(config->secret, batch, now, request.body, value);
                snprintf(id, sizeof id, "webhook-id: %s", batch);
                snprintf(timestamp, sizeof timestamp, "webhook-timestamp: %lld", (long long)(now.ms / 1000));
                snprintf(signature, sizeof signature, "webhook-signature: %s", value);
                headers[3] = id;
                headers[4] = timestamp;
                headers[5] = signature;
        }
        return call_new(question->calls, &request, on_end, self);
}

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct http_call *self = memory_new(1, sizeof *self);

        *self = (struct http_call){
                .answer = answer, .may_send = question->may_send, .on_answered = on_answered, .context = context};
        self->call = post(question, self);
        *ret_call = self;
        return 0;
}

static void abort_call(void *context, bool is_unwanted, struct handler_usage *ret_spent) {
        struct http_call *self = context;

        *ret_spent = (struct handler_usage){.n_calls = self->is_sent ? 1 : 0};
        call_free(self->call);
        free(self);
}

const struct handler handler_http = {.ask = ask, .abort = abort_call};
