/* What an outcome tells of whoever gave it: outcome.provider, outcome.pause. */
#include "tests/unit/unit.h"

#include "worker/core/outcome.h"

#include <stdio.h>
#include <string.h>

static const struct wall noon = {INT64_C(1795255200) * 1000};

static struct outcome with_headers(long status, const char *body, const struct outcome_headers *headers) {
        struct outcome_response response = {.transport = OUTCOME_ANSWERED,
                                            .status = status,
                                            .headers = *headers,
                                            .body = bytes_of(body),
                                            .now = noon};
        struct outcome outcome;

        outcome_of_http(&response, "the handler", &outcome);
        return outcome;
}

static struct outcome of_http(long status, const char *body) {
        return with_headers(status, body, &(struct outcome_headers){0});
}

static const char locked[] = "{\"error\":{\"message\":\"Another process is currently operating on this conversation.\","
                             "\"type\":\"invalid_request_error\",\"code\":\"conversation_locked\"}}";
static const char quota[] =
        "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\","
        "\"param\":null,\"code\":\"insufficient_quota\"}}";
static const char rate_limited[] =
        "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}";
static const char credit[] = "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                             "\"message\":\"Your credit balance is too low to access the API.\"}}";

static const char quoted_credit[] = "{\"error\":{\"type\":\"invalid_request_error\","
                                    "\"message\":\"cannot parse 'Your credit balance is too low', a bank wrote\"}}";

static void a_status_tells_of_the_provider(void **state) {
        static const struct {
                long status;
                const char *body;
                enum wire_provider provider;
        } table[] = {
                {200, "", WIRE_PROVIDER_WELL},
                {204, "", WIRE_PROVIDER_WELL},
                {302, "", WIRE_PROVIDER_WELL},
                {400, locked, WIRE_PROVIDER_WELL},
                {400, credit, WIRE_PROVIDER_UNPAID},
                {400, quoted_credit, WIRE_PROVIDER_WELL},
                {400, "{\"message\":\"Your credit balance is too low\"}", WIRE_PROVIDER_WELL},
                {401, "", WIRE_PROVIDER_WELL},
                {403, credit, WIRE_PROVIDER_UNPAID},
                {404, credit, WIRE_PROVIDER_WELL},
                {402, "", WIRE_PROVIDER_UNPAID},
                {404, "", WIRE_PROVIDER_WELL},
                {408, "", WIRE_PROVIDER_DOWN},
                {409, "", WIRE_PROVIDER_WELL},
                {429, "", WIRE_PROVIDER_OVERLOADED},
                {429, rate_limited, WIRE_PROVIDER_OVERLOADED},
                {429, quota, WIRE_PROVIDER_UNPAID},
                {500, "", WIRE_PROVIDER_DOWN},
                {500, credit, WIRE_PROVIDER_DOWN},
                {500, "{\"detail\":\"could not parse 'my credit balance is too low, help'\"}", WIRE_PROVIDER_DOWN},
                {503, "", WIRE_PROVIDER_DOWN},
                {503, "{\"error\":{\"code\":\"slow_down\"}}", WIRE_PROVIDER_OVERLOADED},
                {529, "", WIRE_PROVIDER_OVERLOADED},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_int_equal(of_http(table[i].status, table[i].body).provider, table[i].provider);
}

static void who_refuses_for_money_is_not_asked_again(void **state) {
        static const char *const codes[] = {"insufficient_quota", "credit_balance_exhausted",
                                            "billing_hard_limit_reached", "billing_not_active"};

        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
                char body[128];
                struct outcome outcome;

                snprintf(body, sizeof body, "{\"error\":{\"message\":\"no\",\"code\":\"%s\"}}", codes[i]);
                outcome = of_http(429, body);
                assert_int_equal(outcome.kind, WIRE_FAILED_FOR_GOOD);
                assert_string_equal(outcome.code, "unpaid");
                assert_int_equal(outcome.provider, WIRE_PROVIDER_UNPAID);
        }
        assert_int_equal(of_http(429, rate_limited).kind, WIRE_FAILED);
}

static void a_transport_tells_of_the_provider(void **state) {
        static const struct {
                enum outcome_transport transport;
                bool is_held_back;
                enum wire_outcome kind;
                enum wire_provider provider;
        } table[] = {
                {OUTCOME_UNREACHABLE, false, WIRE_FAILED, WIRE_PROVIDER_DOWN},
                {OUTCOME_BROKEN, false, WIRE_FAILED, WIRE_PROVIDER_DOWN},
                {OUTCOME_BROKEN, true, WIRE_FAILED, WIRE_PROVIDER_SILENT},
                {OUTCOME_STALLED, false, WIRE_FAILED, WIRE_PROVIDER_DOWN},
                {OUTCOME_TOO_LARGE, false, WIRE_FAILED, WIRE_PROVIDER_WELL},
                {OUTCOME_FORBIDDEN, false, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_SILENT},
                {OUTCOME_UNSENDABLE, false, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_SILENT},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome_response response = {.transport = table[i].transport,
                                                    .is_held_back = table[i].is_held_back,
                                                    .status = 200,
                                                    .detail = "x"};
                struct outcome outcome;

                outcome_of_http(&response, "the handler", &outcome);
                assert_int_equal(outcome.kind, table[i].kind);
                assert_int_equal(outcome.provider, table[i].provider);
                assert_int_equal(outcome_provider(&response), table[i].provider);
                assert_int_equal(strstr(outcome.why, "private: true") != NULL, table[i].transport == OUTCOME_FORBIDDEN);
        }
}

static void a_pause_is_what_the_provider_asks_for(void **state) {
        struct outcome_headers seconds = {.retry_after = "7"}, both = {.retry_after = "7", .retry_after_ms = "1500"};

        assert_int_equal(with_headers(429, "", &seconds).pause.us, span_s(7).us);
        assert_int_equal(with_headers(503, "", &seconds).pause.us, span_s(7).us);
        assert_int_equal(with_headers(429, "", &both).pause.us, span_ms(1500).us);
        assert_int_equal(with_headers(429, "", &both).retry_after.us, span_ms(1500).us);
        /* Of one thread only: */
        assert_int_equal(with_headers(409, "", &seconds).pause.us, 0);
        assert_int_equal(with_headers(409, "", &seconds).retry_after.us, span_s(7).us);
        assert_int_equal(with_headers(200, "", &seconds).pause.us, 0);
}

static void a_limit_that_is_used_up_is_a_pause(void **state) {
        static const struct {
                const char *left, *reset;
                int64_t us;
        } table[] = {
                {"0", "6m0s", 360000000},
                {"0", "20ms", 20000},
                {"0", "1h2m3.5s", 3600000000},
                {"0", "1m2.5s", 62500000},
                {"0", "1s", 1000000},
                {"0", ".5s", 500000},
                {"0", "1500us", 1500},
                {"0", "1500\xc2\xb5s", 1500},
                {"0", "3000000ns", 3000},
                {"0", "0s", 0},
                {"0", "99999999999999999999999h", 3600000000},
                {"1", "6m0s", 0},
                {"-1", "6m0s", 0},
                {"", "6m0s", 0},
                {NULL, "6m0s", 0},
                {"0", NULL, 0},
                {"0", "", 0},
                {"0", "-6m0s", 0},
                {"0", "6", 0},
                {"0", "6m 0s", 0},
                {"0", "6m0", 0},
                {"0", "s", 0},
                {"0", ".s", 0},
                {"0", "1.2.3s", 0},
                {"0", "soon", 0},
                {"0", "1e3s", 0},
                {"0", "infs", 0},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome_headers requests = {.requests_left = table[i].left, .requests_reset = table[i].reset};
                struct outcome_headers tokens = {.tokens_left = table[i].left, .tokens_reset = table[i].reset};
                struct outcome done = with_headers(200, "", &requests);

                assert_int_equal(done.kind, WIRE_DONE);
                assert_int_equal(done.pause.us, table[i].us);
                assert_int_equal(with_headers(200, "", &tokens).pause.us, table[i].us);
                /* Where no Retry-After says it. */
                assert_int_equal(with_headers(429, "", &requests).retry_after.us, table[i].us);
        }
        struct outcome_headers both = {"3", NULL, "0", "1s", "0", "5s"};
        assert_int_equal(with_headers(200, "", &both).pause.us, span_s(5).us);
        assert_int_equal(with_headers(429, "", &both).pause.us, span_s(3).us);
}

static void nonsense_in_milliseconds_is_not_heard(void **state) {
        static const char *const texts[] = {"", "-5", "soon", "1 5", "nan", "0x10", "."};

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct outcome_headers headers = {.retry_after = "7", .retry_after_ms = texts[i]};

                assert_int_equal(outcome_retry_after(&headers, noon).us, span_s(7).us);
        }
}

static void an_error_inside_an_answer_is_read_by_its_words(void **state) {
        static const struct {
                const char *json;
                enum wire_outcome kind;
                const char *code;
                enum wire_provider provider;
        } table[] = {
                {locked, WIRE_BUSY, "handler_busy", WIRE_PROVIDER_WELL},
                {quota, WIRE_FAILED_FOR_GOOD, "unpaid", WIRE_PROVIDER_UNPAID},
                {rate_limited, WIRE_FAILED, "overloaded", WIRE_PROVIDER_OVERLOADED},
                {"{\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}", WIRE_FAILED, "provider_error",
                 WIRE_PROVIDER_DOWN},
                {"{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"x\"}", WIRE_FAILED, "overloaded",
                 WIRE_PROVIDER_OVERLOADED},
                {"{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"invalid_prompt\"}}}",
                 WIRE_FAILED_FOR_GOOD, "provider_refused", WIRE_PROVIDER_WELL},
                {"{\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}",
                 WIRE_FAILED_FOR_GOOD, "provider_refused", WIRE_PROVIDER_WELL},
                {"{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}", WIRE_FAILED,
                 "http_503", WIRE_PROVIDER_DOWN},
                {"{\"error\":{\"code\":\"429\",\"message\":\"litellm.RateLimitError\"}}", WIRE_FAILED, "http_429",
                 WIRE_PROVIDER_OVERLOADED},
                /* A sentence under no status at all decides nothing. */
                {credit, WIRE_FAILED_FOR_GOOD, "provider_refused", WIRE_PROVIDER_WELL},
                {"{\"error\":\"out of memory\"}", WIRE_FAILED, "provider_error", WIRE_PROVIDER_DOWN},
                {"{\"error\":{\"code\":7}}", WIRE_FAILED, "provider_error", WIRE_PROVIDER_DOWN},
                {"", WIRE_FAILED, "provider_error", WIRE_PROVIDER_DOWN},
                {"[]", WIRE_FAILED, "provider_error", WIRE_PROVIDER_DOWN},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                struct outcome outcome;

                outcome_of_error(bytes_of(table[i].json), "the provider", &outcome);
                assert_int_equal(outcome.kind, table[i].kind);
                assert_string_equal(outcome.code, table[i].code);
                assert_int_equal(outcome.provider, table[i].provider);
                assert_int_equal(outcome.status, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_status_tells_of_the_provider),
                cmocka_unit_test(who_refuses_for_money_is_not_asked_again),
                cmocka_unit_test(a_transport_tells_of_the_provider),
                cmocka_unit_test(a_pause_is_what_the_provider_asks_for),
                cmocka_unit_test(a_limit_that_is_used_up_is_a_pause),
                cmocka_unit_test(nonsense_in_milliseconds_is_not_heard),
                cmocka_unit_test(an_error_inside_an_answer_is_read_by_its_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
