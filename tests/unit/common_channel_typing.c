#include "tests/unit/common_channel.h"

#define CHATWOOT "url", "https://chat.example.com", "account", "2", "token", "the token", "unsigned", "true"
#define WHATSAPP "phone_number_id", "106", "token", "the token", "secret", "s", "verify_token", "v"

static const struct channel_reply reply = {"4", NULL, "acme", "01H", 0, {NULL, 0}, "wamid.A"};

static void assert_sign(const char *kind, const char *const *settings, bool is_on, const char *url, const char *body) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call call = {0};
        char *error = NULL;

        fixture_init(&fixture, kind, settings);
        assert_true(channel_has_typing(fixture.channel));
        assert_int_equal(channel_typing_encode(fixture.channel, &reply, is_on, &call, &error), 0);
        assert_string_equal(call.method, "POST");
        assert_string_equal(call.url, url);
        assert_string_equal(call.body, body);
        assert_string_equal(fixture_header(&call, "Content-Type"), "application/json");
}

static void chatwoot_is_told_on_and_off(void **state) {
        static const char url[] = "https://chat.example.com/api/v1/accounts/2/conversations/4/toggle_typing_status";

        assert_sign("chatwoot", SETTINGS(CHATWOOT), true, url, "{\"typing_status\":\"on\",\"is_private\":false}");
        assert_sign("chatwoot", SETTINGS(CHATWOOT), false, url, "{\"typing_status\":\"off\",\"is_private\":false}");
}

static void whatsapp_is_told_which_message_is_being_answered(void **state) {
        assert_sign("whatsapp", SETTINGS(WHATSAPP), true, "https://graph.facebook.com/v26.0/106/messages",
                    "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.A\","
                    "\"typing_indicator\":{\"type\":\"text\"}}");
}

static void whatsapp_takes_its_sign_away_by_itself(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        struct channel_call call = {0};
        char *error = NULL;

        fixture_init(&fixture, "whatsapp", SETTINGS(WHATSAPP));
        assert_int_equal(channel_typing_encode(fixture.channel, &reply, false, &call, &error), 1);
        assert_int_equal(span_to_ms(channel_typing_refresh(fixture.channel)), 20000);
}

static void without_a_message_there_is_no_sign_on_whatsapp(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        struct channel_reply nameless = reply;
        struct channel_call call = {0};
        char *error = NULL;

        fixture_init(&fixture, "whatsapp", SETTINGS(WHATSAPP));
        nameless.message = NULL;
        assert_int_equal(channel_typing_encode(fixture.channel, &nameless, true, &call, &error), 1);
}

static void a_thread_that_cannot_stand_in_an_address_has_no_sign(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_FREE char *error = NULL;
        struct channel_reply odd = reply;
        struct channel_call call = {0};

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        odd.thread = "a\nb";
        assert_int_equal(channel_typing_encode(fixture.channel, &odd, true, &call, &error), -EINVAL);
}

static void assert_none(const char *kind, const char *const *settings) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, kind, settings);
        assert_false(channel_has_typing(fixture.channel));
}

static void who_does_not_want_the_sign_has_none(void **state) {
        assert_none("chatwoot", SETTINGS(CHATWOOT, "typing", "false"));
        assert_none("whatsapp", SETTINGS(WHATSAPP, "typing", "false"));
        assert_none("generic", SETTINGS("unsigned", "true", "reply_url", "http://x"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(chatwoot_is_told_on_and_off),
                cmocka_unit_test(whatsapp_is_told_which_message_is_being_answered),
                cmocka_unit_test(whatsapp_takes_its_sign_away_by_itself),
                cmocka_unit_test(without_a_message_there_is_no_sign_on_whatsapp),
                cmocka_unit_test(a_thread_that_cannot_stand_in_an_address_has_no_sign),
                cmocka_unit_test(who_does_not_want_the_sign_has_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
