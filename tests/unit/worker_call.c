/* Calls over real sockets: how an answer is read, how long it is waited for, how a call is given up. */
#include "tests/unit/unit.h"

#include "common/limits.h"
#include "tests/unit/call_server.h"

#include <string.h>

#define CLEANUP_TRIAL CLEANUP(trial_done)

static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r7\r\n\r\nOi";
static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

static bool request_has(const struct trial *trial, const char *text) {
        return strstr(buffer_text((struct buffer *)(uintptr_t)&trial->server.request), text);
}

/* -- the request --------------------------------------------------------------------------------------------------- */

static void a_get_has_no_body_and_a_post_has_one(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial_run(&trial);
        assert_true(request_has(&trial, "GET /x HTTP/1.1\r\n"));
        assert_false(request_has(&trial, "Content-Length"));
        assert_string_equal(buffer_text(&trial.body), "Oi");
        trial.request.method = "PUT";
        trial.request.body = bytes_of("{}");
        trial_run(&trial);
        assert_true(request_has(&trial, "PUT /x HTTP/1.1\r\n"));
        assert_true(request_has(&trial, "Content-Length: 2\r\n"));
        assert_int_equal(trial.status, 200);
}

static bool never(void *context) { return false; }

static void a_request_that_may_not_be_sent_any_more_is_held_back(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial.request.may_send = never;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_BROKEN);
        assert_true(trial.is_held_back);
        assert_int_equal(trial.server.request.len, 0);
}

static void a_request_that_cannot_be_sent_ends_without_a_connection(void **state) {
        static const char *const urls[] = {
                "http://127.0.0.1/a\r\nb", "http://127.0.0.1/\x7f", "http://",    "nonsense", "",
                "file:///etc/hostname",    "ftp://127.0.0.1/",      "http://a b/"};
        static const char *const headers[][2] = {{"X-A: b\r\nX-C: d"}, {"X-A: b\nX-C: d"}, {"X-A\x01: b"}};
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
                trial.request.url = urls[i];
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_UNSENDABLE);
        }
        trial.request.url = trial.url;
        for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
                trial.request.headers = headers[i];
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_UNSENDABLE);
                assert_non_null(strstr(buffer_text(&trial.detail), "X-A"));
        }
        assert_int_equal(trial.server.n_accepted, 0);
}

/* -- the answer ---------------------------------------------------------------------------------------------------- */

static void a_redirect_is_not_followed(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        assert_int_equal(trial.status, 302);
        assert_int_equal(trial.server.n_requests, 1);
}

static bool check_header(void *context, struct bytes data) {
        struct trial *trial = context;

        assert_string_equal(call_header(trial->call, "x-request-id"), "r7");
        assert_null(call_header(trial->call, "x-other"));
        return trial_on_data(context, data);
}

static void a_body_is_given_as_it_comes_when_it_is_a_good_one(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.request.on_data = check_header;
        trial.server.answer = well;
        trial_run(&trial);
        assert_string_equal(buffer_text(&trial.data), "Oi");
        assert_int_equal(trial.body.len, 0);
        trial.server.answer = "HTTP/1.1 429 No\r\nContent-Length: 2\r\nRetry-After: 9\r\nretry-after-ms: 20\r\n\r\nno";
        trial_run(&trial);
        assert_string_equal(buffer_text(&trial.body), "no");
        assert_int_equal(trial.n_data, 0);
        assert_int_equal(trial.retry_after.us, 20000);
}

static void an_answer_that_breaks_off_is_broken(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nOi";
        trial.server.is_closing = true;
        trial.request.on_data = trial_on_data;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_BROKEN);
        assert_string_equal(buffer_text(&trial.data), "Oi");
        trial.server.answer = chunked;
        trial.server.more = "2\r\nOi\r\n";
        trial.server.n_repeats = 1;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_BROKEN);
}

static bool is_enough(void *context, struct bytes data) { return false; }

static void an_answer_over_its_limit_is_cut_off(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial.request.body_max = 2;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        trial.request.body_max = 1;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_TOO_LARGE);
        trial.request.body_max = 0;
        /* This one would never end. */
        trial.request.on_data = is_enough;
        trial.server.answer = chunked;
        trial.server.more = "2\r\nOi\r\n";
        trial.server.n_repeats = 1;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_TOO_LARGE);
        assert_int_equal(trial.status, 200);
}

static void of_an_error_the_status_is_the_answer_however_much_comes(void **state) {
        static const struct {
                bool is_stream;
                size_t body_max, len;
        } table[] = {{false, 100, 100}, {true, 0, LIMIT_ERROR_BYTES}, {true, 100, 100}};

        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                CLEANUP_TRIAL struct trial trial;

                trial_init(&trial);
                trial.server.answer = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n";
                trial.server.more = "a\r\n0123456789\r\n";
                trial.server.n_repeats = LIMIT_ERROR_BYTES;
                trial.request.body_max = table[i].body_max;
                trial.request.on_data = table[i].is_stream ? trial_on_data : NULL;
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_ANSWERED);
                assert_int_equal(trial.status, 500);
                assert_int_equal(trial.body.len, table[i].len);
                assert_int_equal(trial.n_data, 0);
        }
}

static void headers_without_end_are_cut_off(void **state) {
        static const char *const beginnings[] = {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n"};
        static const char *const rest[] = {"X-A: 0123456789012345678901234567890123456789\r\n",
                                           "\r\nHTTP/1.1 100 Continue\r\n"};

        for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
                CLEANUP_TRIAL struct trial trial;

                trial_init(&trial);
                trial.server.answer = beginnings[i];
                trial.server.more = rest[i];
                trial.server.n_repeats = 2 * LIMIT_RESPONSE_HEADER_BYTES / strlen(rest[i]);
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_TOO_LARGE);
                assert_non_null(strstr(buffer_text(&trial.detail), "headers"));
        }
}

/* -- silence ------------------------------------------------------------------------------------------------------- */

static void silence_before_the_first_byte_is_a_stall(void **state) {
        static const char *const answers[] = {NULL, chunked};

        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
                CLEANUP_TRIAL struct trial trial;

                trial_init(&trial);
                trial.server.answer = answers[i];
                trial.request.first_byte = span_ms(40);
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_STALLED);
                assert_int_equal(trial.status, answers[i] ? 200 : 0);
                assert_int_equal(trial.server.n_requests, 1);
        }
}

static void silence_in_the_middle_is_a_stall(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = chunked;
        trial.server.more = "2\r\nOi\r\n";
        trial.server.n_repeats = 1;
        trial.request.on_data = trial_on_data;
        trial.request.first_byte = span_s(60);
        trial.request.stall = span_ms(40);
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_STALLED);
        assert_string_equal(buffer_text(&trial.data), "Oi");
}

static void a_call_with_an_end_of_its_own_has_it_however_much_comes(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = chunked;
        trial.server.more = "2\r\nOi\r\n";
        trial.server.n_repeats = 1;
        trial.request.on_data = trial_on_data;
        trial.request.first_byte = trial.request.stall = span_s(60);
        trial.request.longest = span_ms(40);
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_STALLED);
        assert_string_equal(buffer_text(&trial.detail), "no end for 40 ms");
        assert_string_equal(buffer_text(&trial.data), "Oi");
}

/* -- giving up ----------------------------------------------------------------------------------------------------- */

static bool has_request(const struct trial *trial) { return trial->server.n_requests > 0; }
static bool has_hung_up(const struct trial *trial) { return trial->server.n_hung_up > 0; }

static void a_call_that_is_freed_hangs_up_and_says_nothing(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial_start(&trial);
        trial_wait(&trial, has_request);
        call_free(trial.call);
        trial_wait(&trial, has_hung_up);
        assert_false(trial.is_ended);
}

static bool free_call(void *context, struct bytes data) {
        struct trial *trial = context;

        trial->n_data++;
        call_free(trial->call);
        return true;
}

static void a_call_may_be_freed_while_its_data_comes(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = chunked;
        trial.server.more = "2\r\nOi\r\n";
        trial.server.n_repeats = 2;
        trial.request.on_data = free_call;
        trial_start(&trial);
        trial_wait(&trial, has_hung_up);
        assert_int_equal(trial.n_data, 1);
        assert_false(trial.is_ended);
}

static void on_second_end(void *context, const struct outcome_response *response) {
        struct trial *trial = context;

        buffer_push(&trial->data, response->body.data, response->body.len);
}

static bool begin_another(void *context, struct bytes data) {
        struct trial *trial = context;
        struct call_request request = {.method = "GET", .url = trial->url};
        struct call *unwanted = call_new(trial->calls, &request, on_second_end, trial);

        call_new(trial->calls, &request, on_second_end, trial);
        call_free(unwanted);
        return true;
}

static bool has_data(const struct trial *trial) { return trial->data.len > 0 && trial->is_ended; }

static void a_call_may_be_begun_while_the_data_of_another_comes(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial.request.on_data = begin_another;
        trial_start(&trial);
        trial_wait(&trial, has_data);
        assert_string_equal(buffer_text(&trial.data), "Oi");
        assert_int_equal(trial.server.n_requests, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_get_has_no_body_and_a_post_has_one),
                cmocka_unit_test(a_request_that_may_not_be_sent_any_more_is_held_back),
                cmocka_unit_test(a_request_that_cannot_be_sent_ends_without_a_connection),
                cmocka_unit_test(a_redirect_is_not_followed),
                cmocka_unit_test(a_body_is_given_as_it_comes_when_it_is_a_good_one),
                cmocka_unit_test(an_answer_that_breaks_off_is_broken),
                cmocka_unit_test(an_answer_over_its_limit_is_cut_off),
                cmocka_unit_test(of_an_error_the_status_is_the_answer_however_much_comes),
                cmocka_unit_test(headers_without_end_are_cut_off),
                cmocka_unit_test(silence_before_the_first_byte_is_a_stall),
                cmocka_unit_test(silence_in_the_middle_is_a_stall),
                cmocka_unit_test(a_call_with_an_end_of_its_own_has_it_however_much_comes),
                cmocka_unit_test(a_call_that_is_freed_hangs_up_and_says_nothing),
                cmocka_unit_test(a_call_may_be_freed_while_its_data_comes),
                cmocka_unit_test(a_call_may_be_begun_while_the_data_of_another_comes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
