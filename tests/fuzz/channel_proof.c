/* Is a webhook from who it says? The first byte chooses the channel, the second whether the target signs it as the
 * platform would. Then lines "name: value" are headers, lines "?name=value" query arguments, up to an empty one; the
 * rest is the body. */
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
                buffer_print(&content, "%lld.", (long long)(now.ms / 1000));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        const struct channel *channel;
        const struct channels_example *example = channels_get(input_pop_byte(&input), &channel);
        bool is_signed = input_pop_byte(&input) == 's' && example->secret;
        CLEANUP(webhook_done) struct webhook webhook = {0};
        struct channel_request request = {find_header, find_query, &webhook, BYTES_NONE, now};
        CLEANUP_BUFFER struct buffer answer = {0};
        enum channel_proof proof;

        /* The signature goes first, for the first header of a name counts. */
        if (is_signed)
                webhook.body = BYTES_NONE;
        read_webhook(&webhook, &input);
        request.body = webhook.body;
        if (is_signed) {
                while (webhook.n_headers > 0)
                        free(webhook.headers[--webhook.n_headers].name);
                if (example->is_standard)
                        sign_standard(example, &webhook);
                else
                        sign_hmac(example, &webhook);
        }
        proof = channel_verify(channel, &request);
        /* Who has the secret is believed, and nobody else. */
        ENSURE(!example->secret || (proof == CHANNEL_GENUINE) == is_signed);
        if (channel_challenge(channel, &request, &answer) == 0)
                ENSURE(answer.len > 0);
        return 0;
}
