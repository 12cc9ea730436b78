/* Several benchmarks side by side: the median of each figure and its spread, for each number in flight. */
#include "broker/ctl/answer.h"
#include "broker/ctl/bench_report.h"
#include "broker/ctl/listing.h"
#include "common/memory.h"

#include <stdlib.h>

/* A figure, by where it stands in a report; the name is the summary's, and that of the column. */
static const struct figure {
        const char *name, *pointer;
} figures[] = {
        {"messages_per_s", "/messages/per_s"},
        {"through_per_s", "/messages/through_per_s"},
        {"batches_per_s", "/batches/per_s"},
        {"dispatching_ms", "/batches/dispatching_ms"},
        {"ack_ms_p50", "/ack_ms/p50"},
        {"ack_ms_p99", "/ack_ms/p99"},
        {"run_ms_p50", "/run_ms/p50"},
        {"run_ms_p99", "/run_ms/p99"},
        {"late_ms_p50", "/late_ms/p50"},
        {"late_ms_p99", "/late_ms/p99"},
        {"cpu_us_per_message", "/broker/cpu_us_per_message"},
        {"loop_cpu_us_per_message", "/broker/loop_cpu_us_per_message"},
        {"written_bytes_per_message", "/broker/written_bytes_per_message"},
        {"memory_bytes", "/broker/memory_bytes"},
};

enum { N_FIGURES = sizeof figures / sizeof *figures };

struct spread {
        double low, median, high;
        size_t n;
};

static double number_of(const json_t *report, const char *pointer) {
        double value = 0;

        (void)!answer_number_find(report, pointer, &value);
        return value;
}

static bool is_of_flight(const json_t *report, double in_flight) {
        return number_of(report, "/plan/in_flight") == in_flight;
}

static int compare_numbers(const void *a, const void *b) {
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

static struct spread spread_of(const json_t *reports, double in_flight, const char *pointer) {
        CLEANUP_FREE double *values = memory_new(json_array_size(reports) + 1, sizeof *values);
        const json_t *report;
        size_t i, n = 0;

        json_array_foreach(reports, i, report) {
                double value;

                if (is_of_flight(report, in_flight) && answer_number_find(report, pointer, &value) == 0)
                        values[n++] = value;
        }
        if (n == 0)
                return (struct spread){0};
        qsort(values, n, sizeof *values, compare_numbers);
        return (struct spread){values[0], (values[(n - 1) / 2] + values[n / 2]) / 2, values[n - 1], n};
}

/* Is it the first of its number in flight? Then a line of the summary begins. */
static bool is_first(const json_t *reports, size_t index) {
        double in_flight = number_of(json_array_get(reports, index), "/plan/in_flight");

        for (size_t i = 0; i < index; i++)
                if (is_of_flight(json_array_get(reports, i), in_flight))
                        return false;
        return true;
}

static bool is_all_good(const json_t *reports, double in_flight) {
        const json_t *report;
        size_t i;

        json_array_foreach(reports, i,
                           report) if (is_of_flight(report, in_flight) &&
                                       !json_is_true(json_pointer_find(report, "/check/good"))) return false;
        return true;
}

/* -- for a program ------------------------------------------------------------------------------------------------- */

static json_t *encode_row(const json_t *reports, double in_flight) {
        struct spread spread = spread_of(reports, in_flight, "/plan/in_flight");
        json_t *row = json_pack("{s:I, s:I, s:b}", "in_flight", (json_int_t)in_flight, "runs", (json_int_t)spread.n,
                                "good", is_all_good(reports, in_flight));

        for (size_t i = 0; i < N_FIGURES; i++) {
                spread = spread_of(reports, in_flight, figures[i].pointer);
                if (spread.n > 0)
                        json_object_set_new(row, figures[i].name,
                                            json_pack("{s:f, s:f, s:f}", "median", spread.median, "low", spread.low,
                                                      "high", spread.high));
        }
        return row;
}

json_t *bench_series_encode(const json_t *reports) {
        json_t *summary = json_array();

        for (size_t i = 0; i < json_array_size(reports); i++)
                if (is_first(reports, i))
                        json_array_append_new(
                                summary, encode_row(reports, number_of(json_array_get(reports, i), "/plan/in_flight")));
        return json_pack("{s:O, s:o}", "runs", (json_t *)reports, "summary", summary);
}

/* -- for a person -------------------------------------------------------------------------------------------------- */

static void push_number(struct listing *listing, double number) {
        CLEANUP_BUFFER struct buffer cell = {0};

        if (number >= 100)
                buffer_print(&cell, "%.0f", number);
        else
                buffer_print(&cell, "%.3g", number);
        listing_push_buffer(listing, &cell);
}

static void push_row(struct listing *listing, const json_t *reports, double in_flight) {
        static const char *const pointers[] = {
                "/messages/per_s", "/ack_ms/p50",  "/ack_ms/p99", "/messages/through_per_s",
                "/batches/per_s",  "/late_ms/p50", "/late_ms/p99"};
        struct spread rate = spread_of(reports, in_flight, pointers[0]);
        CLEANUP_BUFFER struct buffer range = {0};

        push_number(listing, in_flight);
        push_number(listing, rate.median);
        buffer_print(&range, "%.0f..%.0f", rate.low, rate.high);
        listing_push_buffer(listing, &range);
        for (size_t i = 1; i < sizeof pointers / sizeof *pointers; i++)
                push_number(listing, spread_of(reports, in_flight, pointers[i]).median);
        listing_push(listing, is_all_good(reports, in_flight) ? "good" : "FAILED");
}

void bench_series_encode_text(const json_t *reports, struct buffer *text) {
        static const struct listing_column columns[] = {
                {"IN FLIGHT", true}, {"MESSAGES/S IN", true}, {"LOW..HIGH", true}, {"ACK MS P50", true},
                {"P99", true},       {"THROUGH/S", true},     {"BATCHES/S", true}, {"LATE MS P50", true},
                {"P99", true},       {"CHECK", false}};
        CLEANUP_LISTING struct listing listing;

        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        for (size_t i = 0; i < json_array_size(reports); i++)
                if (is_first(reports, i))
                        push_row(&listing, reports, number_of(json_array_get(reports, i), "/plan/in_flight"));
        listing_encode(&listing, 0, text);
}

/* -- for a spreadsheet --------------------------------------------------------------------------------------------- */

void bench_series_encode_csv(const json_t *reports, struct buffer *text) {
        const json_t *report;
        size_t at;

        buffer_push_text(text, "profile,in_flight,messages,threads,burst,good");
        for (size_t i = 0; i < N_FIGURES; i++)
                buffer_print(text, ",%s", figures[i].name);
        buffer_push_text(text, "\n");
        json_array_foreach(reports, at, report) {
                buffer_print(text, "%s,%.0f,%.0f,%.0f,%.0f,%d", answer_text_find(report, "/plan/profile"),
                             number_of(report, "/plan/in_flight"), number_of(report, "/plan/messages"),
                             number_of(report, "/plan/threads"), number_of(report, "/plan/burst"),
                             json_is_true(json_pointer_find(report, "/check/good")));
                for (size_t i = 0; i < N_FIGURES; i++)
                        buffer_print(text, ",%.10g", number_of(report, figures[i].pointer));
                buffer_push_text(text, "\n");
        }
}
