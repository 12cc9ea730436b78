#include "tests/unit/unit.h"

#include "broker/ctl/bench_run.h"

#include <string.h>

static void bursts_go_round_the_threads(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 12, 2, 3);
        assert_int_equal(ledger_thread_of(&ledger, 0), 0);
        assert_int_equal(ledger_thread_of(&ledger, 2), 0);
        assert_int_equal(ledger_thread_of(&ledger, 3), 1);
        assert_int_equal(ledger_thread_of(&ledger, 6), 0);
}

static void an_id_leads_back_to_its_message(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;
        char text[LEDGER_NAME_LEN];
        uint32_t number = 0;

        ledger_init(&ledger, UINT64_MAX, 100, 10, 1);
        assert_int_equal(ledger_decode_id(&ledger, ledger_encode_id(&ledger, 99, text), &number), 0);
        assert_int_equal(number, 99);
}

static void what_others_sent_is_none_of_ours(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;
        CLEANUP(ledger_done) struct ledger other;
        char text[LEDGER_NAME_LEN];
        uint32_t number;

        ledger_init(&ledger, 1, 10, 1, 1);
        ledger_init(&other, 2, 1000, 1, 1);
        assert_int_equal(ledger_decode_id(&ledger, BYTES_NONE, &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("wamid.A"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, ledger_encode_id(&other, 3, text), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-0000000000000001-"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-0000000000000001-10"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-0000000000000001-3x"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-0000000000000001-99999999999999"), &number), 1);
}

static void everything_once_and_in_order_is_good(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 6, .n_accepted = 5, .n_duplicate = 1};

        ledger_init(&result.ledger, 1, 6, 2, 1);
        for (uint32_t i = 1; i < 6; i += 2)
                ledger_on_finished(&result.ledger, i);
        for (uint32_t i = 0; i < 6; i += 2)
                ledger_on_finished(&result.ledger, i);
        assert_true(bench_is_good(&result));
        bench_result_done(&result);
}

static void a_message_that_is_missing_is_lost(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 2, .n_accepted = 2};

        ledger_init(&result.ledger, 1, 2, 1, 1);
        ledger_on_finished(&result.ledger, 1);
        assert_int_equal(bench_n_lost(&result), 1);
        assert_false(bench_is_good(&result));
        bench_result_done(&result);
}

static void a_message_that_comes_out_twice_is_counted(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 1, .n_accepted = 1};

        ledger_init(&result.ledger, 1, 1, 1, 1);
        for (int i = 0; i < 300; i++)
                ledger_on_finished(&result.ledger, 0);
        assert_int_equal(result.ledger.n_out, 1);
        assert_int_equal(result.ledger.n_twice, 299);
        assert_false(bench_is_good(&result));
        bench_result_done(&result);
}

static void a_thread_out_of_order_is_counted(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 4, .n_accepted = 4};

        ledger_init(&result.ledger, 1, 4, 1, 4);
        ledger_on_finished(&result.ledger, 0);
        ledger_on_finished(&result.ledger, 2);
        ledger_on_finished(&result.ledger, 1);
        ledger_on_finished(&result.ledger, 3);
        assert_int_equal(result.ledger.n_out_of_order, 1);
        assert_false(bench_is_good(&result));
        bench_result_done(&result);
}

static void what_was_sent_twice_may_come_late(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 4, 1, 4);
        ledger_on_resent(&ledger, 0);
        ledger_on_finished(&ledger, 2);
        ledger_on_finished(&ledger, 0);
        ledger_on_finished(&ledger, 1);
        ledger_on_finished(&ledger, 3);
        assert_int_equal(ledger.n_out_of_order, 1);
        ledger_on_resent(&ledger, 1);
        ledger_on_resent(&ledger, 1);
        assert_int_equal(ledger.n_out_of_order, 0);
        assert_int_equal(ledger.n_out, 4);
}

/* A finished run of 100 messages in 50 batches, within a tenth of a second. */
static void fill(struct bench_result *result) {
        *result = (struct bench_result){.end = BENCH_COMPLETE, .n_sent = 100, .n_accepted = 100, .n_batches = 50};
        result->last_ack = result->last_settled = (struct mono){100000};
        ledger_init(&result->ledger, 1, 100, 10, 2);
        for (uint32_t i = 0; i < 100; i++)
                ledger_on_finished(&result->ledger, i);
        histogram_add(&result->ack_us, 1000);
        histogram_add(&result->run_us, 2000);
        histogram_add(&result->size, 2);
}

static const struct bench_plan plan = {.messages = 100,
                                       .message_bytes = 256,
                                       .threads = 10,
                                       .burst = 2,
                                       .frame_messages = 10,
                                       .window = 8,
                                       .slots = 100};

static void the_report_says_what_was_found(void **state) {
        CLEANUP(bench_result_done) struct bench_result result;
        CLEANUP_BUFFER struct buffer text = {0};

        fill(&result);
        bench_encode_text(&plan, &result, NULL, NULL, &text);
        assert_non_null(strstr(buffer_text(&text), "messages in   1,000 per second"));
        assert_non_null(strstr(buffer_text(&text), "batches out   500 per second"));
        assert_non_null(strstr(buffer_text(&text), "check         good: every message came out exactly once"));
}

static void the_report_says_what_went_wrong(void **state) {
        CLEANUP(bench_result_done) struct bench_result result;
        CLEANUP_BUFFER struct buffer text = {0};

        fill(&result);
        result.end = BENCH_TIMEOUT;
        result.n_accepted = 101;
        bench_encode_text(&plan, &result, NULL, NULL, &text);
        assert_non_null(strstr(buffer_text(&text), "FAILED: the time was over"));
        assert_non_null(strstr(buffer_text(&text), "1 acknowledged and not out"));
}

static void a_store_in_memory_is_not_called_durable(void **state) {
        CLEANUP(bench_result_done) struct bench_result result;
        CLEANUP_JSON json_t *memory = json_pack("{s:{s:s}}", "store", "kind", "memory");
        CLEANUP_JSON json_t *lmdb = json_pack("{s:{s:s}}", "store", "kind", "lmdb");
        CLEANUP_BUFFER struct buffer text = {0};

        fill(&result);
        bench_encode_text(&plan, &result, memory, NULL, &text);
        assert_non_null(strstr(buffer_text(&text), "durable       no"));
        buffer_clear(&text);
        bench_encode_text(&plan, &result, lmdb, NULL, &text);
        assert_non_null(strstr(buffer_text(&text), "durable       yes"));
}

static void the_report_for_a_program_has_the_same_figures(void **state) {
        CLEANUP(bench_result_done) struct bench_result result;
        CLEANUP_JSON json_t *report = NULL;

        fill(&result);
        report = bench_encode_json(&plan, &result, NULL);
        assert_non_null(report);
        assert_int_equal(json_number_value(json_pointer_find(report, "/messages/per_s")), 1000);
        assert_int_equal(json_number_value(json_pointer_find(report, "/batches/per_s")), 500);
        assert_int_equal(json_number_value(json_pointer_find(report, "/ack_ms/max")), 1);
        assert_true(json_is_true(json_pointer_find(report, "/check/good")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bursts_go_round_the_threads),
                cmocka_unit_test(an_id_leads_back_to_its_message),
                cmocka_unit_test(what_others_sent_is_none_of_ours),
                cmocka_unit_test(everything_once_and_in_order_is_good),
                cmocka_unit_test(a_message_that_is_missing_is_lost),
                cmocka_unit_test(a_message_that_comes_out_twice_is_counted),
                cmocka_unit_test(a_thread_out_of_order_is_counted),
                cmocka_unit_test(what_was_sent_twice_may_come_late),
                cmocka_unit_test(the_report_says_what_was_found),
                cmocka_unit_test(the_report_says_what_went_wrong),
                cmocka_unit_test(a_store_in_memory_is_not_called_durable),
                cmocka_unit_test(the_report_for_a_program_has_the_same_figures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
