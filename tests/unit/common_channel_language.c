/* What channel files can say of a webhook: every key of `read`, every kind of value, every condition. */
#include "tests/unit/common_channel_file.h"

/* What a value makes of a body; NULL when it makes nothing. It is the kind, which may be the same for every message;
 * the last of the list says that there is none. The caller frees. */
static char *text_of(const char *value, const char *body) {
        CLEANUP_FREE char *rest = memory_print("read: [{thread: '{/nothing|token}', kind: [%s, (none)]}]\n", value);
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};
        const char *kind;

        file_init_open(&fixture, rest);
        events = fixture_read(&fixture.base, body);
        assert_int_equal(events.n, 1);
        kind = events.items[0].kind;
        return strcmp(kind, "(none)") == 0 ? NULL : memory_print("%s", kind);
}

static void assert_value(const char *value, const char *body, const char *text) {
        CLEANUP_FREE char *found = text_of(value, body);

        if (!text && found)
                fail_msg("%s is '%s', and not nothing", value, found);
        if (text && (!found || strcmp(text, found) != 0))
                fail_msg("%s is '%s', and not '%s'", value, found ? found : "(nothing)", text);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static void a_pointer_names_texts_numbers_and_words(void **state) {
        assert_value("/a", "{\"a\":\"x\"}", "x");
        assert_value("/a/1", "{\"a\":[5,-7]}", "-7");
        assert_value("/a", "{\"a\":true}", "true");
        assert_value("/a", "{\"a\":-1753659100.722044}", "-1753659100.722044");
        assert_value("/a", "{\"a\":\"\"}", NULL);
        assert_value("/a", "{\"a\":null}", NULL);
        assert_value("/a", "{\"a\":{}}", NULL);
        assert_value("/b", "{\"a\":1}", NULL);
        assert_value("'/a/*/b'", "{\"a\":[{},{\"b\":2},{\"b\":3}]}", "2");
        assert_value("'@spot'", "{\"chat\":{\"id\":9}}", "9");
        assert_value("'@nowhere'", "{\"chat\":{\"id\":9}}", NULL);
}

static void a_pattern_needs_all_its_parts(void **state) {
        assert_value("'{/a}-{/b}'", "{\"a\":1,\"b\":2}", "1-2");
        assert_value("'{/a}-{/b}'", "{\"a\":1}", NULL);
        assert_value("'{/a}-{/b|/c}'", "{\"a\":1,\"c\":3}", "1-3");
        assert_value("'{/a}-{/b|token}'", "{\"a\":1}", "1-t0ken");
        assert_value("'{/a|/b}'", "{\"c\":1}", NULL);
        assert_value("plain", "{}", "plain");
}

static void of_a_list_the_first_counts_that_is_there(void **state) {
        assert_value("[/a, '{/b}!', /c, last]", "{\"c\":3}", "3");
        assert_value("[/a, '{/b}!', /c, last]", "{\"b\":2,\"c\":3}", "2!");
        assert_value("[/a, [/b, /c], last]", "{\"a\":\"\"}", "last");
}

static void a_choice_has_its_value_where_its_condition_holds(void **state) {
        assert_value("{has: /a, then: x}", "{\"a\":[]}", "x");
        assert_value("{has: /a, then: x}", "{}", NULL);
        assert_value("{has: /a, then: [/b, /c]}", "{\"a\":0,\"c\":3}", "3");
        assert_value("{at: /a, is: img, then: image}", "{\"a\":\"img\"}", "image");
        assert_value("{at: /a, is: img, then: image}", "{\"a\":\"doc\"}", NULL);
        assert_value("{at: /a, begins: i}", "{\"a\":\"img\"}", "img");
        assert_value("{at: /a, ends: '@lid', then: /b}", "{\"a\":\"1@lid\",\"b\":2}", "2");
        assert_value("{any: [{at: /a}, {at: /b}], then: x}", "{\"b\":2}", "x");
        assert_value("{not: {at: /a}, then: x}", "{\"a\":2}", NULL);
        assert_value("{setting: token, is: t0ken, then: x}", "{}", "x");
}

static void a_part_of_a_text_is_cut_out(void **state) {
        assert_value("{at: /a, before: '@'}", "{\"a\":\"55@s@x\"}", "55");
        assert_value("{at: /a, after: ':'}", "{\"a\":\"whatsapp:+55:1\"}", "+55:1");
        assert_value("{at: /a, after: 'lull:', before: ':'}", "{\"a\":\"lull:01H:0\"}", "01H");
        assert_value("{at: /a, after: ['lull:', ':']}", "{\"a\":\"lull:01H:0\"}", "0");
        assert_value("{at: /a, before: ['@', ':']}", "{\"a\":\"55:1@s\"}", "55");
        assert_value("{at: /a, before: '@'}", "{\"a\":\"55\"}", NULL);
        assert_value("{at: /a, before: '@'}", "{\"a\":\"@55\"}", NULL);
        assert_value("{at: /a, after: '@'}", "{\"a\":\"55@\"}", NULL);
        assert_value("{at: /a, ends: '@s', before: '@'}", "{\"a\":\"55@t\"}", NULL);
        assert_value("[{at: /a, before: '@'}, /a]", "{\"a\":\"55\"}", "55");
}

/* -- conditions ---------------------------------------------------------------------------------------------------- */

static void assert_condition(const char *condition, const char *body, bool holds) {
        CLEANUP_FREE char *rest = memory_print("read: [{thread: '{/t|token}', ignore: [%.*s, why: w}]}]\n",
                                               (int)strlen(condition) - 1, condition);
        CLEANUP_FREE char *lines = file_read_lines(rest, body);

        if (strstr(lines, "ignored") ? !holds : holds)
                fail_msg("%s %s of %s", condition, holds ? "does not hold" : "holds", body);
}

static void a_condition_compares_with_one_text_or_several(void **state) {
        assert_condition("{at: /a, is: x}", "{\"a\":\"x\"}", true);
        assert_condition("{at: /a, is: x}", "{\"a\":\"xx\"}", false);
        assert_condition("{at: /a, is: 5}", "{\"a\":5}", true);
        assert_condition("{at: /a, is: true}", "{\"a\":true}", true);
        assert_condition("{at: /a, is: [x, y]}", "{\"a\":\"y\"}", true);
        assert_condition("{at: /a, is: '{/b}'}", "{\"a\":\"y\",\"b\":\"y\"}", true);
        assert_condition("{at: /a, is: '{token}'}", "{\"a\":\"t0ken\"}", true);
        assert_condition("{at: /a, is: x}", "{}", false);
        assert_condition("{at: /a, is_not: x}", "{\"a\":\"y\"}", true);
        assert_condition("{at: /a, is_not: [x, y]}", "{\"a\":\"y\"}", false);
        assert_condition("{at: /a, is_not: x}", "{}", true);
        assert_condition("{at: /a, begins: [x, y]}", "{\"a\":\"yz\"}", true);
        assert_condition("{at: /a, begins: yz}", "{\"a\":\"y\"}", false);
        assert_condition("{at: /a, ends: yz}", "{\"a\":\"xyz\"}", true);
        assert_condition("{at: /a, ends: yz}", "{\"a\":\"z\"}", false);
        assert_condition("{at: /a, begins: x, ends: z}", "{\"a\":\"xz\"}", true);
        assert_condition("{at: /a, begins: x, ends: z}", "{\"a\":\"xy\"}", false);
}

static void a_condition_counts_characters(void **state) {
        assert_condition("{at: /a, length: 3}", "{\"a\":\"ol\u00e1\"}", true);
        assert_condition("{at: /a, length: 3}", "{\"a\":\"ol\"}", false);
        assert_condition("{at: /a, length: 3}", "{\"a\":\"olas\"}", false);
        assert_condition("{at: /a, length: 3}", "{\"a\":123}", true);
        assert_condition("{at: /a, length: 3}", "{}", false);
        assert_condition("{at: /a, length: 2, begins: x}", "{\"a\":\"yx\"}", false);
        assert_condition("{setting: token, length: 5}", "{}", true);
}

static void a_condition_without_a_word_asks_whether_it_is_there(void **state) {
        assert_condition("{at: /a}", "{\"a\":0}", true);
        assert_condition("{at: /a}", "{\"a\":{}}", true);
        assert_condition("{at: /a}", "{\"a\":null}", false);
        assert_condition("{at: /a}", "{\"a\":\"\"}", false);
        assert_condition("{at: ''}", "{}", true);
        assert_condition("{at: '@spot'}", "{\"chat\":{\"id\":1}}", true);
        assert_condition("{at: '@nowhere'}", "{\"chat\":{\"id\":1}}", false);
        assert_condition("{setting: open}", "{}", true);
        assert_condition("{setting: spot, is: /chat/id}", "{}", true);
        assert_condition("{setting: token, is_not: t0ken}", "{}", false);
}

static void conditions_are_joined(void **state) {
        assert_condition("{at: /a, and: {at: /b}}", "{\"a\":1,\"b\":1}", true);
        assert_condition("{at: /a, and: {at: /b}}", "{\"a\":1}", false);
        assert_condition("{at: /a, and: [{at: /b}, {at: /c}]}", "{\"a\":1,\"b\":1}", false);
        assert_condition("{any: [{at: /a}, {at: /b}]}", "{\"b\":1}", true);
        assert_condition("{any: [{at: /a}, {at: /b}]}", "{\"c\":1}", false);
        assert_condition("{not: {at: /a}}", "{\"c\":1}", true);
        assert_condition("{at: /a, not: {at: /b}}", "{\"a\":1,\"b\":1}", false);
        assert_condition("{at: /a, any: [{at: /b}], not: {at: /c}}", "{\"a\":1,\"b\":1}", true);
}

/* -- what it is ---------------------------------------------------------------------------------------------------- */

static void an_item_is_a_message_unless_the_rule_says_what_else(void **state) {
        file_assert_reads("read: [{thread: /t, text: /x}]\n", "{\"t\":1,\"x\":\"Oi\"}",
                          "{\"what\":\"message\",\"thread\":\"1\",\"kind\":\"text\",\"text\":\"Oi\"}");
        file_assert_reads("read: [{thread: /t, what: typing}]\n", "{\"t\":1}",
                          "{\"what\":\"typing\",\"thread\":\"1\"}");
        file_assert_reads("read: [{thread: /t, what: paused}]\n", "{\"t\":1}",
                          "{\"what\":\"paused\",\"thread\":\"1\"}");
        file_assert_reads("read: [{thread: /t, what: resume}]\n", "{\"t\":1}",
                          "{\"what\":\"resume\",\"thread\":\"1\"}");
}

/* The broker shows the kind of these events, so it is what people read. */
static void who_has_taken_over_is_told_to_people(void **state) {
        file_assert_reads("read: [{thread: /t, what: person, why: 'assigned to {/who}', text: /x}]\n",
                          "{\"t\":1,\"who\":\"Ana\",\"x\":\"Oi\"}",
                          "{\"what\":\"person\",\"why\":\"assigned to Ana\",\"thread\":\"1\",\"text\":\"Oi\"}");
        file_assert_reads("read: [{thread: /t, what: person, why: 'assigned to {/who}'}]\n", "{\"t\":1}",
                          "{\"what\":\"person\",\"thread\":\"1\"}");
        file_assert_reads("read: [{thread: /t, what: closed}]\n", "{\"t\":1}",
                          "{\"what\":\"closed\",\"thread\":\"1\"}");
}

static void the_kind_of_one_who_has_taken_over_is_the_reason(void **state) {
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        file_init_open(&fixture, "read: [{thread: /t, what: closed, why: resolved, kind: other}]\n");
        events = fixture_read(&fixture.base, "{\"t\":1}");
        assert_string_equal(events.items[0].kind, "resolved");
        assert_string_equal(events.items[0].why, "resolved");
}

static void an_edit_and_a_deletion_name_their_message(void **state) {
        static const char edit[] = "read: [{thread: /t, what: edit, id: /i, text: /x, kind: /k}]\n";
        static const char deletion[] = "read: [{thread: /t, what: delete, id: /i, kind: /k}]\n";

        file_assert_reads(edit, "{\"t\":1,\"i\":2,\"x\":\"Oi\",\"k\":\"audio\"}",
                          "{\"what\":\"edit\",\"thread\":\"1\",\"id\":\"2\",\"kind\":\"audio\",\"text\":\"Oi\"}");
        file_assert_reads(edit, "{\"t\":1,\"x\":\"Oi\"}",
                          "{\"what\":\"ignored\",\"why\":\"edit that names no message\"}");
        file_assert_reads(deletion, "{\"t\":1,\"i\":2,\"k\":\"text\"}",
                          "{\"what\":\"delete\",\"thread\":\"1\",\"id\":\"2\",\"kind\":\"deleted\"}");
        file_assert_reads(deletion, "{\"i\":2}",
                          "{\"what\":\"ignored\",\"why\":\"delete that names no conversation\"}");
}

static void what_is_shown_names_a_reply(void **state) {
        static const char shown[] = "read: [{thread: /t, what: shown, id: /b, number: /n}]\n";

        file_assert_reads(shown, "{\"t\":1,\"b\":\"01H\",\"n\":0}",
                          "{\"what\":\"shown\",\"thread\":\"1\",\"id\":\"01H\",\"number\":0}");
        file_assert_reads(shown, "{\"t\":1,\"b\":\"01H\",\"n\":\"15\"}",
                          "{\"what\":\"shown\",\"thread\":\"1\",\"id\":\"01H\",\"number\":15}");
        file_assert_reads(shown, "{\"t\":1,\"b\":\"01H\",\"n\":-1}",
                          "{\"what\":\"ignored\",\"why\":\"shown that names no reply of ours\"}");
        file_assert_reads(shown, "{\"t\":1,\"b\":\"01H\",\"n\":16}",
                          "{\"what\":\"ignored\",\"why\":\"shown that names no reply of ours\"}");
        file_assert_reads(shown, "{\"t\":1,\"b\":\"01H\",\"n\":99999}",
                          "{\"what\":\"ignored\",\"why\":\"shown that names no reply of ours\"}");
        file_assert_reads(shown, "{\"t\":1,\"n\":1}",
                          "{\"what\":\"ignored\",\"why\":\"shown that names no reply of ours\"}");
}

static void of_a_list_of_what_it_may_be_the_first_holds(void **state) {
        static const char rules[] = "read:\n"
                                    "  - thread: /t\n"
                                    "    what: [{what: closed, when: {at: /s, is: done}, why: 'it is {/s}'},\n"
                                    "           {what: resume, when: {at: /s, is: open}}]\n"
                                    "    otherwise: 'status {/s}'\n"
                                    "otherwise: never seen\n";

        file_assert_reads(rules, "{\"t\":1,\"s\":\"done\"}",
                          "{\"what\":\"closed\",\"why\":\"it is done\",\"thread\":\"1\"}");
        file_assert_reads(rules, "{\"t\":1,\"s\":\"open\"}", "{\"what\":\"resume\",\"thread\":\"1\"}");
        file_assert_reads(rules, "{\"t\":1,\"s\":\"odd\"}", "{\"what\":\"ignored\",\"why\":\"status odd\"}");
        file_assert_reads("read: [{thread: /t, what: [{what: typing, when: {at: /s}}]}]\n", "{\"t\":1}",
                          "{\"what\":\"ignored\",\"why\":\"nothing that this channel reads\"}");
}

/* -- rules --------------------------------------------------------------------------------------------------------- */

static void an_item_belongs_to_the_first_rule_that_takes_it(void **state) {
        static const char rules[] =
                "read:\n"
                "  - {items: '/m/*', when: {at: /k, is: a}, thread: 'first-{/k}', what: typing}\n"
                "  - {items: '/s/*', thread: 'status-{/k}', what: paused}\n"
                "  - {items: '/m/*', when: {at: /k, is: [a, b]}, thread: 'second-{/k}', what: typing}\n"
                "otherwise: 'kind {/k}'\n";

        file_assert_reads(rules, "{\"m\":[{\"k\":\"b\"},{\"k\":\"a\"},{\"k\":\"c\"}],\"s\":[{\"k\":\"d\"}]}",
                          "{\"what\":\"typing\",\"thread\":\"second-b\"}\n"
                          "{\"what\":\"typing\",\"thread\":\"first-a\"}\n"
                          "{\"what\":\"ignored\",\"why\":\"kind c\"}\n"
                          "{\"what\":\"paused\",\"thread\":\"status-d\"}");
}

static void what_no_rule_reads_is_ignored_with_the_reason_of_the_file(void **state) {
        file_assert_reads("read: [{items: '/m/*', thread: /t}]\notherwise: 'event {/event}'\n", "{\"event\":\"x\"}",
                          "{\"what\":\"ignored\",\"why\":\"event x\"}");
        file_assert_reads("each: '/p/*'\nread: [{thread: /t}]\notherwise: nothing\n", "{\"p\":[]}",
                          "{\"what\":\"ignored\",\"why\":\"nothing\"}");
}

static void the_first_reason_to_ignore_an_item_is_told(void **state) {
        static const char rules[] = "read: [{thread: /t, ignore: [{at: /a, why: 'a is {/a}'}, {at: /b, why: b}]}]\n";

        file_assert_reads(rules, "{\"t\":1,\"a\":2,\"b\":3}", "{\"what\":\"ignored\",\"why\":\"a is 2\"}");
        file_assert_reads(rules, "{\"t\":1,\"b\":3}", "{\"what\":\"ignored\",\"why\":\"b\"}");
}

static void items_parts_and_the_body_have_pointers_of_their_own(void **state) {
        file_assert_reads("each: '/p/*'\nread: [{items: '/m/*', thread: '{$/team}-{^/chat}-{/t}'}]\n",
                          "{\"team\":1,\"p\":[{\"chat\":2,\"m\":[{\"t\":3},{\"t\":4}]}]}",
                          "{\"what\":\"message\",\"thread\":\"1-2-3\",\"kind\":\"text\"}\n"
                          "{\"what\":\"message\",\"thread\":\"1-2-4\",\"kind\":\"text\"}");
}

/* -- names, addresses, media --------------------------------------------------------------------------------------- */

static void aliases_are_other_names_and_each_once(void **state) {
        static const char rules[] = "read: [{thread: /t, aliases: [/a, '{/b}@x', '/c/*', /t]}]\n";

        file_assert_reads(rules, "{\"t\":1,\"a\":2,\"b\":3,\"c\":[2,4,\"\",5,6]}",
                          "{\"what\":\"message\",\"thread\":\"1\",\"aliases\":[\"2\",\"3@x\",\"4\",\"5\"],"
                          "\"kind\":\"text\"}");
        file_assert_reads(rules, "{\"t\":1}", "{\"what\":\"message\",\"thread\":\"1\",\"kind\":\"text\"}");
        file_assert_reads("read: [{thread: /t, what: alias, aliases: [/a]}]\n", "{\"t\":1,\"a\":2}",
                          "{\"what\":\"alias\",\"thread\":\"1\",\"aliases\":[\"2\"]}");
        file_assert_reads("read: [{thread: /t, what: alias, aliases: [/a]}]\n", "{\"t\":1,\"a\":1}",
                          "{\"what\":\"ignored\",\"why\":\"alias that names no other name\"}");
}

static void a_reply_goes_to_a_text_or_to_parts(void **state) {
        file_assert_reads("read: [{thread: /t, to: {at: /t, before: '@'}}]\n", "{\"t\":\"55@s\"}",
                          "{\"what\":\"message\",\"thread\":\"55@s\",\"to\":\"55\",\"kind\":\"text\"}");
        file_assert_reads("read: [{thread: /t, to: {chat: /c, topic: [/x, /y]}}]\n", "{\"t\":1,\"c\":-100,\"y\":7}",
                          "{\"what\":\"message\",\"thread\":\"1\",\"to\":{\"chat\":\"-100\",\"topic\":\"7\"},"
                          "\"kind\":\"text\"}");
        file_assert_reads("read: [{thread: /t, to: {chat: /c, topic: /x}}]\n", "{\"t\":1}",
                          "{\"what\":\"message\",\"thread\":\"1\",\"kind\":\"text\"}");
}

/* Else whoever names himself so would choose where the reply goes. */
static void a_text_that_looks_like_parts_is_no_address(void **state) {
        file_assert_reads("read: [{thread: /t, to: /n}]\n", "{\"t\":1,\"n\":\"{\\\"chat\\\":\\\"9\\\"}\"}",
                          "{\"what\":\"message\",\"thread\":\"1\",\"kind\":\"text\"}");
}

static void the_other_values_of_an_event_are_read(void **state) {
        file_assert_reads(
                "read: [{thread: /t, id: /i, from: /f, kind: /k, text: /x, url: /u, at: /d, data: {a: /a, b: /b}}]\n",
                "{\"t\":1,\"i\":2,\"f\":\"ana\",\"k\":\"image\",\"x\":\"Oi\",\"u\":\"https://e.com/1\","
                "\"d\":1795000000,\"a\":[1]}",
                "{\"what\":\"message\",\"thread\":\"1\",\"id\":\"2\",\"from\":\"ana\",\"kind\":\"image\","
                "\"text\":\"Oi\",\"url\":\"https://e.com/1\",\"at\":\"2026-11-18T11:06:40.000Z\","
                "\"data\":{\"a\":[1]}}");
}

/* -- bodies -------------------------------------------------------------------------------------------------------- */

static void a_form_is_read_as_an_object_of_texts(void **state) {
        static const char rules[] = "body: form\nread: [{thread: /From, text: /Body, id: /Sid}]\n";

        file_assert_reads(rules, "From=whatsapp%3A%2B55&Body=Ol%C3%A1+a%2Bb&Sid=1&Sid=2&Empty=&&Alone",
                          "{\"what\":\"message\",\"thread\":\"whatsapp:+55\",\"id\":\"1\",\"kind\":\"text\","
                          "\"text\":\"Ol\303\241 a+b\"}");
        /* Whatever it looks like: what was signed was a form. */
        file_assert_reads(rules, "{\"From\":\"1\"}",
                          "{\"what\":\"ignored\",\"why\":\"a message that names no conversation\"}");
}

static void a_form_that_cannot_be_read_is_refused_with_a_reason(void **state) {
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP_FREE char *many = NULL;

        file_init_open(&fixture, "body: form\nread: [{thread: /From}]\n");
        fixture_assert_unreadable(&fixture.base, "From=1&Body=100%",
                                  "field 2 of the form has a '%' without two hexadecimal digits behind it");
        fixture_assert_unreadable(&fixture.base, "From=%4", "field 1 of the form has a '%'");
        fixture_assert_unreadable(&fixture.base, "From=%g0", "field 1 of the form has a '%'");
        fixture_assert_unreadable(&fixture.base, "From=a%00b", "field 1 of the form has a NUL character in it");
        many = fixture_repeat("a=1&", "&a=1", LIMIT_FORM_FIELDS, "");
        fixture_assert_unreadable(&fixture.base, many, "more than 1000 fields");
}

static void a_body_may_have_to_have_something(void **state) {
        CLEANUP_FILE struct file_fixture fixture;

        file_init_open(&fixture, "expect: /event\nread: [{thread: /t}]\n");
        fixture_assert_unreadable(&fixture.base, "{}", "there is no /event here; is this from test?");
}

static void a_strict_file_refuses_what_it_cannot_take(void **state) {
        CLEANUP_FILE struct file_fixture fixture;

        file_init_open(&fixture, "strict: true\nread: [{thread: /t, to: /to, url: /u, at: /d}]\n");
        fixture_assert_unreadable(&fixture.base, "{}", "message 0: /t is missing; it must name the conversation");
        fixture_assert_unreadable(&fixture.base, "{\"t\":1,\"u\":[]}", "message 0: /u must be text");
        fixture_assert_unreadable(&fixture.base, "{\"t\":1,\"d\":\"soon\"}", "message 0: /d is no time");
}

/* -- how much ------------------------------------------------------------------------------------------------------ */

static void assert_too_much(const char *read, const char *body) {
        CLEANUP_FREE char *rest = memory_print("read: [%s]\n", read);
        CLEANUP_FILE struct file_fixture fixture;
        struct channel_events events;
        CLEANUP_FREE char *error = NULL;

        file_init_open(&fixture, rest);
        assert_int_equal(channel_read(fixture.base.channel, bytes_of(body), &events, &error), -E2BIG);
        assert_non_null(strstr(error, "this webhook takes too much work to read"));
}

/* 9,999 items, and beside them a list as long. */
static void what_would_be_looked_at_too_often_is_refused(void **state) {
        CLEANUP_FREE char *items = fixture_repeat("{\"m\":[", "{}", 9999, "],\"x\":[");
        CLEANUP_FREE char *body = fixture_repeat(items, "0", 9999, "]}");
        CLEANUP_FREE char *lines = NULL;

        assert_too_much("{items: '/m/*', when: {at: '$/x/*/never'}, thread: '{/t|token}'}", body);
        assert_too_much("{items: '/m/*', thread: '$/x/*/never'}", body);
        assert_too_much("{items: '/m/*', thread: '{/t|token}', aliases: ['$/x/*/never']}", body);
        lines = file_read_lines("read: [{items: '/m/*', when: {at: '$/x/0'}, thread: '{$/x/1}'}]\n", body);
        assert_non_null(strstr(lines, "\"thread\":\"0\""));
}

/* A thousand items, each with the text of another. */
static void what_would_be_copied_too_often_is_refused(void **state) {
        CLEANUP_FREE char *items = fixture_repeat("{\"m\":[", "{}", 1000, "],\"x\":\"");
        CLEANUP_FREE char *body = fixture_repeat(items, "x", 100000, "\"}");

        assert_too_much("{items: '/m/*', thread: '{/t|token}', text: $/x}", body);
        assert_too_much("{items: '/m/*', thread: '{/t|token}', text: '-{$/x}-'}", body);
        assert_too_much("{items: '/m/*', thread: '{/t|token}', data: $/x}", body);
        assert_too_much("{items: '/m/*', thread: '{/t|token}', data: {a: ^/x}}", body);
        assert_too_much("{items: '/m/*', thread: '{/t|token}', ignore: [{at: $/x, is: y, why: w}]}", body);
}

static void a_reason_to_ignore_may_be_a_warning(void **state) {
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};

        file_init_open(&fixture,
                       "read: [{items: '/*', thread: '{/t|token}', ignore: [{at: /a, why: 'a {/a}', warn: true}, "
                       "{at: /b, why: b, warn: false}, {at: /c, why: c}]}]\n");
        events = fixture_read(&fixture.base, "[{\"a\":7},{\"b\":1},{\"c\":1},{}]");
        assert_int_equal(events.n, 4);
        assert_string_equal(events.items[0].why, "a 7");
        for (size_t i = 0; i < events.n; i++)
                assert_int_equal(events.items[i].is_warning, i == 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pointer_names_texts_numbers_and_words),
                cmocka_unit_test(a_pattern_needs_all_its_parts),
                cmocka_unit_test(of_a_list_the_first_counts_that_is_there),
                cmocka_unit_test(a_choice_has_its_value_where_its_condition_holds),
                cmocka_unit_test(a_part_of_a_text_is_cut_out),
                cmocka_unit_test(a_condition_compares_with_one_text_or_several),
                cmocka_unit_test(a_condition_counts_characters),
                cmocka_unit_test(a_condition_without_a_word_asks_whether_it_is_there),
                cmocka_unit_test(conditions_are_joined),
                cmocka_unit_test(an_item_is_a_message_unless_the_rule_says_what_else),
                cmocka_unit_test(who_has_taken_over_is_told_to_people),
                cmocka_unit_test(the_kind_of_one_who_has_taken_over_is_the_reason),
                cmocka_unit_test(an_edit_and_a_deletion_name_their_message),
                cmocka_unit_test(what_is_shown_names_a_reply),
                cmocka_unit_test(of_a_list_of_what_it_may_be_the_first_holds),
                cmocka_unit_test(an_item_belongs_to_the_first_rule_that_takes_it),
                cmocka_unit_test(what_no_rule_reads_is_ignored_with_the_reason_of_the_file),
                cmocka_unit_test(the_first_reason_to_ignore_an_item_is_told),
                cmocka_unit_test(items_parts_and_the_body_have_pointers_of_their_own),
                cmocka_unit_test(aliases_are_other_names_and_each_once),
                cmocka_unit_test(a_reply_goes_to_a_text_or_to_parts),
                cmocka_unit_test(a_text_that_looks_like_parts_is_no_address),
                cmocka_unit_test(the_other_values_of_an_event_are_read),
                cmocka_unit_test(a_form_is_read_as_an_object_of_texts),
                cmocka_unit_test(a_form_that_cannot_be_read_is_refused_with_a_reason),
                cmocka_unit_test(a_body_may_have_to_have_something),
                cmocka_unit_test(a_strict_file_refuses_what_it_cannot_take),
                cmocka_unit_test(what_would_be_looked_at_too_often_is_refused),
                cmocka_unit_test(what_would_be_copied_too_often_is_refused),
                cmocka_unit_test(a_reason_to_ignore_may_be_a_warning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
