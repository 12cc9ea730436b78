#include "broker/ctl/bench_report.h"

#include <stdlib.h>

void bench_result_done(struct bench_result *result) {
        ledger_done(&result->ledger);
        free(TAKE(result->refusal));
}

uint64_t bench_n_lost(const struct bench_plan *plan, const struct bench_result *result) {
        uint64_t taken = result->n_accepted + result->n_duplicate;
        uint64_t seen = bench_has_sink(plan) ? result->ledger.n_out : result->n_kept;

        return taken > seen ? taken - seen : 0;
}

/* With a broker of its own, whose caps are out of the way, a run before its quiet is over is a fault. */
static bool is_in_time(const struct bench_plan *plan, const struct bench_result *result) {
        return result->n_early == 0 || !plan->is_self;
}

bool bench_is_good(const struct bench_plan *plan, const struct bench_result *result) {
        return result->end == BENCH_COMPLETE && result->n_refused == 0 && bench_n_lost(plan, result) == 0 &&
               result->ledger.n_twice == 0 && result->ledger.n_out_of_order == 0 && result->ledger.n_overlaps == 0 &&
               is_in_time(plan, result);
}

static double per_second(uint64_t n, struct mono begin, struct mono end) {
        int64_t us = mono_since(end, begin).us;

        return us > 0 ? (double)n * 1e6 / (double)us : 0;
}

double bench_in_per_second(const struct bench_result *result) {
        return per_second(result->n_accepted + result->n_duplicate, result->begin, result->last_ack);
}

double bench_through_per_second(const struct bench_result *result) {
        return per_second(result->ledger.n_out, result->begin, result->last_settled);
}

double bench_out_per_second(const struct bench_result *result) {
        return per_second(result->n_batches, result->begin, result->last_settled);
}

struct span bench_dispatching(const struct bench_plan *plan, const struct bench_result *result) {
        struct mono due = result->fired.us > 0 ? result->fired : mono_add(result->begin, plan->quiet);

        return span_max(mono_since(result->last_run, due), span_us(0));
}
