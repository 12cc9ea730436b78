#include "common/sign.h"

#include "common/ensure.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char secret_prefix[] = "whsec_";

static void hmac(const EVP_MD *digest, struct bytes key, struct bytes data, uint8_t *ret_mac, unsigned mac_len) {
        unsigned len = 0;

        ENSURE(key.len <= INT32_MAX);
        ENSURE(HMAC(digest, key.len ? key.data : "", (int)key.len, data.data, data.len, ret_mac, &len));
        ENSURE(len == mac_len);
}

void sign_hmac_sha256(struct bytes key, struct bytes data, uint8_t ret_mac[SIGN_SHA256_LEN]) {
        hmac(EVP_sha256(), key, data, ret_mac, SIGN_SHA256_LEN);
}

void sign_hmac_sha1(struct bytes key, struct bytes data, uint8_t ret_mac[SIGN_SHA1_LEN]) {
        hmac(EVP_sha1(), key, data, ret_mac, SIGN_SHA1_LEN);
}

void sign_sha256(struct bytes data, uint8_t ret_digest[SIGN_SHA256_LEN]) {
        ENSURE(EVP_Digest(data.len ? data.data : "", data.len, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

void sign_sha1(struct bytes data, uint8_t ret_digest[SIGN_SHA1_LEN]) {
        ENSURE(EVP_Digest(data.len ? data.data : "", data.len, ret_digest, NULL, EVP_sha1(), NULL) == 1);
}

/* -- hexadecimal and base64 ---------------------------------------------------------------------------------------- */

void sign_hex_encode(struct bytes data, struct buffer *text) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *from = data.data;
        uint8_t *to = buffer_reserve(text, data.len * 2);

        for (size_t i = 0; i < data.len; i++) {
                to[2 * i] = (uint8_t)digits[from[i] >> 4];
                to[2 * i + 1] = (uint8_t)digits[from[i] & 15];
        }
        text->len += data.len * 2;
}

int sign_hex_decode(struct bytes text, struct buffer *data) {
        const uint8_t *from = text.data;
        uint8_t *to = buffer_reserve(data, text.len / 2);

        if (text.len % 2 != 0)
                return -EBADMSG;
        for (size_t i = 0; i < text.len / 2; i++) {
                int high = bytes_hex_value(from[2 * i]), low = bytes_hex_value(from[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                to[i] = (uint8_t)(high << 4 | low);
        }
        data->len += text.len / 2;
        return 0;
}

void sign_base64_encode(struct bytes data, struct buffer *text) {
        size_t len = (data.len + 2) / 3 * 4;

        if (data.len == 0)
                return;
        ENSURE(data.len <= INT32_MAX / 2);
        EVP_EncodeBlock(buffer_reserve(text, len + 1), data.data, (int)data.len);
        text->len += len;
}

/* libcrypto skips blanks at both ends and takes '=' for a digit anywhere; neither is base64. Says how many '=' stand
 * at the end, or -EBADMSG. */
static int base64_padding(struct bytes text) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *from = text.data;
        int padding = 0;

        if (text.len % 4 != 0 || text.len > INT32_MAX / 2)
                return -EBADMSG;
        while (padding < 2 && (size_t)padding < text.len && from[text.len - 1 - (size_t)padding] == '=')
                padding++;
        for (size_t i = 0; i < text.len - (size_t)padding; i++)
                if (!from[i] || !strchr(digits, from[i]))
                        return -EBADMSG;
        return padding;
}

int sign_base64_decode(struct bytes text, struct buffer *data) {
        int padding = base64_padding(text);
        int len;

        if (padding < 0)
                return padding;
        if (text.len == 0)
                return 0;
        len = EVP_DecodeBlock(buffer_reserve(data, text.len / 4 * 3), text.data, (int)text.len);
        if (len < padding)
                return -EBADMSG;
        data->len += (size_t)(len - padding);
        return 0;
}

int sign_base64url_decode(struct bytes text, struct buffer *data) {
        CLEANUP_BUFFER struct buffer plain = {0};
        const char *from = text.data;

        for (size_t i = 0; i < text.len; i++) {
                if (from[i] == '+' || from[i] == '/' || from[i] == '=')
                        return -EBADMSG;
                buffer_push(&plain, from[i] == '-' ? "+" : from[i] == '_' ? "/" : &from[i], 1);
        }
        for (size_t i = text.len; i % 4 != 0; i++)
                buffer_push(&plain, "=", 1);
        return sign_base64_decode(buffer_bytes(&plain), data);
}

bool sign_is_equal(struct bytes a, struct bytes b) {
        return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

/* -- Standard Webhooks --------------------------------------------------------------------------------------------- */

/* Appends the key that the secret stands for. */
static int secret_decode(const char *secret, struct buffer *key) {
        size_t prefix_len = sizeof secret_prefix - 1;

        if (strncmp(secret, secret_prefix, prefix_len) != 0)
                return -EBADMSG;
        return sign_base64_decode(bytes_of(secret + prefix_len), key);
}

bool sign_is_secret(const char *secret) {
        CLEANUP_BUFFER struct buffer key = {0};

        return secret_decode(secret, &key) == 0 && key.len >= SIGN_SECRET_LEN_MIN && key.len <= SIGN_SECRET_LEN_MAX;
}

/* `timestamp` as it stands in the header: what is signed is its text, not its value. */
static void webhook_sign(const char *secret, const char *id, const char *timestamp, struct bytes body,
                         struct buffer *ret) {
        CLEANUP_BUFFER struct buffer key = {0};
        CLEANUP_BUFFER struct buffer content = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        ENSURE(secret_decode(secret, &key) == 0);
        buffer_print(&content, "%s.%s.", id, timestamp);
        buffer_push(&content, body.data, body.len);
        sign_hmac_sha256(buffer_bytes(&key), buffer_bytes(&content), mac);
        buffer_push_text(ret, "v1,");
        sign_base64_encode((struct bytes){mac, sizeof mac}, ret);
        OPENSSL_cleanse(key.data, key.len);
}

void sign_webhook_encode(const char *secret, const char *id, struct wall now, struct bytes body, char *ret) {
        CLEANUP_BUFFER struct buffer signature = {0};
        char timestamp[24];

        snprintf(timestamp, sizeof timestamp, "%lld", (long long)(now.ms / 1000));
        webhook_sign(secret, id, timestamp, body, &signature);
        ENSURE(signature.len == SIGN_WEBHOOK_MAX - 1);
        memcpy(ret, buffer_text(&signature), SIGN_WEBHOOK_MAX);
}

bool sign_is_fresh(const char *timestamp, struct wall now, struct span tolerance) {
        char *end;
        long long at, apart;

        /* Ten digits last until the year 2286; more would overflow below. */
        if (strlen(timestamp) > 10 || strspn(timestamp, "0123456789") != strlen(timestamp))
                return false;
        errno = 0;
        at = strtoll(timestamp, &end, 10);
        if (errno != 0 || end == timestamp)
                return false;
        apart = now.ms / 1000 - at;
        return (apart < 0 ? -apart : apart) <= tolerance.us / 1000000;
}

enum sign_verdict sign_webhook_verify(const char *secret, const char *id, const char *timestamp, const char *signatures,
                                      struct bytes body, struct wall now, struct span tolerance) {
        CLEANUP_BUFFER struct buffer right = {0};
        bool is_genuine = false;

        webhook_sign(secret, id, timestamp, body, &right);
        for (const char *at = signatures; *at;) {
                size_t len = strcspn(at, " ");

                is_genuine = sign_is_equal((struct bytes){at, len}, buffer_bytes(&right)) || is_genuine;
                at += len + strspn(at + len, " ");
        }
        if (!is_genuine)
                return SIGN_FORGED;
        return sign_is_fresh(timestamp, now, tolerance) ? SIGN_GENUINE : SIGN_STALE;
}
