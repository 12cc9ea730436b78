#include "tests/unit/unit.h"

#include "common/memory.h"
#include "ingest/core/verb.h"

#include <errno.h>
#include <string.h>

static enum verb verb_of_target(const char *target) {
        CLEANUP_PATH struct path path = {0};

        assert_int_equal(path_decode(target, &path), 0);
        return verb_of(&path);
}

static void the_last_segment_is_the_verb(void **state) {
        assert_int_equal(verb_of_target("/v1/threads/acme/ana/typing"), VERB_TYPING);
        assert_int_equal(verb_of_target("/v1/threads/acme/ana/hold"), VERB_HOLD);
        assert_int_equal(verb_of_target("/v1/threads/acme/ana/resume"), VERB_RESUME);
        assert_int_equal(verb_of_target("/v1/threads/acme/ana/flush?x=y"), VERB_FLUSH);
        assert_int_equal(verb_of_target("/v1/threads/acme/ana/canc%65l"), VERB_CANCEL);
}

static void other_paths_have_none(void **state) {
        static const char *const targets[] = {"/v1/threads/acme/ana",        "/v1/threads/acme/ana/sing",
                                              "/v1/threads/acme/ana/hold/",  "/v1/threads/acme/a/na/hold",
                                              "/v2/threads/acme/ana/hold",   "/v1/thread/acme/ana/hold",
                                              "/v1/threads/acme%2Fana/hold", "/v1/threads/acme/ana/Hold"};

        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
                if (verb_of_target(targets[i]) != VERB_NONE)
                        fail_msg("'%s' was taken for a verb", targets[i]);
}

/* -- what a body may say ------------------------------------------------------------------------------------------- */

/* What is wrong, or NULL; the caller frees. */
static char *fault_of(enum verb verb, const char *body, struct verb_options *ret) {
        char *error = NULL;

        *ret = (struct verb_options){0};
        if (verb_options_decode(verb, bytes_of(body), ret, &error) == 0)
                return NULL;
        assert_non_null(error);
        return error;
}

static void assert_refused(enum verb verb, const char *body, const char *word) {
        struct verb_options options;
        CLEANUP_FREE char *fault = fault_of(verb, body, &options);

        if (!fault || !strstr(fault, word))
                fail_msg("of '%s' it is said: %s", body, fault ? fault : "nothing");
}

static void nothing_is_fine(void **state) {
        static const char *const bodies[] = {"", " \r\n\t", "{}", " {} "};
        struct verb_options options;

        for (enum verb verb = VERB_TYPING; verb <= VERB_CANCEL; verb++)
                for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
                        assert_null(fault_of(verb, bodies[i], &options));
                        assert_null(options.why);
                        assert_true(options.for_ms == 0 && !options.is_paused);
                        verb_options_done(&options);
                }
}

static void each_key_has_its_verb(void **state) {
        CLEANUP_VERB_OPTIONS struct verb_options options;

        assert_null(fault_of(VERB_HOLD, "{\"why\":\"Ana é\",\"for\":\"2h\"}", &options));
        assert_string_equal(options.why, "Ana é");
        assert_int_equal(options.for_ms, 7200000);
        verb_options_done(&options);
        assert_null(fault_of(VERB_TYPING, "{\"paused\":true}", &options));
        assert_true(options.is_paused);
        verb_options_done(&options);
        assert_null(fault_of(VERB_CANCEL, "{\"why\":\"spam\"}", &options));
        assert_string_equal(options.why, "spam");
        assert_refused(VERB_CANCEL, "{\"for\":\"2h\"}", "\"cancel\" takes no \"for\"");
        assert_refused(VERB_RESUME, "{\"why\":\"x\"}", "\"resume\" takes no \"why\"");
        assert_refused(VERB_FLUSH, "{\"paused\":true}", "takes no");
        assert_refused(VERB_HOLD, "{\"four\":\"2h\"}", "takes no \"four\"");
        assert_refused(VERB_TYPING, "{\"why\":\"x\"}", "takes no");
}

static void a_time_has_a_unit_and_bounds(void **state) {
        static const struct {
                const char *body;
                int64_t ms;
        } good[] = {{"{\"for\":\"1ms\"}", 1},
                    {"{\"for\":\"90s\"}", 90000},
                    {"{\"for\":\"30m\"}", 1800000},
                    {"{\"for\":\"7d\"}", 604800000},
                    {"{\"for\":\"366d\"}", INT64_C(31622400000)}};
        static const char *const bad[] = {
                "{\"for\":\"0s\"}",  "{\"for\":\"367d\"}", "{\"for\":\"-1s\"}",
                "{\"for\":\"2\"}",   "{\"for\":2}",        "{\"for\":\"99999999999999999999s\"}",
                "{\"for\":\"h\"}",   "{\"for\":\"\"}",     "{\"for\":null}",
                "{\"for\":\"1 h\"}", "{\"for\":\"1hh\"}",  "{\"for\":\"1.5h\"}"};
        struct verb_options options;

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                assert_null(fault_of(VERB_HOLD, good[i].body, &options));
                assert_true(options.for_ms == good[i].ms);
                verb_options_done(&options);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_refused(VERB_HOLD, bad[i], "\"for\" is a length of time");
}

static void what_is_no_object_is_refused(void **state) {
        CLEANUP_FREE char *longer = memory_print("{\"why\":\"%0401d\"}", 0);
        CLEANUP_FREE char *longest = memory_print("{\"why\":\"%0400d\"}", 0);
        struct verb_options options;

        assert_refused(VERB_HOLD, "[]", "a JSON object");
        assert_refused(VERB_HOLD, "\"2h\"", "a JSON object");
        assert_refused(VERB_HOLD, "{", "line 1");
        assert_refused(VERB_HOLD, "{\"why\":\"a\\u0000b\"}", "line 1");
        assert_refused(VERB_HOLD, "{\"why\":5}", "\"why\"");
        assert_refused(VERB_TYPING, "{\"paused\":\"yes\"}", "\"paused\"");
        assert_refused(VERB_HOLD, longer, "400 bytes");
        assert_null(fault_of(VERB_HOLD, longest, &options));
        verb_options_done(&options);
}

/* -- asking, and what comes of it ---------------------------------------------------------------------------------- */

static void a_question_is_what_the_broker_reads(void **state) {
        CLEANUP_VERB_OPTIONS struct verb_options options;
        CLEANUP_PATH struct path path = {0};
        CLEANUP_JSON json_t *question = NULL;
        CLEANUP_FREE char *text = NULL;

        assert_int_equal(path_decode("/v1/threads/acme/5511%2F9%20%C3%A9/hold", &path), 0);
        assert_null(fault_of(VERB_HOLD, "{\"why\":\"Ana\",\"for\":\"1s\"}", &options));
        question = verb_to_question(VERB_HOLD, &path, &options);
        text = json_encode_text(question);
        assert_string_equal(text, "{\"cmd\":\"hold\",\"tenant\":\"acme\",\"thread\":\"5511/9 é\",\"why\":\"Ana\","
                                  "\"for_ms\":1000}");
}

static unsigned reply_to(const char *answer, struct buffer *body) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *json = NULL;

        assert_int_equal(json_decode(bytes_of(answer), &json, &error), 0);
        return verb_reply(json, body);
}

static void the_brokers_answer_is_handed_on_without_our_number(void **state) {
        CLEANUP_BUFFER struct buffer body = {0};

        assert_int_equal(reply_to("{\"held\":1,\"until\":null,\"request\":5}", &body), 200);
        assert_string_equal(buffer_text(&body), "{\"held\":1,\"until\":null}\n");
}

static void what_the_broker_refuses_has_the_status_of_its_code(void **state) {
        static const struct {
                const char *code;
                unsigned status;
        } all[] = {{"unknown_tenant", 404}, {"not_found", 404},  {"busy", 409},
                   {"held", 409},           {"disk_full", 507},  {"too_many_holds", 429},
                   {"bad_request", 400},    {"bad_thread", 400}, {"never_heard_of", 400}};

        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                CLEANUP_FREE char *answer =
                        memory_print("{\"error\":{\"code\":\"%s\",\"why\":\"because\"}}", all[i].code);
                CLEANUP_BUFFER struct buffer body = {0};

                assert_int_equal(reply_to(answer, &body), all[i].status);
                assert_non_null(strstr(buffer_text(&body), all[i].code));
                assert_non_null(strstr(buffer_text(&body), "\"detail\":\"because\""));
        }
}

static void an_answer_without_words_is_still_answered(void **state) {
        CLEANUP_BUFFER struct buffer body = {0};

        assert_int_equal(reply_to("{\"error\":{}}", &body), 400);
        assert_int_equal(reply_to("{\"error\":7}", &body), 400);
        assert_int_equal(reply_to("{\"error\":{\"code\":7,\"why\":[]}}", &body), 400);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_segment_is_the_verb),
                cmocka_unit_test(other_paths_have_none),
                cmocka_unit_test(nothing_is_fine),
                cmocka_unit_test(each_key_has_its_verb),
                cmocka_unit_test(a_time_has_a_unit_and_bounds),
                cmocka_unit_test(what_is_no_object_is_refused),
                cmocka_unit_test(a_question_is_what_the_broker_reads),
                cmocka_unit_test(the_brokers_answer_is_handed_on_without_our_number),
                cmocka_unit_test(what_the_broker_refuses_has_the_status_of_its_code),
                cmocka_unit_test(an_answer_without_words_is_still_answered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
