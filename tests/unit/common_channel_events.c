#include "tests/unit/common_channel.h"

/* What is no message, in the words of each platform: who types, who has taken over, what was edited or taken back. The
 * tables of tests/e2e/golden have it all; here is what can go wrong in it. */

#define CHATWOOT "url", "https://chat.example.com", "account", "2", "token", "t", "unsigned", "true"
#define ZAPI "instance", "I1", "token", "t", "unsigned", "true"
#define EVOLUTION "url", "https://evolution.example.com", "instance", "inst-teste", "apikey", "k", "unsigned", "true"
#define TELEGRAM "token", "1:t", "unsigned", "true"
#define SLACK "token", "t", "signing_secret", "s"
#define TWILIO                                                                                                         \
        "account_sid", "AC00000000000000000000000000000001", "auth_token", "t", "public_url",                          \
                "https://lull.example.com/hooks/a/b"

/* One event, of thread 4. */
static void assert_event(const struct fixture *fixture, const char *body, enum wire_what what, const char *why) {
        CLEANUP(channel_events_done) struct channel_events events = fixture_read(fixture, body);

        assert_int_equal(events.n, 1);
        assert_false(events.items[0].is_ignored);
        assert_int_equal(events.items[0].what, what);
        assert_string_equal(events.items[0].thread, "4");
        if (why)
                assert_string_equal(events.items[0].why, why);
        else
                assert_null(events.items[0].why);
}

static void a_status_says_who_answers_from_now_on(void **state) {
        static const struct {
                const char *status, *before;
                enum wire_what what;
                const char *why;
        } cases[] = {
                {"resolved", "open", WIRE_WHAT_CLOSED, "the conversation is resolved"},
                {"snoozed", "pending", WIRE_WHAT_CLOSED, "the conversation is snoozed"},
                {"pending", "open", WIRE_WHAT_RESUME, NULL},
                {"open", "resolved", WIRE_WHAT_RESUME, NULL},
                {"open", "pending", WIRE_WHAT_PERSON, "the conversation was handed to the team"},
        };
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP_FREE char *body = memory_print(
                        "{\"event\":\"conversation_status_changed\",\"id\":4,\"status\":\"%s\",\"changed_attributes\":["
                        "{\"updated_at\":{\"previous_value\":\"pending\"}},{\"status\":{\"previous_value\":\"%s\"}}]}",
                        cases[i].status, cases[i].before);

                assert_event(&fixture, body, cases[i].what, cases[i].why);
        }
}

#define ASSIGNED(WHO)                                                                                                  \
        "{\"event\":\"conversation_updated\",\"id\":4,\"meta\":{\"assignee\":{\"name\":\"Ana\"}},"                     \
        "\"changed_attributes\":[{\"assignee_id\":{\"previous_value\":1,\"current_value\":" WHO "}}]}"

static void an_assignment_holds_the_thread_unless_it_is_to_be_ignored(void **state) {
        CLEANUP_FIXTURE struct fixture holds;
        CLEANUP_FIXTURE struct fixture ignores;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&holds, "chatwoot", SETTINGS(CHATWOOT));
        assert_event(&holds, ASSIGNED("2"), WIRE_WHAT_PERSON, "assigned to Ana");
        assert_event(&holds, ASSIGNED("null"), WIRE_WHAT_RESUME, NULL);
        fixture_init(&ignores, "chatwoot", SETTINGS(CHATWOOT, "assignment", "ignore"));
        events = fixture_read(&ignores, ASSIGNED("2"));
        fixture_assert_ignored(&events.items[0], "an assignment");
}

static void a_reply_by_a_person_has_its_words_so_that_ours_can_be_told_from_it(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        events = fixture_read_payload(&fixture, "message_created_outgoing_human_agent");
        assert_int_equal(events.items[0].what, WIRE_WHAT_PERSON);
        assert_string_equal(events.items[0].text, "Deixa comigo, eu respondo.");
        assert_string_equal(events.items[0].why, "Agente Teste has answered");
}

static void our_own_reply_is_shown(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        events = fixture_read_payload(&fixture, "message_created_outgoing_lull");
        assert_int_equal(events.items[0].what, WIRE_WHAT_SHOWN);
        assert_string_equal(events.items[0].id, "01K9FAKEBATCH0000000000001");
        assert_int_equal(events.items[0].number, 0);
}

/* Chatwoot writes into a message that was taken back that it was. */
static void what_was_taken_back_leaves_no_words(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        events = fixture_read_payload(&fixture, "message_updated_deleted");
        assert_int_equal(events.items[0].what, WIRE_WHAT_DELETE);
        assert_string_equal(events.items[0].id, "2-429");
        assert_null(events.items[0].text);
        assert_null(events.items[0].data);
}

/* An audio that nobody has transcribed yet has an empty transcription. */
static void a_change_without_words_is_no_edit(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        events = fixture_read(&fixture, "{\"event\":\"message_updated\",\"id\":1,\"account\":{\"id\":2},"
                                        "\"message_type\":\"incoming\",\"conversation\":{\"id\":4},\"content\":null,"
                                        "\"attachments\":[{\"file_type\":\"audio\",\"transcribed_text\":\"\"}]}");
        fixture_assert_ignored(&events.items[0], "a change of a message that brings no text");
}

/* -- Z-API --------------------------------------------------------------------------------------------------------- */

/* The content has the same id: it must not find it taken. */
static void a_message_that_waits_for_its_content_takes_no_id(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events waiting = {0};
        CLEANUP(channel_events_done) struct channel_events content = {0};

        fixture_init(&fixture, "zapi",
                     SETTINGS("instance", "FAKEINSTANCE00000000000000000001", "token", "t", "unsigned", "true"));
        waiting = fixture_read_payload(&fixture, "received_waiting_message");
        content = fixture_read_payload(&fixture, "received_content_after_waiting");
        fixture_assert_ignored(&waiting.items[0], "a message whose content has not come yet");
        assert_null(waiting.items[0].id);
        assert_int_equal(content.items[0].what, WIRE_WHAT_MESSAGE);
        assert_string_equal(content.items[0].text, "Chegou agora");
}

/* Whoever wrote in it, a group is one thread, and its members' names are none of its names. */
static void a_group_has_no_other_name(void **state) {
        static const char *const bodies[][3] = {
                {"zapi",
                 "{\"type\":\"ReceivedCallback\",\"isGroup\":true,\"phone\":\"1-group\",\"chatLid\":\"9@lid\","
                 "\"participantPhone\":\"1555\",\"instanceId\":\"I1\",\"messageId\":\"M\",\"text\":{\"message\":\"Oi\"}"
                 "}",
                 "1-group"},
                {"evolution",
                 "{\"event\":\"messages.upsert\",\"instance\":\"inst-teste\",\"data\":{\"key\":{\"id\":\"M\","
                 "\"remoteJid\":\"1@g.us\",\"remoteJidAlt\":\"1555@s.whatsapp.net\",\"participant\":\"9@lid\","
                 "\"participantAlt\":\"1555@s.whatsapp.net\"},\"message\":{\"conversation\":\"Oi\"}}}",
                 "1@g.us"},
        };

        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
                CLEANUP_FIXTURE struct fixture fixture;
                CLEANUP(channel_events_done) struct channel_events events = {0};

                if (i == 0)
                        fixture_init(&fixture, bodies[i][0], SETTINGS(ZAPI));
                else
                        fixture_init(&fixture, bodies[i][0], SETTINGS(EVOLUTION));
                events = fixture_read(&fixture, bodies[i][1]);
                assert_int_equal(events.n, 1);
                assert_string_equal(events.items[0].thread, bodies[i][2]);
                assert_string_equal(events.items[0].to, bodies[i][2]);
                assert_int_equal(events.items[0].n_aliases, 0);
        }
}

/* -- Evolution ----------------------------------------------------------------------------------------------------- */

/* It can be megabytes: the message would be refused for its size. */
static void a_medium_in_the_body_is_not_handed_on(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "evolution", SETTINGS(EVOLUTION));
        events = fixture_read_payload(&fixture, "messages_upsert_audio");
        assert_string_equal(events.items[0].kind, "audio");
        assert_null(strstr(events.items[0].data, "base64"));
        assert_null(strstr(events.items[0].data, "T2dn"));
}

static void an_event_without_data_is_ignored(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "evolution", SETTINGS(EVOLUTION));
        events = fixture_read(&fixture, "{\"event\":\"logout.instance\",\"instance\":\"inst-teste\"}");
        assert_int_equal(events.n, 1);
        fixture_assert_ignored(&events.items[0], "event logout.instance, which is no message");
}

static void an_edit_comes_in_two_ways(void **state) {
        static const char *const bodies[] = {
                "{\"event\":\"messages.edited\",\"instance\":\"inst-teste\",\"data\":{\"key\":{\"id\":\"M\","
                "\"remoteJid\":"
                "\"1@s.whatsapp.net\"},\"type\":14,\"editedMessage\":{\"conversation\":\"Oi!\"}}}",
                "{\"event\":\"messages.update\",\"instance\":\"inst-teste\",\"data\":{\"keyId\":\"M\",\"remoteJid\":"
                "\"1@s.whatsapp.net\",\"status\":\"SERVER_ACK\",\"message\":{\"editedMessage\":{\"message\":{"
                "\"conversation\":"
                "\"Oi!\"}}}}}",
        };
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "evolution", SETTINGS(EVOLUTION));
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, bodies[i]);

                assert_int_equal(events.n, 1);
                assert_int_equal(events.items[0].what, WIRE_WHAT_EDIT);
                assert_string_equal(events.items[0].id, "inst-teste-M");
                assert_string_equal(events.items[0].text, "Oi!");
        }
}

/* -- Telegram ------------------------------------------------------------------------------------------------------ */

/* Two bots of one tenant both have a private chat with the user's id, and a message 42 in it. */
static void the_chats_of_two_bots_are_two(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events text = {0};
        CLEANUP(channel_events_done) struct channel_events topic = {0};

        fixture_init(&fixture, "telegram", SETTINGS(TELEGRAM, "bot", "7"));
        text = fixture_read_payload(&fixture, "message_text");
        topic = fixture_read_payload(&fixture, "message_topic");
        assert_string_equal(text.items[0].thread, "7:100000101");
        assert_string_equal(text.items[0].id, "7:100000101-42");
        assert_string_equal(text.items[0].to, "{\"chat\":\"100000101\"}");
        assert_string_equal(topic.items[0].thread, "7:-1001234567890123/7");
}

static void the_owner_of_a_business_chat_takes_it_over(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "telegram", SETTINGS(TELEGRAM));
        events = fixture_read(&fixture,
                              "{\"update_id\":1,\"business_message\":{\"business_connection_id\":\"B\","
                              "\"message_id\":1,\"from\":{\"id\":5,\"first_name\":\"Bia\"},\"chat\":{\"id\":4},"
                              "\"text\":\"Deixa comigo\"}}");
        assert_int_equal(events.items[0].what, WIRE_WHAT_PERSON);
        assert_string_equal(events.items[0].thread, "B:4");
        assert_string_equal(events.items[0].why, "Bia has answered");
}

/* -- Slack and Twilio ---------------------------------------------------------------------------------------------- */

/* A message was no thread's when it came; since somebody answered it, it names one: itself. */
static void the_first_message_of_a_thread_is_edited_where_it_was(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        fixture_init(&fixture, "slack", SETTINGS(SLACK));
        events = fixture_read(&fixture,
                              "{\"type\":\"event_callback\",\"team_id\":\"T\",\"event\":{\"type\":\"message\","
                              "\"subtype\":\"message_changed\",\"channel\":\"C\",\"message\":{\"ts\":\"1.1\","
                              "\"thread_ts\":\"1.1\",\"text\":\"Oi!\",\"user\":\"U\",\"edited\":{\"ts\":\"2.0\"}}}}");
        assert_int_equal(events.items[0].what, WIRE_WHAT_EDIT);
        assert_string_equal(events.items[0].thread, "T-C");
        assert_string_equal(events.items[0].id, "T-C-1.1");
        assert_string_equal(events.items[0].to, "{\"channel\":\"C\"}");
}

/* Their answer is empty, so that the reason stands nowhere else. */
static void what_a_form_says_is_ignored_with_its_reason(void **state) {
        static const char *const cases[][2] = {
                {"AccountSid=AC9&MessageSid=SM1&From=1&Body=Oi", "a message of another account"},
                {"AccountSid=AC00000000000000000000000000000001&MessageSid=SM1&From=1&Body=STOP&OptOutType=STOP",
                 "the word STOP, which Twilio has answered"},
                {"AccountSid=AC00000000000000000000000000000001&MessageSid=SM1&MessageStatus=delivered",
                 "status delivered of a message"},
        };
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "twilio", SETTINGS(TWILIO));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, cases[i][0]);

                assert_int_equal(events.n, 1);
                fixture_assert_ignored(&events.items[0], cases[i][1]);
        }
}

static void a_group_that_two_bots_are_in_keeps_two_names_when_its_id_changes(void **state) {
        static const char body[] = "{\"update_id\":1,\"message\":{\"message_id\":2,\"chat\":{\"id\":-5},"
                                   "\"migrate_to_chat_id\":-1005}}";
        CLEANUP_FIXTURE struct fixture one, named;
        CLEANUP(channel_events_done) struct channel_events alone = {0}, events = {0};

        fixture_init(&one, "telegram", SETTINGS(TELEGRAM));
        alone = fixture_read(&one, body);
        assert_string_equal(alone.items[0].thread, "-5");
        assert_int_equal(alone.items[0].n_aliases, 1);
        assert_string_equal(alone.items[0].aliases[0], "-1005");
        fixture_init(&named, "telegram", SETTINGS(TELEGRAM, "bot", "7"));
        events = fixture_read(&named, body);
        assert_string_equal(events.items[0].thread, "7:-5");
        assert_int_equal(events.items[0].n_aliases, 1);
        assert_string_equal(events.items[0].aliases[0], "7:-1005");
}

static void whoever_is_answered_on_the_phone_is_not_called_by_our_own_number(void **state) {
        static const char *const bodies[] = {
                "{\"event\":\"messages.upsert\",\"instance\":\"inst-teste\",\"sender\":\"9@s.whatsapp.net\",\"data\":{"
                "\"key\":"
                "{\"remoteJid\":\"4\",\"remoteJidAlt\":\"9@s.whatsapp.net\",\"fromMe\":true,\"id\":\"A\"},\"message\":{"
                "\"x\":1}}}",
                "{\"event\":\"messages.upsert\",\"instance\":\"inst-teste\",\"sender\":\"9\",\"data\":{\"key\":"
                "{\"remoteJid\":\"4\",\"remoteJidAlt\":\"9\",\"fromMe\":false,\"id\":\"A\"},\"message\":{\"x\":1}}}",
        };
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "evolution", SETTINGS(EVOLUTION));
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
                CLEANUP(channel_events_done) struct channel_events events = fixture_read(&fixture, bodies[i]);

                assert_int_equal(events.n, 1);
                assert_string_equal(events.items[0].thread, "4");
                assert_int_equal(events.items[0].n_aliases, 0);
                assert_string_equal(events.items[0].to, "4");
        }
}

/* The rule that looks at the most values, and as many messages as there may be. */
static void as_many_messages_as_there_may_be_are_not_too_much_work(void **state) {
        static const char message[] =
                "{\"key\":{\"remoteJid\":\"100000000000101@lid\",\"fromMe\":false,\"id\":\"AC9103D165AE397609A6\"},"
                "\"pushName\":\"Ana Teste\",\"message\":{\"unknownMessage\":{}},\"messageType\":\"unknownMessage\","
                "\"messageTimestamp\":1785100386,\"contextInfo\":{\"a\":{\"b\":\"cccccccccccccccccccccccc\"}}}";
        CLEANUP_FREE char *body =
                fixture_repeat("{\"event\":\"messages.upsert\",\"instance\":\"inst-teste\",\"data\":[", message,
                               LIMIT_FRAME_MESSAGES, "]}");
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "evolution", SETTINGS(EVOLUTION));
        events = fixture_read(&fixture, body);
        assert_int_equal(events.n, LIMIT_FRAME_MESSAGES);
        assert_false(events.items[LIMIT_FRAME_MESSAGES - 1].is_ignored);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_status_says_who_answers_from_now_on),
                cmocka_unit_test(an_assignment_holds_the_thread_unless_it_is_to_be_ignored),
                cmocka_unit_test(a_reply_by_a_person_has_its_words_so_that_ours_can_be_told_from_it),
                cmocka_unit_test(our_own_reply_is_shown),
                cmocka_unit_test(what_was_taken_back_leaves_no_words),
                cmocka_unit_test(a_change_without_words_is_no_edit),
                cmocka_unit_test(a_message_that_waits_for_its_content_takes_no_id),
                cmocka_unit_test(a_group_has_no_other_name),
                cmocka_unit_test(a_medium_in_the_body_is_not_handed_on),
                cmocka_unit_test(an_event_without_data_is_ignored),
                cmocka_unit_test(an_edit_comes_in_two_ways),
                cmocka_unit_test(the_chats_of_two_bots_are_two),
                cmocka_unit_test(the_owner_of_a_business_chat_takes_it_over),
                cmocka_unit_test(the_first_message_of_a_thread_is_edited_where_it_was),
                cmocka_unit_test(what_a_form_says_is_ignored_with_its_reason),
                cmocka_unit_test(a_group_that_two_bots_are_in_keeps_two_names_when_its_id_changes),
                cmocka_unit_test(whoever_is_answered_on_the_phone_is_not_called_by_our_own_number),
                cmocka_unit_test(as_many_messages_as_there_may_be_are_not_too_much_work),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
