#include "tests/unit/unit.h"

#include "broker/ctl/bench_report.h"

#include <string.h>

static const struct bench_plan plan = {.profile = BENCH_THROUGH,
                                       .messages = 100,
                                       .message_bytes = 256,
                                       .threads = 10,
                                       .burst = 2,
                                       .in_flight = 80,
                                       .frame_messages = 10,
                                       .window = 8,
                                       .slots = 100};

static void bursts_go_round_the_threads(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 12, 2, 3);
        assert_int_equal(ledger_thread_of(&ledger, 0), 0);
        assert_int_equal(ledger_thread_of(&ledger, 2), 0);
        assert_int_equal(ledger_thread_of(&ledger, 3), 1);
        assert_int_equal(ledger_thread_of(&ledger, 6), 0);
}

static void woven_bursts_are_sent_side_by_side(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 12, 2, 3);
        ledger.is_woven = true;
        assert_int_equal(ledger_thread_of(&ledger, 0), 0);
        assert_int_equal(ledger_thread_of(&ledger, 1), 1);
        assert_int_equal(ledger_thread_of(&ledger, 4), 0);
        assert_int_equal(ledger_burst_of(&ledger, 4), 0);
        assert_int_equal(ledger_burst_of(&ledger, 5), 1);
        assert_int_equal(ledger_burst_of(&ledger, 6), 2);
        assert_int_equal(ledger_burst_of(&ledger, 11), 3);
}

static void a_run_is_whole_when_it_has_one_burst_and_nothing_else(void **state) {
        static const uint32_t whole[] = {0, 2, 4}, part[] = {6, 8}, mixed[] = {10, 1, 3};
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 12, 2, 3);
        ledger.is_woven = true;
        ledger_on_run(&ledger, whole, 3);
        ledger_on_over(&ledger, whole[2], (struct mono){1});
        assert_int_equal(ledger.n_whole, 1);
        ledger_on_run(&ledger, part, 2);
        ledger_on_over(&ledger, part[1], (struct mono){2});
        ledger_on_run(&ledger, mixed, 3);
        ledger_on_over(&ledger, mixed[2], (struct mono){3});
        assert_int_equal(ledger.n_whole, 1);
        assert_int_equal(ledger.n_overlaps, 0);
}

static void two_runs_of_one_thread_at_once_are_counted(void **state) {
        static const uint32_t first[] = {0}, second[] = {2}, other[] = {1};
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 4, 2, 1);
        ledger_on_run(&ledger, first, 1);
        ledger_on_run(&ledger, other, 1);
        assert_int_equal(ledger.n_overlaps, 0);
        ledger_on_run(&ledger, second, 1);
        assert_int_equal(ledger.n_overlaps, 1);
}

static void a_run_is_due_after_its_quiet_and_the_run_before(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;

        ledger_init(&ledger, 1, 4, 2, 1);
        ledger_on_sent(&ledger, 0, (struct mono){100});
        assert_int_equal(ledger_due_of(&ledger, 0, span_us(50)).us, 150);
        ledger_on_acked(&ledger, 0, (struct mono){110});
        assert_int_equal(ledger_due_of(&ledger, 0, span_us(50)).us, 160);
        ledger_on_over(&ledger, 2, (struct mono){500});
        assert_int_equal(ledger_due_of(&ledger, 0, span_us(50)).us, 500);
        ledger_on_over(&ledger, 1, (struct mono){900});
        assert_int_equal(ledger_due_of(&ledger, 0, span_us(50)).us, 500);
}

static void an_id_leads_back_to_its_message(void **state) {
        CLEANUP(ledger_done) struct ledger ledger;
        char text[LEDGER_NAME_LEN];
        uint32_t number = 0;

        ledger_init(&ledger, UINT32_MAX, 100, 10, 1);
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
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-0000000010"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-000000000x"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-9999999999"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-3"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-00000000003"), &number), 1);
        assert_int_equal(ledger_decode_id(&ledger, bytes_of("bench-00000001-0000000003"), &number), 0);
        assert_int_equal(number, 3);
}

static void everything_once_and_in_order_is_good(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 6, .n_accepted = 5, .n_duplicate = 1};

        ledger_init(&result.ledger, 1, 6, 2, 1);
        for (uint32_t i = 1; i < 6; i += 2)
                ledger_on_finished(&result.ledger, i);
        for (uint32_t i = 0; i < 6; i += 2)
                ledger_on_finished(&result.ledger, i);
        assert_true(bench_is_good(&plan, &result));
        bench_result_done(&result);
}

static void a_run_before_its_time_is_a_fault_where_nothing_else_explains_it(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_early = 1};
        struct bench_plan own = plan;

        assert_true(bench_is_good(&own, &result));
        own.is_self = true;
        assert_false(bench_is_good(&own, &result));
}

static void what_only_goes_in_is_lost_when_the_broker_has_less_of_it(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 2, .n_accepted = 2, .n_kept = 2};
        const struct bench_plan in = {.profile = BENCH_IN, .messages = 2, .burst = 1, .is_self = true};

        assert_true(bench_is_good(&in, &result));
        result.n_kept = 1;
        assert_int_equal(bench_n_lost(&in, &result), 1);
        assert_false(bench_is_good(&in, &result));
}

static void a_message_that_is_missing_is_lost(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 2, .n_accepted = 2};

        ledger_init(&result.ledger, 1, 2, 1, 1);
        ledger_on_finished(&result.ledger, 1);
        assert_int_equal(bench_n_lost(&plan, &result), 1);
        assert_false(bench_is_good(&plan, &result));
        bench_result_done(&result);
}

static void a_message_that_comes_out_twice_is_counted(void **state) {
        struct bench_result result = {.end = BENCH_COMPLETE, .n_sent = 1, .n_accepted = 1};

        ledger_init(&result.ledger, 1, 1, 1, 1);
        for (int i = 0; i < 300; i++)
                ledger_on_finished(&result.ledger, 0);
        assert_int_equal(result.ledger.n_out, 1);
        assert_int_equal(result.ledger.n_twice, 299);
        assert_false(bench_is_good(&plan, &result));
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
        assert_false(bench_is_good(&plan, &result));
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
                cmocka_unit_test(woven_bursts_are_sent_side_by_side),
                cmocka_unit_test(a_run_is_whole_when_it_has_one_burst_and_nothing_else),
                cmocka_unit_test(two_runs_of_one_thread_at_once_are_counted),
                cmocka_unit_test(a_run_is_due_after_its_quiet_and_the_run_before),
                cmocka_unit_test(an_id_leads_back_to_its_message),
                cmocka_unit_test(what_others_sent_is_none_of_ours),
                cmocka_unit_test(everything_once_and_in_order_is_good),
                cmocka_unit_test(a_run_before_its_time_is_a_fault_where_nothing_else_explains_it),
                cmocka_unit_test(what_only_goes_in_is_lost_when_the_broker_has_less_of_it),
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
