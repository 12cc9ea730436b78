/* Signatures: HMAC, hexadecimal and base64, comparing without a tell-tale, and Standard Webhooks 1.0.0. The one
 * door to OpenSSL's libcrypto. It asks no clock: whoever signs or verifies says what time it is. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        SIGN_SHA256_LEN = 32,
        SIGN_SHA1_LEN = 20,
        /* "v1," and 44 characters of base64 and a NUL. */
        SIGN_WEBHOOK_MAX = 48,
        /* What Standard Webhooks asks of a secret's length, in bytes. */
        SIGN_SECRET_LEN_MIN = 24,
        SIGN_SECRET_LEN_MAX = 64,
};

void sign_hmac_sha256(struct bytes key, struct bytes data, uint8_t ret_mac[SIGN_SHA256_LEN]);

/* For platforms that still sign so: as a MAC, SHA-1 is not broken. */
void sign_hmac_sha1(struct bytes key, struct bytes data, uint8_t ret_mac[SIGN_SHA1_LEN]);
void sign_sha256(struct bytes data, uint8_t ret_digest[SIGN_SHA256_LEN]);

/* For names (UUID version 5), not for secrets: SHA-1 is broken for those. */
void sign_sha1(struct bytes data, uint8_t ret_digest[SIGN_SHA1_LEN]);

/* Appends lower-case hexadecimal, or base64 with padding (RFC 4648, section 4), to `text`. */
void sign_hex_encode(struct bytes data, struct buffer *text);
void sign_base64_encode(struct bytes data, struct buffer *text);
/* Appends what the text stands for to `data`; -EBADMSG, and `data` as it was, when it is not hexadecimal (of either
 * case) or not base64 with its padding. */
MUST_USE int sign_hex_decode(struct bytes text, struct buffer *data);
MUST_USE int sign_base64_decode(struct bytes text, struct buffer *data);
/* The same for base64url without padding (RFC 4648, section 5), as JSON Web Tokens have it. */
MUST_USE int sign_base64url_decode(struct bytes text, struct buffer *data);

/* Are they the same? Takes as long when they differ in the first byte as in the last; only the lengths can be told. */
bool sign_is_equal(struct bytes a, struct bytes b);

/* Is it "whsec_" and the base64 of 24 to 64 bytes? The functions below expect one; config_load() has checked those of
 * the config. */
bool sign_is_secret(const char *secret);

/* Writes the value of the header webhook-signature into `ret` (SIGN_WEBHOOK_MAX bytes). The other two headers are
 * webhook-id = `id`, the same in every repetition, and webhook-timestamp = now.ms / 1000. */
void sign_webhook_encode(const char *secret, const char *id, struct wall now, struct bytes body, char *ret);

enum sign_verdict { SIGN_GENUINE = 0, SIGN_FORGED = 1, SIGN_STALE = 2 };

/* Checks the three headers of a Standard Webhook; none may be NULL. One right signature of a list is enough, unknown
 * versions are passed over. SIGN_STALE: the signature is right, but its time is further than `tolerance` from `now`,
 * either way. */
MUST_USE enum sign_verdict sign_webhook_verify(const char *secret, const char *id, const char *timestamp,
                                               const char *signatures, struct bytes body, struct wall now,
                                               struct span tolerance);

/* Is `timestamp`, decimal Unix seconds, within `tolerance` of `now`? False when it is no such number. */
bool sign_is_fresh(const char *timestamp, struct wall now, struct span tolerance);
