#include "worker/handlers/provider.h"

#include "common/limits.h"
#include "common/memory.h"

#include <inttypes.h>
#include <string.h>

/* Where each provider wants its key. */
static char *key_header(const struct config_handler *config) {
        if (!config->key)
                return NULL;
        return config->kind == CONFIG_HANDLER_LANGGRAPH ? memory_print("x-api-key: %s", config->key)
                                                        : memory_print("Authorization: Bearer %s", config->key);
}

static char *url_of(const struct config_handler *config, const char *path) {
        size_t len = strlen(config->url);

        while (len > 0 && config->url[len - 1] == '/')
                len--;
        return memory_print("%.*s%s", (int)len, config->url, path);
}

/* The batch names the very messages, so of what is paid for it is the idempotency key, the same in every attempt: of a
 * gateway that keeps answers by it a retry gets the one that was paid for. Another body needs another key, or it would
 * get the refusal of the first. */
static char *key_of_batch(const struct handler_question *question, const struct provider_request *request) {
        if (request->version == 0)
                return memory_print("Idempotency-Key: %s", question->batch->id);
        return memory_print("Idempotency-Key: %s-%" PRIu32, question->batch->id, request->version + 1);
}

struct call *provider_call(const struct handler_question *question, const struct provider_request *request,
                           void (*on_end)(void *context, const struct outcome_response *response), void *context) {
        const struct config_handler *config = question->config;
        CLEANUP_FREE char *url = url_of(config, request->path);
        CLEANUP_FREE char *key = key_header(config);
        CLEANUP_FREE char *once = key_of_batch(question, request);
        /* What OpenAI's own log shows. */
        CLEANUP_FREE char *id = memory_print("X-Client-Request-Id: %s", question->batch->id);
        const char *headers[6] = {"Accept: application/json, text/event-stream", "Content-Type: application/json", id};
        size_t n = 3;
        struct call_request call = {
                .method = request->method,
                .url = url,
                .headers = headers,
                .body = request->body,
                .may_send = request->may_send,
                .is_repeatable = request->is_repeatable,
                .is_private_allowed = config->is_private,
                .proxy = config->proxy,
                .first_byte = config->first_byte,
                .stall = config->stall,
                .longest = request->longest,
                .body_max = request->body_max,
                .on_data = request->on_data,
        };

        if (!request->is_repeatable)
                headers[n++] = once;
        if (key)
                headers[n++] = key;
        return call_new(question->calls, &call, on_end, context);
}

static void on_told(void *context, const struct outcome_response *response) {}

void provider_tell(const struct handler_question *question, const char *method, const char *path) {
        struct provider_request request = {
                .method = method, .path = path, .is_repeatable = true, .longest = span_ms(LIMIT_TELL_MS)};

        provider_call(question, &request, on_told, NULL);
}
