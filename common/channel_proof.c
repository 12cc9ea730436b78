#include "common/channel_proof.h"

#include "common/ensure.h"
#include "common/sign.h"

#include <stdlib.h>
#include <string.h>

struct span channel_proof_tolerance(const struct channel_proving *proving) {
        const char *text = yaml_find_text(proving->proof, "tolerance");

        ENSURE(text);
        return span_s(strtoll(text, NULL, 10));
}

static bool has_prefix(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Behind the proof's prefix, if it has one; NULL when the text begins with something else. */
static const char *behind_prefix(const struct yaml_node *proof, const char *text) {
        const char *prefix = yaml_find_text(proof, "prefix");

        if (!prefix)
                return text;
        return has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

enum channel_proof channel_proof_header(const struct channel_proving *proving, const char **ret) {
        const struct channel_request *request = proving->request;
        const char *text = request->find_header(request->context, yaml_find_text(proving->proof, "header"));

        if (!text)
                return CHANNEL_UNSIGNED;
        text = behind_prefix(proving->proof, text);
        if (!text)
                return CHANNEL_FORGED;
        *ret = text;
        return CHANNEL_GENUINE;
}

/* A secret that the webhook shows in a header or in a query argument. */
static enum channel_proof token_verify(const struct channel_proving *proving) {
        const struct channel_request *request = proving->request;
        const char *query = yaml_find_text(proving->proof, "query"), *shown = NULL;
        enum channel_proof proof = CHANNEL_GENUINE;

        if (query)
                shown = request->find_query(request->context, query);
        else
                proof = channel_proof_header(proving, &shown);
        if (proof != CHANNEL_GENUINE || !shown)
                return proof == CHANNEL_GENUINE ? CHANNEL_UNSIGNED : proof;
        return sign_is_equal(bytes_of(shown), bytes_of(proving->secret)) ? CHANNEL_GENUINE : CHANNEL_FORGED;
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

/* Hexadecimal, or base64 where the file says so. */
static int mac_decode(const struct yaml_node *proof, const char *text, struct buffer *ret) {
        const char *encoding = yaml_find_text(proof, "encoding");

        return encoding && strcmp(encoding, "base64") == 0 ? sign_base64_decode(bytes_of(text), ret)
                                                           : sign_hex_decode(bytes_of(text), ret);
}

static bool hmac_is_right(const struct channel_proving *proving, const char *signature, const char *timestamp) {
        CLEANUP_BUFFER struct buffer content = {0};
        CLEANUP_BUFFER struct buffer shown = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        if (mac_decode(proving->proof, signature, &shown) != 0)
                return false;
        content_make(yaml_find_text(proving->proof, "content"), timestamp, proving->request->body, &content);
        sign_hmac_sha256(bytes_of(proving->secret), buffer_bytes(&content), mac);
        return sign_is_equal(buffer_bytes(&shown), (struct bytes){mac, sizeof mac});
}

/* Freshness is looked at last: only a genuine webhook can be an old one. */
static enum channel_proof hmac_verify(const struct channel_proving *proving) {
        const struct channel_request *request = proving->request;
        const char *timestamp_header = yaml_find_text(proving->proof, "timestamp");
        const char *timestamp = timestamp_header ? request->find_header(request->context, timestamp_header) : "";
        const char *signature;
        enum channel_proof proof = channel_proof_header(proving, &signature);

        if (proof != CHANNEL_GENUINE || !timestamp)
                return proof == CHANNEL_GENUINE ? CHANNEL_UNSIGNED : proof;
        if (!hmac_is_right(proving, signature, timestamp))
                return CHANNEL_FORGED;
        if (timestamp_header && !sign_is_fresh(timestamp, request->now, channel_proof_tolerance(proving)))
                return CHANNEL_STALE;
        return CHANNEL_GENUINE;
}

static enum channel_proof standard_verify(const struct channel_proving *proving) {
        const struct channel_request *request = proving->request;
        const char *id = request->find_header(request->context, "webhook-id");
        const char *timestamp = request->find_header(request->context, "webhook-timestamp");
        const char *signatures = request->find_header(request->context, "webhook-signature");

        if (!id || !timestamp || !signatures)
                return CHANNEL_UNSIGNED;
        switch (sign_webhook_verify(proving->secret, id, timestamp, signatures, request->body, request->now,
                                    channel_proof_tolerance(proving))) {
        case SIGN_GENUINE:
                return CHANNEL_GENUINE;
        case SIGN_FORGED:
                return CHANNEL_FORGED;
        case SIGN_STALE:
                return CHANNEL_STALE;
        }
        return CHANNEL_FORGED;
}

static enum channel_proof none_verify(const struct channel_proving *proving) { return CHANNEL_GENUINE; }

static const char *const scheme_names[] = {"token", "hmac-sha256", "hmac-sha1-url", "jwt-hs256", "standard-webhooks",
                                           "none",  NULL};
/* In the order of their names. */
static enum channel_proof (*const schemes[])(const struct channel_proving *proving) = {
        token_verify, hmac_verify, channel_proof_url, channel_proof_jwt, standard_verify, none_verify};

const char *const *channel_schemes(void) { return scheme_names; }

static enum channel_proof proof_verify(const struct channel_proving *proving) {
        const char *name = yaml_find_text(proving->proof, "scheme");

        for (size_t i = 0; scheme_names[i]; i++)
                if (strcmp(scheme_names[i], name) == 0)
                        return schemes[i](proving);
        UNREACHABLE("the scheme of a proof is one of the list");
}

bool channel_signs_address(const struct channel *channel) {
        const struct yaml_node *proofs = yaml_find(channel->file, "proof");

        for (size_t i = 0; i < proofs->n; i++)
                if (strcmp(yaml_find_text(&proofs->items[i], "scheme"), "hmac-sha1-url") == 0 &&
                    channel_setting_is_on(channel, yaml_find_text(&proofs->items[i], "setting")))
                        return true;
        return false;
}

/* Every proof whose setting is given must hold: who sets a second one wants more safety, not less. */
enum channel_proof channel_verify(const struct channel *channel, const struct channel_request *request) {
        const struct yaml_node *proofs = yaml_find(channel->file, "proof");

        for (size_t i = 0; i < proofs->n; i++) {
                struct channel_proving proving = {.channel = channel, .proof = &proofs->items[i], .request = request};
                const char *setting = yaml_find_text(proving.proof, "setting");
                enum channel_proof found;

                if (!channel_setting_is_on(channel, setting))
                        continue;
                proving.secret = channel_setting_find(channel, setting);
                found = proof_verify(&proving);
                if (found != CHANNEL_GENUINE)
                        return found;
        }
        return CHANNEL_GENUINE;
}
