#include "common/channel_encode.h"

#include "common/channel_form.h"
#include "common/channel_posting.h"
#include "common/memory.h"
#include "common/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Takes `header` over. */
static void header_push(struct channel_call *call, size_t *n, char *header) {
        call->headers = memory_resize(call->headers, *n + 2, sizeof *call->headers);
        call->headers[(*n)++] = header;
        call->headers[*n] = NULL;
}

/* User and password, as RFC 7617 joins them. */
static char *basic_text(struct channel_posting *posting, const struct yaml_node *basic) {
        CLEANUP_FREE char *user = channel_posting_text(posting, basic->items[0].text);
        CLEANUP_FREE char *password = channel_posting_text(posting, basic->items[1].text);
        CLEANUP_BUFFER struct buffer plain = {0};
        struct buffer text = {0};

        if (!user || !password)
                return NULL;
        if (strchr(user, ':'))
                channel_posting_refuse(posting,
                                       memory_print("a user with a colon cannot stand in Basic authentication"));
        buffer_print(&plain, "%s:%s", user, password);
        buffer_push_text(&text, "Basic ");
        sign_base64_encode(buffer_bytes(&plain), &text);
        return buffer_text(&text);
}

/* A pattern, {basic: [user, password]}, or a list of which the first that can be filled in counts. */
static char *header_text(struct channel_posting *posting, const struct yaml_node *header) {
        if (header->kind == YAML_SCALAR)
                return channel_posting_text(posting, header->text);
        if (header->kind == YAML_MAP)
                return basic_text(posting, yaml_find(header, "basic"));
        for (size_t i = 0; i < header->n; i++) {
                char *value = header_text(posting, &header->items[i]);

                if (value)
                        return value;
        }
        return NULL;
}

/* A line break in a value would begin a header of the sender's choice. */
static int header_add(struct channel_posting *posting, const struct yaml_node *header, struct channel_call *call,
                      size_t *n) {
        CLEANUP_FREE char *value = header_text(posting, header);

        if (value && channel_has_control(value)) {
                channel_posting_refuse(posting,
                                       memory_print("the header %s would have control characters", header->key));
                return -EINVAL;
        }
        if (value)
                header_push(call, n, memory_print("%s: %s", header->key, value));
        return 0;
}

/* Standard Webhooks is the one scheme there is for what we send. */
static void sign_add(struct channel_posting *posting, const struct yaml_node *sign, struct wall now,
                     struct channel_call *call, size_t *n) {
        const char *secret = sign ? channel_setting_find(posting->channel, yaml_find_text(sign, "setting")) : NULL;
        CLEANUP_FREE char *id = secret ? channel_posting_text(posting, yaml_find_text(sign, "id")) : NULL;
        char signature[SIGN_WEBHOOK_MAX];

        if (!id)
                return;
        sign_webhook_encode(secret, id, now, bytes_of(call->body), signature);
        header_push(call, n, memory_print("webhook-id: %s", id));
        header_push(call, n, memory_print("webhook-timestamp: %lld", (long long)(now.ms / 1000)));
        header_push(call, n, memory_print("webhook-signature: %s", signature));
}

/* An address without one of its parts would be somebody else's. */
static char *url_make(struct channel_posting *posting, const char *pattern) {
        char *url;

        posting->is_url = true;
        url = channel_posting_text(posting, pattern);
        posting->is_url = false;
        if (!url)
                channel_posting_refuse(posting, memory_print("a part of the address %s is missing; it is a setting, or "
                                                             "what the message said under `to`",
                                                             pattern));
        return url;
}

static void body_add(struct channel_posting *posting, const struct yaml_node *node, struct channel_call *call,
                     size_t *n) {
        const char *form = yaml_find_text(node, "form");
        bool is_form = form && strcmp(form, "true") == 0;

        if (!yaml_find(node, "body"))
                return;
        call->body = channel_posting_body(posting, node, is_form);
        header_push(call, n, memory_print("Content-Type: application/%s", is_form ? "x-www-form-urlencoded" : "json"));
}

static int request_make(struct channel_posting *posting, const struct yaml_node *node, struct wall now,
                        struct channel_call *ret) {
        const struct yaml_node *headers = yaml_find(node, "headers");
        size_t n = 0;

        ret->url = url_make(posting, yaml_find_text(node, "url"));
        if (posting->error)
                return -EINVAL;
        header_push(ret, &n, memory_print("Accept: application/json"));
        body_add(posting, node, ret, &n);
        for (size_t i = 0; headers && i < headers->n; i++)
                if (header_add(posting, &headers->items[i], ret, &n) != 0)
                        return -EINVAL;
        sign_add(posting, yaml_find(node, "sign"), now, ret, &n);
        return posting->error ? -EINVAL : 0;
}

int channel_encode_call(const struct channel *channel, const struct yaml_node *node, const struct channel_reply *reply,
                        const char *method, struct wall now, struct channel_call *ret, char **ret_error) {
        struct channel_posting posting = {.channel = channel, .reply = reply, .escape = yaml_find(node, "escape")};
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
        struct channel_posting posting = {.channel = channel, .reply = reply};

        return channel_posting_text(&posting, pattern);
}

void channel_encode_query(struct channel_call *call, const char *name, const char *value) {
        struct buffer url = {0};

        buffer_print(&url, "%s?%s=", call->url, name);
        channel_escape_push(&url, value, "");
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
