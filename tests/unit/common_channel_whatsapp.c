#include "tests/unit/common_channel.h"

static const struct wall now = {1779372810000};

#define WHATSAPP                                                                                                       \
        "phone_number_id", "106540352242922", "token", "the token", "secret", "fake-app-secret", "verify_token",       \
                "FAKE_VERIFY_TOKEN"

/* As Meta sends it, with its escapes; signed with "fake-app-secret". */
#define BODY                                                                                                           \
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"value\":{"   \
        "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"15550100999\","                   \
        "\"phone_number_id\":\"106540352242922\"},\"contacts\":[{\"profile\":{\"name\":\"Ana Teste\"},"                \
        "\"wa_id\":\"15550100101\",\"user_id\":\"BR.10000000000000101\",\"country_code\":\"BR\"}],\"messages\":[{"     \
        "\"from\":\"15550100101\",\"from_user_id\":\"BR.10000000000000101\","                                          \
        "\"id\":\"wamid.HBgLMTU1NTAxMDAxMDEVAgASGBQzRUIwMTAwMDAwMDAwMDAwMDAwMQA=\",\"timestamp\":\"1779372805\","      \
        "\"text\":{\"body\":\"Oi \\ud83d\\ude00\"},\"type\":\"text\"}]},\"field\":\"messages\"}]}]}"
#define SIGNATURE "sha256=452ffbc8c3339a73489f96d175adef3dd7d514c6f94eca03cd10071cecc70a21"

static void make(struct fixture *fixture) { fixture_init(fixture, "whatsapp", SETTINGS(WHATSAPP)); }

/* -- what came ----------------------------------------------------------------------------------------------------- */

static void a_text_is_read_whole(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "messages_text");
        assert_int_equal(events.n, 1);
        assert_false(events.items[0].is_ignored);
        assert_string_equal(events.items[0].id, "wamid.HBgLMTU1NTAxMDAxMDEVAgASGBQzRUIwMTAwMDAwMDAwMDAwMDAwMQA=");
        assert_string_equal(events.items[0].thread, "BR.10000000000000101");
        assert_string_equal(events.items[0].from, "15550100101");
        assert_string_equal(events.items[0].kind, "text");
        assert_string_equal(events.items[0].text, "Oi");
        assert_int_equal(events.items[0].at.ms, 1779372805000);
        assert_non_null(strstr(events.items[0].data, "\"name\":\"Ana Teste\""));
}

static void every_kind_has_its_text(void **state) {
        static const char *const cases[][3] = {
                {"messages_image", "image", "é esse aqui"},
                {"messages_audio_voice", "audio", NULL},
                {"messages_interactive_button_reply", "button", "Preço"},
        };
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP(channel_events_done) struct channel_events events = fixture_read_payload(&fixture, cases[i][0]);

                assert_int_equal(events.n, 1);
                assert_string_equal(events.items[0].kind, cases[i][1]);
                if (cases[i][2])
                        assert_string_equal(events.items[0].text, cases[i][2]);
                else
                        assert_null(events.items[0].text);
        }
}

static void a_user_without_a_phone_number_has_a_thread_all_the_same(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "messages_text_username_no_phone");
        assert_string_equal(events.items[0].thread, "US.10000000000000202");
        assert_string_equal(events.items[0].from, "US.10000000000000202");
}

static void all_messages_of_a_delivery_are_read_in_order(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "messages_batch_two_messages_and_status");
        assert_int_equal(events.n, 3);
        assert_string_equal(events.items[0].text, "Oi");
        assert_string_equal(events.items[1].text, "tudo bem?");
        fixture_assert_ignored(&events.items[2], "status delivered of a message");
}

static void statuses_are_ignored(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events sent = {0};
        CLEANUP(channel_events_done) struct channel_events failed = {0};

        make(&fixture);
        sent = fixture_read_payload(&fixture, "statuses_sent");
        failed = fixture_read_payload(&fixture, "statuses_failed");
        assert_int_equal(sent.n + failed.n, 2);
        /* Its mark is none of ours: no batch and number. */
        fixture_assert_ignored(&sent.items[0], "shown that names no reply of ours");
        fixture_assert_ignored(&failed.items[0], "status failed of a message");
}

static void a_status_says_that_a_reply_of_ours_is_there(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "statuses_of_our_reply");
        assert_int_equal(events.n, 4);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(events.items[i].what, WIRE_WHAT_SHOWN);
                assert_string_equal(events.items[i].id, "01K9FAKEBATCH0000000000001");
                assert_int_equal(events.items[i].number, 0);
        }
        fixture_assert_ignored(&events.items[3],
                               "our reply lull:01K9FAKEBATCH0000000000001:0 was not delivered: error (none)");
        assert_true(events.items[3].is_warning);
}

/* The contacts of a delivery may be those of others: a wrong name would join two people for good. */
static void a_thread_has_only_the_names_that_its_message_says(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        events = fixture_read_payload(&fixture, "messages_statuses_and_errors");
        assert_string_equal(events.items[0].thread, "BR.10000000000000101");
        assert_int_equal(events.items[0].n_aliases, 1);
        assert_string_equal(events.items[0].aliases[0], "15550100101");
        assert_string_equal(events.items[1].thread, "US.10000000000000404");
        assert_int_equal(events.items[1].n_aliases, 1);
        assert_string_equal(events.items[1].aliases[0], "15550100102");
}

/* Documented with a plus before the number, and seen without. */
static void an_answer_in_the_app_is_a_person_s(void **state) {
        static const char *const numbers[] = {"15550100101", "+15550100101"};
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < 2; i++) {
                CLEANUP_FREE char *body = memory_print(
                        "{\"entry\":[{\"changes\":[{\"field\":\"smb_message_echoes\",\"value\":{\"metadata\":{"
                        "\"phone_number_id\":\"106540352242922\"},\"message_echoes\":[{\"from\":\"15550100999\",\"to\":"
                        "\"%s\","
                        "\"id\":\"w\",\"type\":\"text\",\"text\":{\"body\":\"Oi\"}}]}}]}]}",
                        numbers[i]);
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, body);

                assert_int_equal(events.n, 1);
                assert_int_equal(events.items[0].what, WIRE_WHAT_PERSON);
                assert_string_equal(events.items[0].thread, "15550100101");
                assert_string_equal(events.items[0].text, "Oi");
        }
}

static struct channel_events read_message(const struct fixture *fixture, const char *number, const char *message) {
        CLEANUP_FREE char *body =
                memory_print("{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{"
                             "\"phone_number_id\":\"%s\"},\"messages\":[%s]}}]}]}",
                             number, message);

        return fixture_read(fixture, body);
}

static void what_needs_no_answer_is_ignored_with_its_reason(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events reaction = {0};
        CLEANUP(channel_events_done) struct channel_events elsewhere = {0};
        CLEANUP(channel_events_done) struct channel_events nameless = {0};
        CLEANUP(channel_events_done) struct channel_events field = {0};

        make(&fixture);
        reaction = read_message(&fixture, "106540352242922", "{\"id\":\"w\",\"from\":\"1\",\"type\":\"reaction\"}");
        fixture_assert_ignored(&reaction.items[0], "a reaction, which asks for no answer");
        elsewhere = read_message(&fixture, "999", "{\"id\":\"w\",\"from\":\"1\",\"type\":\"text\"}");
        fixture_assert_ignored(&elsewhere.items[0], "a message for another number");
        nameless = read_message(&fixture, "106540352242922", "{\"id\":\"w\",\"from\":\"\",\"type\":\"text\"}");
        fixture_assert_ignored(&nameless.items[0], "a message that names no conversation");
        field = fixture_read(&fixture, "{\"entry\":[{\"changes\":[{\"field\":\"account_update\",\"value\":{}}]}]}");
        fixture_assert_ignored(&field.items[0], "a change of field account_update without messages");
}

static void more_than_one_frame_holds_is_refused(void **state) {
        static const char *const begins[] = {"{\"entry\":[{\"changes\":[",
                                             "{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":["};
        static const char *const ends[] = {"]}]}", "]}}]}]}"};
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < 2; i++) {
                CLEANUP_FREE char *most = fixture_repeat(begins[i], "1", LIMIT_FRAME_MESSAGES, ends[i]);
                CLEANUP_FREE char *more = fixture_repeat(begins[i], "1", LIMIT_FRAME_MESSAGES + 1, ends[i]);
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, most);

                assert_int_equal(events.n, LIMIT_FRAME_MESSAGES);
                fixture_assert_refuses(&fixture, more, -E2BIG, "a webhook has at most 10000 messages");
        }
}

static void titles_and_captions_are_texts(void **state) {
        static const char *const messages[] = {
                "{\"from\":\"1\",\"type\":\"button\",\"button\":{\"text\":\"it\",\"payload\":\"p\"}}",
                "{\"from\":\"1\",\"type\":\"interactive\",\"interactive\":{\"list_reply\":{\"title\":\"it\"}}}",
                "{\"from\":\"1\",\"type\":\"document\",\"document\":{\"caption\":\"it\"}}",
                "{\"from\":\"1\",\"type\":\"video\",\"video\":{\"caption\":\"it\"}}",
        };
        CLEANUP_FIXTURE struct fixture fixture;

        make(&fixture);
        for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
                CLEANUP(channel_events_done)
                struct channel_events events = read_message(&fixture, "106540352242922", messages[i]);

                assert_string_equal(events.items[0].text, "it");
                assert_string_equal(events.items[0].thread, "1");
        }
}

/* -- who sent it --------------------------------------------------------------------------------------------------- */

static void the_signature_is_over_the_bytes_that_were_sent(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        make(&fixture);
        assert_int_equal(fixture_verify(&fixture, SETTINGS("X-Hub-Signature-256", SIGNATURE), SETTINGS(), BODY, now),
                         CHANNEL_GENUINE);
        assert_int_equal(
                fixture_verify(&fixture, SETTINGS("X-Hub-Signature-256", SIGNATURE), SETTINGS(), BODY " ", now),
                CHANNEL_FORGED);
        assert_int_equal(fixture_verify(&fixture, SETTINGS(), SETTINGS(), BODY, now), CHANNEL_UNSIGNED);
        events = fixture_read(&fixture, BODY);
        assert_string_equal(events.items[0].text, "Oi 😀");
}

static void the_question_whose_address_this_is_gets_its_answer(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_BUFFER struct buffer answer = {0};

        make(&fixture);
        assert_int_equal(fixture_challenge(&fixture,
                                           SETTINGS("hub.mode", "subscribe", "hub.challenge", "1158201444",
                                                    "hub.verify_token", "FAKE_VERIFY_TOKEN"),
                                           &answer),
                         0);
        assert_string_equal(buffer_text(&answer), "1158201444");
}

static void a_question_with_another_token_or_none_gets_no_answer(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_BUFFER struct buffer answer = {0};

        make(&fixture);
        assert_int_equal(
                fixture_challenge(&fixture,
                                  SETTINGS("hub.mode", "subscribe", "hub.challenge", "1", "hub.verify_token", "guess"),
                                  &answer),
                2);
        assert_int_equal(fixture_challenge(&fixture, SETTINGS("hub.mode", "subscribe", "hub.challenge", "1"), &answer),
                         2);
        assert_int_equal(fixture_challenge(&fixture, SETTINGS(), &answer), 1);
        assert_int_equal(fixture_challenge(&fixture,
                                           SETTINGS("hub.mode", "subscribe", "hub.challenge", "<script>",
                                                    "hub.verify_token", "FAKE_VERIFY_TOKEN"),
                                           &answer),
                         1);
        assert_int_equal(answer.len, 0);
}

static void a_channel_without_the_app_secret_is_refused(void **state) {
        fixture_assert_refused("whatsapp", SETTINGS("phone_number_id", "1", "token", "t", "verify_token", "v"),
                               "a whatsapp channel needs secret (the app secret, which signs webhooks)");
        fixture_assert_refused("whatsapp", SETTINGS(WHATSAPP, "user_id_field", "too"),
                               "user_id_field: must be one of recipient and to");
}

/* -- the reply ----------------------------------------------------------------------------------------------------- */

static void assert_body(const char *const *settings, const char *thread, const char *address) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call post = {0};
        CLEANUP_FREE char *expected =
                memory_print("{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"type\":\"text\","
                             "\"text\":{\"body\":\"Oi\","
                             "\"preview_url\":false},\"biz_opaque_callback_data\":\"lull:01H:0\",%s}",
                             address);
        struct channel_reply reply = {thread, "15550100101", "acme", "01H", 0, bytes_of("Oi")};
        char *error = NULL;

        fixture_init(&fixture, "whatsapp", settings);
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &post, &error), 0);
        assert_string_equal(post.body, expected);
        assert_string_equal(fixture_header(&post, "Authorization"), "Bearer the token");
        assert_string_equal(post.url, "https://graph.facebook.com/v26.0/106540352242922/messages");
}

static void a_phone_number_and_a_user_id_go_into_fields_of_their_own(void **state) {
        assert_body(SETTINGS(WHATSAPP), "15550100101", "\"to\":\"15550100101\"");
        assert_body(SETTINGS(WHATSAPP), "BR.10000000000000101", "\"recipient\":\"BR.10000000000000101\"");
        assert_body(SETTINGS(WHATSAPP, "user_id_field", "to"), "BR.10000000000000101",
                    "\"to\":\"BR.10000000000000101\"");
}

static void a_reply_is_as_long_as_whatsapp_takes_it(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP(channel_call_done) struct channel_call call = {0};
        CLEANUP_FREE char *error = NULL;
        struct channel_reply reply = {"15550100101", NULL, "acme", "01H", 0};

        make(&fixture);
        for (int i = 0; i < 4096; i++)
                buffer_push_text(&text, "é");
        reply.text = buffer_bytes(&text);
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &call, &error), 0);
        channel_call_done(&call);
        buffer_push_text(&text, "!");
        reply.text = buffer_bytes(&text);
        assert_int_equal(channel_post_encode(fixture.channel, &reply, now, &call, &error), -EINVAL);
        assert_string_equal(error, "it has 4097 characters, and a whatsapp channel takes 4096: let the handler say "
                                   "less, or say it in several replies");
}

static void assert_outcome(long status, long code, enum channel_posted outcome) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_FREE char *body =
                memory_print("{\"error\":{\"message\":\"(#%ld) no\",\"code\":%ld,\"error_data\":{\"details\":"
                             "\"why not\"}}}",
                             code, code);
        char why[LIMIT_WHY_LEN];

        make(&fixture);
        assert_int_equal(channel_post_outcome(fixture.channel, status, bytes_of(body), why), outcome);
        assert_non_null(strstr(why, "why not"));
}

static void an_error_code_says_more_than_the_status(void **state) {
        assert_outcome(400, 131056, CHANNEL_POST_AGAIN);
        assert_outcome(400, 130429, CHANNEL_POST_AGAIN);
        assert_outcome(500, 131047, CHANNEL_POST_NEVER);
        assert_outcome(401, 190, CHANNEL_POST_NEVER);
        assert_outcome(400, 7, CHANNEL_POST_NEVER);
        assert_outcome(503, 7, CHANNEL_POST_AGAIN);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_is_read_whole),
                cmocka_unit_test(every_kind_has_its_text),
                cmocka_unit_test(a_user_without_a_phone_number_has_a_thread_all_the_same),
                cmocka_unit_test(all_messages_of_a_delivery_are_read_in_order),
                cmocka_unit_test(statuses_are_ignored),
                cmocka_unit_test(a_status_says_that_a_reply_of_ours_is_there),
                cmocka_unit_test(a_thread_has_only_the_names_that_its_message_says),
                cmocka_unit_test(an_answer_in_the_app_is_a_person_s),
                cmocka_unit_test(what_needs_no_answer_is_ignored_with_its_reason),
                cmocka_unit_test(more_than_one_frame_holds_is_refused),
                cmocka_unit_test(titles_and_captions_are_texts),
                cmocka_unit_test(the_signature_is_over_the_bytes_that_were_sent),
                cmocka_unit_test(the_question_whose_address_this_is_gets_its_answer),
                cmocka_unit_test(a_question_with_another_token_or_none_gets_no_answer),
                cmocka_unit_test(a_channel_without_the_app_secret_is_refused),
                cmocka_unit_test(a_phone_number_and_a_user_id_go_into_fields_of_their_own),
                cmocka_unit_test(a_reply_is_as_long_as_whatsapp_takes_it),
                cmocka_unit_test(an_error_code_says_more_than_the_status),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
