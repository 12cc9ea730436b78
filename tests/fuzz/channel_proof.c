/* Is a webhook from who it says? The first byte chooses the channel, the second whether the target signs it as the
 * platform would. Then lines "name: value" are headers, lines "?name=value" query arguments, up to an empty one; the
 * rest is the body. */
#include "common/channel_form.h"
#include "common/memory.h"
#include "common/sign.h"
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <strings.h>

enum { PAIRS_MAX = 16 };

static const struct wall now = {1795000000000};

struct pair {
        char *name, *value; /* the value points into the name */
};

struct webhook {
        struct pair headers[PAIRS_MAX], query[PAIRS_MAX];
        uint32_t n_headers, n_query;
        struct bytes body;
};

static const char *find(const struct pair *pairs, uint32_t n, const char *name) {
        for (uint32_t i = 0; i < n; i++)
                if (strcasecmp(pairs[i].name, name) == 0)
                        return pairs[i].value;
        return NULL;
}

static const char *find_header(void *context, const char *name) {
        return find(((struct webhook *)context)->headers, ((struct webhook *)context)->n_headers, name);
}

static const char *find_query(void *context, const char *name) {
        return find(((struct webhook *)context)->query, ((struct webhook *)context)->n_query, name);
}

static void push_pair(struct pair *pairs, uint32_t *n, char *line, const char *sign) {
        char *value = strstr(line, sign);

        if (!value || *n == PAIRS_MAX) {
                free(line);
                return;
        }
        *value = '\0';
        pairs[(*n)++] = (struct pair){line, value + strlen(sign)};
}

static void read_webhook(struct webhook *webhook, struct input *input) {
        struct bytes line;

        while ((line = input_pop_line(input)).len > 0) {
                if (*(const char *)line.data == '?')
                        push_pair(webhook->query, &webhook->n_query,
                                  memory_copy_text((const char *)line.data + 1, line.len - 1), "=");
                else
                        push_pair(webhook->headers, &webhook->n_headers, bytes_copy_text(line), ": ");
        }
        webhook->body = input_pop_rest(input);
}

static void webhook_done(struct webhook *webhook) {
        for (uint32_t i = 0; i < webhook->n_headers; i++)
                free(webhook->headers[i].name);
        for (uint32_t i = 0; i < webhook->n_query; i++)
                free(webhook->query[i].name);
}

/* -- signing, as the platform does ------------------------------------------------------------------------------- */

static void push_header(struct webhook *webhook, char *line) {
        push_pair(webhook->headers, &webhook->n_headers, line, ": ");
}

static void sign_hmac(const struct channels_example *example, struct webhook *webhook) {
        CLEANUP_BUFFER struct buffer content = {0};
        CLEANUP_BUFFER struct buffer line = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        if (example->timestamp) {
                buffer_print(&content, "%s%lld%s", example->before, (long long)(now.ms / 1000), example->behind);
                push_header(webhook, memory_print("%s: %lld", example->timestamp, (long long)(now.ms / 1000)));
        }
        buffer_push(&content, webhook->body.data, webhook->body.len);
        sign_hmac_sha256(bytes_of(example->secret), buffer_bytes(&content), mac);
        buffer_print(&line, "%s: %s", example->header, example->prefix);
        sign_hex_encode((struct bytes){mac, sizeof mac}, &line);
        push_header(webhook, memory_copy_text(line.data, line.len));
}

static void sign_standard(const struct channels_example *example, struct webhook *webhook) {
        char signature[SIGN_WEBHOOK_MAX];

        sign_webhook_encode(example->secret, "msg_1", now, webhook->body, signature);
        push_header(webhook, memory_print("webhook-id: msg_1"));
        push_header(webhook, memory_print("webhook-timestamp: %lld", (long long)(now.ms / 1000)));
        push_header(webhook, memory_print("webhook-signature: %s", signature));
}

static int compare_fields(const void *a, const void *b) {
        const struct channel_field *left = a, *right = b;
        int order = strcmp(left->name.data, right->name.data);

        return order ? order : strcmp(left->value.data, right->value.data);
}

/* The address and each field of the form, in the order of the names. False when the body is no form. */
static bool sign_url(const struct channels_example *example, struct webhook *webhook) {
        CLEANUP(channel_form_done) struct channel_form form = {0};
        CLEANUP_BUFFER struct buffer content = {0}, line = {0};
        CLEANUP_FREE char *error = NULL;
        uint8_t mac[SIGN_SHA1_LEN];

        if (channel_form_decode(webhook->body, &form, &error) != 0)
                return false;
        for (size_t i = 0; i < form.n; i++) {
                form.fields[i].name.data = bytes_copy_text(form.fields[i].name);
                form.fields[i].value.data = bytes_copy_text(form.fields[i].value);
        }
        qsort(form.fields, form.n, sizeof *form.fields, compare_fields);
        buffer_push_text(&content, CHANNELS_PUBLIC_URL);
        for (size_t i = 0; i < form.n; i++)
                if (i == 0 || compare_fields(&form.fields[i - 1], &form.fields[i]) != 0)
                        buffer_print(&content, "%s%s", (const char *)form.fields[i].name.data,
                                     (const char *)form.fields[i].value.data);
        for (size_t i = 0; i < form.n; i++) {
                free((void *)form.fields[i].name.data);
                free((void *)form.fields[i].value.data);
        }
        sign_hmac_sha1(bytes_of(example->secret), buffer_bytes(&content), mac);
        buffer_push_text(&line, "X-Twilio-Signature: ");
        sign_base64_encode((struct bytes){mac, sizeof mac}, &line);
        push_header(webhook, memory_copy_text(line.data, line.len));
        return true;
}

/* {"alg":"HS256"}.{"exp":1795000600} */
static void sign_jwt(const struct channels_example *example, struct webhook *webhook) {
        CLEANUP_BUFFER struct buffer token = {0}, signature = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        buffer_push_text(&token, "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTUwMDA2MDB9");
        sign_hmac_sha256(bytes_of(example->secret), buffer_bytes(&token), mac);
        sign_base64_encode((struct bytes){mac, sizeof mac}, &signature);
        for (size_t i = 0; i < signature.len; i++)
                if (strchr("+/", signature.data[i]))
                        signature.data[i] = signature.data[i] == '+' ? '-' : '_';
        push_header(webhook, memory_print("Authorization: Bearer %s.%.*s", buffer_text(&token), (int)signature.len - 1,
                                          signature.data));
}

/* In place of the headers and arguments that came. False when there is nothing to sign. */
static bool sign(const struct channels_example *example, struct webhook *webhook) {
        webhook_done(webhook);
        webhook->n_headers = webhook->n_query = 0;
        switch (example->way) {
        case CHANNELS_HMAC:
                sign_hmac(example, webhook);
                return true;
        case CHANNELS_STANDARD:
                sign_standard(example, webhook);
                return true;
        case CHANNELS_URL:
                return sign_url(example, webhook);
        case CHANNELS_JWT:
                sign_jwt(example, webhook);
                return true;
        }
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        const struct channel *channel;
        const struct channels_example *example = channels_get(input_pop_byte(&input), &channel);
        bool is_signed = input_pop_byte(&input) == 's' && example->secret;
        CLEANUP(webhook_done) struct webhook webhook = {0};
        struct channel_request request = {find_header, find_query, &webhook, BYTES_NONE, now};
        CLEANUP_BUFFER struct buffer answer = {0};
        enum channel_proof proof;

        read_webhook(&webhook, &input);
        request.body = webhook.body;
        is_signed = is_signed && sign(example, &webhook);
        proof = channel_verify(channel, &request);
        /* Who has the secret is believed, and nobody else. */
        ENSURE(!example->secret || (proof == CHANNEL_GENUINE) == is_signed);
        if (channel_challenge(channel, &request, &answer) == 0)
                ENSURE(answer.len > 0);
        return 0;
}
