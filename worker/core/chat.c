#include "worker/core/chat.h"

#include <string.h>

/* -- what is sent -------------------------------------------------------------------------------------------------- */

static void push_message(json_t *messages, const char *role, struct bytes content) {
        if (content.len > 0)
                json_array_append_new(messages, prompt_message_new(role, content));
}

static json_t *messages_new(const struct prompt *prompt) {
        CLEANUP_BUFFER struct buffer context = {0};
        json_t *messages = json_array();

        prompt_push_context(&context, prompt);
        push_message(messages, "system", bytes_of(prompt->config->system));
        push_message(messages, "system", buffer_bytes(&context));
        for (size_t i = 0; i < prompt->n_turns; i++) {
                push_message(messages, "user", prompt->turns[i].user);
                push_message(messages, "assistant", prompt->turns[i].assistant);
        }
        json_array_append_new(messages, prompt_user_new(prompt));
        return messages;
}

void chat_encode(const struct prompt *prompt, struct chat_ways ways, struct buffer *body) {
        const struct config_handler *config = prompt->config;
        CLEANUP_JSON json_t *request = json_object();

        json_object_set_new(request, "model", json_text_new(bytes_of(config->model)));
        json_object_set_new(request, "messages", messages_new(prompt));
        json_object_set_new(request, "stream", json_true());
        if (!ways.is_without_options)
                json_object_set_new(request, "stream_options", json_pack("{s:b}", "include_usage", 1));
        if (config->max_tokens > 0)
                json_object_set_new(request, ways.is_completion_tokens ? "max_completion_tokens" : "max_tokens",
                                    json_integer(config->max_tokens));
        if (config->temperature >= 0)
                json_object_set_new(request, "temperature", json_real(config->temperature));
        json_encode(request, body);
}

bool chat_is_other_way(const struct outcome_response *response, struct chat_ways *ways) {
        CLEANUP_FREE char *text = bytes_copy_text(response->body);
        struct chat_ways before = *ways;

        if (response->transport != OUTCOME_ANSWERED || (response->status != 400 && response->status != 422))
                return false;
        ways->is_without_options = ways->is_without_options || strstr(text, "stream_options");
        ways->is_completion_tokens = ways->is_completion_tokens || strstr(text, "max_completion_tokens");
        return ways->is_without_options != before.is_without_options ||
               ways->is_completion_tokens != before.is_completion_tokens;
}

/* -- what comes ---------------------------------------------------------------------------------------------------- */

static void read_finish(struct model *model, const json_t *reason) {
        const char *text = json_string_value(reason);

        if (!text)
                return;
        if (strcmp(text, "length") == 0)
                model_on_finish(model, MODEL_CUT_OFF);
        else if (strcmp(text, "content_filter") == 0)
                model_on_finish(model, MODEL_FILTERED);
        else
                model_on_finish(model, MODEL_ENDED);
}

/* A chunk and a whole answer differ in one name. True when it is an error or has an end. */
static void read_object(struct model *model, const json_t *object, const char *name) {
        const json_t *error = json_object_get(object, "error");
        const json_t *choice = json_array_get(json_object_get(object, "choices"), 0);
        const json_t *message = json_object_get(choice, name);
        const char *kind = json_string_value(json_object_get(object, "object"));

        if ((error && !json_is_null(error)) || (kind && strcmp(kind, "error") == 0)) {
                model_on_error(model, object);
                return;
        }
        model_on_id(model, json_object_get(object, "id"));
        model_on_text(model, json_object_get(message, "content"));
        model_on_refusal(model, json_object_get(message, "refusal"));
        read_finish(model, json_object_get(choice, "finish_reason"));
        model_on_usage(model, json_object_get(object, "usage"));
}

static void on_event(struct model *model, const json_t *event) { read_object(model, event, "delta"); }

static void on_document(struct model *model, const json_t *document) {
        read_object(model, document, "message");
        if (model->end != MODEL_FAILED && !json_is_array(json_object_get(document, "choices")))
                model_on_nonsense(model, "has no \"choices\"; is the url the base of an OpenAI-compatible API?");
        /* A document that came as a whole has ended, whether or not it says how. */
        model_on_finish(model, MODEL_ENDED);
}

const struct model_api chat_api = {.on_event = on_event, .has_done_mark = true, .on_document = on_document};
