#include "common/channel_posting.h"

#include "common/channel_form.h"
#include "common/channel_value.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More may not fit 64 bits. */
enum { NUMBER_DIGITS_MAX = 18 };

/* -- placeholders -------------------------------------------------------------------------------------------------- */

/* Takes `error` over; the first one is the one that is told. */
void channel_posting_refuse(struct channel_posting *posting, char *error) {
        if (posting->error)
                free(error);
        else
                posting->error = error;
}

bool channel_has_control(const char *value) {
        for (; *value; value++)
                if ((unsigned char)*value < ' ' || *value == 0x7f)
                        return true;
        return false;
}

/* A thread's name must stay one step of the path: "." and ".." would climb out of it, however they are written. */
static char *url_encode(struct channel_posting *posting, const char *name, const char *value) {
        struct buffer text = {0};

        if (!*value || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
                channel_posting_refuse(posting, memory_print("the %s cannot stand in a URL", name));
        if (channel_has_control(value))
                channel_posting_refuse(posting,
                                       memory_print("the %s has control characters and cannot stand in a URL", name));
        channel_escape_push(&text, value, ":");
        return buffer_text(&text);
}

static bool is_url_setting(const struct channel *channel, const char *name) {
        const char *form = yaml_find_text(yaml_find(yaml_find(channel->file, "settings"), name), "form");

        return form && strcmp(form, "url") == 0;
}

/* The member that `text` begins with; NULL when it begins with none. */
static const struct yaml_node *escape_find(const struct yaml_node *escape, const char *text) {
        for (size_t i = 0; i < escape->n; i++)
                if (strncmp(text, escape->items[i].key, strlen(escape->items[i].key)) == 0)
                        return &escape->items[i];
        return NULL;
}

/* In one pass, so that what stands for one text is not taken for another. Takes `text` over. */
static char *escape_text(const struct yaml_node *escape, char *text) {
        CLEANUP_FREE char *plain = text;
        CLEANUP_BUFFER struct buffer escaped = {0};

        for (const char *at = plain; *at;) {
                const struct yaml_node *member = escape_find(escape, at);

                if (member)
                        buffer_push_text(&escaped, member->text);
                else
                        buffer_push(&escaped, at, 1);
                at += member ? strlen(member->key) : 1;
        }
        return memory_copy_text(escaped.data, escaped.len);
}

static char *placeholder_find(void *context, const char *name) {
        struct channel_posting *posting = context;
        char *value = channel_word_find(posting->channel, posting->reply, name);
        char *encoded;

        if (value && posting->escape && strcmp(name, "reply") == 0)
                value = escape_text(posting->escape, value);

        if (!value || !posting->is_url)
                return value;
        if (is_url_setting(posting->channel, name)) {
                /* "https://host/" and "https://host" are one address. */
                for (size_t len = strlen(value); len > 0 && value[len - 1] == '/'; len--)
                        value[len - 1] = 0;
                return value;
        }
        encoded = url_encode(posting, name, value);
        free(value);
        return encoded;
}

char *channel_posting_text(struct channel_posting *posting, const char *pattern) {
        return channel_template_text(pattern, placeholder_find, posting, NULL);
}

/* -- the body: YAML becomes JSON, and what has no value is left out ------------------------------------------------ */

/* A whole number that JSON can hold, as a person writes it: without zeros in front. */
static bool is_number(const char *text) {
        const char *digits = text + (*text == '-');
        size_t len = strlen(digits);

        return len > 0 && len <= NUMBER_DIGITS_MAX && strspn(digits, "0123456789") == len &&
               (*digits != '0' || (len == 1 && *text != '-'));
}

/* "{#name}" is a number where it looks like one. */
static json_t *number_json(struct channel_posting *posting, const char *pattern) {
        CLEANUP_FREE char *name = memory_print("{%s", pattern + strlen("{#"));
        CLEANUP_FREE char *text = channel_posting_text(posting, name);

        if (!text)
                return NULL;
        return is_number(text) ? json_integer(strtoll(text, NULL, 10)) : json_text_new(bytes_of(text));
}

/* A word that YAML did not quote may be one of JSON's. */
static json_t *scalar_json(struct channel_posting *posting, const struct yaml_node *node) {
        CLEANUP_FREE char *text = NULL;

        if (!node->is_quoted && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
                return json_boolean(strcmp(node->text, "true") == 0);
        if (!node->is_quoted && is_number(node->text))
                return json_integer(strtoll(node->text, NULL, 10));
        if (strncmp(node->text, "{#", 2) == 0)
                return number_json(posting, node->text);
        text = channel_posting_text(posting, node->text);
        return text ? json_text_new(bytes_of(text)) : NULL;
}

static json_t *node_json(struct channel_posting *posting, const struct yaml_node *node);

static void members_add(struct channel_posting *posting, const struct yaml_node *map, json_t *object) {
        for (size_t i = 0; map && i < map->n; i++) {
                CLEANUP_FREE char *key = channel_posting_text(posting, map->items[i].key);

                json_t *value = node_json(posting, &map->items[i]);

                if (key && value)
                        json_object_set_new(object, key, value);
                else
                        json_decref(value);
        }
}

static json_t *node_json(struct channel_posting *posting, const struct yaml_node *node) {
        json_t *value;

        if (node->kind == YAML_SCALAR)
                return scalar_json(posting, node);
        value = node->kind == YAML_MAP ? json_object() : json_array();
        if (node->kind == YAML_MAP)
                members_add(posting, node, value);
        for (size_t i = 0; node->kind == YAML_LIST && i < node->n; i++)
                json_array_append_new(value, node_json(posting, &node->items[i]));
        return value;
}

/* A phone number as the platforms write it. */
static bool is_phone(const char *text) {
        size_t len = strspn(text + (*text == '+'), "0123456789") + (*text == '+');

        return *text && !text[len] && len >= 5;
}

/* The first variant whose value has its form adds to the body. */
static void variant_add(struct channel_posting *posting, const struct yaml_node *variants, json_t *object) {
        for (size_t i = 0; variants && i < variants->n; i++) {
                const struct yaml_node *variant = &variants->items[i];
                CLEANUP_FREE char *value = channel_posting_text(posting, yaml_find_text(variant, "value"));
                bool is_any = strcmp(yaml_find_text(variant, "form"), "any") == 0;

                if (!value || (!is_any && !is_phone(value)))
                        continue;
                members_add(posting, yaml_find(variant, "body"), object);
                return;
        }
}

char *channel_posting_body(struct channel_posting *posting, const struct yaml_node *post, bool is_form) {
        CLEANUP_JSON json_t *body = json_object();
        CLEANUP_BUFFER struct buffer form = {0};

        members_add(posting, yaml_find(post, "body"), body);
        variant_add(posting, yaml_find(post, "variants"), body);
        if (!is_form)
                return json_encode_text(body);
        channel_form_encode(body, &form);
        return memory_copy_text(form.data, form.len);
}
