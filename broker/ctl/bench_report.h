/* What a benchmark has found, in words and in JSON, and several of them side by side. Pure. */
#pragma once

#include "broker/ctl/bench_run.h"

/* Acknowledged from the first message sent to the last acknowledgement; taken out until the last result was taken. */
double bench_in_per_second(const struct bench_result *result);
double bench_through_per_second(const struct bench_result *result);
double bench_out_per_second(const struct bench_result *result); /* batches */
/* From when the first thread was due, or all were, to the last run. */
struct span bench_dispatching(const struct bench_plan *plan, const struct bench_result *result);

/* The report for a person and the one for a program. `stats` is the broker's answer at the end, or NULL; `medium`
 * says what the store lies on, or is NULL. */
void bench_encode_text(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats,
                       const char *medium, struct buffer *text);
json_t *bench_encode_json(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats);
/* Whether what was acknowledged is durable, in a sentence without its end. */
void bench_encode_durability(const json_t *stats, const char *medium, struct buffer *text);

/* Several reports for a program, an array in the order in which they were taken, as one: {"runs", "summary"}, where the
 * summary has, for each number of messages in flight, median, lowest and highest of each figure. */
json_t *bench_series_encode(const json_t *reports);
/* The same for a person: a line for each number in flight. */
void bench_series_encode_text(const json_t *reports, struct buffer *text);
/* And for a spreadsheet: a line for each report. */
void bench_series_encode_csv(const json_t *reports, struct buffer *text);
