#include "common/channel_encode.h"
#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "common/sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said to a thread, on its way into a request. */
struct posting {
        const struct channel *channel;
        const struct channel_reply *reply;
        bool is_url;
        char *error;
};

/* -- placeholders -------------------------------------------------------------------------------------------------- */

/* A copy of what a name stands for; NULL when it stands for nothing. The reply's own words come first, and no setting
 * of a channel file has one of their names. */
static char *name_find(const struct posting *posting, const char *name) {
        const struct channel_reply *reply = posting->reply;
        const struct {
                const char *name, *text;
        } words[] = {{"thread", reply->thread},   {"from", reply->from},
                     {"tenant", reply->tenant},   {"batch", reply->batch},
                     {"message", reply->message}, {"channel", posting->channel->config->name}};
        const char *text = NULL;

        if (strcmp(name, "index") == 0)
                return memory_print("%u", reply->index);
        if (strcmp(name, "reply") == 0)
                return bytes_copy_text(reply->text);
        text = channel_setting_find(posting->channel, name);
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(words[i].name, name) == 0)
                        text = words[i].text;
        return text ? memory_copy_text(text, strlen(text)) : NULL;
}

/* Takes `error` over; the first one is the one that is told. */
static void set_error(struct posting *posting, char *error) {
        if (posting->error)
                free(error);
        else
                posting->error = error;
}

/* The steps of an address and its arguments: everything but these is escaped. */
static void url_push(struct buffer *text, const char *value) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

        for (const char *at = value; *at; at++) {
                if (strchr(plain, *at))
                        buffer_push(text, at, 1);
                else
                        buffer_print(text, "%%%02X", (unsigned char)*at);
        }
}

static bool has_control(const char *value) {
        for (; *value; value++)
                if ((unsigned char)*value < ' ' || *value == 0x7f)
                        return true;
        return false;
}

/* A thread's name must stay one step of the path: "." and ".." would climb out of it, however they are written. */
static char *url_encode(struct posting *posting, const char *name, const char *value) {
        struct buffer text = {0};

        if (!*value || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
                set_error(posting, memory_print("the %s cannot stand in a URL", name));
        if (has_control(value))
                set_error(posting, memory_print("the %s has control characters and cannot stand in a URL", name));
        url_push(&text, value);
        return buffer_text(&text);
}

static bool is_url_setting(const struct channel *channel, const char *name) {
        const char *form = yaml_find_text(yaml_find(yaml_find(channel->file, "settings"), name), "form");

        return form && strcmp(form, "url") == 0;
}

static char *placeholder_find(void *context, const char *name) {
        struct posting *posting = context;
        char *value = name_find(posting, name);
        char *encoded;

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

static char *template_text(struct posting *posting, const char *pattern) {
        return channel_template_text(pattern, placeholder_find, posting, NULL);
}

/* -- the body: YAML becomes JSON, and what has no value is left out ------------------------------------------------ */

/* "{#name}" is a number; a word that YAML did not quote may be one of JSON's. */
static json_t *scalar_json(struct posting *posting, const struct yaml_node *node) {
        CLEANUP_FREE char *text = NULL;

        if (!node->is_quoted && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
                return json_boolean(strcmp(node->text, "true") == 0);
        if (strncmp(node->text, "{#", 2) == 0) {
                CLEANUP_FREE char *name = memory_copy_text(node->text + 2, strlen(node->text) - 3);
                CLEANUP_FREE char *number = placeholder_find(posting, name);

                return number ? json_integer(strtoll(number, NULL, 10)) : NULL;
        }
        text = template_text(posting, node->text);
        return text ? json_text_new(bytes_of(text)) : NULL;
}

static json_t *node_json(struct posting *posting, const struct yaml_node *node);

static void members_add(struct posting *posting, const struct yaml_node *map, json_t *object) {
        for (size_t i = 0; map && i < map->n; i++) {
                CLEANUP_FREE char *key = template_text(posting, map->items[i].key);

                ENSURE(key);
                json_object_set_new(object, key, node_json(posting, &map->items[i]));
        }
}

static json_t *node_json(struct posting *posting, const struct yaml_node *node) {
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
static void variant_add(struct posting *posting, const struct yaml_node *variants, json_t *object) {
        for (size_t i = 0; variants && i < variants->n; i++) {
                const struct yaml_node *variant = &variants->items[i];
                CLEANUP_FREE char *value = template_text(posting, yaml_find_text(variant, "value"));
                bool is_any = strcmp(yaml_find_text(variant, "form"), "any") == 0;

                if (!value || (!is_any && !is_phone(value)))
                        continue;
                members_add(posting, yaml_find(variant, "body"), object);
                return;
        }
}

static char *body_make(struct posting *posting, const struct yaml_node *post) {
        CLEANUP_JSON json_t *body = json_object();

        members_add(posting, yaml_find(post, "body"), body);
        variant_add(posting, yaml_find(post, "variants"), body);
        return json_encode_text(body);
}

/* -- the request --------------------------------------------------------------------------------------------------- */

/* Takes `header` over. */
static void header_push(struct channel_call *call, size_t *n, char *header) {
        call->headers = memory_resize(call->headers, *n + 2, sizeof *call->headers);
        call->headers[(*n)++] = header;
        call->headers[*n] = NULL;
}

/* A pattern, or a list of which the first that can be filled in counts. */
static char *header_text(struct posting *posting, const struct yaml_node *header) {
        if (header->kind == YAML_SCALAR)
                return template_text(posting, header->text);
        for (size_t i = 0; i < header->n; i++) {
                char *value = template_text(posting, header->items[i].text);

                if (value)
                        return value;
        }
        return NULL;
}

/* A line break in a value would begin a header of the sender's choice. */
static int header_add(struct posting *posting, const struct yaml_node *header, struct channel_call *call, size_t *n) {
        CLEANUP_FREE char *value = header_text(posting, header);

        if (value && has_control(value)) {
                set_error(posting, memory_print("the header %s would have control characters", header->key));
                return -EINVAL;
        }
        if (value)
                header_push(call, n, memory_print("%s: %s", header->key, value));
        return 0;
}

/* Standard Webhooks is the one scheme there is for what we send. */
static void sign_add(struct posting *posting, const struct yaml_node *sign, struct wall now, struct channel_call *call,
                     size_t *n) {
        const char *secret = sign ? channel_setting_find(posting->channel, yaml_find_text(sign, "setting")) : NULL;
        CLEANUP_FREE char *id = secret ? template_text(posting, yaml_find_text(sign, "id")) : NULL;
        char signature[SIGN_WEBHOOK_MAX];

        if (!id)
                return;
        sign_webhook_encode(secret, id, now, bytes_of(call->body), signature);
        header_push(call, n, memory_print("webhook-id: %s", id));
        header_push(call, n, memory_print("webhook-timestamp: %lld", (long long)(now.ms / 1000)));
        header_push(call, n, memory_print("webhook-signature: %s", signature));
}

static int request_make(struct posting *posting, const struct yaml_node *node, struct wall now,
                        struct channel_call *ret) {
        const struct yaml_node *headers = yaml_find(node, "headers");
        size_t n = 0;

        posting->is_url = true;
        ret->url = template_text(posting, yaml_find_text(node, "url"));
        posting->is_url = false;
        if (posting->error)
                return -EINVAL;
        ENSURE(ret->url);
        header_push(ret, &n, memory_print("Accept: application/json"));
        if (yaml_find(node, "body")) {
                ret->body = body_make(posting, node);
                header_push(ret, &n, memory_print("Content-Type: application/json"));
        }
        for (size_t i = 0; headers && i < headers->n; i++)
                if (header_add(posting, &headers->items[i], ret, &n) != 0)
                        return -EINVAL;
        sign_add(posting, yaml_find(node, "sign"), now, ret, &n);
        return 0;
}

int channel_encode_call(const struct channel *channel, const struct yaml_node *node, const struct channel_reply *reply,
                        const char *method, struct wall now, struct channel_call *ret, char **ret_error) {
        struct posting posting = {.channel = channel, .reply = reply};
        struct channel_call call = {.method = memory_print("%s", method)};

        if (request_make(&posting, node, now, &call) != 0) {
                channel_call_done(&call);
                *ret_error = posting.error;
                return -EINVAL;
        }
        *ret = call;
        return 0;
}

char *channel_encode_text(const struct channel *channel, const struct channel_reply *reply, const char *pattern) {
        struct posting posting = {.channel = channel, .reply = reply};

        return template_text(&posting, pattern);
}

void channel_encode_query(struct channel_call *call, const char *name, const char *value) {
        struct buffer url = {0};

        buffer_print(&url, "%s?%s=", call->url, name);
        url_push(&url, value);
        free(call->url);
        call->url = buffer_text(&url);
}

void channel_call_done(struct channel_call *call) {
        for (char **header = call->headers; header && *header; header++)
                free(*header);
        free(call->headers);
        free(call->method);
        free(call->url);
        free(call->body);
        *call = (struct channel_call){0};
}
