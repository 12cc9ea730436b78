#include "tests/unit/common_channel.h"

#include "common/channel_file.h"
#include "common/json.h"
#include "common/sign.h"

static const struct wall now = {1614265330000};
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define BODY "{\"test\": 2432232314}"
#define HEADERS                                                                                                        \
        "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330", "webhook-signature",          \
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void make(struct fixture *fixture) { fixture_init(fixture, "generic", SETTINGS("unsigned", "true")); }

/* -- what came ----------------------------------------------------------------------------------------------------- */

static void a_message_is_read_whole(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};
        const struct channel_event *event;

        make(&fixture);
        events = fixture_read(&fixture, "{\"thread\":\"T\",\"id\":7,\"text\":\"Oi\",\"from\":\"ana\",\"kind\":\"note\","
                                        "\"at\":\"2026-11-21T10:00:00.5-03:00\",\"data\":{\"a\":[1]}}");
        assert_int_equal(events.n, 1);
        event = &events.items[0];
        assert_string_equal(event->thread, "T");
        assert_string_equal(event->id, "7");
        assert_string_equal(event->text, "Oi");
        assert_string_equal(event->from, "ana");
        assert_string_equal(event->kind, "note");
        assert_string_equal(event->data, "{\"a\":[1]}");
        assert_int_equal(event->at.ms, 1795266000500);
}

static void what_is_not_said_is_left_out(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read(&fixture, "{\"thread\":\"T\",\"id\":null,\"text\":\"\"}");
        assert_null(events.items[0].id);
        assert_null(events.items[0].text);
        assert_null(events.items[0].from);
        assert_null(events.items[0].data);
        assert_string_equal(events.items[0].kind, "text");
        assert_int_equal(events.items[0].at.ms, 0);
}

static void an_array_is_several_messages_in_order(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read(&fixture, "[{\"thread\":\"A\"},{\"thread\":\"B\"},{\"thread\":\"C\"}]");
        assert_int_equal(events.n, 3);
        assert_string_equal(events.items[2].thread, "C");
}

static void times_are_known_by_their_form(void **state) {
        static const char *const times[] = {"1795266000",     "1795266000000",
                                            "\"1795266000\"", "\"1795266000.000200\"",
                                            "1795266000.0",   "\"2026-11-21T13:00:00Z\""};
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
                CLEANUP_FREE char *body = memory_print("{\"thread\":\"T\",\"at\":%s}", times[i]);
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, body);

                assert_int_equal(events.items[0].at.ms, 1795266000000);
        }
}

static void what_cannot_be_taken_is_refused_and_not_dropped(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        fixture_assert_unreadable(&fixture, "{\"text\":\"Oi\"}",
                                  "message 0: /thread is missing; it must name the conversation");
        fixture_assert_unreadable(&fixture, "[{\"thread\":\"A\"},{\"text\":\"Oi\"}]", "message 1: /thread is missing");
        fixture_assert_unreadable(&fixture, "{\"thread\":\"A\",\"text\":{}}", "message 0: /text must be text");
        fixture_assert_unreadable(&fixture, "{\"thread\":\"A\",\"id\":[]}", "message 0: /id must be text");
        fixture_assert_unreadable(&fixture, "{\"thread\":\"A\",\"at\":\"noon\"}", "message 0: /at is no time");
        fixture_assert_unreadable(&fixture, "{\"thread\":\"A\",\"at\":\"1e9\"}", "message 0: /at is no time");
        fixture_assert_unreadable(&fixture, "[]", "there is nothing at /*?");
        fixture_assert_unreadable(&fixture, "7", "message 0: /thread is missing");
        fixture_assert_unreadable(&fixture, "{", "line 1, column 1: ");
}

static void more_than_one_frame_holds_is_refused(void **state) {
        CLEANUP_FREE char *most = fixture_repeat("[", "{\"thread\":\"a\"}", LIMIT_FRAME_MESSAGES, "]");
        CLEANUP_FREE char *more = fixture_repeat("[", "{\"thread\":\"a\"}", LIMIT_FRAME_MESSAGES + 1, "]");
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        events = fixture_read(&fixture, most);
        assert_int_equal(events.n, LIMIT_FRAME_MESSAGES);
        fixture_assert_refuses(&fixture, more, -E2BIG, "a webhook has at most 10000 messages");
}

static void other_shapes_are_read_where_the_settings_point(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "generic",
                     SETTINGS("unsigned", "true", "messages_at", "/items/*", "thread_at", "/who/room", "text_at",
                              "/body", "data_at", ""));
        events = fixture_read(&fixture, "{\"items\":[{\"who\":{\"room\":1},\"body\":\"a\"},{\"who\":{\"room\":2}}]}");
        assert_int_equal(events.n, 2);
        assert_string_equal(events.items[0].thread, "1");
        assert_string_equal(events.items[0].text, "a");
        assert_string_equal(events.items[1].data, "{\"who\":{\"room\":2}}");
        fixture_assert_unreadable(&fixture, "{\"items\":[]}", "there is nothing at /items/*");
        fixture_assert_refused("generic", SETTINGS("unsigned", "true", "text_at", "body"),
                               "text_at: is no JSON Pointer; write it such as '/message/text'");
}

/* -- who sent it --------------------------------------------------------------------------------------------------- */

static void a_standard_webhook_is_verified(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "generic", SETTINGS("secret", SECRET));
        assert_int_equal(fixture_verify(&fixture, SETTINGS(HEADERS), SETTINGS(), BODY, now), CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(HEADERS), SETTINGS(), "{}", now), CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(HEADERS), SETTINGS(), BODY, (struct wall){now.ms + 301000}),
                         CHANNEL_STALE);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
}

static void a_bearer_token_is_compared(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "generic", SETTINGS("token", "T0k"));
        assert_int_equal(fixture_verify(&fixture, SETTINGS("authorization", "Bearer T0k"), SETTINGS(), BODY, now),
                         CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture, SETTINGS("authorization", "Bearer T0"), SETTINGS(), BODY, now),
                         CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS("authorization", "Basic T0k"), SETTINGS(), BODY, now),
                         CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
}

static void a_channel_that_anyone_could_write_to_is_refused(void **state) {
        fixture_assert_refused("generic", SETTINGS(),
                               "anyone could send to this channel; give it secret, token or unsigned: true");
        fixture_assert_refused("generic", SETTINGS("secret", "s3cret"),
                               "secret: is not \"whsec_\" and the base64 of 24 to 64 bytes; make one with: "
                               "echo whsec_$(openssl rand -base64 32)");
}

/* -- the reply ----------------------------------------------------------------------------------------------------- */

static void without_an_address_there_is_no_posting(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        struct channel_reply reply = {"T", NULL, "acme", "01H", 0, bytes_of("Oi")};
        struct channel_call post = {0};
        CLEANUP_FREE char *error = NULL;

        make(&fixture);
        assert_false(channel_has_post(fixture.channel));
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), -EINVAL);
        assert_string_equal(error, "channel support has no address to post to; give it reply_url");
}

static void a_reply_is_posted_with_its_key_and_its_signature(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call post = {0};
        struct channel_reply reply = {"T\n",
                                      NULL,
                                      "acme",
                                      "01H",
                                      2,
                                      {"a\xff"
                                       "b",
                                       3}};
        char *error = NULL;

        fixture_init(&fixture, "generic", SETTINGS("secret", SECRET, "reply_url", "http://127.0.0.1:9/in?a=b"));
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), 0);
        assert_string_equal(post.url, "http://127.0.0.1:9/in?a=b");
        assert_string_equal(post.body,
                            "{\"tenant\":\"acme\",\"thread\":\"T\\n\",\"channel\":\"support\",\"batch\":\"01H\","
                            "\"index\":2,\"to\":\"T\\n\",\"reply\":\"a\ufffdb\"}");
        assert_string_equal(fixture_header(&post, "Idempotency-Key"), "01H-2");
        assert_string_equal(fixture_header(&post, "webhook-id"), "01H-2");
        assert_string_equal(fixture_header(&post, "webhook-timestamp"), "1614265330");
        assert_int_equal(sign_webhook_verify(SECRET, "01H-2", "1614265330", fixture_header(&post, "webhook-signature"),
                                             bytes_of(post.body), now, span_s(300)),
                         SIGN_GENUINE);
}

static void of_two_faults_in_a_url_the_first_is_told(void **state) {
        static const struct config_channel config = {.name = (char *)"support", .kind = (char *)"generic"};
        struct channel_reply reply = {"..", "a\nb\n", "acme", "01H", 0, bytes_of("Oi")};
        CLEANUP_YAML struct yaml_node *file = NULL;
        struct channel_call post = {0};
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(yaml_decode("f.yaml", bytes_of("post: {url: '/{thread}/{from}'}"), &file, &error), 0);
        assert_int_equal(channel_post_encode(&(struct channel){&config, file}, &reply, now, &post, &error), -EINVAL);
        assert_string_equal(error, "the thread cannot stand in a URL");
}

static void without_a_secret_a_reply_is_not_signed(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call post = {0};
        struct channel_reply reply = {"T", NULL, "acme", "01H", 0, bytes_of("Oi")};
        char *error = NULL;

        fixture_init(&fixture, "generic", SETTINGS("unsigned", "true", "reply_url", "http://127.0.0.1:9/"));
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), 0);
        assert_null(fixture_header(&post, "webhook-signature"));
        assert_string_equal(fixture_header(&post, "Idempotency-Key"), "01H-0");
}

static void an_answer_without_a_word_is_judged_by_its_status(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        char why[LIMIT_WHY_LEN];

        make(&fixture);
        assert_int_equal(channel_post_outcome(fixture.channel, 204, BYTES_NONE, why), CHANNEL_POSTED);
        assert_int_equal(channel_post_outcome(fixture.channel, 302, BYTES_NONE, why), CHANNEL_POST_NEVER);
        assert_string_equal(why, "HTTP 302");
        assert_int_equal(channel_post_outcome(fixture.channel, 425, bytes_of("[]"), why), CHANNEL_POST_AGAIN);
        assert_string_equal(why, "HTTP 425");
}

static void a_long_reason_is_cut_between_characters(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_BUFFER struct buffer body = {0};
        char why[LIMIT_WHY_LEN];

        make(&fixture);
        buffer_push_text(&body, "{\"error\":\"");
        while (body.len < 2 * LIMIT_WHY_LEN)
                buffer_push_text(&body, "é");
        buffer_push_text(&body, "\"}");
        assert_int_equal(channel_post_outcome(fixture.channel, 500, buffer_bytes(&body), why), CHANNEL_POST_UNKNOWN);
        assert_int_equal(strlen(why), LIMIT_WHY_LEN - 2);
        assert_true(bytes_is_utf8(bytes_of(why)));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_message_is_read_whole),
                cmocka_unit_test(what_is_not_said_is_left_out),
                cmocka_unit_test(an_array_is_several_messages_in_order),
                cmocka_unit_test(times_are_known_by_their_form),
                cmocka_unit_test(what_cannot_be_taken_is_refused_and_not_dropped),
                cmocka_unit_test(more_than_one_frame_holds_is_refused),
                cmocka_unit_test(other_shapes_are_read_where_the_settings_point),
                cmocka_unit_test(a_standard_webhook_is_verified),
                cmocka_unit_test(a_bearer_token_is_compared),
                cmocka_unit_test(a_channel_that_anyone_could_write_to_is_refused),
                cmocka_unit_test(without_an_address_there_is_no_posting),
                cmocka_unit_test(a_reply_is_posted_with_its_key_and_its_signature),
                cmocka_unit_test(of_two_faults_in_a_url_the_first_is_told),
                cmocka_unit_test(without_a_secret_a_reply_is_not_signed),
                cmocka_unit_test(an_answer_without_a_word_is_judged_by_its_status),
                cmocka_unit_test(a_long_reason_is_cut_between_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
