#include "tests/unit/unit.h"

#include "broker/ctl/bench_report.h"
#include "common/limits.h"

#include <errno.h>
#include <string.h>

/* A plan of which nothing was said, but for the profile and a quiet. */
static struct bench_plan plan_of(enum bench_profile profile) {
        struct bench_plan plan = BENCH_PLAN_UNSAID;

        plan.profile = profile;
        plan.quiet = bench_profile_quiet(profile);
        return plan;
}

static void fill(struct bench_plan *plan) {
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(bench_plan_fill(plan, &error), 0);
}

static void is_refused(struct bench_plan plan, const char *words) {
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(bench_plan_fill(&plan, &error), -EINVAL);
        assert_non_null(strstr(error, words));
}

static void every_profile_has_a_name_and_a_whole_plan(void **state) {
        for (int i = 0; i < N_BENCH_PROFILES; i++) {
                enum bench_profile profile = N_BENCH_PROFILES;
                struct bench_plan plan = plan_of((enum bench_profile)i);

                assert_int_equal(bench_profile_decode(bench_profile_name((enum bench_profile)i), &profile), 0);
                assert_int_equal(profile, i);
                fill(&plan);
                assert_true(plan.messages > 0 && plan.messages < BENCH_UNSAID);
                assert_int_equal(plan.in_flight, plan.frame_messages * plan.window);
        }
}

static void a_word_that_names_no_profile_is_refused(void **state) {
        enum bench_profile profile;

        assert_int_equal(bench_profile_decode("out", &profile), -EINVAL);
        assert_int_equal(bench_profile_decode("", &profile), -EINVAL);
}

static void numbers_are_read_with_commas(void **state) {
        uint64_t counts[4];
        size_t n = 0;

        assert_int_equal(bench_counts_decode("1,16,4096", counts, 4, &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(counts[2], 4096);
        assert_int_equal(bench_counts_decode("", counts, 4, &n), -EINVAL);
        assert_int_equal(bench_counts_decode("1,", counts, 4, &n), -EINVAL);
        assert_int_equal(bench_counts_decode("1 2", counts, 4, &n), -EINVAL);
        assert_int_equal(bench_counts_decode("1,2,3,4,5", counts, 4, &n), -EINVAL);
        assert_int_equal(bench_counts_decode("9999999999", counts, 4, &n), -EINVAL);
}

static void messages_in_flight_are_exactly_so_many(void **state) {
        static const uint64_t flights[] = {1, 2, 7, 16, 256, 1000, 4096, 100003};

        for (size_t i = 0; i < sizeof flights / sizeof *flights; i++) {
                struct bench_plan plan = plan_of(BENCH_IN);

                plan.in_flight = flights[i];
                if (flights[i] == 100003) { /* a prime: no frames of equal length make it up */
                        is_refused(plan, "take a rounder number");
                        continue;
                }
                fill(&plan);
                assert_int_equal(plan.frame_messages * plan.window, flights[i]);
        }
}

static void a_frame_of_long_messages_fits_the_wire(void **state) {
        struct bench_plan plan = plan_of(BENCH_IN);

        plan.in_flight = 4096;
        plan.message_bytes = 60000;
        fill(&plan);
        assert_true(plan.frame_messages * plan.message_bytes < LIMIT_FRAME_BYTES);
        assert_int_equal(plan.frame_messages * plan.window, 4096);
}

static void frames_and_a_window_may_be_said_instead(void **state) {
        struct bench_plan plan = plan_of(BENCH_THROUGH);

        plan.frame_messages = 21;
        plan.window = 41;
        fill(&plan);
        assert_int_equal(plan.in_flight, 21 * 41);
        plan = plan_of(BENCH_THROUGH);
        plan.window = 3;
        fill(&plan);
        assert_int_equal(plan.in_flight, 300);
}

static void what_does_not_go_together_is_refused(void **state) {
        struct bench_plan plan = plan_of(BENCH_THROUGH);

        plan.messages = 0;
        is_refused(plan, "--messages is 1 to");
        plan = plan_of(BENCH_THROUGH);
        plan.in_flight = 16;
        plan.window = 2;
        is_refused(plan, "say one of them");
        plan = plan_of(BENCH_IN);
        plan.in_flight = 16;
        plan.frame_messages = 5;
        is_refused(plan, "no whole frames");
        plan = plan_of(BENCH_BURSTS);
        plan.rate = 5;
        is_refused(plan, "leave --rate away");
        plan = plan_of(BENCH_BURSTS);
        plan.messages = 10001;
        is_refused(plan, "or several times");
        plan = plan_of(BENCH_BURSTS);
        plan.pause = span_ms(1);
        is_refused(plan, "--pause is shorter");
        plan = plan_of(BENCH_TIMERS);
        plan.pending = UINT32_MAX;
        is_refused(plan, "--pending is 0 to");
}

static void a_timer_is_a_thread_of_its_own(void **state) {
        struct bench_plan plan = plan_of(BENCH_TIMERS);

        plan.messages = 77;
        fill(&plan);
        assert_int_equal(plan.threads, 77);
        plan = plan_of(BENCH_TIMERS);
        plan.threads = 78;
        fill(&plan);
        assert_int_equal(plan.messages, 78);
}

static void at_a_rate_each_message_has_its_time(void **state) {
        struct bench_plan plan = plan_of(BENCH_LATENCY);

        fill(&plan);
        assert_int_equal(bench_plan_at(&plan, 0).us, 0);
        assert_int_equal(bench_plan_at(&plan, 500).us, 1000000);
}

static void all_threads_talk_at_once(void **state) {
        struct bench_plan plan = plan_of(BENCH_BURSTS);
        struct span last = {-1};

        plan.threads = 10;
        fill(&plan);
        assert_int_equal(plan.messages, 50);
        assert_int_equal(bench_plan_at(&plan, 0).us, 0);
        assert_int_equal(bench_plan_at(&plan, 1).us, 10000);
        assert_int_equal(bench_plan_at(&plan, 10).us, 100000);
        for (uint64_t i = 0; i < plan.messages; i++) {
                assert_true(bench_plan_at(&plan, i).us >= last.us);
                last = bench_plan_at(&plan, i);
        }
}

static void the_second_burst_meets_the_run_of_the_first(void **state) {
        struct bench_plan plan = plan_of(BENCH_BUSY);
        struct span second;

        fill(&plan);
        assert_int_equal(plan.messages, plan.threads * plan.burst * 2);
        second = bench_plan_at(&plan, plan.threads * plan.burst);
        /* The first run begins one quiet after the burst's last message. */
        assert_int_equal(second.us, 400000 + plan.quiet.us + 300000);
        assert_true(second.us < 400000 + plan.quiet.us + plan.work.us);
}

/* -- several side by side ------------------------------------------------------------------------------------------ */

static json_t *report(int in_flight, double per_s, bool is_good) {
        return json_pack("{s:{s:s, s:i}, s:{s:f}, s:{s:b}}", "plan", "profile", "in", "in_flight", in_flight,
                         "messages", "per_s", per_s, "check", "good", is_good);
}

static json_t *reports(void) {
        json_t *all = json_array();

        json_array_append_new(all, report(1, 10, true));
        json_array_append_new(all, report(16, 100, true));
        json_array_append_new(all, report(1, 30, true));
        json_array_append_new(all, report(16, 200, false));
        json_array_append_new(all, report(1, 20, true));
        return all;
}

static void the_summary_has_the_median_and_the_spread_of_each_number_in_flight(void **state) {
        CLEANUP_JSON json_t *all = reports();
        CLEANUP_JSON json_t *series = bench_series_encode(all);

        assert_int_equal(json_array_size(json_pointer_find(series, "/runs")), 5);
        assert_int_equal(json_array_size(json_pointer_find(series, "/summary")), 2);
        assert_int_equal(json_number_value(json_pointer_find(series, "/summary/0/messages_per_s/median")), 20);
        assert_int_equal(json_number_value(json_pointer_find(series, "/summary/0/messages_per_s/low")), 10);
        assert_int_equal(json_number_value(json_pointer_find(series, "/summary/0/messages_per_s/high")), 30);
        assert_true(json_is_true(json_pointer_find(series, "/summary/0/good")));
        assert_int_equal(json_number_value(json_pointer_find(series, "/summary/1/messages_per_s/median")), 150);
        assert_true(json_is_false(json_pointer_find(series, "/summary/1/good")));
        assert_null(json_pointer_find(series, "/summary/0/ack_ms_p50"));
}

static void the_table_has_a_line_for_each_number_in_flight(void **state) {
        CLEANUP_JSON json_t *all = reports();
        CLEANUP_BUFFER struct buffer text = {0};

        bench_series_encode_text(all, &text);
        assert_non_null(strstr(buffer_text(&text), "IN FLIGHT"));
        assert_non_null(strstr(buffer_text(&text), "10..30"));
        assert_non_null(strstr(buffer_text(&text), "FAILED"));
}

static void a_spreadsheet_gets_a_line_for_each_run(void **state) {
        CLEANUP_JSON json_t *all = reports();
        CLEANUP_BUFFER struct buffer text = {0};
        size_t n_lines = 0;

        bench_series_encode_csv(all, &text);
        for (const char *at = buffer_text(&text); (at = strchr(at, '\n')); at++)
                n_lines++;
        assert_int_equal(n_lines, 6);
        assert_non_null(strstr(buffer_text(&text), "\nin,16,0,0,0,0,200,"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_profile_has_a_name_and_a_whole_plan),
                cmocka_unit_test(a_word_that_names_no_profile_is_refused),
                cmocka_unit_test(numbers_are_read_with_commas),
                cmocka_unit_test(messages_in_flight_are_exactly_so_many),
                cmocka_unit_test(a_frame_of_long_messages_fits_the_wire),
                cmocka_unit_test(frames_and_a_window_may_be_said_instead),
                cmocka_unit_test(what_does_not_go_together_is_refused),
                cmocka_unit_test(a_timer_is_a_thread_of_its_own),
                cmocka_unit_test(at_a_rate_each_message_has_its_time),
                cmocka_unit_test(all_threads_talk_at_once),
                cmocka_unit_test(the_second_burst_meets_the_run_of_the_first),
                cmocka_unit_test(the_summary_has_the_median_and_the_spread_of_each_number_in_flight),
                cmocka_unit_test(the_table_has_a_line_for_each_number_in_flight),
                cmocka_unit_test(a_spreadsheet_gets_a_line_for_each_run),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
