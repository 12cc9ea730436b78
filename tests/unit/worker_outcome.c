#include "tests/unit/unit.h"

#include "worker/core/outcome.h"

#include <string.h>

static const struct wall noon = {INT64_C(1795255200) * 1000};

struct http_row {
        long status;
        const char *body;
        enum wire_outcome kind;
        const char *code;
};

static struct outcome of_http(long status, const char *body, const char *retry_after) {
        struct outcome_response response = {
                .transport = OUTCOME_ANSWERED,
                .status = status,
                .headers = {.retry_after = retry_after},
                .body = bytes_of(body),
                .now = noon,
        };
        struct outcome outcome;

        outcome_of_http(&response, "the handler", &outcome);
        return outcome;
}

static const char locked[] = "{\"error\":{\"message\":\"Another process is currently operating on this conversation.\","
                             "\"type\":\"invalid_request_error\",\"code\":\"conversation_locked\"}}";
static const char run_active[] =
        "{\"error\":{\"message\":\"Can't add messages to thread_1 while a run run_2 is active.\","
        "\"type\":\"invalid_request_error\",\"code\":null}}";
static const char has_run[] = "{\"error\":{\"message\":\"Thread t already has an active run run_2.\",\"code\":null}}";
static const char running_task[] = "{\"detail\":\"Thread is already running a task. Wait for it to finish\"}";
/* What a person wrote, as an error gives it back; and a sentence beside a code that knows better. */
static const char quoting_run[] = "{\"error\":{\"message\":\"Invalid value: 'Can't add messages to my cart while a run "
                                  "is active'\",\"type\":\"invalid_request_error\"}}";
static const char quoting_task[] = "{\"error\":{\"message\":\"Invalid value: 'is the store already running a task?'\","
                                   "\"type\":\"invalid_request_error\"}}";
static const char too_long[] = "{\"error\":{\"message\":\"Thread x already has an active run y\","
                               "\"code\":\"context_length_exceeded\"}}";
static const char int_code[] =
        "{\"error\":{\"message\":\"maximum context length\",\"type\":\"BadRequestError\",\"code\":400}}";

static void a_status_means_what_the_table_says(void **state) {
        static const struct http_row table[] = {
                {200, "", WIRE_DONE, ""},
                {204, "", WIRE_DONE, ""},
                {201, "", WIRE_FAILED, "bad_answer"},
                {202, "{}", WIRE_FAILED, "bad_answer"},
                {301, "", WIRE_FAILED_FOR_GOOD, "http_301"},
                {302, "", WIRE_FAILED_FOR_GOOD, "http_302"},
                {400, "", WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, int_code, WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, locked, WIRE_BUSY, "handler_busy"},
                {400, run_active, WIRE_BUSY, "handler_busy"},
                {400, has_run, WIRE_BUSY, "handler_busy"},
                {422, running_task, WIRE_BUSY, "handler_busy"},
                {409, quoting_run, WIRE_BUSY, "handler_busy"},
                {400, quoting_run, WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, quoting_task, WIRE_FAILED_FOR_GOOD, "http_400"},
                {403, run_active, WIRE_FAILED_FOR_GOOD, "http_403"},
                {400, "while a run x is active", WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, "\"run is active\"", WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, too_long, WIRE_FAILED_FOR_GOOD, "http_400"},
                {400, "<html>no</html>", WIRE_FAILED_FOR_GOOD, "http_400"},
                {401, "", WIRE_FAILED_FOR_GOOD, "http_401"},
                {403, "", WIRE_FAILED_FOR_GOOD, "http_403"},
                {404, "", WIRE_FAILED_FOR_GOOD, "http_404"},
                {408, "", WIRE_FAILED, "http_408"},
                {409, "", WIRE_BUSY, "handler_busy"},
                {410, "", WIRE_FAILED_FOR_GOOD, "http_410"},
                {422, "", WIRE_FAILED_FOR_GOOD, "http_422"},
                {423, "", WIRE_BUSY, "handler_busy"},
                {425, "", WIRE_FAILED, "http_425"},
                {429, "", WIRE_FAILED, "http_429"},
                {499, "", WIRE_FAILED_FOR_GOOD, "http_499"},
                {500, "", WIRE_FAILED, "http_500"},
                {500, locked, WIRE_FAILED, "http_500"},
                {502, "<html>bad gateway</html>", WIRE_FAILED, "http_502"},
                {503, "", WIRE_FAILED, "http_503"},
                {529, "", WIRE_FAILED, "http_529"},
                {600, "", WIRE_FAILED, "bad_answer"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome outcome = of_http(table[i].status, table[i].body, NULL);

                assert_int_equal(outcome.kind, table[i].kind);
                assert_string_equal(outcome.code, table[i].code);
                assert_int_equal(outcome.status, outcome.kind == WIRE_DONE ? 0 : table[i].status);
                assert_int_equal(outcome.why[0] == '\0', outcome.kind == WIRE_DONE);
        }
}

static void why_quotes_the_services_own_sentence(void **state) {
        assert_string_equal(of_http(400, int_code, NULL).why,
                            "the handler refused the batch: it answered 400: maximum context length");
        assert_string_equal(of_http(500, "{\"error\":\"out of memory\"}", NULL).why,
                            "the handler answered 500: out of memory");
        assert_string_equal(of_http(500, "<html>secret page</html>", NULL).why, "the handler answered 500");
}

static void a_failing_transport_is_failed(void **state) {
        static const struct {
                enum outcome_transport transport;
                const char *code;
        } table[] = {
                {OUTCOME_UNREACHABLE, "unreachable"},
                {OUTCOME_BROKEN, "broken"},
                {OUTCOME_TOO_LARGE, "too_large"},
                {OUTCOME_STALLED, "stalled"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome_response response = {.transport = table[i].transport, .detail = "connection refused"};
                struct outcome outcome;

                outcome_of_http(&response, "the channel", &outcome);
                assert_int_equal(outcome.kind, WIRE_FAILED);
                assert_string_equal(outcome.code, table[i].code);
                assert_non_null(strstr(outcome.why, "the channel"));
        }
}

static void an_exit_status_means_what_the_table_says(void **state) {
        static const struct {
                int status, signal;
                enum wire_outcome kind;
                const char *code;
        } table[] = {
                {0, 0, WIRE_DONE, ""},
                {1, 0, WIRE_FAILED, "exit_1"},
                {65, 0, WIRE_FAILED_FOR_GOOD, "exit_65"},
                {69, 0, WIRE_BUSY, "handler_busy"},
                {75, 0, WIRE_FAILED, "exit_75"},
                {127, 0, WIRE_FAILED, "exit_127"},
                {0, 9, WIRE_FAILED, "signal_9"},
                {0, 11, WIRE_FAILED, "signal_11"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome outcome;

                outcome_of_exit(table[i].status, table[i].signal, bytes_of("no model here"), &outcome);
                assert_int_equal(outcome.kind, table[i].kind);
                assert_string_equal(outcome.code, table[i].code);
                assert_int_equal(strstr(outcome.why, "no model here") != NULL, table[i].kind != WIRE_DONE);
        }
}

static void retry_after_is_seconds_or_a_date_within_reason(void **state) {
        static const struct {
                const char *text;
                int64_t s;
        } table[] = {
                {NULL, 0},
                {"", 0},
                {"2", 2},
                {"120", 120},
                {"-5", 0},
                {"soon", 0},
                {"1.5", 0},
                {"99999999999999999999", LIMIT_RETRY_AFTER_MAX_S},
                {"7200", LIMIT_RETRY_AFTER_MAX_S},
                {"Sat, 21 Nov 2026 10:00:30 GMT", 30},
                {"Sat, 21 Nov 2026 09:00:00 GMT", 0},
                {"Sun, 22 Nov 2026 10:00:00 GMT", LIMIT_RETRY_AFTER_MAX_S},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_int_equal(outcome_retry_after(&(struct outcome_headers){.retry_after = table[i].text}, noon).us,
                                 span_s(table[i].s).us);
        assert_int_equal(of_http(429, "", "7").retry_after.us, span_s(7).us);
        assert_int_equal(of_http(503, "", "Sat, 21 Nov 2026 10:00:09 GMT").retry_after.us, span_s(9).us);
        assert_int_equal(of_http(200, "", "7").retry_after.us, 0);
}

static void why_is_one_line_of_whole_characters(void **state) {
        struct outcome outcome;
        char text[2 * LIMIT_WHY_LEN];

        outcome_init(&outcome, WIRE_FAILED, "code", "a\nb\tc\x7f%s", "d");
        assert_string_equal(outcome.why, "a b c d");
        memset(text, 'x', sizeof text);
        for (size_t i = 1; i + 2 < sizeof text; i += 2)
                memcpy(text + i, "\xc3\xa9", 2);
        text[sizeof text - 1] = '\0';
        outcome_init(&outcome, WIRE_FAILED, "code", "%s", text);
        assert_int_equal(strlen(outcome.why), LIMIT_WHY_LEN - 1);
        assert_true(bytes_is_utf8(bytes_of(outcome.why)));
        outcome_init(&outcome, WIRE_FAILED, "code", "%s", "bad \xff\xfe bytes");
        assert_string_equal(outcome.why, "bad ?? bytes");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_status_means_what_the_table_says),
                cmocka_unit_test(why_quotes_the_services_own_sentence),
                cmocka_unit_test(a_failing_transport_is_failed),
                cmocka_unit_test(an_exit_status_means_what_the_table_says),
                cmocka_unit_test(retry_after_is_seconds_or_a_date_within_reason),
                cmocka_unit_test(why_is_one_line_of_whole_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
