#include "tests/unit/unit.h"

#include "common/item.h"
#include "common/item_at.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

enum { BODY_LEN_MAX = 1000 };

static struct item decode(const char *text) {
        struct item_fault fault = {0};
        struct item item;

        if (item_decode_line(bytes_of(text), 1, &item, &fault) != 0)
                fail_msg("%s: %s", fault.code, fault.why);
        return item;
}

static void assert_fault(int r, struct item_fault fault, const char *code, const char *part) {
        assert_int_equal(r, -EBADMSG);
        assert_string_equal(fault.code, code);
        if (!strstr(fault.why, part))
                fail_msg("'%s' does not say '%s'", fault.why, part);
        free(fault.why);
}

static void assert_refused(const char *text, const char *code, const char *part) {
        struct item_fault fault = {0};
        struct item item;
        int r = item_decode_line(bytes_of(text), 7, &item, &fault);

        assert_fault(r, fault, code, part);
}

static void assert_unchecked(const char *text, const char *code, const char *part) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct item_fault fault = {0};
        struct item item = decode(text);
        struct wire_message message = item_to_message(&item, &body);
        int r = item_check(&message, BODY_LEN_MAX, &fault);

        assert_fault(r, fault, code, part);
        item_done(&item);
}

static void every_key_finds_its_place(void **state) {
        struct item item = decode(
                "{\"tenant\":\"acme\",\"thread\":\"5511\",\"id\":\"m1\",\"channel\":\"support\",\"text\":\"Olá\","
                "\"data\":{\"a\":[1, null]},\"from\":\"ana\",\"kind\":\"image\",\"at\":1795255200123}");

        assert_true(bytes_is_text(item.tenant, "acme"));
        assert_true(bytes_is_text(item.thread, "5511"));
        assert_true(bytes_is_text(item.id, "m1"));
        assert_true(bytes_is_text(item.channel, "support"));
        assert_true(bytes_is_text(item.body.text, "Olá"));
        assert_true(bytes_is_text(item.body.data, "{\"a\":[1,null]}"));
        assert_true(bytes_is_text(item.body.from, "ana"));
        assert_true(bytes_is_text(item.body.kind, "image"));
        assert_int_equal(item.body.at.ms, 1795255200123);
        item_done(&item);
}

static void what_is_null_was_not_said(void **state) {
        struct item item = decode("{\"tenant\":\"a\",\"thread\":\"b\",\"id\":null,\"data\":null,\"at\":null}");

        assert_int_equal(item.id.len, 0);
        assert_int_equal(item.body.data.len, 0);
        assert_int_equal(item.body.at.ms, 0);
        item_done(&item);
}

static void a_message_comes_out_as_the_broker_reads_it(void **state) {
        CLEANUP_BUFFER struct buffer bytes = {0};
        struct item_fault fault = {0};
        struct wire_message message;
        struct wire_body body;
        struct item item = decode("{\"tenant\":\"a\",\"thread\":\"b\",\"text\":\"Oi\"}");

        message = item_to_message(&item, &bytes);
        assert_int_equal(item_check(&message, BODY_LEN_MAX, &fault), 0);
        assert_int_equal(wire_decode_body(message.body, &body), 0);
        assert_true(bytes_is_text(body.text, "Oi"));
        assert_int_equal(body.kind.len, 0);
        item_done(&item);
}

static void a_reply_may_go_elsewhere_and_a_medium_be_named(void **state) {
        struct item item = decode("{\"tenant\":\"a\",\"thread\":\"b\",\"url\":\"https://m/1\","
                                  "\"to\":{\"chat\":\"-100\", \"topic\":\"42\"},\"aliases\":[\"5511\",\"br.1\"]}");

        assert_true(bytes_is_text(item.body.url, "https://m/1"));
        assert_true(bytes_is_text(item.body.to, "{\"chat\":\"-100\",\"topic\":\"42\"}"));
        assert_int_equal(item.n_aliases, 2);
        assert_true(bytes_is_text(item.aliases[1], "br.1"));
        assert_int_equal(item.what, WIRE_WHAT_MESSAGE);
        item_done(&item);

        item = decode("{\"tenant\":\"a\",\"thread\":\"b\",\"to\":\"5511\",\"what\":\"message\"}");
        assert_true(bytes_is_text(item.body.to, "5511"));
        item_done(&item);
}

static void events_have_what_they_need(void **state) {
        static const struct {
                const char *more;
                enum wire_what what;
        } table[] = {
                {"\"what\":\"typing\"", WIRE_WHAT_TYPING},
                {"\"what\":\"paused\",\"at\":1795255200123", WIRE_WHAT_PAUSED},
                {"\"what\":\"person\",\"text\":\"Sou a Bia\"", WIRE_WHAT_PERSON},
                {"\"what\":\"closed\"", WIRE_WHAT_CLOSED},
                {"\"what\":\"resume\"", WIRE_WHAT_RESUME},
                {"\"what\":\"edit\",\"id\":\"m1\",\"text\":\"Oi!\"", WIRE_WHAT_EDIT},
                {"\"what\":\"delete\",\"id\":\"m1\"", WIRE_WHAT_DELETE},
                {"\"what\":\"alias\",\"aliases\":[\"c\"]", WIRE_WHAT_ALIAS},
                {"\"what\":null", WIRE_WHAT_MESSAGE},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                CLEANUP_FREE char *text = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",%s}", table[i].more);
                CLEANUP_BUFFER struct buffer body = {0};
                struct item item = decode(text);
                struct wire_message message = item_to_message(&item, &body);

                assert_int_equal(message.what, table[i].what);
                assert_int_equal(message.n_aliases, item.n_aliases);
                item_done(&item);
        }
}

static void a_message_that_is_taken_back_is_of_that_kind_and_says_nothing(void **state) {
        struct item item = decode("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"delete\",\"id\":\"m1\"}");

        assert_true(bytes_is_text(item.body.kind, "deleted"));
        item_done(&item);
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"delete\",\"id\":\"m\",\"text\":\"x\"}",
                       "bad_message", "a delete takes no text");
}

static void what_an_event_lacks_is_named(void **state) {
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"edit\",\"text\":\"x\"}", "bad_id",
                       "which message the edit is of");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"delete\"}", "bad_id",
                       "which message the delete is of");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"alias\"}", "bad_message", "aliases is missing");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":\"shown\",\"id\":\"m\"}", "bad_message",
                       "what must be one of message, typing");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"what\":1}", "bad_message", "what must be one of");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"aliases\":\"c\"}", "bad_message",
                       "a list of at most 4 names");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"aliases\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", "bad_message",
                       "a list of at most 4 names");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"aliases\":[5511]}", "bad_message",
                       "each of the aliases must be a string");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"to\":{\"chat\":-100}}", "bad_message",
                       "nor an object of texts");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"to\":{}}", "bad_message", "nor an object of texts");
}

static void names_and_addresses_have_their_limits(void **state) {
        CLEANUP_FREE char *alias = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",\"aliases\":[\"%0300d\"]}", 1);
        CLEANUP_FREE char *to = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",\"to\":\"%01025d\"}", 1);
        CLEANUP_FREE char *url = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",\"url\":\"%04097d\"}", 1);

        assert_refused(alias, "bad_thread", "each of the aliases must have at most 256 bytes");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"aliases\":[\"\\u0007\"]}", "bad_thread",
                       "control characters");
        assert_refused(to, "bad_message", "to is longer than 1024 bytes");
        assert_refused(url, "bad_message", "url is longer than 4096 bytes");
}

static void an_unknown_key_is_refused_by_its_name(void **state) {
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"txt\":\"Oi\"}", "bad_message",
                       "line 7: unknown key \"txt\"");
}

static void broken_json_is_refused_with_line_and_column(void **state) {
        assert_refused("{\"tenant\":\"a\",,}", "bad_json", "line 7, column 15: ");
        assert_refused("", "bad_json", "line 7: ");
}

static void what_is_missing_or_of_another_type_is_named(void **state) {
        assert_refused("{\"thread\":\"b\"}", "bad_message", "tenant is missing");
        assert_refused("{\"tenant\":\"a\"}", "bad_thread", "thread is missing");
        assert_refused("{\"tenant\":\"a\",\"thread\":5511}", "bad_message", "thread must be a string");
        assert_refused("[]", "bad_message", "a message is a JSON object");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"at\":\"yesterday\"}", "bad_message", "at is neither");
        assert_refused("{\"tenant\":\"a\",\"thread\":\"b\",\"at\":1795255200}", "bad_message", "at is neither");
}

static void names_the_broker_could_not_take_are_refused(void **state) {
        CLEANUP_FREE char *thread = memory_print("{\"tenant\":\"a\",\"thread\":\"%0300d\"}", 1);
        CLEANUP_FREE char *id = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",\"id\":\"%0300d\"}", 1);
        CLEANUP_FREE char *tenant = memory_print("{\"tenant\":\"%0300d\",\"thread\":\"b\"}", 1);

        assert_unchecked(thread, "bad_thread", "1 to 256 bytes");
        assert_unchecked("{\"tenant\":\"a\",\"thread\":\"b\\nc\"}", "bad_thread", "control characters");
        assert_unchecked(id, "bad_id", "at most 256 bytes");
        assert_unchecked(tenant, "unknown_tenant", "no tenant");
        assert_unchecked("{\"tenant\":\"a\",\"thread\":\"b\",\"channel\":\"\\u0007\"}", "unknown_channel",
                         "no channel");
}

static void a_message_that_is_too_large_is_refused_with_its_size(void **state) {
        CLEANUP_FREE char *text = memory_print("{\"tenant\":\"a\",\"thread\":\"b\",\"text\":\"%01200d\"}", 1);

        assert_unchecked(text, "too_large", "limits.message_bytes allows 1000");
}

/* -- at ------------------------------------------------------------------------------------------------------------ */

static void assert_at(const char *text, int64_t expected_ms) {
        struct wall at = {-1};

        assert_int_equal(item_at_of_text(bytes_of(text), &at), 0);
        assert_int_equal(at.ms, expected_ms);
}

static void assert_not_at(const char *text) {
        struct wall at = {-1};

        if (item_at_of_text(bytes_of(text), &at) == 0)
                fail_msg("'%s' was taken for a time", text);
        assert_int_equal(at.ms, -1);
}

static void a_time_in_any_zone_is_read(void **state) {
        assert_at("2026-11-21T10:00:00Z", 1795255200000);
        assert_at("2026-11-21T10:00:00.123Z", 1795255200123);
        assert_at("2026-11-21t10:00:00.1239999z", 1795255200123);
        assert_at("2026-11-21 07:00:00.5-03:00", 1795255200500);
        assert_at("2026-11-21T15:30:00+05:30", 1795255200000);
        assert_at("2024-02-29T00:00:00Z", 1709164800000);
        assert_at("2023-12-31T23:59:60Z", 1704067200000);
        assert_at("2000-03-01T00:00:00Z", 951868800000);
}

static void what_is_no_time_is_refused(void **state) {
        static const char *const texts[] = {
                "",
                "2026-11-21",
                "2026-11-21T10:00:00",
                "2026-11-21T10:00Z",
                "2026-13-21T10:00:00Z",
                "2026-02-29T10:00:00Z",
                "2026-11-21T24:00:00Z",
                "2026-11-21T10:00:00.Z",
                "2026-11-21T10:00:00Zx",
                "2026-11-21T10:00:00+0100",
                "2026-11-21T10:00:00+24:00",
                "0000-01-01T00:00:00Z",
                "1969-12-31T23:59:59Z",
                "99999-01-01T00:00:00Z",
                "+026-11-21T10:00:00Z",
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                assert_not_at(texts[i]);
}

static void seconds_are_not_taken_for_milliseconds(void **state) {
        struct wall at = {-1};

        assert_int_equal(item_at_of_number(1795255200, &at), -EBADMSG);
        assert_int_equal(item_at_of_number(1795255200000000, &at), -EBADMSG);
        assert_int_equal(item_at_of_number(-1, &at), -EBADMSG);
        assert_int_equal(item_at_of_number(1795255200000, &at), 0);
        assert_int_equal(at.ms, 1795255200000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_finds_its_place),
                cmocka_unit_test(what_is_null_was_not_said),
                cmocka_unit_test(a_message_comes_out_as_the_broker_reads_it),
                cmocka_unit_test(a_reply_may_go_elsewhere_and_a_medium_be_named),
                cmocka_unit_test(events_have_what_they_need),
                cmocka_unit_test(a_message_that_is_taken_back_is_of_that_kind_and_says_nothing),
                cmocka_unit_test(what_an_event_lacks_is_named),
                cmocka_unit_test(names_and_addresses_have_their_limits),
                cmocka_unit_test(an_unknown_key_is_refused_by_its_name),
                cmocka_unit_test(broken_json_is_refused_with_line_and_column),
                cmocka_unit_test(what_is_missing_or_of_another_type_is_named),
                cmocka_unit_test(names_the_broker_could_not_take_are_refused),
                cmocka_unit_test(a_message_that_is_too_large_is_refused_with_its_size),
                cmocka_unit_test(a_time_in_any_zone_is_read),
                cmocka_unit_test(what_is_no_time_is_refused),
                cmocka_unit_test(seconds_are_not_taken_for_milliseconds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
