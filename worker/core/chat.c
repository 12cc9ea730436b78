#include "worker/core/chat.h"

#include <string.h>

/* -- what is sent -------------------------------------------------------------------------------------------------- */

static void push_message(json_t *messages, const char *role, struct bytes content) {
        if (content.len > 0)
                json_array_append_new(messages, prompt_message_new(role, content));
}

static void push_line(struct buffer *text, struct bytes line) {
        if (text->len > 0 && line.len > 0)
                buffer_push_text(text, "\n");
        buffer_push(text, line.data, line.len);
}

/* What was said before and a person of the team has answered stands in front of it, in the same message: templates of
 * many models refuse two of one side in a row. */
static void push_last(json_t *messages, const struct prompt *prompt, struct buffer *unanswered) {
        struct prompt last = *prompt;

        push_line(unanswered, prompt->text);
        last.text = buffer_bytes(unanswered);
        json_array_append_new(messages, prompt_user_new(&last));
}

static json_t *messages_new(const struct prompt *prompt) {
        CLEANUP_BUFFER struct buffer context = {0};
        CLEANUP_BUFFER struct buffer user = {0};
        json_t *messages = json_array();

        prompt_push_context(&context, prompt);
        push_message(messages, "system", bytes_of(prompt->config->system));
        push_message(messages, "system", buffer_bytes(&context));
        for (size_t i = 0; i < prompt->n_turns; i++) {
                push_line(&user, prompt->turns[i].user);
                if (prompt->turns[i].assistant.len == 0)
                        continue;
                push_message(messages, "user", buffer_bytes(&user));
                push_message(messages, "assistant", prompt->turns[i].assistant);
                buffer_clear(&user);
        }
        push_last(messages, prompt, &user);
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

/* -- what is refused ----------------------------------------------------------------------------------------------- */

static const char options_key[] = "stream_options", tokens_key[] = "max_completion_tokens";

static bool is_key_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.'; }

/* Is there a quotation at `at`, and not an apostrophe? Then its end, else NULL. */
static const char *find_quotation_end(const char *text, const char *at) {
        if (!strchr("'\"`", *at) || (*at == '\'' && at > text && is_key_char(at[-1])))
                return NULL;
        return strchr(at + 1, *at);
}

static bool is_one_key(const char *from, const char *end) {
        while (from < end && is_key_char(*from))
                from++;
        return from == end;
}

/* Without what it quotes, as that may be a person's words; what is quoted and no more than a key's name stays. */
static void push_unquoted(struct buffer *target, const char *text) {
        const char *end;

        for (const char *at = text; *at; at++) {
                end = find_quotation_end(text, at);
                if (!end || is_one_key(at + 1, end))
                        buffer_push(target, at, end ? (size_t)(end - at) : 1);
                if (end)
                        at = end;
        }
}

/* Where a fault lies, as a list of keys; nothing for others. */
static void push_location(struct buffer *target, const json_t *location) {
        size_t i;
        json_t *key;

        json_array_foreach(location, i, key)
                buffer_print(target, " %s", json_is_string(key) ? json_string_value(key) : "");
}

static void push_words(struct buffer *target, const json_t *root) {
        static const char *const places[] = {"/error/message", "/message", "/detail", "/error"};
        size_t i;
        json_t *fault;

        for (i = 0; i < sizeof places / sizeof *places; i++) {
                const char *text = json_string_value(json_pointer_find(root, places[i]));

                if (text)
                        push_unquoted(target, text);
        }
        json_array_foreach(json_object_get(root, "detail"), i, fault)
                push_location(target, json_object_get(fault, "loc"));
}

/* The parameter that the error is about, where it says one, is more than any word of its sentence. */
static void find_ways(const json_t *root, struct chat_ways *ways) {
        CLEANUP_BUFFER struct buffer words = {0};
        const char *parameter = json_string_value(json_pointer_find(root, "/error/param"));
        bool is_options, is_tokens;

        push_words(&words, root);
        is_options = strstr(buffer_text(&words), options_key);
        is_tokens = strstr(buffer_text(&words), tokens_key);
        if (parameter) {
                is_options = strncmp(parameter, options_key, strlen(options_key)) == 0;
                is_tokens = is_tokens && strcmp(parameter, "max_tokens") == 0;
        }
        ways->is_without_options |= is_options;
        ways->is_completion_tokens |= is_tokens;
}

bool chat_is_other_way(const struct outcome_response *response, struct chat_ways *ways) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *why = NULL;
        struct chat_ways before = *ways;

        if (response->transport != OUTCOME_ANSWERED || (response->status != 400 && response->status != 422))
                return false;
        if (json_decode(response->body, &root, &why) < 0)
                return false;
        find_ways(root, ways);
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

const struct model_api chat_api = {
        .on_event = on_event, .has_done_mark = true, .has_pieces = true, .on_document = on_document};
