#include "tests/unit/worker_model.h"

#include "worker/core/responses.h"

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define DELTA(text) EVENT("response.output_text.delta", ",\"delta\":\"" text "\"")
#define MESSAGE(text) "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\"}]}"
#define COMPLETED(output)                                                                                              \
        EVENT("response.completed", ",\"response\":{\"status\":\"completed\",\"output\":[" output "]}")

static const char reply[] = "O banho e tosa custa R$ 80.";

static void a_request_names_the_conversation_and_tells_the_rest_each_time(void **state) {
        struct config_handler config = {
                .model = (char *)"m", .system = (char *)"Be brief.", .temperature = -1, .max_tokens = 3};
        struct prompt prompt = {
                .config = &config, .batch = "B1", .text = bytes_of("a\nb"), .context = bytes_of("{\"name\":\"Ana\"}")};
        CLEANUP_BUFFER struct buffer body = {0};

        responses_encode(&prompt, "conv_1", &body);
        assert_json(buffer_bytes(&body),
                    "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"a\\nb\"}],"
                    "\"instructions\":\"Be brief.\\n\\nWhat is known about the person: {\\\"name\\\":\\\"Ana\\\"}\","
                    "\"conversation\":\"conv_1\",\"stream\":true,\"max_output_tokens\":16,"
                    "\"metadata\":{\"lull_batch\":\"B1\"}}");
}

static void what_is_not_set_is_not_sent(void **state) {
        struct config_handler config = {.model = (char *)"m", .temperature = 0.25};
        struct prompt prompt = {.config = &config, .batch = "B1", .text = bytes_of("a")};
        CLEANUP_BUFFER struct buffer body = {0};

        responses_encode(&prompt, NULL, &body);
        assert_json(buffer_bytes(&body), "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"a\"}],"
                                         "\"stream\":true,\"temperature\":0.25,\"metadata\":{\"lull_batch\":\"B1\"}}");
}

static void a_stream_is_put_together(void **state) {
        CLEANUP_BUFFER struct buffer stream = payload_of("openai/responses_stream.sse");

        assert_heard(&responses_api, buffer_text(&stream), reply);
        assert_heard(&responses_api, DELTA("a") DELTA("b") COMPLETED(""), "ab");
        assert_heard(&responses_api, DELTA("piece") COMPLETED(MESSAGE("whole")), "whole");
        assert_heard(&responses_api,
                     COMPLETED("{\"type\":\"reasoning\",\"content\":[]}," MESSAGE("a") "," MESSAGE("b")), "ab");
        assert_heard(&responses_api,
                     EVENT("response.queued", "") DELTA("a") EVENT("some.other", ",\"delta\":7") COMPLETED(""), "a");
        assert_heard(&responses_api, DELTA("a") COMPLETED("") DELTA("behind the end") "data: [DONE]\n\n", "a");
}

static void a_document_is_understood_too(void **state) {
        CLEANUP_BUFFER struct buffer whole = payload_of("openai/responses_completed.json");
        CLEANUP_BUFFER struct buffer queued = payload_of("openai/responses_background_queued.json");

        assert_heard(&responses_api, buffer_text(&whole), reply);
        assert_heard(&responses_api, buffer_text(&queued), "!bad_answer");
        assert_heard(&responses_api, "{\"choices\":[]}", "!bad_answer");
        assert_heard(&responses_api, "{\"status\":", "!bad_answer");
}

static void what_broke_off_is_never_an_answer(void **state) {
        CLEANUP_BUFFER struct buffer stream = payload_of("openai/responses_stream.sse");

        /* Only behind the last byte of the last event: that is, without the empty line that ends it. */
        assert_in_range(whole_prefixes(&responses_api, buffer_bytes(&stream), reply), 1, 2);
        assert_heard(&responses_api, DELTA("a") "data: [DONE]\n\n", "!truncated");
        assert_heard(&responses_api, DELTA("a") EVENT("response.output_text.done", ",\"text\":\"a\""), "!truncated");
}

static void an_incomplete_response_is_posted_if_it_has_a_text(void **state) {
        assert_heard(&responses_api,
                     EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":"
                                                  "{\"reason\":\"max_output_tokens\"},\"output\":[" MESSAGE("a") "]}"),
                     "a");
        assert_heard(&responses_api,
                     EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":"
                                                  "{\"reason\":\"max_output_tokens\"},\"output\":[]}"),
                     "!empty_answer");
        assert_heard(&responses_api,
                     EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":"
                                                  "{\"reason\":\"content_filter\"},\"output\":[]}"),
                     "!refused");
        assert_heard(&responses_api,
                     COMPLETED("{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No\"}]}"),
                     "!refused");
        assert_heard(&responses_api, EVENT("response.refusal.delta", ",\"delta\":\"No\"") COMPLETED(""), "!refused");
}

static void an_error_inside_a_200_is_seen(void **state) {
        CLEANUP_BUFFER struct buffer failed = payload_of("openai/responses_failed.json");
        CLEANUP_BUFFER struct buffer cancelled = payload_of("openai/responses_cancelled.json");

        assert_heard(&responses_api, buffer_text(&failed), "!overloaded");
        assert_heard(&responses_api, buffer_text(&cancelled), "!provider_error");
        assert_heard(&responses_api,
                     DELTA("a") EVENT("response.failed", ",\"response\":{\"status\":\"failed\",\"error\":"
                                                         "{\"code\":\"server_error\",\"message\":\"oh\"}}"),
                     "!provider_error");
        assert_heard(&responses_api, DELTA("a") EVENT("error", ",\"code\":\"server_error\",\"message\":\"oh\""),
                     "!provider_error");
        assert_heard(&responses_api,
                     EVENT("error", ",\"error\":{\"code\":\"conversation_locked\",\"message\":\"in use\"}"),
                     "!handler_busy locked");
        assert_heard(&responses_api, EVENT("error", ",\"code\":\"insufficient_quota\",\"message\":\"pay\""), "!unpaid");
}

static void the_cost_is_what_the_response_says(void **state) {
        CLEANUP_BUFFER struct buffer stream = payload_of("openai/responses_stream.sse");
        CLEANUP_BUFFER struct buffer said = {0};
        struct coming coming = {&responses_api, 50, OUTCOME_ANSWERED, 200};
        struct handler_usage usage = hear(&coming, buffer_bytes(&stream), &said);

        assert_int_equal(usage.tokens_in, 36);
        assert_int_equal(usage.tokens_out, 87);
        assert_false(usage.is_estimate);
}

static void a_conversations_id_is_taken_only_if_it_can_stand_in_a_url(void **state) {
        CLEANUP_BUFFER struct buffer made = payload_of("openai/conversation.json");
        CLEANUP_FREE char *id = responses_conversation_id(buffer_bytes(&made));

        assert_string_equal(id, "conv_FAKE0001");
        assert_null(responses_conversation_id(bytes_of("{\"id\":\"a/../b\"}")));
        assert_null(responses_conversation_id(bytes_of("{\"id\":\"\"}")));
        assert_null(responses_conversation_id(bytes_of("{\"id\":7}")));
        assert_null(responses_conversation_id(bytes_of("conv_1")));
}

static void a_conversation_that_is_gone_is_told_from_other_refusals(void **state) {
        static const struct {
                long status;
                const char *body;
                bool is_forgotten;
        } table[] = {
                {404, "{\"error\":{\"message\":\"Conversation with id 'conv_1' not found.\",\"param\":null}}", true},
                {404, "{\"error\":{\"message\":\"not found\",\"param\":\"conversation\"}}", true},
                {404, "{\"error\":{\"message\":\"not found\",\"param\":\"conversation_id\"}}", true},
                {400, "{\"error\":{\"message\":\"gone\",\"code\":\"conversation_not_found\"}}", true},
                {404, "{\"error\":{\"message\":\"The model 'm' does not exist\",\"code\":\"model_not_found\"}}", false},
                {404, "404 page not found", false},
                {400,
                 "{\"error\":{\"message\":\"Another process is operating on this conversation\","
                 "\"param\":\"conversation\",\"code\":\"conversation_locked\"}}",
                 false},
                {500, "{\"error\":{\"message\":\"conversation\"}}", false},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome_response response = {
                        .transport = OUTCOME_ANSWERED, .status = table[i].status, .body = bytes_of(table[i].body)};

                assert_int_equal(responses_is_forgotten(&response), table[i].is_forgotten);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_names_the_conversation_and_tells_the_rest_each_time),
                cmocka_unit_test(what_is_not_set_is_not_sent),
                cmocka_unit_test(a_stream_is_put_together),
                cmocka_unit_test(a_document_is_understood_too),
                cmocka_unit_test(what_broke_off_is_never_an_answer),
                cmocka_unit_test(an_incomplete_response_is_posted_if_it_has_a_text),
                cmocka_unit_test(an_error_inside_a_200_is_seen),
                cmocka_unit_test(the_cost_is_what_the_response_says),
                cmocka_unit_test(a_conversations_id_is_taken_only_if_it_can_stand_in_a_url),
                cmocka_unit_test(a_conversation_that_is_gone_is_told_from_other_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
