#include "tests/unit/common_channel_file.h"

static void every_built_in_file_passes_the_check_of_the_operators_files(void **state) {
        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_FREE char *name = memory_print("%s.yaml", source->kind);
                CLEANUP_FREE char *error = NULL;

                if (channel_file_check(name, bytes_of(source->text), &error) != 0)
                        fail_msg("%s", error);
        }
}

static void kinds_are_the_names_of_the_files(void **state) {
        assert_string_equal(channel_kinds()[0], "chatwoot");
        assert_non_null(channel_file_find("chatwoot"));
        assert_ptr_equal(channel_file_find("chatwoot"), channel_file_find("chatwoot"));
        assert_null(channel_file_find("chat"));
}

/* -- faults -------------------------------------------------------------------------------------------------------- */

/* The whole of what is wrong with a text. */
static void assert_faults(const char *text, const char *faults) {
        CLEANUP_FREE char *error = NULL;

        if (channel_file_check("my.yaml", bytes_of(text), &error) == 0)
                fail_msg("nothing is found wrong; it should be: %s", faults);
        assert_string_equal(error, faults);
}

/* A file of the head (lines 1 to 8), a rule (line 9) and `rest` (from line 10) has that one fault. */
static void assert_fault(const char *rest, const char *fault) {
        CLEANUP_FREE char *text = memory_print("%sread: [{thread: /t}]\n%s", FILE_HEAD, rest);
        CLEANUP_FREE char *line = memory_print("my.yaml:%s", fault);

        assert_faults(text, line);
}

/* The same of a rule, which stands in line 10. */
static void assert_rule_fault(const char *rule, const char *fault) {
        CLEANUP_FREE char *text = memory_print("%sread:\n  - %s\n", FILE_HEAD, rule);
        CLEANUP_FREE char *line = memory_print("my.yaml:10: read[1]%s", fault);

        assert_faults(text, line);
}

/* A file with other settings and proofs than those of the head. */
static void assert_head_fault(const char *settings, const char *proof, const char *fault) {
        CLEANUP_FREE char *text =
                memory_print("settings:\n  open: {form: flag, what: w}\n%sproof:\n%s  - {scheme: none, setting: open}\n"
                             "read: [{thread: /t}]\n",
                             settings, proof);

        assert_faults(text, fault);
}

static void a_file_without_a_fault_is_right(void **state) {
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(channel_file_check("my.yaml", bytes_of(FILE_HEAD "read: [{thread: /t}]\n"), &error), 0);
}

static void what_is_no_yaml_is_told_with_its_line(void **state) {
        assert_faults("settings:\n  a: [", "my.yaml:3: while parsing a flow node, did not find expected node content");
        assert_faults("", "my.yaml:1: settings is missing\nmy.yaml:1: proof is missing\nmy.yaml:1: read is missing");
        assert_faults("[a]",
                      "my.yaml:1: must be a map; its keys are settings, names, proof, challenge, body, expect, each, "
                      "strict, read, otherwise, respond, post, answer, read_back and typing");
}

static void a_key_that_means_nothing_is_refused(void **state) {
        assert_fault("chalenge: {}\n", "10: unknown key 'chalenge'; did you mean 'challenge'?");
        assert_fault("colour: red\n",
                     "10: unknown key 'colour'; the keys there are settings, names, proof, challenge, body, "
                     "expect, each, strict, read, otherwise, respond, post, answer, read_back and "
                     "typing");
        assert_fault("otherwise:\n", "10: otherwise: has no value; give it one, or remove the key");
        assert_rule_fault("{thread: /t, form: /f}", ": unknown key 'form'; did you mean 'from'?");
}

static void texts_flags_numbers_and_words_are_looked_at(void **state) {
        assert_fault("strict: yes\n", "10: strict: must be true or false");
        assert_fault("body: xml\n", "10: body: must be json or form");
        assert_fault("expect: [/a]\n", "10: expect: must be one text; this is a list");
        assert_fault("respond: {status: 404}\n", "10: respond.status: must be a whole number from 200 to 299");
        assert_fault("respond: {type: \"a\\nb\"}\n", "10: respond.type: has a control character in it");
}

static void a_pointer_is_looked_at(void **state) {
        assert_fault("expect: event\n", "10: expect: 'event' is no pointer; write it such as /message/text");
        assert_fault("each: ^a\n", "10: each: '^a' is no pointer; write it such as /message/text");
        assert_rule_fault("{thread: '@url'}", ".thread: '@url' names no setting of the form pointer; write that under "
                                              "settings, or a pointer such as /message/text");
        assert_rule_fault("{thread: '@nothing'}", ".thread: '@nothing' names no setting of the form pointer; write "
                                                  "that under settings, or a pointer such as /message/text");
        assert_rule_fault("{thread: /a~b}", ".thread: '/a~b' is no pointer; write it such as /message/text");
        assert_rule_fault("{thread: /t, data: {x: y}}", ".data.x: 'y' is no pointer; write it such as /message/text");
}

static void a_pattern_is_looked_at(void **state) {
        assert_rule_fault("{thread: 'a{/b'}", ".thread: has a '{' without its other half; braces stand around a name, "
                                              "as in {thread}");
        assert_rule_fault("{thread: 'a}b'}", ".thread: has a '}' without its other half; braces stand around a name, "
                                             "as in {thread}");
        assert_rule_fault("{thread: 'a{acount}'}",
                          ".thread: {acount} is no setting and no pointer; write it under settings");
        assert_rule_fault("{thread: 'a{/b|}'}", ".thread: {} is no setting and no pointer; write it under settings");
        assert_rule_fault("{thread: '{thread}'}",
                          ".thread: {thread} is no setting and no pointer; write it under settings");
}

static void a_value_is_looked_at(void **state) {
        assert_rule_fault("{thread: []}", ".thread: must be a list of 1 to 256");
        assert_rule_fault("{thread: [/a, '{b}']}",
                          ".thread[2]: {b} is no setting and no pointer; write it under settings");
        assert_rule_fault("{thread: [/a, ~]}", ".thread[2]: has no value; give it one, or remove it");
}

static void a_condition_is_looked_at(void **state) {
        assert_rule_fault("{thread: /t, when: {is: a}}", ".when: says how something is, but not what; add at: POINTER");
        assert_rule_fault("{thread: /t, when: {and: {at: /a}}}",
                          ".when: is no condition; write at: POINTER, setting: NAME, any: or not:");
        assert_rule_fault("{thread: /t, when: {at: /a, setting: open}}",
                          ".when: has at and setting; it can look at only one of them");
        assert_rule_fault("{thread: /t, when: {setting: oben}}",
                          ".when.setting: there is no setting 'oben'; write it under settings");
        assert_rule_fault("{thread: /t, when: {any: {at: /a}}}", ".when.any: must be a list of 1 to 256");
        assert_rule_fault("{thread: /t, when: {at: /a, is: {x: y}}}", ".when.is: must be one text; this is a map");
        assert_rule_fault("{thread: /t, ignore: [{at: /a}]}", ".ignore[1]: why is missing");
        assert_rule_fault("{thread: /t, when: {at: /a, why: b}}", ".when: unknown key 'why'; did you mean 'any'?");
}

static void a_choice_is_looked_at(void **state) {
        assert_rule_fault("{thread: {has: /a}}", ".thread: then is missing");
        assert_rule_fault("{thread: {any: [{at: /a}]}}",
                          ".thread: then is missing: the value when the condition holds");
        assert_rule_fault("{thread: {at: /a, then: x, before: y}}",
                          ".thread: has then beside after or before; it can be only one of them");
        assert_rule_fault("{thread: {at: /a, before: ''}}",
                          ".thread.before: is empty; give it a value, or remove the key");
}

static void what_an_item_is_and_what_it_needs_are_looked_at(void **state) {
        assert_rule_fault("{thread: /t, what: human}",
                          ".what: must be message, typing, paused, person, closed, resume, "
                          "edit, delete, alias or shown");
        assert_rule_fault("{thread: /t, what: edit}", ": id is missing, which edit needs");
        assert_rule_fault("{thread: /t, what: [{what: delete, when: {at: /a}}]}",
                          ": id is missing, which delete needs");
        assert_rule_fault("{thread: /t, what: alias}", ": aliases is missing, which alias needs");
        assert_rule_fault("{thread: /t, id: /i, what: shown}", ": number is missing, which shown needs");
        assert_rule_fault("{thread: /t, aliases: [/a, /b, /c, /d, /e]}", ".aliases: must be a list of 1 to 4");
        assert_rule_fault("{thread: /t, to: {Chat: /c}}", ".to.Chat: a part of `to` has a name of a-z, 0-9 and _");
}

static void a_setting_is_looked_at(void **state) {
        assert_head_fault("  thread: {what: w}\n", "",
                          "my.yaml:3: settings.thread: every channel has a 'thread' of its "
                          "own; give the setting another name");
        assert_head_fault("  kind: {what: w}\n", "",
                          "my.yaml:3: settings.kind: every channel has a 'kind' of its own; "
                          "give the setting another name");
        assert_head_fault("  a.b: {what: w}\n", "",
                          "my.yaml:3: settings.a.b: a setting's name has 1 to 64 of a-z, 0-9 and _");
        assert_head_fault("  a: {form: flag}\n", "", "my.yaml:3: settings.a: what is missing");
        assert_head_fault("  a: {form: colour, what: w}\n", "",
                          "my.yaml:3: settings.a.form: must be text, url, number, flag, whsec or pointer");
        assert_head_fault("  a: {form: number, what: w, default: many}\n", "",
                          "my.yaml:3: settings.a: default must be a whole number");
        assert_head_fault("  a: {what: w, one_of: [x, y], default: z}\n", "",
                          "my.yaml:3: settings.a: default is none of one_of");
        assert_head_fault("  a: {what: w, required: true, default: z}\n", "",
                          "my.yaml:3: settings.a: has a default, so it cannot be required; remove one of them");
}

static void a_proof_is_looked_at(void **state) {
        static const char settings[] = "  key: {what: w}\n  f: {form: flag, what: w}\n  d: {what: w, default: x}\n";
        static const char *const cases[][2] = {
                {"{scheme: magic, setting: key}", " needs a scheme, which is token, hmac-sha256, hmac-sha1-url, "
                                                  "jwt-hs256, standard-webhooks or none"},
                {"{scheme: token, setting: kye, query: q}", ".setting: there is no setting 'kye'; write it under "
                                                            "settings"},
                {"{scheme: token, setting: f, query: q}", ".setting: 'f' is a flag, which anyone can guess; a proof "
                                                          "needs a secret"},
                {"{scheme: token, setting: d, query: q}", ".setting: 'd' has a default, which anyone can read; a proof "
                                                          "needs a secret"},
                {"{scheme: token, setting: key}", " needs header or query, and not both: where the token is shown"},
                {"{scheme: token, setting: key, query: q, prefix: p}", " has a prefix, which only a header can have"},
                {"{scheme: hmac-sha256, setting: key, header: h, content: x}",
                 ".content: has no {body} in it, so the body would not be signed"},
                {"{scheme: hmac-sha256, setting: key, header: h, content: '{url}{body}'}",
                 ".content: is made of {timestamp} and {body} only"},
                {"{scheme: hmac-sha256, setting: key, header: h, content: '{body}', tolerance: 5}",
                 " needs timestamp and tolerance, or neither of them"},
                {"{scheme: hmac-sha256, setting: key, header: h, content: '{body}', tolerance: 5, timestamp: t}",
                 " needs timestamp, and {timestamp} in content, or neither: a time that is not signed proves nothing"},
                {"{scheme: hmac-sha256, setting: key, header: h, content: '{body}', encoding: rot13}",
                 ".encoding: must be hex or base64"},
                {"{scheme: hmac-sha1-url, setting: key, header: h, url: key}", ".url: 'key' must be of the form url"},
                {"{scheme: jwt-hs256, setting: key, header: h}", " tolerance is missing"},
                {"{scheme: jwt-hs256, setting: key, header: h, tolerance: 0}",
                 ".tolerance: must be a whole number from 1 to 86400"},
                {"{scheme: standard-webhooks, setting: key, tolerance: 300}",
                 ".setting: 'key' must be of the form whsec, as Standard Webhooks has it"},
                {"{scheme: none, setting: key}", ".setting: 'key' must be of the form flag"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP_FREE char *proof = memory_print("  - %s\n", cases[i][0]);
                CLEANUP_FREE char *fault =
                        memory_print("my.yaml:7: proof[1]%s%s", *cases[i][1] == ' ' ? ":" : "", cases[i][1]);

                assert_head_fault(settings, proof, fault);
        }
        assert_head_fault(
                "  all: {form: flag, what: w, default: 'true'}\n", "  - {scheme: none, setting: all}\n",
                "my.yaml:5: proof[1].setting: 'all' is on by default, so anyone could send; only the operator "
                "may say that");
}

static void a_challenge_is_looked_at(void **state) {
        assert_fault("challenge: {when: {at: /type}}\n", "10: challenge: answer is missing");
        assert_fault("challenge: {when: {mode: x}, token: t, answer: a}\n", "10: challenge: setting is missing");
        assert_fault("challenge: {when: x, token: t, setting: token, answer: a}\n",
                     "10: challenge.when: must be a map of query arguments and their values");
}

static void a_request_is_looked_at(void **state) {
        static const char *const cases[][2] = {
                {"{body: {t: '{reply}'}}", ": url is missing"},
                {"{url: '{url}/x', body: {t: hello}}", ": has no {reply} in its body, so nothing would be said"},
                {"{url: '{token}/x', body: {t: '{reply}'}}",
                 ".url: must begin with a setting of the form url and a slash, such as {url}/send, or with "
                 "https://HOST/"},
                {"{url: '{url}{thread}', body: {t: '{reply}'}}",
                 ".url: must begin with a setting of the form url and a slash, such as {url}/send, or with "
                 "https://HOST/"},
                {"{url: 'https://{thread}.example.com/', body: {t: '{reply}'}}",
                 ".url: must begin with a setting of the form url and a slash, such as {url}/send, or with "
                 "https://HOST/"},
                {"{url: '{url}/a b', body: {t: '{reply}'}}",
                 ".url: has a blank, a '#' or a letter that no address has"},
                {"{url: '{url}/{/id}', body: {t: '{reply}'}}",
                 ".url: {/id} is a pointer, and there is no webhook here to point into"},
                {"{url: '{url}/', body: {t: '{reply}', x: '{nobody}'}}",
                 ".body: {nobody} is no setting, nor one of thread, from, tenant, channel, batch, message, index, "
                 "reply and "
                 "to; write it under settings"},
                {"{url: '{url}/', form: true, body: {t: '{reply}', x: {y: z}}}",
                 ": a field of a form is one text; this is a map"},
                {"{url: '{url}/', longest: 5, longest_utf16: 5, body: {t: '{reply}'}}",
                 ": has longest and longest_utf16; remove one of them"},
                {"{url: '{url}/', escape: {}, body: {t: '{reply}'}}",
                 ".escape: must be a map of 1 to 32 texts and what stands for each, such as {\"<\": \"&lt;\"}"},
                {"{url: '{url}/', escape: '&', body: {t: '{reply}'}}",
                 ".escape: must be a map of 1 to 32 texts and what stands for each, such as {\"<\": \"&lt;\"}"},
                {"{url: '{url}/', escape: {'': x}, body: {t: '{reply}'}}",
                 ".escape.: an empty text stands everywhere; name a text"},
                {"{url: '{url}/', escape: {'<': [x]}, body: {t: '{reply}'}}",
                 ".escape.<: must be one text; this is a list"},
                {"{url: '{url}/', headers: {'A B': x}, body: {t: '{reply}'}}",
                 ".headers.A B: a header's name has letters, digits, '-' and '_'"},
                {"{url: '{url}/', headers: {A: {basic: [x]}}, body: {t: '{reply}'}}",
                 ".headers.A.basic: must be a list of two, the user and the password"},
                {"{url: '{url}/', variants: [{value: '{thread}', form: email, body: {}}], body: {t: '{reply}'}}",
                 ".variants[1].form: must be phone or any"},
                {"{url: '{url}/', sign: {scheme: standard-webhooks, setting: token, id: x}, body: {t: '{reply}'}}",
                 ".sign.setting: 'token' must be of the form whsec"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                CLEANUP_FREE char *rest = memory_print("post: %s\n", cases[i][0]);
                CLEANUP_FREE char *fault = memory_print("10: post%s", cases[i][1]);

                assert_fault(rest, fault);
        }
}

#define POST "post: {url: '{url}/', body: {t: '{reply}'}}\n"

static void what_an_answer_means_is_looked_at(void **state) {
        assert_fault(POST "answer: {means: [{at: /a, means: maybe}]}\n",
                     "11: answer.means[1].means: must be posted, again, never or unknown");
        assert_fault(POST "answer: {means: [{means: never}]}\n",
                     "11: answer.means[1]: is no condition; write at: POINTER, setting: NAME, any: or not:");
        assert_fault(POST "answer: {means: [{status: 42, means: never}]}\n",
                     "11: answer.means[1].status: must be a whole number from 100 to 599");
        assert_fault(POST "answer: {retry_after: soon}\n",
                     "11: answer.retry_after: 'soon' is no pointer; write it such as /message/text");
        assert_fault("answer: {why: /a}\n", "10: answer is there, but no post: nothing is ever posted");
}

static void reading_back_and_the_typing_sign_are_looked_at(void **state) {
        assert_fault(POST "read_back: {url: '{url}/', items: a, is: [{at: /a}], message: /m, pages: 1,\n"
                          "  older: {query: b, value: /v}}\n",
                     "11: read_back.items: is no pointer to one array; write it such as /payload");
        assert_fault(POST
                     "read_back: {url: '{url}/', items: /a, is: [{at: /a, is: '{nobody}'}], message: /m, pages: 1,\n"
                     "  older: {query: b, value: /v}}\n",
                     "11: read_back.is[1].is: {nobody} is no setting, nor one of thread, from, tenant, channel, batch, "
                     "message, index, reply and to; write it under settings");
        assert_fault(POST "typing: {refresh: 5}\n", "11: typing: on is missing");
        assert_fault(POST "typing: {setting: hush, refresh: 5, on: {url: '{url}/'}}\n",
                     "11: typing.setting: there is no setting 'hush'; write it under settings");
}

static void the_first_faults_are_told_by_line_and_the_others_counted(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *error = NULL;

        buffer_push_text(&text, FILE_HEAD "read:\n");
        for (int i = 0; i < 12; i++)
                buffer_push_text(&text, "  - {thread: /t}\n  - {thread: '{/a'}\n");
        assert_int_equal(channel_file_check("my.yaml", buffer_bytes(&text), &error), -EBADMSG);
        assert_non_null(strstr(error, "my.yaml:11: read[2].thread: has a '{'"));
        assert_non_null(strstr(error, "\nmy.yaml: 2 more, not shown"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_built_in_file_passes_the_check_of_the_operators_files),
                cmocka_unit_test(kinds_are_the_names_of_the_files),
                cmocka_unit_test(a_file_without_a_fault_is_right),
                cmocka_unit_test(what_is_no_yaml_is_told_with_its_line),
                cmocka_unit_test(a_key_that_means_nothing_is_refused),
                cmocka_unit_test(texts_flags_numbers_and_words_are_looked_at),
                cmocka_unit_test(a_pointer_is_looked_at),
                cmocka_unit_test(a_pattern_is_looked_at),
                cmocka_unit_test(a_value_is_looked_at),
                cmocka_unit_test(a_condition_is_looked_at),
                cmocka_unit_test(a_choice_is_looked_at),
                cmocka_unit_test(what_an_item_is_and_what_it_needs_are_looked_at),
                cmocka_unit_test(a_setting_is_looked_at),
                cmocka_unit_test(a_proof_is_looked_at),
                cmocka_unit_test(a_challenge_is_looked_at),
                cmocka_unit_test(a_request_is_looked_at),
                cmocka_unit_test(what_an_answer_means_is_looked_at),
                cmocka_unit_test(reading_back_and_the_typing_sign_are_looked_at),
                cmocka_unit_test(the_first_faults_are_told_by_line_and_the_others_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
