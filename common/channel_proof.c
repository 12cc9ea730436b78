#include "common/channel_file.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "common/sign.h"

#include <stdlib.h>
#include <string.h>

/* Longer is no challenge, and would only be echoed. */
enum { CHALLENGE_MAX = 256 };

static struct span tolerance_of(const struct yaml_node *proof) {
        const char *text = yaml_find_text(proof, "tolerance");

        ENSURE(text);
        return span_s(strtoll(text, NULL, 10));
}

static bool has_prefix(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static const char *prefix_of(const struct yaml_node *proof) {
        const char *prefix = yaml_find_text(proof, "prefix");

        return prefix ? prefix : "";
}

/* A secret that the webhook shows in a header or in a query argument. */
static enum channel_proof token_verify(const struct yaml_node *proof, const char *secret,
                                       const struct channel_request *request) {
        const char *header = yaml_find_text(proof, "header"), *query = yaml_find_text(proof, "query");
        const char *shown =
                header ? request->find_header(request->context, header) : request->find_query(request->context, query);

        if (!shown)
                return CHANNEL_UNSIGNED;
        if (!has_prefix(shown, prefix_of(proof)))
                return CHANNEL_FORGED;
        return sign_is_equal(bytes_of(shown + strlen(prefix_of(proof))), bytes_of(secret)) ? CHANNEL_GENUINE
                                                                                           : CHANNEL_FORGED;
}

/* What is signed, such as "{timestamp}.{body}". */
static void content_make(const char *pattern, const char *timestamp, struct bytes body, struct buffer *ret) {
        while (*pattern) {
                if (has_prefix(pattern, "{timestamp}")) {
                        buffer_push_text(ret, timestamp);
                        pattern += strlen("{timestamp}");
                } else if (has_prefix(pattern, "{body}")) {
                        buffer_push(ret, body.data, body.len);
                        pattern += strlen("{body}");
                } else {
                        buffer_push(ret, pattern++, 1);
                }
        }
}

static bool hmac_is_right(const struct yaml_node *proof, const char *secret, const char *signature,
                          const char *timestamp, struct bytes body) {
        CLEANUP_BUFFER struct buffer content = {0};
        CLEANUP_BUFFER struct buffer shown = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        if (!has_prefix(signature, prefix_of(proof)))
                return false;
        if (sign_hex_decode(bytes_of(signature + strlen(prefix_of(proof))), &shown) != 0)
                return false;
        content_make(yaml_find_text(proof, "content"), timestamp, body, &content);
        sign_hmac_sha256(bytes_of(secret), buffer_bytes(&content), mac);
        return sign_is_equal(buffer_bytes(&shown), (struct bytes){mac, sizeof mac});
}

/* Freshness is looked at last: only a genuine webhook can be an old one. */
static enum channel_proof hmac_verify(const struct yaml_node *proof, const char *secret,
                                      const struct channel_request *request) {
        const char *signature = request->find_header(request->context, yaml_find_text(proof, "header"));
        const char *timestamp_header = yaml_find_text(proof, "timestamp");
        const char *timestamp = timestamp_header ? request->find_header(request->context, timestamp_header) : "";

        if (!signature || !timestamp)
                return CHANNEL_UNSIGNED;
        if (!hmac_is_right(proof, secret, signature, timestamp, request->body))
                return CHANNEL_FORGED;
        if (timestamp_header && !sign_is_fresh(timestamp, request->now, tolerance_of(proof)))
                return CHANNEL_STALE;
        return CHANNEL_GENUINE;
}

static enum channel_proof standard_verify(const struct yaml_node *proof, const char *secret,
                                          const struct channel_request *request) {
        const char *id = request->find_header(request->context, "webhook-id");
        const char *timestamp = request->find_header(request->context, "webhook-timestamp");
        const char *signatures = request->find_header(request->context, "webhook-signature");

        if (!id || !timestamp || !signatures)
                return CHANNEL_UNSIGNED;
        switch (sign_webhook_verify(secret, id, timestamp, signatures, request->body, request->now,
                                    tolerance_of(proof))) {
        case SIGN_GENUINE:
                return CHANNEL_GENUINE;
        case SIGN_FORGED:
                return CHANNEL_FORGED;
        case SIGN_STALE:
                return CHANNEL_STALE;
        }
        return CHANNEL_FORGED;
}

static enum channel_proof none_verify(const struct yaml_node *proof, const char *secret,
                                      const struct channel_request *request) {
        return CHANNEL_GENUINE;
}

static const struct scheme {
        const char *name;
        enum channel_proof (*verify)(const struct yaml_node *proof, const char *secret,
                                     const struct channel_request *request);
} schemes[] = {{"token", token_verify},
               {"hmac-sha256", hmac_verify},
               {"standard-webhooks", standard_verify},
               {"none", none_verify}};

static const struct scheme *scheme_get(const struct yaml_node *proof) {
        const char *name = yaml_find_text(proof, "scheme");
        const struct scheme *scheme = NULL;

        for (size_t i = 0; name && i < sizeof schemes / sizeof *schemes; i++)
                if (strcmp(schemes[i].name, name) == 0)
                        scheme = &schemes[i];
        ENSURE(scheme);
        return scheme;
}

/* Every proof whose setting is given must hold: who sets a second one wants more safety, not less. */
enum channel_proof channel_verify(const struct channel *channel, const struct channel_request *request) {
        const struct yaml_node *proofs = yaml_find(channel->file, "proof");

        for (size_t i = 0; i < proofs->n; i++) {
                const struct yaml_node *proof = &proofs->items[i];
                const char *setting = yaml_find_text(proof, "setting");
                enum channel_proof found;

                if (!channel_setting_is_on(channel, setting))
                        continue;
                found = scheme_get(proof)->verify(proof, channel_setting_find(channel, setting), request);
                if (found != CHANNEL_GENUINE)
                        return found;
        }
        return CHANNEL_GENUINE;
}

/* -- the platform's question --------------------------------------------------------------------------------------- */

static const char *query_find(const struct channel_request *request, const char *name) {
        const char *value = request->find_query(request->context, name);

        return value ? value : "";
}

/* Plain letters and digits, as every platform sends: anything else would be a stranger's page on our address. */
static bool is_challenge(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

        return *text && strlen(text) <= CHALLENGE_MAX && strspn(text, letters) == strlen(text);
}

int channel_challenge(const struct channel *channel, const struct channel_request *request, struct buffer *answer) {
        const struct yaml_node *challenge = yaml_find(channel->file, "challenge");
        const struct yaml_node *when = yaml_find(challenge, "when");
        const char *token, *text;

        if (!challenge)
                return 1;
        for (size_t i = 0; i < when->n; i++)
                if (strcmp(query_find(request, when->items[i].key), when->items[i].text) != 0)
                        return 1;
        token = query_find(request, yaml_find_text(challenge, "token"));
        text = query_find(request, yaml_find_text(challenge, "answer"));
        if (!is_challenge(text))
                return 1;
        if (!sign_is_equal(bytes_of(token),
                           bytes_of(channel_setting_find(channel, yaml_find_text(challenge, "setting")))))
                return 2;
        buffer_push_text(answer, text);
        return 0;
}
