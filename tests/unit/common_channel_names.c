#include "tests/unit/common_channel_file.h"

/* What the check of a channel file finds that would go unnoticed for long: names that are the same for every message,
 * and what can never be filled in, shown or sent. */

/* The whole of what is wrong with a text. */
static void assert_faults(const char *text, const char *faults) {
        CLEANUP_FREE char *error = NULL;

        if (channel_file_check("my.yaml", bytes_of(text), &error) == 0)
                fail_msg("nothing is found wrong; it should be: %s", faults);
        assert_string_equal(error, faults);
}

static void assert_good(const char *text) {
        CLEANUP_FREE char *error = NULL;

        if (channel_file_check("my.yaml", bytes_of(text), &error) != 0)
                fail_msg("%s", error);
}

/* A rule, which stands in line 10, has that one fault. */
static void assert_rule_fault(const char *rule, const char *fault) {
        CLEANUP_FREE char *text = memory_print("%sread:\n  - %s\n", FILE_HEAD, rule);
        CLEANUP_FREE char *line = memory_print("my.yaml:10: read[1]%s", fault);

        assert_faults(text, line);
}

/* A `post`, which stands in line 10. */
static void assert_post_fault(const char *post, const char *fault) {
        CLEANUP_FREE char *text = memory_print("%sread: [{thread: /t}]\npost: {url: '{url}/x', %s}\n", FILE_HEAD, post);
        CLEANUP_FREE char *line = memory_print("my.yaml:10: post.%s", fault);

        assert_faults(text, line);
}

/* A proof, which stands in line 4. */
static void assert_proof_fault(const char *proof, const char *fault) {
        CLEANUP_FREE char *text = memory_print("settings:\n  key: {secret: true, what: k}\nproof:\n  - %s\n"
                                               "read: [{thread: /t}]\n",
                                               proof);
        CLEANUP_FREE char *line = memory_print("my.yaml:4: proof[1].%s", fault);

        assert_faults(text, line);
}

/* -- names --------------------------------------------------------------------------------------------------------- */

/* All people would be in one thread, or all messages after the first duplicates. */
static void a_name_that_is_the_same_for_every_message_is_refused(void **state) {
        assert_rule_fault("{thread: room/id}",
                          ".thread: 'room/id' is the same for every message; did you mean '/room/id'?");
        assert_rule_fault("{thread: /t, id: message/id}",
                          ".id: 'message/id' is the same for every message; did you mean '/message/id'?");
        assert_rule_fault("{thread: /t, from: [/a, user/id]}",
                          ".from[2]: 'user/id' is the same for every message; did you mean '/user/id'?");
        assert_rule_fault("{thread: {at: /k, is: group, then: group/id}}",
                          ".thread.then: 'group/id' is the same for every message; did you mean '/group/id'?");
        assert_rule_fault("{thread: {has: /k, then: [/a, b]}}",
                          ".thread.then[2]: 'b' is the same for every message; did you mean '/b'?");
        assert_rule_fault("{thread: '{token}-{url|token}'}",
                          ".thread: '{token}-{url|token}' is the same for every message; name something of it, such as "
                          "/message/id");
        assert_rule_fault("{thread: /t, aliases: [user/lid]}",
                          ".aliases[1]: 'user/lid' is the same for every message; did you mean '/user/lid'?");
        assert_rule_fault("{thread: /t, to: user/id}",
                          ".to: 'user/id' is the same for every message; did you mean '/user/id'?");
        assert_rule_fault("{thread: /t, to: {chat: chat/id, kind: {at: /k, is: g, then: group}}}",
                          ".to.chat: 'chat/id' is the same for every message; did you mean '/chat/id'?");
        assert_rule_fault("{thread: /t, text: message/body}",
                          ".text: 'message/body' is the same for every message; did you mean '/message/body'?");
        assert_rule_fault("{thread: /t, at: [sent, time]}",
                          ".at: 'time' is the same for every message; did you mean '/time'?");
}

static void what_names_something_of_the_message_is_right(void **state) {
        static const char *const rules[] = {
                "{thread: '{token}-{/t}', id: '{/id|token}', from: ['@spot', '$/from'], text: [/text, a picture]}",
                "{thread: {at: /k, before: '@'}, aliases: ['^/a', '{token|$/b}'], kind: text}",
                "{thread: /t, to: {chat: /chat, kind: {at: /k, is: g, then: group}}, text: {has: /photo, then: photo}}",
        };

        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
                CLEANUP_FREE char *text = memory_print("%sread:\n  - %s\n", FILE_HEAD, rules[i]);

                assert_good(text);
        }
}

static void a_rule_says_which_thread_unless_it_ignores_all(void **state) {
        assert_rule_fault("{text: /x}", ": thread is missing: which conversation it is about");
        assert_rule_fault("{what: typing}", ": thread is missing: which conversation it is about");
        assert_rule_fault("{ignore: [{at: '', is: a, why: w}]}", ": thread is missing: which conversation it is about");
        assert_good(FILE_HEAD "read: [{when: {at: /x}, ignore: [{at: '', why: w, warn: true}]}]\n");
}

/* -- replies ------------------------------------------------------------------------------------------------------- */

static void a_part_of_where_replies_go_must_be_given_by_a_rule(void **state) {
        assert_good(FILE_HEAD "read: [{thread: /t, to: {chat: /c}}]\n"
                              "post: {url: '{url}/{to.chat}', body: {text: '{reply}'}}\n");
        assert_post_fault("body: {text: '{reply}', chat: '{to.chat}'}",
                          "body: {to.chat} is filled in by no rule of read; give one a `to` with a part chat, such as "
                          "to: {chat: /chat}");
        assert_post_fault("body: {text: '{reply}', topic: '{#to.topic|thread}'}",
                          "body: {to.topic} is filled in by no rule of read; give one a `to` with a part topic, such "
                          "as to: {topic: /topic}");
}

static void a_header_that_lull_sets_is_refused(void **state) {
        static const char *const names[] = {"Host", "content-length", "Transfer-Encoding", "Content-Type",
                                            "Connection"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                CLEANUP_FREE char *post = memory_print("body: {text: '{reply}'}, headers: {%s: a}", names[i]);
                CLEANUP_FREE char *fault =
                        memory_print("headers.%s: lull itself sets this header; remove it", names[i]);

                assert_post_fault(post, fault);
        }
}

/* It would begin a header of its own. */
static void a_header_has_no_control_characters(void **state) {
        assert_post_fault("body: {text: '{reply}'}, headers: {X-A: \"a\\r\\nX-B: b\"}",
                          "headers.X-A: has a control character in it");
        assert_post_fault("body: {text: '{reply}'}, headers: {X-A: ['{token}', \"a\\tb\"]}",
                          "headers.X-A[2]: has a control character in it");
}

/* It would never be there, and everything be refused. */
static void the_headers_of_a_proof_have_names_that_headers_can_have(void **state) {
        static const char fault[] = ": a header's name has letters, digits, '-' and '_'";
        static const char *const cases[][2] = {
                {"{scheme: token, setting: key, header: X Token}", "header"},
                {"{scheme: hmac-sha256, setting: key, header: 'X-S:', content: '{body}'}", "header"},
                {"{scheme: hmac-sha256, setting: key, header: X, content: '{timestamp}{body}', timestamp: X T, "
                 "tolerance: 5}",
                 "timestamp"},
                {"{scheme: jwt-hs256, setting: key, header: 'Authorization: Bearer', tolerance: 5}", "header"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP_FREE char *text = memory_print("%s%s", cases[i][1], fault);

                assert_proof_fault(cases[i][0], text);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_that_is_the_same_for_every_message_is_refused),
                cmocka_unit_test(what_names_something_of_the_message_is_right),
                cmocka_unit_test(a_rule_says_which_thread_unless_it_ignores_all),
                cmocka_unit_test(a_part_of_where_replies_go_must_be_given_by_a_rule),
                cmocka_unit_test(a_header_that_lull_sets_is_refused),
                cmocka_unit_test(a_header_has_no_control_characters),
                cmocka_unit_test(the_headers_of_a_proof_have_names_that_headers_can_have),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
