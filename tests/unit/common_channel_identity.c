#include "tests/unit/common_channel.h"

/* What webhooks and their events are known by when a platform sends them again, and when the same thing happens a
 * second time: no id is that of a message, and an edit says when it was made. */

#define CHATWOOT "url", "https://chat.example.com", "account", "2", "token", "t", "unsigned", "true"
#define ZAPI "instance", "FAKEINSTANCE00000000000000000001", "token", "t", "unsigned", "true"
#define EVOLUTION "url", "https://evolution.example.com", "instance", "inst-teste", "apikey", "k", "unsigned", "true"
#define TELEGRAM "token", "1:t", "unsigned", "true"
#define SLACK "token", "t", "signing_secret", "s"
#define WHATSAPP "phone_number_id", "106540352242922", "token", "t", "secret", "s", "verify_token", "v"
#define TWILIO                                                                                                         \
        "account_sid", "AC00000000000000000000000000000001", "auth_token", "t", "public_url",                          \
                "https://lull.example.com/hooks/a/b"

/* The id of the one event of a body, which the caller frees; NULL when it has none. */
static char *id_of(const char *kind, const char *const *settings, const char *body, enum wire_what what) {
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, kind, settings);
        events = fixture_read(&fixture, body);
        assert_int_equal(events.n, 1);
        assert_false(events.items[0].is_ignored);
        assert_int_equal(events.items[0].what, what);
        return events.items[0].id ? memory_print("%s", events.items[0].id) : NULL;
}

static void assert_id(const char *kind, const char *const *settings, const char *body, enum wire_what what,
                      const char *id) {
        CLEANUP_FREE char *found = id_of(kind, settings, body, what);

        assert_string_equal(found ? found : "(none)", id);
}

/* -- events -------------------------------------------------------------------------------------------------------- */

/* A change of conversation 4. */
#define CHANGED(EVENT, MORE, AT)                                                                                       \
        "{\"event\":\"" EVENT "\",\"id\":4,\"updated_at\":" AT ",\"meta\":{\"assignee\":{\"name\":\"Ana\"}}," MORE "}"
#define STATUS(STATUS, BEFORE)                                                                                         \
        "\"status\":\"" STATUS "\",\"changed_attributes\":[{\"status\":{\"previous_value\":\"" BEFORE "\"}}]"
#define ASSIGNED(WHO) "\"changed_attributes\":[{\"assignee_id\":{\"current_value\":" WHO "}}]"

static void a_change_of_a_conversation_is_known_by_its_time(void **state) {
        static const struct {
                const char *body;
                enum wire_what what;
                const char *id;
        } cases[] = {
                {CHANGED("conversation_status_changed", STATUS("resolved", "open"), "1753659100.722044"),
                 WIRE_WHAT_CLOSED, "status-2-4-resolved-1753659100.722044"},
                {CHANGED("conversation_status_changed", STATUS("resolved", "open"), "1753659200.5"), WIRE_WHAT_CLOSED,
                 "status-2-4-resolved-1753659200.5"},
                {CHANGED("conversation_resolved", STATUS("resolved", "open"), "1753659200.5"), WIRE_WHAT_CLOSED,
                 "status-2-4-resolved-1753659200.5"},
                {CHANGED("conversation_status_changed", STATUS("pending", "open"), "1753659300"), WIRE_WHAT_RESUME,
                 "status-2-4-pending-1753659300"},
                {CHANGED("conversation_status_changed", STATUS("open", "pending"), "1753659300"), WIRE_WHAT_PERSON,
                 "status-2-4-open-1753659300"},
                {CHANGED("conversation_updated", ASSIGNED("7"), "1753659300"), WIRE_WHAT_PERSON,
                 "assignment-2-4-7-1753659300"},
                {CHANGED("conversation_updated", ASSIGNED("null"), "1753659300"), WIRE_WHAT_RESUME,
                 "assignment-2-4-none-1753659300"},
                {CHANGED("conversation_updated", ASSIGNED("7"), "null"), WIRE_WHAT_PERSON, "(none)"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_id("chatwoot", SETTINGS(CHATWOOT), cases[i].body, cases[i].what, cases[i].id);
}

static void the_reply_of_a_person_is_known_by_its_own_id(void **state) {
        assert_id("chatwoot", SETTINGS(CHATWOOT),
                  "{\"event\":\"message_created\",\"message_type\":\"outgoing\",\"id\":9,\"content\":\"Oi\","
                  "\"account\":{\"id\":2},\"sender\":{\"type\":\"user\"},\"conversation\":{\"id\":4}}",
                  WIRE_WHAT_PERSON, "person-2-9");
        assert_id("chatwoot", SETTINGS(CHATWOOT),
                  "{\"event\":\"message_created\",\"message_type\":\"incoming\",\"id\":9,\"content\":\"Oi\","
                  "\"account\":{\"id\":2},\"sender\":{\"id\":5},\"conversation\":{\"id\":4}}",
                  WIRE_WHAT_MESSAGE, "2-9");
        assert_id("zapi", SETTINGS(ZAPI),
                  "{\"type\":\"ReceivedCallback\",\"instanceId\":\"FAKEINSTANCE00000000000000000001\",\"fromMe\":true,"
                  "\"messageId\":\"M\",\"phone\":\"1\",\"text\":{\"message\":\"Oi\"}}",
                  WIRE_WHAT_PERSON, "person-FAKEINSTANCE00000000000000000001-M");
        assert_id(
                "evolution", SETTINGS(EVOLUTION),
                "{\"event\":\"messages.upsert\",\"instance\":\"inst-teste\",\"data\":{\"key\":{\"id\":\"M\",\"fromMe\":"
                "true,\"remoteJid\":\"1@s.whatsapp.net\"},\"message\":{\"conversation\":\"Oi\"}}}",
                WIRE_WHAT_PERSON, "person-inst-teste-M");
        assert_id("telegram", SETTINGS(TELEGRAM),
                  "{\"update_id\":1,\"business_message\":{\"business_connection_id\":\"B\",\"message_id\":1,"
                  "\"from\":{\"id\":5},\"chat\":{\"id\":4},\"text\":\"Deixa comigo\"}}",
                  WIRE_WHAT_PERSON, "person-B:4-1");
        assert_id("whatsapp", SETTINGS(WHATSAPP),
                  "{\"entry\":[{\"changes\":[{\"value\":{\"metadata\":{\"phone_number_id\":\"106540352242922\"},"
                  "\"message_echoes\":[{\"id\":\"wamid.A\",\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"Oi\"}}]}"
                  "}]}]}",
                  WIRE_WHAT_PERSON, "person-wamid.A");
}

static void two_names_for_one_are_known_by_the_message_that_says_so(void **state) {
        static const char migrated[] = "{\"update_id\":1,\"message\":{\"message_id\":2,\"chat\":{\"id\":-5},"
                                       "\"migrate_to_chat_id\":-1005}}";

        assert_id("telegram", SETTINGS(TELEGRAM), migrated, WIRE_WHAT_ALIAS, "alias--5-2");
        assert_id("telegram", SETTINGS(TELEGRAM, "bot", "7"), migrated, WIRE_WHAT_ALIAS, "alias-7:-5-2");
        assert_id("whatsapp", SETTINGS(WHATSAPP),
                  "{\"entry\":[{\"changes\":[{\"value\":{\"metadata\":{\"phone_number_id\":\"106540352242922\"},"
                  "\"messages\":[{\"id\":\"wamid.B\",\"from\":\"1\",\"type\":\"system\",\"system\":{\"type\":"
                  "\"user_changed_number\",\"wa_id\":\"2\"}}]}}]}]}",
                  WIRE_WHAT_ALIAS, "alias-wamid.B");
}

static void what_your_own_program_says_is_known_by_the_id_that_it_gives(void **state) {
        assert_id("generic", SETTINGS("unsigned", "true"), "{\"thread\":\"4\",\"what\":\"closed\",\"id\":\"c-1\"}",
                  WIRE_WHAT_CLOSED, "c-1");
        assert_id("generic", SETTINGS("unsigned", "true"), "{\"thread\":\"4\",\"what\":\"closed\"}", WIRE_WHAT_CLOSED,
                  "(none)");
}

/* -- times --------------------------------------------------------------------------------------------------------- */

static void assert_at(const char *kind, const char *const *settings, const char *payload, enum wire_what what,
                      int64_t at) {
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, kind, settings);
        events = fixture_read_payload(&fixture, payload);
        assert_int_equal(events.n, 1);
        assert_int_equal(events.items[0].what, what);
        assert_int_equal(events.items[0].at.ms, at);
}

/* By that an old edit is told from a new one, whichever comes last. */
static void an_edit_says_when_it_was_made(void **state) {
        assert_at("telegram", SETTINGS(TELEGRAM), "edited_message", WIRE_WHAT_EDIT, 1720710650000);
        assert_at("slack", SETTINGS(SLACK), "event_message_changed", WIRE_WHAT_EDIT, 1700000030000);
        assert_at("slack", SETTINGS(SLACK), "event_message_deleted", WIRE_WHAT_DELETE, 1700000040000);
        assert_at("evolution", SETTINGS(EVOLUTION), "messages_edited", WIRE_WHAT_EDIT, 1785100396000);
        assert_at("chatwoot", SETTINGS(CHATWOOT), "message_updated_edited", WIRE_WHAT_EDIT, 1753659002693);
        assert_at("chatwoot", SETTINGS(CHATWOOT), "conversation_status_changed_resolved", WIRE_WHAT_CLOSED,
                  1753659100722);
}

/* Of another message than the last of the conversation Chatwoot does not say it; when it was written is not when it was
 * edited. */
static void an_edit_whose_time_is_not_known_has_none(void **state) {
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "chatwoot", SETTINGS(CHATWOOT));
        events = fixture_read(&fixture,
                              "{\"event\":\"message_updated\",\"id\":1,\"account\":{\"id\":2},\"message_type\":"
                              "\"incoming\",\"content\":\"Oi!\",\"created_at\":\"2025-07-27T23:30:02.693Z\","
                              "\"conversation\":{\"id\":4,\"messages\":[{\"id\":2,\"updated_at\":"
                              "\"2025-07-27T23:31:02.693Z\"}]}}");
        assert_int_equal(events.items[0].what, WIRE_WHAT_EDIT);
        assert_int_equal(events.items[0].at.ms, 0);
}

/* -- Twilio signs no borders --------------------------------------------------------------------------------------- */

static void assert_form_is_refused(const char *form, const char *why) {
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "twilio", SETTINGS(TWILIO));
        events = fixture_read(&fixture, form);
        assert_int_equal(events.n, 1);
        fixture_assert_ignored(&events.items[0], why);
        assert_true(events.items[0].is_warning);
}

#define HONEST "AccountSid=AC00000000000000000000000000000001&Body=Oi&From=1&"

/* Each has the signature of the same message with another id, which nobody has seen yet. */
static void a_message_with_a_part_of_its_id_is_none(void **state) {
        static const char why[] = "a message whose MessageSid is none of Twilio's";

        assert_form_is_refused(HONEST "MessageSid=SM&00000000000000000000000000000001NumMedia0To2=", why);
        assert_form_is_refused(HONEST "MessageSid=SM00000000000000000000000000000001NumMedia0&To=2", why);
        assert_form_is_refused("AccountSid=AC00000000000000000000000000000001&Body=Oi&"
                               "From=1MessageSidSM00000000000000000000000000000001&To=2",
                               why);
        assert_form_is_refused(HONEST "MessageSid=XX00000000000000000000000000000001&To=2", why);
        assert_id("twilio", SETTINGS(TWILIO), HONEST "MessageSid=SM00000000000000000000000000000001&To=2",
                  WIRE_WHAT_MESSAGE, "SM00000000000000000000000000000001");
        assert_id("twilio", SETTINGS(TWILIO), HONEST "MessageSid=MM00000000000000000000000000000001&To=2",
                  WIRE_WHAT_MESSAGE, "MM00000000000000000000000000000001");
}

/* Its signature was made over a form: as JSON a text in it could say who has written. */
static void a_form_is_never_read_as_json(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "twilio", SETTINGS(TWILIO));
        fixture_assert_unreadable(&fixture,
                                  "{\"AccountSid\":\"AC00000000000000000000000000000001\",\"From\":\"1\","
                                  "\"MessageSid\":\"SM00000000000000000000000000000001\",\"Body\":\"Oi\"}",
                                  "there is no /AccountSid here");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_change_of_a_conversation_is_known_by_its_time),
                cmocka_unit_test(the_reply_of_a_person_is_known_by_its_own_id),
                cmocka_unit_test(two_names_for_one_are_known_by_the_message_that_says_so),
                cmocka_unit_test(what_your_own_program_says_is_known_by_the_id_that_it_gives),
                cmocka_unit_test(an_edit_says_when_it_was_made),
                cmocka_unit_test(an_edit_whose_time_is_not_known_has_none),
                cmocka_unit_test(a_message_with_a_part_of_its_id_is_none),
                cmocka_unit_test(a_form_is_never_read_as_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
