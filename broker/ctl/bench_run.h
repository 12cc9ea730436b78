/* One benchmark: messages go in at one end of a broker, runs come out at the other, and both are watched. */
#pragma once

#include "broker/ctl/bench_ledger.h"
#include "broker/ctl/bench_plan.h"
#include "common/histogram.h"
#include "common/json.h"

/* Why it came to an end. */
enum bench_end {
        BENCH_COMPLETE, /* everything that was accepted has come out, or was not to come out */
        BENCH_TIMEOUT,
        BENCH_REFUSED, /* the broker takes none of it */
        BENCH_CANCELLED, /* Ctrl-C */
        BENCH_UNFIRED, /* what was to make all threads due at one instant went wrong */
};

/* What the broker's process has cost, as the system counts it; all 0 where it is not ours to look at. */
struct bench_usage {
        uint64_t cpu_us, loop_cpu_us; /* since it began: all its threads; the one that does lull's own work */
        uint64_t written_bytes; /* since it began */
        uint64_t memory_bytes; /* its own; not what it has mapped of files, which is cache */
};

struct bench_result {
        enum bench_end end;
        struct ledger ledger;
        uint64_t n_sent, n_accepted, n_duplicate, n_refused, n_batches, n_foreign;
        uint64_t n_early; /* runs before their quiet was over: a cap's doing, or a fault */
        uint64_t n_kept; /* of a broker that keeps what went in: what it says it has */
        uint32_t n_in_flight, n_resent; /* frames */
        struct mono begin, last_ack, first_run, last_run, last_settled;
        struct mono fired; /* when all became due at one instant; 0 = they did not */
        struct histogram ack_us; /* a frame, from sent to acknowledged */
        struct histogram run_us; /* a batch's last message, from sent to its run, less the quiet */
        struct histogram late_us; /* the same from acknowledged, or from the end of the thread's run before, if later */
        struct histogram size; /* messages of a batch */
        struct bench_usage before, after;
        char *refusal; /* the first one: "code: why"; or the last complaint of the broker; or NULL */
};

/* What a benchmark asks of whoever has it run. */
struct bench_hooks {
        /* Makes every thread due at this instant, with plan->is_at_once. 0, or negative, which has been told. */
        int (*fire)(void *context);
        void *context;
        const char *title; /* before the progress: "2 of 5: "; "" = nothing */
};

/* Runs it. 0 and *ret, for bench_result_done(); a negative errno when an endpoint is none, which has been told. */
MUST_USE int bench_run(const struct bench_plan *plan, const struct bench_hooks *hooks, struct bench_result *ret);
void bench_result_done(struct bench_result *result);
/* Has Ctrl-C, or a SIGTERM, come? Then no other is to be begun. */
bool bench_is_cancelled(void);

/* How many were accepted and are neither out nor kept. */
uint64_t bench_n_lost(const struct bench_plan *plan, const struct bench_result *result);
/* Did everything come out exactly once, in order, and nothing before its time? */
bool bench_is_good(const struct bench_plan *plan, const struct bench_result *result);

/* Is what goes in taken out again? */
static inline bool bench_has_sink(const struct bench_plan *plan) { return plan->profile != BENCH_IN || !plan->is_self; }
