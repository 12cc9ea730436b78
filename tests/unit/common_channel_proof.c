#include "tests/unit/common_channel_file.h"

#include "common/channel_form.h"
#include "common/sign.h"

/* -- published vectors --------------------------------------------------------------------------------------------- */

/* The vectors of tests/e2e/payloads/signatures, each on the channel that signs so. */
struct vector {
        const char *scheme, *secret, *url;
        const char *pairs[2 * 4 + 1]; /* the headers */
        struct buffer body;
        struct wall now;
};

static void read_whole(const char *name, struct buffer *ret) {
        CLEANUP_FREE char *path = memory_print("%s/%s", PAYLOADS, name);
        FILE *file = fopen(path, "r");
        size_t n;

        if (!file)
                fail_msg("%s: %s", path, strerror(errno));
        while ((n = fread(buffer_reserve(ret, 4096), 1, 4096, file)) > 0)
                ret->len += n;
        fclose(file);
}

static const char *text_of(const json_t *json, const char *key) {
        return json_string_value(json_object_get(json, key));
}

/* It was signed at the time that it says. */
static void headers_read(const json_t *headers, struct vector *vector) {
        const char *name;
        json_t *value;
        size_t n = 0;

        json_object_foreach((json_t *)headers, name, value) {
                assert_true(n + 2 < sizeof vector->pairs / sizeof *vector->pairs);
                vector->pairs[n++] = name;
                vector->pairs[n++] = json_string_value(value);
                if (strstr(name, "imestamp"))
                        vector->now.ms = strtoll(json_string_value(value), NULL, 10) * 1000;
        }
        vector->pairs[n] = NULL;
}

static void body_read(const json_t *json, struct vector *vector) {
        const char *raw = text_of(json, "raw_body"), *form = text_of(json, "form_file");

        if (raw)
                buffer_push_text(&vector->body, raw);
        else if (form)
                read_whole(form, &vector->body);
        else if (json_object_get(json, "params"))
                channel_form_encode(json_object_get(json, "params"), &vector->body);
}

static void vector_init(struct vector *vector, const json_t *json) {
        *vector = (struct vector){text_of(json, "scheme"), text_of(json, "secret"), text_of(json, "url"), .now = {1}};
        headers_read(json_object_get(json, "headers"), vector);
        body_read(json, vector);
}

static enum channel_proof vector_verify_on(const struct vector *vector, const char *kind, const char *const *settings) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, kind, settings);
        return fixture_verify(&fixture, vector->pairs, NULL, buffer_text((struct buffer *)&vector->body), vector->now);
}

static enum channel_proof vector_verify(const struct vector *vector) {
        const char *secret = vector->secret;

        if (strcmp(vector->scheme, "chatwoot") == 0)
                return vector_verify_on(
                        vector, "chatwoot",
                        SETTINGS("url", "https://c.example.com", "account", "1", "token", "t", "secret", secret));
        if (strcmp(vector->scheme, "meta") == 0)
                return vector_verify_on(
                        vector, "whatsapp",
                        SETTINGS("phone_number_id", "1", "token", "t", "verify_token", "v", "secret", secret));
        if (strcmp(vector->scheme, "slack") == 0)
                return vector_verify_on(vector, "slack", SETTINGS("token", "t", "signing_secret", secret));
        if (strcmp(vector->scheme, "twilio") == 0)
                return vector_verify_on(
                        vector, "twilio",
                        SETTINGS("account_sid", "AC1", "auth_token", secret, "public_url", vector->url));
        if (strcmp(vector->scheme, "standard-webhooks") == 0)
                return vector_verify_on(vector, "generic", SETTINGS("secret", secret));
        if (strcmp(vector->scheme, "telegram") == 0)
                return vector_verify_on(vector, "telegram", SETTINGS("token", "1:t", "secret_token", secret));
        fail_msg("no channel signs like %s", vector->scheme);
        return CHANNEL_FORGED;
}

static void vector_done(struct vector *vector) { buffer_done(&vector->body); }

/* One byte of the last header, which has the signature, is another. */
static void assert_forged_when_changed(struct vector *vector) {
        size_t last = 0;
        CLEANUP_FREE char *changed = NULL;

        while (vector->pairs[last + 2])
                last += 2;
        changed = memory_print("%s", vector->pairs[last + 1]);
        changed[strlen(changed) / 2] ^= 1;
        vector->pairs[last + 1] = changed;
        assert_int_equal(vector_verify(vector), CHANNEL_FORGED);
}

static void every_published_signature_is_genuine_and_none_with_a_byte_changed(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_JSON json_t *vectors = NULL;
        CLEANUP_FREE char *error = NULL;

        read_whole("signatures/vectors.json", &text);
        assert_int_equal(json_decode(buffer_bytes(&text), &vectors, &error), 0);
        assert_true(json_array_size(vectors) >= 7);
        for (size_t i = 0; i < json_array_size(vectors); i++) {
                CLEANUP(vector_done) struct vector vector;

                vector_init(&vector, json_array_get(vectors, i));
                if (vector_verify(&vector) != CHANNEL_GENUINE)
                        fail_msg("vector %zu, %s, is not genuine", i, vector.scheme);
                if (vector.body.len > 0) {
                        vector.body.data[vector.body.len / 2] ^= 1;
                        assert_int_equal(vector_verify(&vector), CHANNEL_FORGED);
                        vector.body.data[vector.body.len / 2] ^= 1;
                }
                assert_forged_when_changed(&vector);
                vector.pairs[0] = NULL;
                assert_int_equal(vector_verify(&vector), CHANNEL_UNSIGNED);
        }
}

static void what_was_signed_too_long_ago_is_stale(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_JSON json_t *vectors = NULL;
        CLEANUP_FREE char *error = NULL;
        int n = 0;

        read_whole("signatures/vectors.json", &text);
        assert_int_equal(json_decode(buffer_bytes(&text), &vectors, &error), 0);
        for (size_t i = 0; i < json_array_size(vectors); i++) {
                CLEANUP(vector_done) struct vector vector;
                struct wall signed_at;

                vector_init(&vector, json_array_get(vectors, i));
                if (vector.now.ms == 1)
                        continue; /* it has no time */
                signed_at = vector.now;
                vector.now.ms = signed_at.ms + 300000;
                assert_int_equal(vector_verify(&vector), CHANNEL_GENUINE);
                vector.now.ms = signed_at.ms + 301000;
                assert_int_equal(vector_verify(&vector), CHANNEL_STALE);
                vector.now.ms = signed_at.ms - 301000;
                assert_int_equal(vector_verify(&vector), CHANNEL_STALE);
                n++;
        }
        assert_int_equal(n, 3);
}

/* -- hmac-sha1-url ------------------------------------------------------------------------------------------------- */

#define PUBLIC_URL "https://lull.example.com/hooks/twilio?x=1"

/* What Twilio would send for `content`, which is all that it signs. */
static char *twilio_sign(const char *content) {
        uint8_t mac[SIGN_SHA1_LEN];
        struct buffer text = {0};

        sign_hmac_sha1(bytes_of("t0ken"), bytes_of(content), mac);
        sign_base64_encode((struct bytes){mac, sizeof mac}, &text);
        return buffer_text(&text);
}

static void assert_twilio(const char *content, const char *hash, const char *body, enum channel_proof proof) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_FREE char *signature = twilio_sign(content);

        fixture_init(&fixture, "twilio",
                     SETTINGS("account_sid", "AC1", "auth_token", "t0ken", "public_url", PUBLIC_URL));
        assert_int_equal(fixture_verify(&fixture, SETTINGS("x-twilio-signature", signature),
                                        hash ? SETTINGS("bodySHA256", hash) : NULL, body, (struct wall){1}),
                         proof);
}

static void fields_are_signed_by_name_whatever_their_order(void **state) {
        assert_twilio(PUBLIC_URL "A1B2C3", NULL, "C=3&A=1&B=2", CHANNEL_GENUINE);
        assert_twilio(PUBLIC_URL "C3A1B2", NULL, "C=3&A=1&B=2", CHANNEL_FORGED);
        assert_twilio(PUBLIC_URL "AB1", NULL, "A&B=1", CHANNEL_GENUINE);
        assert_twilio(PUBLIC_URL, NULL, "", CHANNEL_GENUINE);
        assert_twilio(PUBLIC_URL "Bodyol\xc3\xa1 + 1", NULL, "Body=ol%C3%A1+%2B+1", CHANNEL_GENUINE);
}

/* As Twilio's own libraries take them: each value once. */
static void a_field_that_stands_twice_is_signed_once_with_each_value(void **state) {
        assert_twilio(PUBLIC_URL "A1A2", NULL, "A=2&A=1&A=2", CHANNEL_GENUINE);
        assert_twilio(PUBLIC_URL "A1A2A2", NULL, "A=2&A=1&A=2", CHANNEL_FORGED);
}

static void a_form_that_cannot_be_read_is_forged(void **state) {
        assert_twilio(PUBLIC_URL "A1", NULL, "A=1&B=%zz", CHANNEL_FORGED);
}

/* {"a":1} */
#define HASH "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"

static void a_body_that_is_no_form_is_known_by_its_hash_in_the_address(void **state) {
        assert_twilio(PUBLIC_URL "&bodySHA256=" HASH, HASH, "{\"a\":1}", CHANNEL_GENUINE);
        assert_twilio(PUBLIC_URL "&bodySHA256=" HASH, HASH, "{\"a\":2}", CHANNEL_FORGED);
        assert_twilio(PUBLIC_URL, HASH, "{\"a\":1}", CHANNEL_FORGED);
        assert_twilio(PUBLIC_URL "&bodySHA256=x", "x", "{\"a\":1}", CHANNEL_FORGED);
}

static void the_address_that_is_signed_is_needed(void **state) {
        static const char file[] = "settings:\n  key: {secret: true, what: k}\n  here: {form: url, what: the URL}\n"
                                   "proof: [{scheme: hmac-sha1-url, setting: key, header: X, url: here}]\n"
                                   "read: [{thread: /t}]\n";
        CLEANUP_YAML struct yaml_node *root = NULL;
        CLEANUP_FREE char *error = NULL;
        struct fixture fixture;

        assert_int_equal(channel_file_decode("test.yaml", bytes_of(file), &root, &error), 0);
        fixture_config(&fixture, "test", SETTINGS("key", "k"));
        fixture.config.file = root;
        assert_int_equal(channel_new(&fixture.config, &fixture.channel, &error), -EINVAL);
        assert_string_equal(error, "key needs here (the URL)");
}

/* -- jwt-hs256 ----------------------------------------------------------------------------------------------------- */

static void base64url_push(const char *text, struct buffer *ret) {
        size_t from = ret->len;

        sign_base64_encode(bytes_of(text), ret);
        for (size_t i = from; i < ret->len; i++) {
                if (ret->data[i] == '+')
                        ret->data[i] = '-';
                else if (ret->data[i] == '/')
                        ret->data[i] = '_';
                else if (ret->data[i] == '=')
                        ret->len = i;
        }
}

/* The token of a header and claims, both JSON, signed with `key`. */
static char *token_make(const char *header, const char *claims, const char *key) {
        struct buffer token = {0};
        CLEANUP_BUFFER struct buffer mac_text = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        base64url_push(header, &token);
        buffer_push_text(&token, ".");
        base64url_push(claims, &token);
        sign_hmac_sha256(bytes_of(key), buffer_bytes(&token), mac);
        buffer_push_text(&token, ".");
        sign_base64_encode((struct bytes){mac, sizeof mac}, &mac_text);
        for (size_t i = 0; i < mac_text.len && mac_text.data[i] != '='; i++)
                buffer_print(&token, "%c",
                             mac_text.data[i] == '+'   ? '-'
                             : mac_text.data[i] == '/' ? '_'
                                                       : mac_text.data[i]);
        return buffer_text(&token);
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void assert_bearer(const char *authorization, enum channel_proof proof) {
        static const char file[] = "settings:\n  key: {secret: true, what: k}\n"
                                   "proof:\n  - {scheme: jwt-hs256, setting: key, header: Authorization,\n"
                                   "     prefix: 'Bearer ', tolerance: 60}\n"
                                   "read: [{thread: /t}]\n";
        CLEANUP_FILE struct file_fixture fixture;

        file_init(&fixture, file, SETTINGS("key", "k3y"));
        assert_int_equal(fixture_verify(&fixture.base, SETTINGS("Authorization", authorization), NULL, "{}",
                                        (struct wall){1000000 * 1000}),
                         proof);
}

static void assert_token(const char *header, const char *claims, const char *key, enum channel_proof proof) {
        CLEANUP_FREE char *token = token_make(header, claims, key);
        CLEANUP_FREE char *bearer = memory_print("Bearer %s", token);

        assert_bearer(bearer, proof);
}

/* RFC 7515, appendix A.1. */
static void the_token_of_the_standard_is_signed_as_it_says(void **state) {
        static const char key_text[] =
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        static const char signed_part[] =
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
                "9yb290Ijp0cnVlfQ";
        CLEANUP_BUFFER struct buffer key = {0}, signature = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        assert_int_equal(sign_base64url_decode(bytes_of(key_text), &key), 0);
        assert_int_equal(sign_base64url_decode(bytes_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), &signature), 0);
        sign_hmac_sha256(buffer_bytes(&key), bytes_of(signed_part), mac);
        assert_true(sign_is_equal(buffer_bytes(&signature), (struct bytes){mac, sizeof mac}));
}

static void a_token_is_good_from_when_until_when_it_says(void **state) {
        assert_token(HS256, "{\"iat\":999990,\"exp\":1000600,\"app\":\"evolution\"}", "k3y", CHANNEL_GENUINE);
        assert_token(HS256, "{\"exp\":999940}", "k3y", CHANNEL_GENUINE);
        assert_token(HS256, "{\"exp\":999939}", "k3y", CHANNEL_STALE);
        assert_token(HS256, "{\"iat\":1000060,\"exp\":1000600}", "k3y", CHANNEL_GENUINE);
        assert_token(HS256, "{\"iat\":1000061,\"exp\":1000600}", "k3y", CHANNEL_STALE);
        assert_token(HS256, "{\"nbf\":1000061,\"exp\":1000600}", "k3y", CHANNEL_STALE);
        assert_token(HS256, "{\"exp\":\"1000600\"}", "k3y", CHANNEL_STALE);
        assert_token(HS256, "{\"iat\":999990}", "k3y", CHANNEL_STALE);
        assert_token(HS256, "[]", "k3y", CHANNEL_STALE);
}

/* Whoever has seen it once could send with it for ever. */
static void a_token_for_more_than_a_day_is_forged(void **state) {
        assert_token(HS256, "{\"iat\":1000000,\"exp\":1086400}", "k3y", CHANNEL_GENUINE);
        assert_token(HS256, "{\"iat\":1000000,\"exp\":1086401}", "k3y", CHANNEL_FORGED);
        assert_token(HS256, "{\"iat\":913601,\"exp\":1000002}", "k3y", CHANNEL_FORGED);
        assert_token(HS256, "{\"exp\":1086400}", "k3y", CHANNEL_GENUINE);
        assert_token(HS256, "{\"exp\":1086401}", "k3y", CHANNEL_FORGED);
        assert_token(HS256, "{\"exp\":1e308}", "k3y", CHANNEL_FORGED);
}

static void a_token_with_another_key_or_algorithm_is_forged(void **state) {
        assert_token(HS256, "{\"exp\":1000600}", "other", CHANNEL_FORGED);
        assert_token("{\"alg\":\"none\"}", "{\"exp\":1000600}", "k3y", CHANNEL_FORGED);
        assert_token("{\"alg\":\"HS512\"}", "{\"exp\":1000600}", "k3y", CHANNEL_FORGED);
        assert_token("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{\"exp\":1000600}", "k3y", CHANNEL_FORGED);
        assert_token("{}", "{\"exp\":1000600}", "k3y", CHANNEL_FORGED);
}

static void what_is_no_token_is_forged(void **state) {
        assert_bearer("Bearer ", CHANNEL_FORGED);
        assert_bearer("Bearer a.b", CHANNEL_FORGED);
        assert_bearer("Bearer a.b.c.d", CHANNEL_FORGED);
        assert_bearer("Bearer a.b.=", CHANNEL_FORGED);
        assert_bearer("Basic a.b.c", CHANNEL_FORGED);
}

/* -- the others ---------------------------------------------------------------------------------------------------- */

static void a_mac_may_be_base64(void **state) {
        static const char file[] = "settings:\n  key: {secret: true, what: k}\n"
                                   "proof:\n  - {scheme: hmac-sha256, setting: key, header: X-Line-Signature,\n"
                                   "     content: '{body}', encoding: base64}\n"
                                   "read: [{thread: /t}]\n";
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP_BUFFER struct buffer text = {0};
        uint8_t mac[SIGN_SHA256_LEN];

        file_init(&fixture, file, SETTINGS("key", "k3y"));
        sign_hmac_sha256(bytes_of("k3y"), bytes_of("{}"), mac);
        sign_base64_encode((struct bytes){mac, sizeof mac}, &text);
        assert_int_equal(fixture_verify(&fixture.base, SETTINGS("X-Line-Signature", buffer_text(&text)), NULL, "{}",
                                        (struct wall){1}),
                         CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture.base, SETTINGS("X-Line-Signature", buffer_text(&text)), NULL, "{ }",
                                        (struct wall){1}),
                         CHANNEL_FORGED);
}

static void all_proofs_that_are_switched_on_must_hold(void **state) {
        static const char file[] =
                "settings:\n  a: {what: w}\n  b: {what: w}\n"
                "proof: [{scheme: token, setting: a, query: a}, {scheme: token, setting: b, header: B}]\n"
                "read: [{thread: /t}]\n";
        CLEANUP_FILE struct file_fixture fixture;

        file_init(&fixture, file, SETTINGS("a", "1", "b", "2"));
        assert_int_equal(fixture_verify(&fixture.base, SETTINGS("b", "2"), SETTINGS("a", "1"), "", (struct wall){1}),
                         CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture.base, SETTINGS("b", "2"), SETTINGS("a", "2"), "", (struct wall){1}),
                         CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture.base, NULL, SETTINGS("a", "1"), "", (struct wall){1}),
                         CHANNEL_UNSIGNED);
}

/* -- is this address ours? ----------------------------------------------------------------------------------------- */

#define RULE "read: [{thread: /t}]\n"

static void a_question_in_a_body_is_answered_and_nothing_else_is_read(void **state) {
        static const char ask[] = RULE "challenge: {when: {at: /type, is: url_verification}, answer: /challenge}\n";
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP(channel_events_done) struct channel_events asked = {0}, plain = {0}, page = {0};

        file_init_open(&fixture, ask);
        asked = fixture_read(&fixture.base,
                             "{\"t\":\"1\",\"type\":\"url_verification\",\"challenge\":\"3eZbrw1a.B_-\"}");
        assert_string_equal(asked.challenge, "3eZbrw1a.B_-");
        assert_int_equal(asked.n, 0);
        plain = fixture_read(&fixture.base, "{\"t\":\"1\",\"type\":\"event\",\"challenge\":\"3e\"}");
        assert_null(plain.challenge);
        assert_int_equal(plain.n, 1);
        /* What a stranger could put on our address is not echoed. */
        page = fixture_read(&fixture.base, "{\"t\":\"1\",\"type\":\"url_verification\",\"challenge\":\"<b>\"}");
        assert_null(page.challenge);
}

static void a_question_in_an_address_needs_the_token_that_was_agreed_on(void **state) {
        static const char ask[] = RULE "challenge: {when: {mode: ask}, token: t, setting: token, answer: c}\n";
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP_BUFFER struct buffer answer = {0};

        file_init_open(&fixture, ask);
        assert_int_equal(fixture_challenge(&fixture.base, SETTINGS("mode", "tell", "t", "t0ken", "c", "1"), &answer),
                         1);
        assert_int_equal(fixture_challenge(&fixture.base, SETTINGS("mode", "ask", "t", "other", "c", "1"), &answer), 2);
        assert_int_equal(fixture_challenge(&fixture.base, SETTINGS("mode", "ask", "t", "t0ken", "c", "1"), &answer), 0);
        assert_string_equal(buffer_text(&answer), "1");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_published_signature_is_genuine_and_none_with_a_byte_changed),
                cmocka_unit_test(what_was_signed_too_long_ago_is_stale),
                cmocka_unit_test(fields_are_signed_by_name_whatever_their_order),
                cmocka_unit_test(a_field_that_stands_twice_is_signed_once_with_each_value),
                cmocka_unit_test(a_form_that_cannot_be_read_is_forged),
                cmocka_unit_test(a_body_that_is_no_form_is_known_by_its_hash_in_the_address),
                cmocka_unit_test(the_address_that_is_signed_is_needed),
                cmocka_unit_test(the_token_of_the_standard_is_signed_as_it_says),
                cmocka_unit_test(a_token_is_good_from_when_until_when_it_says),
                cmocka_unit_test(a_token_for_more_than_a_day_is_forged),
                cmocka_unit_test(a_token_with_another_key_or_algorithm_is_forged),
                cmocka_unit_test(what_is_no_token_is_forged),
                cmocka_unit_test(a_mac_may_be_base64),
                cmocka_unit_test(all_proofs_that_are_switched_on_must_hold),
                cmocka_unit_test(a_question_in_a_body_is_answered_and_nothing_else_is_read),
                cmocka_unit_test(a_question_in_an_address_needs_the_token_that_was_agreed_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
