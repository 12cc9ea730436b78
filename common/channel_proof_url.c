/* Twilio signs the address that it called, and each field of the form that it sent. */
#include "common/channel_proof.h"

#include "common/channel_form.h"
#include "common/sign.h"

#include <stdlib.h>
#include <string.h>

static int bytes_compare(struct bytes a, struct bytes b) {
        size_t len = a.len < b.len ? a.len : b.len;
        int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

        return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int field_compare(const void *a, const void *b) {
        const struct channel_field *left = a, *right = b;
        int order = bytes_compare(left->name, right->name);

        return order ? order : bytes_compare(left->value, right->value);
}

/* Name and value of each field, in the order of the names; what stands twice, once. */
static int fields_push(struct bytes body, struct buffer *content) {
        CLEANUP(channel_form_done) struct channel_form form = {0};
        CLEANUP_FREE char *error = NULL;
        int r = channel_form_decode(body, &form, &error);

        if (r != 0)
                return r;
        qsort(form.fields, form.n, sizeof *form.fields, field_compare);
        for (size_t i = 0; i < form.n; i++) {
                if (i > 0 && field_compare(&form.fields[i - 1], &form.fields[i]) == 0)
                        continue;
                buffer_push(content, form.fields[i].name.data, form.fields[i].name.len);
                buffer_push(content, form.fields[i].value.data, form.fields[i].value.len);
        }
        return 0;
}

/* A body that is no form has its hash in the query, which Twilio adds to the address. */
static bool hash_push(const char *url, const char *hash, struct bytes body, struct buffer *content) {
        CLEANUP_BUFFER struct buffer shown = {0};
        uint8_t digest[SIGN_SHA256_LEN];

        buffer_print(content, "%sbodySHA256=%s", strchr(url, '?') ? "&" : "?", hash);
        sign_sha256(body, digest);
        return sign_hex_decode(bytes_of(hash), &shown) == 0 &&
               sign_is_equal(buffer_bytes(&shown), (struct bytes){digest, sizeof digest});
}

static bool mac_is_right(const char *signature, const char *secret, struct bytes content) {
        CLEANUP_BUFFER struct buffer shown = {0};
        uint8_t mac[SIGN_SHA1_LEN];

        if (sign_base64_decode(bytes_of(signature), &shown) != 0)
                return false;
        sign_hmac_sha1(bytes_of(secret), content, mac);
        return sign_is_equal(buffer_bytes(&shown), (struct bytes){mac, sizeof mac});
}

enum channel_proof channel_proof_url(const struct channel_proving *proving) {
        const struct channel_request *request = proving->request;
        const char *url = channel_setting_find(proving->channel, yaml_find_text(proving->proof, "url"));
        const char *hash = request->find_query(request->context, "bodySHA256"), *signature;
        CLEANUP_BUFFER struct buffer content = {0};
        enum channel_proof proof = channel_proof_header(proving, &signature);
        bool is_whole;

        if (proof != CHANNEL_GENUINE)
                return proof;
        buffer_push_text(&content, url);
        is_whole = hash ? hash_push(url, hash, request->body, &content) : fields_push(request->body, &content) == 0;
        return mac_is_right(signature, proving->secret, buffer_bytes(&content)) && is_whole ? CHANNEL_GENUINE
                                                                                            : CHANNEL_FORGED;
}
