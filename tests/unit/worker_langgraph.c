#include "tests/unit/worker_model.h"

#include "worker/core/langgraph.h"

#include <errno.h>

#define ID_1 "1ef00000-0000-6000-8000-000000000001"
#define ID_2 "1ef00000-0000-6000-8000-000000000002"
#define RUN(id, status, batch)                                                                                         \
        "{\"run_id\":\"" id "\",\"status\":\"" status "\",\"metadata\":{\"lull_batch\":\"" batch "\"}}"
#define FOREIGN(id, status) "{\"run_id\":\"" id "\",\"status\":\"" status "\",\"metadata\":{}}"

static void a_thread_has_the_same_uuid_for_every_worker(void **state) {
        char id[LANGGRAPH_ID_LEN + 1];

        /* As Python's uuid.uuid5(UUID('3f0b1e52-9c6d-4a87-b124-6ed970c58a13'), 'acme/ana') says. */
        langgraph_thread_id("acme", "ana", id);
        assert_string_equal(id, "b1f3e419-365d-575e-884f-75ceb581fd5c");
        langgraph_thread_id("acme", "bia", id);
        assert_string_not_equal(id, "b1f3e419-365d-575e-884f-75ceb581fd5c");
}

static void a_run_bears_the_batch(void **state) {
        struct config_handler config = {.assistant = (char *)"agent"};
        struct prompt prompt = {.config = &config, .batch = "B1", .text = bytes_of("Oi")};
        CLEANUP_BUFFER struct buffer body = {0};

        langgraph_encode_run(&prompt, &body);
        assert_json(buffer_bytes(&body),
                    "{\"assistant_id\":\"agent\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\"Oi\","
                    "\"id\":\"lull-B1\"}]},\"metadata\":{\"lull_batch\":\"B1\"},\"multitask_strategy\":\"reject\"}");
        prompt.first_id = "wamid.1";
        prompt.context = bytes_of("{\"vip\":true}");
        buffer_clear(&body);
        langgraph_encode_run(&prompt, &body);
        assert_json(buffer_bytes(&body),
                    "{\"assistant_id\":\"agent\",\"input\":{\"messages\":[{\"role\":\"system\",\"content\":"
                    "\"What is known about the person: {\\\"vip\\\":true}\",\"id\":\"lull-context\"},"
                    "{\"role\":\"user\",\"content\":\"Oi\",\"id\":\"lull-wamid.1\"}]},"
                    "\"metadata\":{\"lull_batch\":\"B1\"},\"multitask_strategy\":\"reject\"}");
}

static void what_a_thread_is_at_is_found_in_its_runs(void **state) {
        static const struct {
                const char *list;
                enum langgraph_found found;
                const char *id;
        } table[] = {
                {"[]", LANGGRAPH_FREE, ""},
                {"[" FOREIGN(ID_1, "success") "," RUN(ID_2, "success", "B0") "]", LANGGRAPH_FREE, ""},
                {"[" RUN(ID_1, "error", "B1") "," RUN(ID_2, "interrupted", "B1") "]", LANGGRAPH_FREE, ""},
                {"[" RUN(ID_1, "timeout", "B1") "]", LANGGRAPH_FREE, ""},
                {"[" RUN(ID_1, "pending", "B1") "]", LANGGRAPH_OURS, ID_1},
                {"[" RUN(ID_1, "running", "B1") "]", LANGGRAPH_OURS, ID_1},
                {"[" RUN(ID_1, "success", "B1") "]", LANGGRAPH_OURS, ID_1},
                {"[" RUN(ID_1, "error", "B1") "," RUN(ID_2, "success", "B1") "]", LANGGRAPH_OURS, ID_2},
                {"[" FOREIGN(ID_1, "running") "]", LANGGRAPH_BUSY, ""},
                {"[" FOREIGN(ID_1, "running") "," RUN(ID_2, "pending", "B1") "]", LANGGRAPH_OURS, ID_2},
                {"[" FOREIGN(ID_1, "pending") "," RUN(ID_2, "running", "B0") "]", LANGGRAPH_OUTDATED, ID_2},
                {"[" RUN(ID_2, "running", "B0") "," FOREIGN(ID_1, "pending") "]", LANGGRAPH_OUTDATED, ID_2},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                char id[LANGGRAPH_ID_LEN + 1] = "";
                enum langgraph_found found;

                assert_int_equal(langgraph_find_run(bytes_of(table[i].list), "B1", &found, id), 0);
                assert_int_equal(found, table[i].found);
                assert_string_equal(id, table[i].id);
        }
}

static void what_is_no_list_of_runs_is_refused(void **state) {
        static const char *const table[] = {
                "", "{}", "null", "[",
                "[{\"run_id\":\"../..\",\"status\":\"running\",\"metadata\":{\"lull_batch\":\"B1\"}}]"};
        char id[LANGGRAPH_ID_LEN + 1];
        enum langgraph_found found;

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_int_equal(langgraph_find_run(bytes_of(table[i]), "B1", &found, id), -EBADMSG);
        assert_int_equal(langgraph_find_run(bytes_of("[7, null]"), "B1", &found, id), 0);
        assert_int_equal(found, LANGGRAPH_FREE);
}

static void a_run_that_was_made_has_an_id(void **state) {
        CLEANUP_BUFFER struct buffer made = payload_of("langgraph/run_created.json");
        char id[LANGGRAPH_ID_LEN + 1];

        assert_int_equal(langgraph_decode_run(buffer_bytes(&made), id), 0);
        assert_string_equal(id, ID_1);
        assert_false(langgraph_is_success(buffer_bytes(&made)));
        assert_true(langgraph_is_success(bytes_of(RUN(ID_1, "success", "B1"))));
        assert_int_equal(langgraph_decode_run(bytes_of("{}"), id), -EBADMSG);
        assert_int_equal(langgraph_decode_run(bytes_of("{\"run_id\":\"7\"}"), id), -EBADMSG);
}

static void the_reply_is_the_last_that_the_assistant_said(void **state) {
        static const char *const table[][2] = {
                {"{\"messages\":[{\"type\":\"human\",\"content\":\"Oi\"},{\"type\":\"ai\",\"content\":\"Hello\"}]}",
                 "Hello"},
                {"\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"Oi\"},{\"role\":\"assistant\",\"content\":"
                 "[{\"type\":\"text\",\"text\":\"He\"},{\"type\":\"text\",\"text\":\"llo\"}]}]}",
                 "Hello"},
                {"{\"messages\":[{\"type\":\"human\",\"content\":\"Oi\"},{\"type\":\"ai\",\"content\":\"Let me look\"},"
                 "{\"type\":\"tool\",\"content\":\"42\"},{\"type\":\"ai\",\"content\":\"It is 42\"}]}",
                 "It is 42"},
                {"{\"messages\":[{\"type\":\"ai\",\"content\":\"of the batch "
                 "before\"},{\"type\":\"human\",\"content\":\"Oi\"}]}",
                 "!empty_answer"},
                {"{\"messages\":[{\"type\":\"human\",\"content\":\"Oi\"},{\"type\":\"ai\",\"content\":\"Let me look\"},"
                 "{\"type\":\"ai\",\"content\":\"\"}]}",
                 "!empty_answer"},
                {"{\"messages\":[]}", "!empty_answer"},
                {"{\"values\":1}", "!bad_answer"},
                {"null", "!bad_answer"},
                {"{\"__error__\":{\"error\":\"ValueError\",\"message\":\"no key\"}}", "!provider_error"},
                {"{\"messages\":[{\"type\":\"ai\",\"content\":\"a\"}],\"__error__\":\"no\"}", "!provider_error"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_heard(&langgraph_api, table[i][0], table[i][1]);
}

static void the_cost_is_that_of_all_it_said(void **state) {
        struct coming coming = {&langgraph_api, 50, OUTCOME_ANSWERED, 200};
        CLEANUP_BUFFER struct buffer said = {0};
        struct handler_usage usage = hear(
                &coming,
                bytes_of(
                        "{\"messages\":[{\"type\":\"ai\",\"content\":\"old\",\"usage_metadata\":{\"input_tokens\":99}},"
                        "{\"type\":\"human\",\"content\":\"Oi\"},"
                        "{\"type\":\"ai\",\"content\":\"\",\"usage_metadata\":{\"input_tokens\":5,\"output_tokens\":2}}"
                        ","
                        "{\"type\":\"ai\",\"content\":\"a\",\"usage_metadata\":{\"input_tokens\":7,\"output_tokens\":3}"
                        "}]}"),
                &said);

        assert_string_equal(buffer_text(&said), "a");
        assert_int_equal(usage.tokens_in, 12);
        assert_int_equal(usage.tokens_out, 5);
        assert_false(usage.is_estimate);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_thread_has_the_same_uuid_for_every_worker),
                cmocka_unit_test(a_run_bears_the_batch),
                cmocka_unit_test(what_a_thread_is_at_is_found_in_its_runs),
                cmocka_unit_test(what_is_no_list_of_runs_is_refused),
                cmocka_unit_test(a_run_that_was_made_has_an_id),
                cmocka_unit_test(the_reply_is_the_last_that_the_assistant_said),
                cmocka_unit_test(the_cost_is_that_of_all_it_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
