#include "tests/unit/common_channel.h"

static const struct wall now = {1761000000000};
/* Signed with "fake-chatwoot-secret" at `now`. */
#define BODY "{\"event\":\"message_created\",\"id\":429}"
#define SIGNATURE "sha256=776f65d58753d15502cdbe3b7332ae72331e5980c49dd42b0b13c407e6400e37"
#define TIMESTAMP "1761000000"

#define CHATWOOT "url", "https://chat.example.com/", "account", "2", "token", "the token"

static void make(struct fixture *fixture) { fixture_init(fixture, "chatwoot", SETTINGS(CHATWOOT, "unsigned", "true")); }

/* -- what came ----------------------------------------------------------------------------------------------------- */

static void a_message_is_read_whole(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "message_created_incoming_api");
        assert_int_equal(events.n, 1);
        assert_false(events.items[0].is_ignored);
        assert_string_equal(events.items[0].id, "2-429");
        assert_string_equal(events.items[0].thread, "4");
        assert_string_equal(events.items[0].from, "+15550100101");
        assert_string_equal(events.items[0].kind, "text");
        assert_string_equal(events.items[0].text, "Oi, tudo bem?");
        assert_int_equal(events.items[0].at.ms, 1753659002693);
        assert_non_null(strstr(events.items[0].data, "\"name\":\"Ana Teste\""));
        assert_non_null(strstr(events.items[0].data, "\"status\":\"open\""));
}

static void the_messages_of_a_burst_share_their_thread(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events second = {0};
        CLEANUP(channel_events_done) struct channel_events third = {0};

        make(&fixture);
        second = fixture_read_payload(&fixture, "message_created_incoming_api_burst2");
        third = fixture_read_payload(&fixture, "message_created_incoming_api_burst3");
        assert_string_equal(second.items[0].text, "Queria saber o preço");
        assert_string_equal(second.items[0].thread, third.items[0].thread);
        assert_string_equal(second.items[0].id, "2-430");
        assert_string_equal(third.items[0].id, "2-431");
}

static void a_voice_note_has_a_kind_and_no_text(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "message_created_incoming_audio");
        assert_string_equal(events.items[0].kind, "audio");
        assert_null(events.items[0].text);
        assert_non_null(strstr(events.items[0].data, "voice.ogg"));
}

static void a_sender_without_a_phone_is_named_by_the_number_of_the_contact(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "message_created_incoming_telegram");
        assert_string_equal(events.items[0].text, "Hey");
        assert_string_equal(events.items[0].from, "9337");
        assert_string_equal(events.items[0].id, "2-227051");
}

static void what_needs_no_answer_is_ignored_with_its_reason(void **state) {
        static const char *const cases[][2] = {
                {"message_created_outgoing_agent_bot", "a bot's reply"},
                {"conversation_typing_on_agent", "somebody of the team is typing"},
                {"conversation_updated_labels", "event conversation_updated, which changes nothing here"},
                {"message_updated_outgoing_failed", "a change of a message that is no customer's"},
        };
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP(channel_events_done) struct channel_events events = fixture_read_payload(&fixture, cases[i][0]);

                assert_int_equal(events.n, 1);
                fixture_assert_ignored(&events.items[0], cases[i][1]);
        }
}

static void notes_templates_echoes_and_other_accounts_are_ignored(void **state) {
        static const char *const cases[][2] = {
                {"\"private\":true,\"message_type\":\"incoming\"", "a private note"},
                {"\"message_type\":\"template\"", "a message of type template"},
                {"\"message_type\":\"activity\"", "a message of type activity"},
                {"\"content\":\"no type\"", "a message of type (none)"},
                {"\"message_type\":\"outgoing\",\"content_attributes\":{\"automation_rule_id\":7}",
                 "a reply of an automation"},
                {"\"message_type\":\"outgoing\",\"additional_attributes\":{\"campaign_id\":7}",
                 "a message of a campaign"},
                {"\"message_type\":\"outgoing\",\"content_attributes\":{\"lull_batch\":\"01H\"}",
                 "shown that names no conversation"},
        };
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events other = {0};

        make(&fixture);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP_FREE char *body =
                        memory_print("{\"event\":\"message_created\",\"account\":{\"id\":2},%s}", cases[i][0]);
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, body);

                fixture_assert_ignored(&events.items[0], cases[i][1]);
        }
        other = fixture_read(&fixture,
                             "{\"event\":\"message_created\",\"account\":{\"id\":3},\"message_type\":\"incoming\"}");
        fixture_assert_ignored(&other.items[0], "an event of another account");
}

static void what_is_not_from_chatwoot_is_refused(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        fixture_assert_unreadable(&fixture, "{}", "there is no /event here; is this from chatwoot?");
        fixture_assert_unreadable(&fixture, "[]", "there is no /event here");
        fixture_assert_unreadable(&fixture, "{\"event\":\n]", "line 2, column 1: ");
}

/* -- who sent it --------------------------------------------------------------------------------------------------- */

static enum channel_proof verify(const char *signature, const char *timestamp, const char *body, struct wall at) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT, "secret", "fake-chatwoot-secret"));
        return fixture_verify(&fixture, SETTINGS("x-chatwoot-signature", signature, "X-Chatwoot-Timestamp", timestamp),
                              SETTINGS(), body, at);
}

static void a_signature_of_the_secret_is_genuine(void **state) {
        assert_int_equal(verify(SIGNATURE, TIMESTAMP, BODY, now), CHANNEL_GENUINE);
}

static void any_other_signature_is_forged(void **state) {
        assert_int_equal(verify(SIGNATURE, TIMESTAMP, "{}", now), CHANNEL_FORGED);
        assert_int_equal(verify(SIGNATURE, "1761000001", BODY, now), CHANNEL_FORGED);
        assert_int_equal(verify("sha256=", TIMESTAMP, BODY, now), CHANNEL_FORGED);
        assert_int_equal(verify("sha256=zz", TIMESTAMP, BODY, now), CHANNEL_FORGED);
        assert_int_equal(verify(&SIGNATURE[strlen("sha256=")], TIMESTAMP, BODY, now), CHANNEL_FORGED);
}

static void an_old_signature_is_stale(void **state) {
        assert_int_equal(verify(SIGNATURE, TIMESTAMP, BODY, (struct wall){now.ms + 301000}), CHANNEL_STALE);
        assert_int_equal(verify(SIGNATURE, TIMESTAMP, BODY, (struct wall){now.ms + 299000}), CHANNEL_GENUINE);
}

static void a_missing_signature_is_told_apart_from_a_wrong_one(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT, "secret", "fake-chatwoot-secret"));
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS("X-Chatwoot-Signature", SIGNATURE), SETTINGS(), BODY, now),
                         CHANNEL_UNSIGNED);
}

static void a_token_in_the_address_stands_in_for_a_signature(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT, "hook_token", "let me in"));
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS("token", "let me in"), BODY, now),
                         CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS("token", "let me"), BODY, now), CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
}

static void who_gives_both_proofs_wants_both(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        const char *const *headers = SETTINGS("X-Chatwoot-Signature", SIGNATURE, "X-Chatwoot-Timestamp", TIMESTAMP);

        fixture_init(&fixture, "chatwoot",
                     SETTINGS(CHATWOOT, "secret", "fake-chatwoot-secret", "hook_token", "let me in"));
        assert_int_equal(fixture_verify(&fixture, headers, SETTINGS("token", "let me in"), BODY, now), CHANNEL_GENUINE);
        assert_int_equal(fixture_verify(&fixture, headers, SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
}

static void unsigned_takes_whatever_comes(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_BUFFER struct buffer answer = {0};

        make(&fixture);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_GENUINE);
        assert_int_equal(fixture_challenge(&fixture, SETTINGS(), &answer), 1);
}

/* -- settings ------------------------------------------------------------------------------------------------------ */

static void settings_that_do_not_do_are_refused(void **state) {
        fixture_assert_refused("chatwoot", SETTINGS(CHATWOOT),
                               "anyone could send to this channel; give it secret, hook_token or unsigned: true");
        fixture_assert_refused("chatwoot", SETTINGS(CHATWOOT, "secret", "x", "unsigned", "true"),
                               "secret and unsigned: true contradict each other; remove one");
        fixture_assert_refused("chatwoot", SETTINGS("url", "https://x", "token", "t", "secret", "x"),
                               "a chatwoot channel needs account (the account's number, as in /app/accounts/1)");
        fixture_assert_refused("chatwoot", SETTINGS(CHATWOOT, "secrett", "x"),
                               "unknown key 'secrett'; did you mean 'secret'?");
        fixture_assert_refused("chatwoot",
                               SETTINGS("url", "chat.example.com", "account", "1", "token", "t", "secret", "x"),
                               "url: must begin with http:// or https://");
        fixture_assert_refused("chatwoot", SETTINGS("url", "https://x", "account", "one", "token", "t", "secret", "x"),
                               "account: must be a whole number");
        fixture_assert_refused("chatwoot",
                               SETTINGS("url", "https://x", "account", "1", "token", "t\r\nX: y", "secret", "x"),
                               "token: has a control character in it; it must be one line of text");
        fixture_assert_refused("chatwot", SETTINGS(), "kind: 'chatwot' is unknown; did you mean 'chatwoot'?");
        fixture_assert_refused("carrier pigeon", SETTINGS(),
                               "kind: 'carrier pigeon' is unknown; this version of lull has chatwoot, evolution, "
                               "generic, slack, telegram, "
                               "twilio, whatsapp and zapi");
}

/* -- the reply ----------------------------------------------------------------------------------------------------- */

static void a_reply_is_an_outgoing_message_that_names_its_batch(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call post = {0};
        struct channel_reply reply = {"4", NULL, "acme", "01HBATCH", 1, bytes_of("Olá \"você\"\n")};
        char *error = NULL;

        make(&fixture);
        assert_true(channel_has_post(fixture.channel));
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), 0);
        assert_string_equal(post.method, "POST");
        assert_string_equal(post.url, "https://chat.example.com/api/v1/accounts/2/conversations/4/messages");
        assert_string_equal(fixture_header(&post, "api_access_token"), "the token");
        assert_string_equal(fixture_header(&post, "Content-Type"), "application/json");
        assert_string_equal(post.body,
                            "{\"content\":\"Olá \\\"você\\\"\\n\",\"message_type\":\"outgoing\",\"private\":false,"
                            "\"content_type\":\"text\",\"content_attributes\":{\"lull_batch\":\"01HBATCH\","
                            "\"lull_index\":1}}");
}

static void a_thread_cannot_climb_out_of_its_address(void **state) {
        static const char *const threads[] = {"..", ".", "", "a\nb"};
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
                struct channel_reply reply = {threads[i], NULL, "acme", "01H", 0, bytes_of("x"), NULL};
                struct channel_call post = {0};
                CLEANUP_FREE char *error = NULL;

                assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), -EINVAL);
                assert_non_null(strstr(error, "the thread "));
                assert_null(post.url);
        }
}

static void a_thread_is_one_step_of_the_address(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call post = {0};
        struct channel_reply reply = {"../4?x#é", NULL, "acme", "01H", 0, bytes_of("x")};
        char *error = NULL;

        make(&fixture);
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), 0);
        assert_string_equal(post.url,
                            "https://chat.example.com/api/v1/accounts/2/conversations/..%2F4%3Fx%23%C3%A9/messages");
}

static void assert_outcome(long status, const char *body, enum channel_posted outcome, const char *why) {
        CLEANUP_FIXTURE struct fixture fixture;
        char found[LIMIT_WHY_LEN] = "";

        make(&fixture);
        assert_int_equal(channel_post_outcome(fixture.channel, status, bytes_of(body), found), outcome);
        assert_string_equal(found, why);
}

static void the_answer_to_a_post_says_whether_to_try_again(void **state) {
        assert_outcome(200, "{\"id\":435}", CHANNEL_POSTED, "");
        assert_outcome(401, "{\"error\":\"Invalid Access Token\"}", CHANNEL_POST_NEVER,
                       "HTTP 401: Invalid Access Token");
        assert_outcome(404, "", CHANNEL_POST_NEVER, "HTTP 404");
        assert_outcome(429, "slow down", CHANNEL_POST_AGAIN, "HTTP 429");
        assert_outcome(502, "<html>", CHANNEL_POST_UNKNOWN, "HTTP 502");
        assert_outcome(503, "", CHANNEL_POST_UNKNOWN, "HTTP 503");
        assert_outcome(408, "", CHANNEL_POST_UNKNOWN, "HTTP 408");
        assert_outcome(422, "{\"message\":\"Too many messages\"}", CHANNEL_POST_AGAIN, "HTTP 422: Too many messages");
        assert_outcome(422, "{\"message\":\"Content is\\ntoo long\"}", CHANNEL_POST_NEVER,
                       "HTTP 422: Content is too long");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_message_is_read_whole),
                cmocka_unit_test(the_messages_of_a_burst_share_their_thread),
                cmocka_unit_test(a_voice_note_has_a_kind_and_no_text),
                cmocka_unit_test(a_sender_without_a_phone_is_named_by_the_number_of_the_contact),
                cmocka_unit_test(what_needs_no_answer_is_ignored_with_its_reason),
                cmocka_unit_test(notes_templates_echoes_and_other_accounts_are_ignored),
                cmocka_unit_test(what_is_not_from_chatwoot_is_refused),
                cmocka_unit_test(a_signature_of_the_secret_is_genuine),
                cmocka_unit_test(any_other_signature_is_forged),
                cmocka_unit_test(an_old_signature_is_stale),
                cmocka_unit_test(a_missing_signature_is_told_apart_from_a_wrong_one),
                cmocka_unit_test(a_token_in_the_address_stands_in_for_a_signature),
                cmocka_unit_test(who_gives_both_proofs_wants_both),
                cmocka_unit_test(unsigned_takes_whatever_comes),
                cmocka_unit_test(settings_that_do_not_do_are_refused),
                cmocka_unit_test(a_reply_is_an_outgoing_message_that_names_its_batch),
                cmocka_unit_test(a_thread_cannot_climb_out_of_its_address),
                cmocka_unit_test(a_thread_is_one_step_of_the_address),
                cmocka_unit_test(the_answer_to_a_post_says_whether_to_try_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
