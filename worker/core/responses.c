#include "worker/core/responses.h"

#include <string.h>

/* -- what is sent -------------------------------------------------------------------------------------------------- */

static void push_instructions(const struct prompt *prompt, struct buffer *text) {
        if (prompt->config->system)
                buffer_push_text(text, prompt->config->system);
        if (text->len > 0 && prompt->context.len > 0)
                buffer_push_text(text, "\n\n");
        prompt_push_context(text, prompt);
}

void responses_encode(const struct prompt *prompt, const char *conversation, struct buffer *body) {
        const struct config_handler *config = prompt->config;
        CLEANUP_BUFFER struct buffer instructions = {0};
        CLEANUP_JSON json_t *request = json_object();
        json_t *input = json_array();

        push_instructions(prompt, &instructions);
        json_array_append_new(input, prompt_user_new(prompt));
        json_object_set_new(request, "model", json_text_new(bytes_of(config->model)));
        json_object_set_new(request, "input", input);
        if (instructions.len > 0)
                json_object_set_new(request, "instructions", json_text_new(buffer_bytes(&instructions)));
        if (conversation)
                json_object_set_new(request, "conversation", json_string(conversation));
        json_object_set_new(request, "stream", json_true());
        if (config->max_tokens > 0)
                json_object_set_new(request, "max_output_tokens",
                                    json_integer(config->max_tokens < RESPONSES_TOKENS_MIN ? RESPONSES_TOKENS_MIN
                                                                                           : config->max_tokens));
        if (config->temperature >= 0)
                json_object_set_new(request, "temperature", json_real(config->temperature));
        json_object_set_new(request, "metadata", json_pack("{s:s}", "lull_batch", prompt->batch));
        json_encode(request, body);
}

/* Another 404 is that of a model, or of a server that has no such API: both say so without naming the parameter. */
bool responses_is_forgotten(const struct outcome_response *response) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *why = NULL;
        const char *parameter, *code, *message;

        if (response->transport != OUTCOME_ANSWERED || (response->status != 404 && response->status != 400))
                return false;
        if (json_decode(response->body, &root, &why) < 0)
                return false;
        parameter = json_string_value(json_pointer_find(root, "/error/param"));
        code = json_string_value(json_pointer_find(root, "/error/code"));
        message = json_string_value(json_pointer_find(root, "/error/message"));
        if (code && strcmp(code, "conversation_not_found") == 0)
                return true;
        if (response->status != 404)
                return false;
        return (parameter && strncmp(parameter, "conversation", strlen("conversation")) == 0) ||
               (message && (strstr(message, "onversation") || strstr(message, "conv_")));
}

void responses_encode_conversation(struct buffer *body) { buffer_push_text(body, "{\"metadata\":{}}"); }

static bool is_id(const char *id) {
        size_t len = strlen(id);

        for (size_t i = 0; i < len; i++)
                if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z') ||
                      (id[i] >= '0' && id[i] <= '9') || id[i] == '_' || id[i] == '-'))
                        return false;
        return len > 0 && len <= MODEL_ID_LEN_MAX;
}

char *responses_conversation_id(struct bytes body) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *why = NULL;
        const char *id;

        if (json_decode(body, &root, &why) < 0)
                return NULL;
        id = json_string_value(json_object_get(root, "id"));
        return id && is_id(id) ? bytes_copy_text(bytes_of(id)) : NULL;
}

/* -- what comes ---------------------------------------------------------------------------------------------------- */

static void read_part(struct model *model, const json_t *part) {
        const char *type = json_string_value(json_object_get(part, "type"));

        if (type && strcmp(type, "output_text") == 0)
                model_on_text(model, json_object_get(part, "text"));
        else if (type && strcmp(type, "refusal") == 0)
                model_on_refusal(model, json_object_get(part, "refusal"));
}

static bool is_message(const json_t *item) {
        const char *type = json_string_value(json_object_get(item, "type"));

        return type && strcmp(type, "message") == 0;
}

/* The whole takes the place of the pieces; some servers leave it out at the end of a stream. Never the first item
 * alone: reasoning and tools come before the message. */
static void read_output(struct model *model, const json_t *response) {
        bool is_first = true;
        size_t i, j;
        json_t *item, *part;

        json_array_foreach(json_object_get(response, "output"), i, item) {
                if (!is_message(item))
                        continue;
                if (is_first) {
                        buffer_clear(&model->text);
                        buffer_clear(&model->refusal);
                }
                is_first = false;
                json_array_foreach(json_object_get(item, "content"), j, part) read_part(model, part);
        }
}

static enum model_end end_of_incomplete(const json_t *response) {
        const char *reason = json_string_value(json_pointer_find(response, "/incomplete_details/reason"));

        return reason && strcmp(reason, "content_filter") == 0 ? MODEL_FILTERED : MODEL_CUT_OFF;
}

/* A response object: a stream brings it with some events, a document is one. */
static void read_response(struct model *model, const json_t *response) {
        const char *status = json_string_value(json_object_get(response, "status"));
        const json_t *error = json_object_get(response, "error");

        model_on_id(model, json_object_get(response, "id"));
        model_on_usage(model, json_object_get(response, "usage"));
        if (!status)
                return;
        if (error && !json_is_null(error)) {
                model_on_error(model, response);
        } else if (strcmp(status, "completed") == 0 || strcmp(status, "incomplete") == 0) {
                read_output(model, response);
                model_on_finish(model, strcmp(status, "completed") == 0 ? MODEL_ENDED : end_of_incomplete(response));
        } else if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) {
                model_on_error(model, response);
        }
}

static void on_event(struct model *model, const json_t *event) {
        const char *type = json_string_value(json_object_get(event, "type"));
        const json_t *error = json_object_get(event, "error");

        if (error && !json_is_null(error))
                model_on_error(model, event);
        else if (!type)
                return;
        else if (strcmp(type, "error") == 0)
                model_on_error(model, event);
        else if (strcmp(type, "response.output_text.delta") == 0)
                model_on_text(model, json_object_get(event, "delta"));
        else if (strcmp(type, "response.refusal.delta") == 0)
                model_on_refusal(model, json_object_get(event, "delta"));
        else if (strncmp(type, "response.", strlen("response.")) == 0)
                read_response(model, json_object_get(event, "response"));
}

static void on_document(struct model *model, const json_t *document) {
        const json_t *error = json_object_get(document, "error");

        if (error && !json_is_null(error))
                model_on_error(model, document);
        else
                read_response(model, document);
        if (model->end == MODEL_OPEN)
                model_on_nonsense(model, "is no finished response; is the url the base of an API with /responses?");
}

const struct model_api responses_api = {.on_event = on_event, .on_document = on_document};
