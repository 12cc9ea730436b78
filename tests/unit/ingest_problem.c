#include "tests/unit/unit.h"

#include "ingest/core/problem.h"
#include "ingest/core/reply.h"

#include <string.h>

static void a_problem_is_what_the_standard_says(void **state) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){404, "unknown_tenant", "there is no tenant \"x\""}, &body);
        assert_string_equal(buffer_text(&body),
                            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                            "\"detail\":\"there is no tenant \\\"x\\\"\",\"code\":\"unknown_tenant\"}\n");
}

static void a_strangers_bytes_stay_inside_the_text(void **state) {
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){400, "bad_json", "near '\xff\"\n\x1b'"}, &body);
        assert_non_null(strstr(buffer_text(&body), "\"near '\xef\xbf\xbd\\\"\\n\\u001B'\""));
}

/* -- replies ------------------------------------------------------------------------------------------------------- */

/* The status of a request of which so many were accepted and duplicates, and these codes refused. */
static unsigned status_of(unsigned (*reply)(const struct reply_outcome *, struct buffer *), uint32_t n_accepted,
                          uint32_t n_duplicates, const char *const *codes) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        for (uint32_t i = 0; codes && codes[i]; i++)
                refusals_push(&refusals, i, bytes_of(codes[i]), bytes_of("why"));
        return reply(&(struct reply_outcome){n_accepted, n_duplicates, 0, &refusals}, &body);
}

#define CODES(...) ((const char *const[]){__VA_ARGS__, NULL})

static unsigned to_hook(const struct reply_outcome *outcome, struct buffer *body) {
        return reply_to_hook(outcome, &(struct reply_ignored){0}, body);
}

static void a_request_of_which_something_is_held_is_202(void **state) {
        assert_int_equal(status_of(reply_to_api, 1, 0, NULL), 202);
        assert_int_equal(status_of(reply_to_api, 0, 1, NULL), 202);
        assert_int_equal(status_of(reply_to_api, 0, 0, NULL), 202);
        assert_int_equal(status_of(reply_to_api, 1, 0, CODES("unknown_tenant")), 202);
        assert_int_equal(status_of(reply_to_api, 0, 1, CODES("too_large")), 202);
}

static void a_request_refused_altogether_has_the_status_of_its_reason(void **state) {
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("unknown_tenant")), 404);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("unknown_channel", "unknown_tenant")), 404);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("too_large", "too_large")), 413);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("bad_json")), 400);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("too_large", "unknown_tenant")), 400);
}

static void a_webhook_with_what_can_never_be_taken_is_done_all_the_same(void **state) {
        assert_int_equal(status_of(to_hook, 1, 0, NULL), 200);
        assert_int_equal(status_of(to_hook, 0, 1, CODES("too_large")), 200);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("too_large")), 200);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("bad_thread", "bad_id", "bad_body", "too_large")), 200);
}

static void a_webhook_has_to_come_again_where_that_may_mend_it(void **state) {
        assert_int_equal(status_of(to_hook, 0, 0, CODES("unknown_tenant")), 503);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("unknown_channel", "unknown_tenant")), 503);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("bad_thread", "unknown_channel")), 503);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("broker_old")), 503);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("too_many_holds")), 503);
        assert_int_equal(status_of(to_hook, 1, 0, CODES("broker_old")), 200);
}

static void what_of_a_webhook_can_never_be_taken_is_named(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        refusals_push(&refusals, 0, bytes_of("bad_id"), bytes_of("why"));
        assert_int_equal(to_hook(&(struct reply_outcome){0, 0, 0, &refusals}, &body), 200);
        assert_string_equal(buffer_text(&body), "{\"accepted\":0,\"duplicate\":0,\"refused\":["
                                                "{\"index\":0,\"code\":\"bad_id\",\"why\":\"why\"}]}\n");
}

static void want_of_room_has_a_status_of_its_own_and_asks_to_come_again(void **state) {
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("store_full", "store_full")), 507);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("broker_full")), 503);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("tenant_full")), 429);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("store_full", "tenant_full")), 503);
        assert_int_equal(status_of(reply_to_api, 0, 0, CODES("store_full", "bad_id")), 400);
        assert_int_equal(status_of(reply_to_api, 1, 0, CODES("store_full")), 202);
}

static void a_webhook_with_anything_that_found_no_room_has_to_come_again(void **state) {
        assert_int_equal(status_of(to_hook, 0, 0, CODES("store_full")), 507);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("broker_full")), 503);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("tenant_full")), 503);
        assert_int_equal(status_of(to_hook, 3, 0, CODES("tenant_full")), 503);
        assert_int_equal(status_of(to_hook, 0, 3, CODES("store_full")), 507);
        assert_int_equal(status_of(to_hook, 0, 0, CODES("bad_thread", "store_full")), 503);
}

static void a_problem_names_the_refusal_that_its_status_is_for(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        refusals_push(&refusals, 0, bytes_of("bad_id"), bytes_of("one"));
        refusals_push(&refusals, 1, bytes_of("broker_full"), bytes_of("two"));
        assert_int_equal(to_hook(&(struct reply_outcome){0, 0, 0, &refusals}, &body), 503);
        assert_non_null(strstr(buffer_text(&body), "\"detail\":\"two\",\"code\":\"broker_full\""));
}

static void an_answer_counts_and_names_what_was_refused(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0}, more = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        refusals_push(&refusals, 4, bytes_of("bad_id"), bytes_of("why"));
        refusals_push(&more, 2, bytes_of("too_large"), bytes_of("because"));
        refusals_merge(&refusals, &more);
        reply_to_api(&(struct reply_outcome){3, 1, 0, &refusals}, &body);
        assert_string_equal(buffer_text(&body), "{\"accepted\":3,\"duplicate\":1,\"refused\":["
                                                "{\"index\":2,\"code\":\"too_large\",\"why\":\"because\"},"
                                                "{\"index\":4,\"code\":\"bad_id\",\"why\":\"why\"}]}\n");
}

static void a_webhooks_answer_says_what_was_ignored(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};
        const struct reply_ignored ignored = {2, {(char *)"own echo", (char *)"status"}};

        reply_to_hook(&(struct reply_outcome){0, 0, 0, &refusals}, &ignored, &body);
        assert_string_equal(buffer_text(&body), "{\"accepted\":0,\"duplicate\":0,\"ignored\":[\"own echo\",\"status\"],"
                                                "\"ignored_total\":2}\n");
}

static void an_answer_names_only_the_first_of_many_that_were_ignored(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};
        struct reply_ignored ignored = {1000, {0}};

        for (uint32_t i = 0; i < LIMIT_IGNORED_SHOWN; i++)
                ignored.why[i] = (char *)"status";
        reply_to_hook(&(struct reply_outcome){0, 0, 0, &refusals}, &ignored, &body);
        assert_non_null(strstr(buffer_text(&body), "\"status\"],\"ignored_total\":1000}"));
        assert_true(body.len < 100 + LIMIT_IGNORED_SHOWN * sizeof "\"status\",");
}

static void events_are_counted_apart_and_one_of_them_is_something(void **state) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        assert_int_equal(reply_to_api(&(struct reply_outcome){0, 0, 2, &refusals}, &body), 202);
        assert_string_equal(buffer_text(&body), "{\"accepted\":0,\"duplicate\":0,\"events\":2,\"refused\":[]}\n");
        refusals_push(&refusals, 0, bytes_of("bad_thread"), bytes_of("why"));
        assert_int_equal(to_hook(&(struct reply_outcome){0, 0, 1, &refusals}, &body), 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_problem_is_what_the_standard_says),
                cmocka_unit_test(a_strangers_bytes_stay_inside_the_text),
                cmocka_unit_test(a_request_of_which_something_is_held_is_202),
                cmocka_unit_test(a_request_refused_altogether_has_the_status_of_its_reason),
                cmocka_unit_test(a_webhook_with_what_can_never_be_taken_is_done_all_the_same),
                cmocka_unit_test(a_webhook_has_to_come_again_where_that_may_mend_it),
                cmocka_unit_test(what_of_a_webhook_can_never_be_taken_is_named),
                cmocka_unit_test(want_of_room_has_a_status_of_its_own_and_asks_to_come_again),
                cmocka_unit_test(a_webhook_with_anything_that_found_no_room_has_to_come_again),
                cmocka_unit_test(a_problem_names_the_refusal_that_its_status_is_for),
                cmocka_unit_test(an_answer_counts_and_names_what_was_refused),
                cmocka_unit_test(a_webhooks_answer_says_what_was_ignored),
                cmocka_unit_test(an_answer_names_only_the_first_of_many_that_were_ignored),
                cmocka_unit_test(events_are_counted_apart_and_one_of_them_is_something),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
