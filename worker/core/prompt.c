#include "worker/core/prompt.h"

#include <stdio.h>
#include <string.h>

enum {
        URLS_MAX = 16, /* attachments of one message that are named */
        KIND_LEN_MAX = 32,
};

/* Where platforms put a file's address: in lists of attachments, or by itself. */
static const char *const url_places[] = {"/attachments/*/data_url", "/media_url", "/url"};

/* Kinds whose whole content is their text: buttons that were pressed, forms that were filled in. */
static const char *const text_kinds[] = {"text",  "button", "interactive",    "input_select",
                                         "cards", "form",   "incoming_email", "request_welcome"};

static bool is_text_kind(struct bytes kind) {
        for (size_t i = 0; i < sizeof text_kinds / sizeof *text_kinds; i++)
                if (bytes_is_text(kind, text_kinds[i]))
                        return true;
        return kind.len == 0;
}

/* Part of a JSON Pointer only when it is one plain word. */
static bool is_word(struct bytes kind) {
        const char *at = kind.data;

        for (size_t i = 0; i < kind.len; i++)
                if (!((at[i] >= 'a' && at[i] <= 'z') || (at[i] >= 'A' && at[i] <= 'Z') || at[i] == '_' || at[i] == '-'))
                        return false;
        return kind.len > 0 && kind.len <= KIND_LEN_MAX;
}

static bool begins_with(struct bytes text, const char *beginning) {
        return text.len > strlen(beginning) && memcmp(text.data, beginning, strlen(beginning)) == 0;
}

/* Appends an address that a tool could fetch; anything else is none. */
static bool push_url(struct buffer *text, struct bytes url) {
        if (!begins_with(url, "https://") && !begins_with(url, "http://"))
                return false;
        buffer_print(text, " %.*s", BYTES_PRINT(url));
        return true;
}

/* Appends the addresses at one place; how many. */
static size_t push_urls(struct buffer *text, const json_t *data, const char *place) {
        struct json_found found = {0};
        size_t n = 0;

        json_pointer_find_all(data, place, URLS_MAX, &found);
        for (size_t i = 0; i < found.n; i++)
                n += push_url(text, bytes_of(json_string_value(found.items[i])));
        free(found.items);
        return n;
}

static void push_media(struct buffer *text, const struct wire_body *body) {
        CLEANUP_JSON json_t *data = NULL;
        CLEANUP_FREE char *error = NULL;
        CLEANUP_FREE char *kind = bytes_copy_text(body->kind);
        char place[KIND_LEN_MAX + sizeof "//*"];
        size_t n;

        buffer_print(text, "[%s]", kind);
        if (push_url(text, body->url))
                return;
        if (body->data.len == 0 || !is_word(body->kind) || json_decode(body->data, &data, &error) < 0)
                return;
        snprintf(place, sizeof place, "/%s/*", kind); /* or under the name of the message's kind */
        n = push_urls(text, data, place);
        for (size_t i = 0; i < sizeof url_places / sizeof *url_places && n == 0; i++)
                n = push_urls(text, data, url_places[i]);
}

void prompt_push_message(struct buffer *text, const struct wire_body *body) {
        bool is_media = !is_text_kind(body->kind);

        if (!is_media && body->text.len == 0)
                return;
        if (text->len > 0)
                buffer_push_text(text, "\n");
        if (is_media)
                push_media(text, body);
        if (is_media && body->text.len > 0)
                buffer_push_text(text, " ");
        buffer_push(text, body->text.data, body->text.len);
}

json_t *prompt_message_new(const char *role, struct bytes content) {
        json_t *message = json_object();

        json_object_set_new(message, "role", json_string(role));
        json_object_set_new(message, "content", json_text_new(content));
        return message;
}

json_t *prompt_user_new(const struct prompt *prompt) {
        return prompt_message_new("user", prompt->text.len > 0 ? prompt->text : bytes_of("[empty message]"));
}

void prompt_push_context(struct buffer *text, const struct prompt *prompt) {
        if (prompt->context.len > 0)
                buffer_print(text, "What is known about the person: %.*s", BYTES_PRINT(prompt->context));
}
