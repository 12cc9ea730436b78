#include "tests/unit/worker_model.h"

#include "worker/core/chat.h"

#define CHUNK(delta, finish) "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define TEXT(text) CHUNK("{\"content\":\"" text "\"}", "null")
#define STOP CHUNK("{}", "\"stop\"")
#define DONE "data: [DONE]\n\n"

static void a_request_holds_what_was_said_before_and_the_batch_as_one_message(void **state) {
        static const struct recall_turn turns[] = {{{"Oi", 2}, {"Hello", 5}}, {{"E?", 2}, {"Yes", 3}}};
        struct config_handler config = {
                .model = (char *)"m", .system = (char *)"Be brief.", .temperature = 0.5, .max_tokens = 9};
        struct prompt prompt = {.config = &config,
                                .batch = "B",
                                .text = bytes_of("a\nb"),
                                .context = bytes_of("{\"name\":\"Ana\"}"),
                                .turns = turns,
                                .n_turns = 2};
        CLEANUP_BUFFER struct buffer body = {0};

        chat_encode(&prompt, (struct chat_ways){0}, &body);
        assert_json(buffer_bytes(&body),
                    "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                    "{\"role\":\"system\",\"content\":\"What is known about the person: {\\\"name\\\":\\\"Ana\\\"}\"},"
                    "{\"role\":\"user\",\"content\":\"Oi\"},{\"role\":\"assistant\",\"content\":\"Hello\"},"
                    "{\"role\":\"user\",\"content\":\"E?\"},{\"role\":\"assistant\",\"content\":\"Yes\"},"
                    "{\"role\":\"user\",\"content\":\"a\\nb\"}],\"stream\":true,"
                    "\"stream_options\":{\"include_usage\":true},\"max_tokens\":9,\"temperature\":0.5}");
}

/* A turn that a person of the team has answered: what they said is not known. */
static void what_was_only_recorded_stands_before_what_is_said_next(void **state) {
        static const struct recall_turn turns[] = {{{"Oi", 2}, {"", 0}}, {{"E?", 2}, {"Yes", 3}}, {{"Ah", 2}, {"", 0}}};
        struct config_handler config = {.model = (char *)"m", .temperature = -1};
        struct prompt prompt = {.config = &config, .batch = "B", .text = bytes_of("b"), .turns = turns, .n_turns = 3};
        CLEANUP_BUFFER struct buffer body = {0};

        chat_encode(&prompt, (struct chat_ways){.is_without_options = true}, &body);
        assert_json(buffer_bytes(&body), "{\"model\":\"m\",\"messages\":["
                                         "{\"role\":\"user\",\"content\":\"Oi\\nE?\"},"
                                         "{\"role\":\"assistant\",\"content\":\"Yes\"},"
                                         "{\"role\":\"user\",\"content\":\"Ah\\nb\"}],\"stream\":true}");
}

static void what_is_not_set_is_not_sent(void **state) {
        struct config_handler config = {.model = (char *)"m", .temperature = -1};
        struct prompt prompt = {.config = &config, .batch = "B"};
        CLEANUP_BUFFER struct buffer body = {0};

        chat_encode(&prompt, (struct chat_ways){.is_without_options = true}, &body);
        assert_json(
                buffer_bytes(&body),
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"[empty message]\"}],\"stream\":true}");
        config.max_tokens = 5;
        config.temperature = 0;
        buffer_clear(&body);
        chat_encode(&prompt, (struct chat_ways){.is_without_options = true, .is_completion_tokens = true}, &body);
        assert_json(
                buffer_bytes(&body),
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"[empty message]\"}],\"stream\":true,"
                "\"max_completion_tokens\":5,\"temperature\":0.0}");
}

static void a_refusal_that_names_a_key_is_asked_again_in_another_way_once(void **state) {
        static const char other[] = "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported "
                                    "with this model. Use 'max_completion_tokens' instead.\"}}";
        CLEANUP_BUFFER struct buffer file = payload_of("openai/error_vllm_flat_old.json");
        CLEANUP_BUFFER struct buffer vllm = {0};
        CLEANUP_JSON json_t *payload = NULL;
        CLEANUP_FREE char *error = NULL;
        struct outcome_response response = {.transport = OUTCOME_ANSWERED, .status = 400};
        struct chat_ways ways = {0};

        assert_int_equal(json_decode(buffer_bytes(&file), &payload, &error), 0);
        json_encode(json_object_get(payload, "body"), &vllm);
        response.body = buffer_bytes(&vllm);
        assert_true(chat_is_other_way(&response, &ways));
        assert_true(ways.is_without_options && !ways.is_completion_tokens);
        assert_false(chat_is_other_way(&response, &ways));
        response.body = bytes_of(other);
        assert_true(chat_is_other_way(&response, &ways));
        assert_true(ways.is_completion_tokens);
        assert_false(chat_is_other_way(&response, &ways));
        ways = (struct chat_ways){0};
        response.status = 500;
        assert_false(chat_is_other_way(&response, &ways));
        response.status = 400;
        response.body = bytes_of("{\"error\":{\"message\":\"no such model\"}}");
        assert_false(chat_is_other_way(&response, &ways));
}

/* {as it is said, and which way it names: bit 0 stream_options, bit 1 max_completion_tokens} */
static void a_refusal_names_a_key_by_its_parameter_or_outside_of_what_it_quotes(void **state) {
        static const struct {
                const char *body;
                unsigned ways;
        } table[] = {
                {"{\"error\":{\"message\":\"Invalid 'messages[1].content': 'what does stream_options do?'\"}}", 0},
                {"{\"error\":{\"message\":\"can't read \\\"use max_completion_tokens, I say\\\"\"}}", 0},
                {"{\"error\":{\"message\":\"no\"},\"echo\":\"stream_options\"}", 0},
                {"\"stream_options\"", 0},
                {"stream_options", 0},
                {"{\"error\":{\"message\":\"stream_options, it says\",\"param\":\"messages[1].content\"}}", 0},
                {"{\"error\":{\"message\":\"max_tokens is too large\",\"param\":\"max_tokens\"}}", 0},
                {"{\"error\":{\"message\":\"It's unknown\",\"param\":\"stream_options.include_usage\"}}", 1},
                {"{\"error\":{\"message\":\"We don't know stream_options here, don't send it\"}}", 1},
                {"{\"detail\":[{\"loc\":[\"body\",\"stream_options\",0],\"input\":{},\"msg\":\"Extra inputs\"}]}", 1},
                {"{\"error\":{\"message\":\"Use 'max_completion_tokens' instead.\",\"param\":\"max_tokens\"}}", 2},
                {"{\"error\":\"`stream_options` and `max_tokens`: use `max_completion_tokens`\"}", 3},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome_response response = {
                        .transport = OUTCOME_ANSWERED, .status = 422, .body = bytes_of(table[i].body)};
                struct chat_ways ways = {0};

                assert_int_equal(chat_is_other_way(&response, &ways), table[i].ways != 0);
                assert_int_equal(ways.is_without_options, table[i].ways & 1);
                assert_int_equal(ways.is_completion_tokens, table[i].ways >> 1);
        }
}

static void messages_that_are_more_than_text_are_described(void **state) {
        static const struct {
                const char *kind, *text, *data, *expected, *url;
        } table[] = {
                {"", "Oi", "", "Oi"},
                {"text", "", "", ""},
                {"text", "Oi", "{\"url\":\"https://x/1\"}", "Oi"},
                {"button", "Yes", "{}", "Yes"},
                {"image", "", "", "[image]"},
                {"image", "", "{\"attachments\":[{\"data_url\":\"https://x/1\"},{\"data_url\":\"https://x/2\"}]}",
                 "[image] https://x/1 https://x/2"},
                {"image", "Look", "{\"type\":\"image\",\"image\":{\"id\":\"7\",\"url\":\"https://x/3\"}}",
                 "[image] https://x/3 Look"},
                {"audio", "", "{\"audio\":{\"id\":\"7\",\"voice\":true}}", "[audio]"},
                {"audio", "", "{\"media_url\":\"http://x/4\"}", "[audio] http://x/4"},
                {"video", "", "{\"url\":\"file:///etc/passwd\"}", "[video]"},
                {"a/b", "", "{\"a\":{\"b\":\"https://x/5\"}}", "[a/b]"},
                {"image", "", "not JSON", "[image]"},
                {"image", "", "{\"url\":\"https://x/1\"}", "[image] https://x/6", "https://x/6"},
                {"audio", "", "{\"url\":\"https://x/1\"}", "[audio] https://x/1", "file:///etc/passwd"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct wire_body body = {.kind = bytes_of(table[i].kind),
                                         .text = bytes_of(table[i].text),
                                         .data = bytes_of(table[i].data),
                                         .url = bytes_of(table[i].url)};
                CLEANUP_BUFFER struct buffer text = {0};

                prompt_push_message(&text, &body);
                assert_string_equal(buffer_text(&text), table[i].expected);
        }
}

static void a_stream_is_put_together(void **state) {
        CLEANUP_BUFFER struct buffer stream = payload_of("openai/chat_stream.sse");

        assert_heard(&chat_api, buffer_text(&stream), "O banho e tosa custa R$ 80.");
        assert_heard(&chat_api, ": ping\r\n\r\n" TEXT("a\xc3\xa7") TEXT("\xc3\xa3o \xf0\x9f\x99\x82") STOP DONE,
                     "a\xc3\xa7\xc3\xa3o \xf0\x9f\x99\x82");
        assert_heard(&chat_api, TEXT("\\n a ") TEXT("b\\n\\n") STOP DONE, "a b");
        assert_heard(&chat_api, CHUNK("{\"role\":\"assistant\",\"content\":null}", "null") TEXT("a") STOP DONE, "a");
        assert_heard(&chat_api, TEXT("no mark") STOP, "no mark");
        assert_heard(&chat_api, TEXT("no reason") DONE, "no reason");
        assert_heard(&chat_api, TEXT("a") CHUNK("{\"reasoning_content\":\"hm\"}", "null") STOP DONE, "a");
        assert_heard(&chat_api, TEXT("a") STOP TEXT("behind the end") DONE, "a");
        assert_heard(&chat_api, TEXT("a") "data: [DONE]", "a");
}

static void pieces_that_are_alike_are_read_as_any_others(void **state) {
        assert_heard(&chat_api, TEXT("a") TEXT("b") TEXT("content") TEXT("\\u0063") TEXT("\xc3\xa7") STOP DONE,
                     "abcontentc\xc3\xa7");
        assert_heard(&chat_api, TEXT("a") TEXT("b") STOP TEXT("c") DONE, "ab");
        assert_heard(&chat_api, TEXT("a") TEXT("b") "data: {\"error\":{\"message\":\"b\"}}\n\n" TEXT("c"),
                     "!provider_error");
        assert_heard(&chat_api, TEXT("a") TEXT("b\xff") STOP DONE, "!bad_answer");
        assert_heard(&chat_api, TEXT("a") TEXT("b"), "!truncated");
}

static void a_document_is_understood_too(void **state) {
        CLEANUP_BUFFER struct buffer whole = payload_of("openai/chat_completion.json");

        assert_heard(&chat_api, buffer_text(&whole), "O banho e tosa custa R$ 80.");
        assert_heard(&chat_api,
                     " \n{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},\"b\"]}}]}", "ab");
        assert_heard(&chat_api, "{\"choices\":[{\"message\":{\"content\":\"a\"}", "!bad_answer");
        assert_heard(&chat_api, "<html>busy</html>", "!bad_answer");
        assert_heard(&chat_api, "{\"status\":\"ok\"}", "!bad_answer");
        assert_heard(&chat_api, "[]", "!bad_answer");
        assert_heard(&chat_api, "null", "!bad_answer");
        assert_heard(&chat_api, "", "!truncated");
}

static void what_broke_off_is_never_an_answer(void **state) {
        CLEANUP_BUFFER struct buffer stream = payload_of("openai/chat_stream.sse");
        const char *stop = strstr(buffer_text(&stream), "\"finish_reason\": \"stop\"");
        size_t n_behind = stream.len - (size_t)(stop - (const char *)stream.data);

        /* Not before the line with the reason is whole. */
        assert_in_range(whole_prefixes(&chat_api, buffer_bytes(&stream), "O banho e tosa custa R$ 80."), 1,
                        n_behind - strlen("\"finish_reason\": \"stop\"}]}"));
        assert_heard(&chat_api, TEXT("half of it"), "!truncated");
        assert_heard(&chat_api, TEXT("half of it") "data: {\"choices\":[{\"del", "!truncated");
}

static void a_break_before_anything_came_is_no_truncated_answer(void **state) {
        static const struct {
                enum outcome_transport transport;
                const char *body, *code;
        } table[] = {
                {OUTCOME_BROKEN, "", "!broken"},          {OUTCOME_UNREACHABLE, "", "!unreachable"},
                {OUTCOME_STALLED, TEXT("a"), "!stalled"}, {OUTCOME_STALLED, TEXT("a") STOP, "a"},
                {OUTCOME_BROKEN, TEXT("a") STOP, "a"},    {OUTCOME_TOO_LARGE, TEXT("a"), "!too_large"},
                {OUTCOME_FORBIDDEN, "", "!forbidden"},
        };
        CLEANUP_BUFFER struct buffer said = {0};

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct coming coming = {&chat_api, 9, table[i].transport, 200};

                hear(&coming, bytes_of(table[i].body), &said);
                assert_string_equal(buffer_text(&said), table[i].code);
        }
}

static void a_reason_says_what_an_end_means(void **state) {
        assert_heard(&chat_api, TEXT("a") CHUNK("{}", "\"length\"") DONE, "a");
        assert_heard(&chat_api, CHUNK("{}", "\"length\"") DONE, "!empty_answer");
        assert_heard(&chat_api, TEXT("a") CHUNK("{}", "\"content_filter\"") DONE, "!refused");
        assert_heard(&chat_api, CHUNK("{}", "\"content_filter\"") DONE, "!refused");
        assert_heard(&chat_api, CHUNK("{\"refusal\":\"I may not\"}", "null") STOP DONE, "!refused");
        assert_heard(&chat_api, CHUNK("{}", "\"tool_calls\"") DONE, "!empty_answer");
        assert_heard(&chat_api, TEXT(" \\n") STOP DONE, "!empty_answer");
}

static void an_error_inside_a_200_is_seen(void **state) {
        CLEANUP_BUFFER struct buffer llama = payload_of("openai/stream_error_inside_200_llamacpp.sse");

        assert_heard(&chat_api, buffer_text(&llama), "!provider_refused");
        assert_heard(&chat_api, TEXT("a") "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n" DONE,
                     "!http_500");
        assert_heard(&chat_api, "data: {\"error\":\"something\"}\n\n" DONE, "!provider_error");
        assert_heard(&chat_api, "data: {\"object\":\"error\",\"message\":\"no\",\"code\":400}\n\n" DONE, "!http_400");
        assert_heard(&chat_api, "{\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}", "!overloaded");
        assert_heard(&chat_api, "{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}", "!unpaid");
        assert_heard(&chat_api, TEXT("a") "data: nonsense\n\n" STOP DONE, "!bad_answer");
        assert_heard(&chat_api, TEXT("a") STOP "data: {\"error\":\"behind the end\"}\n\n" DONE, "a");
}

static void a_status_is_read_as_everywhere(void **state) {
        static const struct {
                long status;
                const char *body, *code;
        } table[] = {
                {429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"pay\"}}", "!unpaid"},
                {429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}", "!http_429"},
                {400, "{\"error\":{\"code\":\"conversation_locked\",\"message\":\"in use\"}}", "!handler_busy locked"},
                {401, "", "!http_401"},
                {503, "{\"error\":{\"code\":503,\"message\":\"Loading model\"}}", "!http_503"},
                {204, "", "!truncated"},
        };
        CLEANUP_BUFFER struct buffer said = {0};

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct coming coming = {&chat_api, 9, OUTCOME_ANSWERED, table[i].status};

                hear(&coming, bytes_of(table[i].body), &said);
                assert_string_equal(buffer_text(&said), table[i].code);
        }
}

static struct outcome end_of(const char *body, const struct outcome_headers *headers,
                             enum outcome_transport transport) {
        struct outcome_response response = {.transport = transport, .status = 200, .headers = *headers};
        struct answer answer = {0};
        struct outcome outcome;
        struct model model;

        model_init(&model, &chat_api);
        assert_true(model_on_data(&model, bytes_of(body)));
        model_on_end(&model, &response, &answer);
        outcome = answer.outcome;
        answer_done(&answer);
        model_done(&model);
        return outcome;
}

static void headers_that_ask_to_wait_are_heard_beside_whatever_came(void **state) {
        static const char limited[] = "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}\n\n";
        static const char in_use[] = "data: {\"error\":{\"code\":\"conversation_locked\"}}\n\n";
        struct outcome_headers used_up = {.requests_left = "0", .requests_reset = "6m0s"}, wait = {.retry_after = "17"};
        struct outcome outcome = end_of(TEXT("a") STOP DONE, &used_up, OUTCOME_ANSWERED);

        assert_int_equal(outcome.kind, WIRE_DONE);
        assert_int_equal(outcome.pause.us, span_s(360).us);
        assert_int_equal(outcome.retry_after.us, 0);
        assert_int_equal(end_of(TEXT("a") STOP DONE, &wait, OUTCOME_ANSWERED).pause.us, 0);
        outcome = end_of(limited, &wait, OUTCOME_BROKEN);
        assert_string_equal(outcome.code, "overloaded");
        assert_int_equal(outcome.pause.us, span_s(17).us);
        assert_int_equal(outcome.retry_after.us, span_s(17).us);
        outcome = end_of(in_use, &wait, OUTCOME_ANSWERED);
        assert_string_equal(outcome.code, "handler_busy");
        assert_int_equal(outcome.pause.us, 0);
        assert_int_equal(outcome.retry_after.us, span_s(17).us);
}

static void the_cost_is_what_the_provider_says_or_an_estimate(void **state) {
        struct coming coming = {&chat_api, 9, OUTCOME_ANSWERED, 200};
        CLEANUP_BUFFER struct buffer said = {0};
        struct handler_usage usage;

        usage = hear(&coming,
                     bytes_of(TEXT("a") STOP "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
                                             "\"completion_tokens\":7}}\n\n" DONE),
                     &said);
        assert_string_equal(buffer_text(&said), "a");
        assert_int_equal(usage.tokens_in, 5);
        assert_int_equal(usage.tokens_out, 7);
        assert_false(usage.is_estimate);
        usage = hear(&coming, bytes_of(TEXT("a") TEXT("b") TEXT("c")), &said);
        assert_int_equal(usage.tokens_in, 100);
        assert_int_equal(usage.tokens_out, 3);
        assert_true(usage.is_estimate);
}

static void a_text_past_the_limit_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer stream = {0};
        CLEANUP_BUFFER struct buffer said = {0};
        struct coming coming = {&chat_api, 1 << 16, OUTCOME_ANSWERED, 200};
        char text[1025] = {0};

        memset(text, 'x', sizeof text - 1);
        for (size_t i = 0; i < LIMIT_ANSWER_BYTES / (sizeof text - 1); i++)
                buffer_print(&stream, "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n", text);
        size_t len = stream.len;
        buffer_push_text(&stream, STOP DONE);
        hear(&coming, buffer_bytes(&stream), &said);
        assert_int_equal(said.len, LIMIT_ANSWER_BYTES);
        stream.len = len;
        buffer_push_text(&stream, TEXT("y") STOP DONE);
        hear(&coming, buffer_bytes(&stream), &said);
        assert_string_equal(buffer_text(&said), "!too_large");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_holds_what_was_said_before_and_the_batch_as_one_message),
                cmocka_unit_test(what_was_only_recorded_stands_before_what_is_said_next),
                cmocka_unit_test(what_is_not_set_is_not_sent),
                cmocka_unit_test(a_refusal_that_names_a_key_is_asked_again_in_another_way_once),
                cmocka_unit_test(a_refusal_names_a_key_by_its_parameter_or_outside_of_what_it_quotes),
                cmocka_unit_test(messages_that_are_more_than_text_are_described),
                cmocka_unit_test(a_stream_is_put_together),
                cmocka_unit_test(pieces_that_are_alike_are_read_as_any_others),
                cmocka_unit_test(a_document_is_understood_too),
                cmocka_unit_test(what_broke_off_is_never_an_answer),
                cmocka_unit_test(a_break_before_anything_came_is_no_truncated_answer),
                cmocka_unit_test(a_reason_says_what_an_end_means),
                cmocka_unit_test(an_error_inside_a_200_is_seen),
                cmocka_unit_test(a_status_is_read_as_everywhere),
                cmocka_unit_test(headers_that_ask_to_wait_are_heard_beside_whatever_came),
                cmocka_unit_test(the_cost_is_what_the_provider_says_or_an_estimate),
                cmocka_unit_test(a_text_past_the_limit_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
