/* JSON Web Tokens (RFC 7519), signed HS256 and nothing else: who could choose the algorithm would choose none. */
#include "common/channel_proof.h"

#include "common/sign.h"

#include <string.h>

/* "header.claims.signature" */
struct token {
        struct bytes header, claims, signature, content; /* content: what is signed */
};

static int token_split(const char *text, struct token *ret) {
        const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;

        if (!second || strchr(second + 1, '.'))
                return 1;
        *ret = (struct token){
                .header = {text, (size_t)(first - text)},
                .claims = {first + 1, (size_t)(second - first) - 1},
                .signature = bytes_of(second + 1),
                .content = {text, (size_t)(second - text)},
        };
        return 0;
}

static bool is_signed(const struct token *token, const char *secret) {
        CLEANUP_BUFFER struct buffer shown = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        if (sign_base64url_decode(token->signature, &shown) != 0)
                return false;
        sign_hmac_sha256(bytes_of(secret), token->content, mac);
        return sign_is_equal(buffer_bytes(&shown), (struct bytes){mac, sizeof mac});
}

/* NULL when it is no JSON object. */
static json_t *part_decode(struct bytes part) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *json = NULL;

        if (sign_base64url_decode(part, &text) != 0 || json_decode(buffer_bytes(&text), &json, &error) != 0)
                return NULL;
        return json_is_object(json) ? TAKE(json) : NULL;
}

/* "crit" names what must be understood, and nothing of it is here. */
static bool is_hs256(struct bytes header) {
        CLEANUP_JSON json_t *json = part_decode(header);
        const char *algorithm = json_string_value(json_object_get(json, "alg"));

        return algorithm && strcmp(algorithm, "HS256") == 0 && !json_object_get(json, "crit");
}

/* A time in Unix seconds; those that cannot be are far away. */
static double claim_get(const json_t *claims, const char *name, double fallback) {
        const json_t *value = json_object_get(claims, name);

        return value ? json_is_number(value) ? json_number_value(value) : -1 : fallback;
}

/* A token that never ends is a password that travels, so it must say when it does, and soon. */
#define LIFE_MAX_S (24.0 * 60 * 60)

static bool is_short_lived(const json_t *claims, struct wall now) {
        double at = (double)now.ms / 1000, expires = claim_get(claims, "exp", -1);
        double issued = claim_get(claims, "iat", at);

        return expires - at <= LIFE_MAX_S && expires - issued <= LIFE_MAX_S;
}

static bool is_fresh(const json_t *claims, struct wall now, struct span tolerance) {
        double at = (double)now.ms / 1000, room = (double)tolerance.us / 1000000;
        double expires = claim_get(claims, "exp", -1), issued = claim_get(claims, "iat", at);
        double begins = claim_get(claims, "nbf", at);

        return claims && expires >= 0 && issued >= 0 && begins >= 0 && at <= expires + room && at >= issued - room &&
               at >= begins - room;
}

enum channel_proof channel_proof_jwt(const struct channel_proving *proving) {
        const char *text;
        enum channel_proof proof = channel_proof_header(proving, &text);
        struct wall now = proving->request->now;
        CLEANUP_JSON json_t *claims = NULL;
        struct token token;

        if (proof != CHANNEL_GENUINE)
                return proof;
        if (token_split(text, &token) != 0 || !is_signed(&token, proving->secret) || !is_hs256(token.header))
                return CHANNEL_FORGED;
        claims = part_decode(token.claims);
        if (!is_short_lived(claims, now))
                return CHANNEL_FORGED;
        return is_fresh(claims, now, channel_proof_tolerance(proving)) ? CHANNEL_GENUINE : CHANNEL_STALE;
}
