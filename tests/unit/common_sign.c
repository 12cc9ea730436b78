#include "tests/unit/unit.h"

#include "common/sign.h"

#include <errno.h>
#include <string.h>

/* The vector of the Standard Webhooks reference libraries. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIMESTAMP "1614265330"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define BODY bytes_of("{\"test\": 2432232314}")
static const struct wall then = {1614265330000};
static const struct span tolerance = {INT64_C(300000000)};

static char *hmac_hex(const char *key, const char *text, struct buffer *hex) {
        uint8_t mac[SIGN_SHA256_LEN];

        sign_hmac_sha256(bytes_of(key), bytes_of(text), mac);
        sign_hex_encode((struct bytes){mac, sizeof mac}, hex);
        return buffer_text(hex);
}

static void the_mac_is_the_one_of_rfc_4231(void **state) {
        CLEANUP_BUFFER struct buffer hex = {0};

        assert_string_equal(hmac_hex("Jefe", "what do ya want for nothing?", &hex),
                            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void the_mac_is_the_one_chatwoot_sends(void **state) {
        CLEANUP_BUFFER struct buffer hex = {0};

        assert_string_equal(
                hmac_hex("fake-chatwoot-secret", "1761000000.{\"event\":\"message_created\",\"id\":429}", &hex),
                "776f65d58753d15502cdbe3b7332ae72331e5980c49dd42b0b13c407e6400e37");
}

static void an_empty_key_and_an_empty_text_have_a_mac(void **state) {
        CLEANUP_BUFFER struct buffer hex = {0};

        assert_string_equal(hmac_hex("", "", &hex), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void hexadecimal_goes_there_and_back(void **state) {
        CLEANUP_BUFFER struct buffer data = {0};

        assert_int_equal(sign_hex_decode(bytes_of("00fFa9"), &data), 0);
        assert_int_equal(data.len, 3);
        assert_memory_equal(data.data, "\x00\xff\xa9", 3);
}

static void what_is_not_hexadecimal_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer data = {0};

        assert_int_equal(sign_hex_decode(bytes_of("abc"), &data), -EBADMSG);
        assert_int_equal(sign_hex_decode(bytes_of("0g"), &data), -EBADMSG);
        assert_int_equal(data.len, 0);
}

static void base64_goes_there_and_back(void **state) {
        static const char *const pairs[][2] = {
                {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                CLEANUP_BUFFER struct buffer text = {0};
                CLEANUP_BUFFER struct buffer data = {0};

                sign_base64_encode(bytes_of(pairs[i][0]), &text);
                assert_string_equal(buffer_text(&text), pairs[i][1]);
                assert_int_equal(sign_base64_decode(buffer_bytes(&text), &data), 0);
                assert_string_equal(buffer_text(&data), pairs[i][0]);
        }
}

static void what_is_not_base64_is_refused(void **state) {
        static const char *const wrong[] = {"Zg=", "Zg", " Zg=", "Z===", "====", "Zm9v\n", "Zg==Zg==", "Zm-v"};

        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                CLEANUP_BUFFER struct buffer data = {0};

                assert_int_equal(sign_base64_decode(bytes_of(wrong[i]), &data), -EBADMSG);
                assert_int_equal(data.len, 0);
        }
}

static void equal_is_equal_in_length_too(void **state) {
        assert_true(sign_is_equal(bytes_of("abc"), bytes_of("abc")));
        assert_true(sign_is_equal(BYTES_NONE, BYTES_NONE));
        assert_false(sign_is_equal(bytes_of("abc"), bytes_of("abd")));
        assert_false(sign_is_equal(bytes_of("abc"), bytes_of("ab")));
}

static void a_secret_has_its_prefix_and_its_length(void **state) {
        assert_true(sign_is_secret(SECRET));
        assert_false(sign_is_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_false(sign_is_secret("whsec_"));
        assert_false(sign_is_secret("whsec_c2hvcnQ="));
        assert_false(sign_is_secret("whsec_not base64"));
}

static void the_signature_is_the_one_of_the_reference_libraries(void **state) {
        char signature[SIGN_WEBHOOK_MAX];

        sign_webhook_encode(SECRET, ID, then, BODY, signature);
        assert_string_equal(signature, SIGNATURE);
}

static void a_genuine_webhook_is_found_genuine(void **state) {
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, SIGNATURE, BODY, then, tolerance), SIGN_GENUINE);
}

static void one_right_signature_of_a_list_is_enough(void **state) {
        const char *list =
                "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== "
                "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=  " SIGNATURE;

        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, list, BODY, then, tolerance), SIGN_GENUINE);
}

static void a_changed_webhook_is_forged(void **state) {
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, SIGNATURE, bytes_of("{}"), then, tolerance),
                         SIGN_FORGED);
        assert_int_equal(sign_webhook_verify(SECRET, "msg_x", TIMESTAMP, SIGNATURE, BODY, then, tolerance),
                         SIGN_FORGED);
        assert_int_equal(sign_webhook_verify(SECRET, ID, "1614265331", SIGNATURE, BODY, then, tolerance), SIGN_FORGED);
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, "", BODY, then, tolerance), SIGN_FORGED);
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, "v1,", BODY, then, tolerance), SIGN_FORGED);
}

static void a_genuine_webhook_of_another_time_is_stale(void **state) {
        struct wall late = {then.ms + 301000}, early = {then.ms - 301000}, just = {then.ms + 300000};

        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, SIGNATURE, BODY, late, tolerance), SIGN_STALE);
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, SIGNATURE, BODY, early, tolerance), SIGN_STALE);
        assert_int_equal(sign_webhook_verify(SECRET, ID, TIMESTAMP, SIGNATURE, BODY, just, tolerance), SIGN_GENUINE);
}

static void a_time_that_is_no_number_is_not_fresh(void **state) {
        static const char *const wrong[] = {"",           " 1614265330", "-1", "1614265330.5", "16142653300",
                                            "0x60380000", "soon"};

        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                assert_false(sign_is_fresh(wrong[i], then, tolerance));
        assert_true(sign_is_fresh("1614265330", then, tolerance));
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex) {
        CLEANUP_BUFFER struct buffer text = {0};

        sign_hex_encode((struct bytes){bytes, len}, &text);
        assert_string_equal(buffer_text(&text), hex);
}

/* RFC 2202, test cases 2 and 6; FIPS 180-4, "abc". */
static void hmac_of_sha1_and_sha256_are_those_of_the_standards(void **state) {
        uint8_t key[80], mac[SIGN_SHA1_LEN], digest[SIGN_SHA256_LEN];

        sign_hmac_sha1(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"), mac);
        assert_hex(mac, sizeof mac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        memset(key, 0xaa, sizeof key);
        sign_hmac_sha1((struct bytes){key, sizeof key},
                       bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
        assert_hex(mac, sizeof mac, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
        sign_sha256(bytes_of("abc"), digest);
        assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sign_sha256(BYTES_NONE, digest);
        assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void base64url_has_other_letters_and_no_padding(void **state) {
        static const struct {
                const char *text, *hex;
        } right[] = {{"", ""}, {"-_8", "fbff"}, {"Zg", "66"}, {"Zm8", "666f"}, {"Zm9v", "666f6f"}};
        static const char *const wrong[] = {"+/8", "Zg==", "Z", "Zm9vZ", "Zm 8", "Zm9v\n"};

        for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
                CLEANUP_BUFFER struct buffer data = {0};

                assert_int_equal(sign_base64url_decode(bytes_of(right[i].text), &data), 0);
                assert_hex(data.data, data.len, right[i].hex);
        }
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                CLEANUP_BUFFER struct buffer data = {0};

                assert_int_equal(sign_base64url_decode(bytes_of(wrong[i]), &data), -EBADMSG);
                assert_int_equal(data.len, 0);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_mac_is_the_one_of_rfc_4231),
                cmocka_unit_test(the_mac_is_the_one_chatwoot_sends),
                cmocka_unit_test(an_empty_key_and_an_empty_text_have_a_mac),
                cmocka_unit_test(hexadecimal_goes_there_and_back),
                cmocka_unit_test(what_is_not_hexadecimal_is_refused),
                cmocka_unit_test(base64_goes_there_and_back),
                cmocka_unit_test(what_is_not_base64_is_refused),
                cmocka_unit_test(equal_is_equal_in_length_too),
                cmocka_unit_test(a_secret_has_its_prefix_and_its_length),
                cmocka_unit_test(the_signature_is_the_one_of_the_reference_libraries),
                cmocka_unit_test(a_genuine_webhook_is_found_genuine),
                cmocka_unit_test(one_right_signature_of_a_list_is_enough),
                cmocka_unit_test(a_changed_webhook_is_forged),
                cmocka_unit_test(a_genuine_webhook_of_another_time_is_stale),
                cmocka_unit_test(a_time_that_is_no_number_is_not_fresh),
                cmocka_unit_test(hmac_of_sha1_and_sha256_are_those_of_the_standards),
                cmocka_unit_test(base64url_has_other_letters_and_no_padding),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
