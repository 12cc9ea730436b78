/* One benchmark: messages go in at one end of a broker, runs come out at the other, and both are watched. */
#pragma once

#include "broker/ctl/bench_ledger.h"
#include "common/histogram.h"
#include "common/json.h"

struct bench_plan {
        const char *ingest, *workers; /* endpoints */
        const char *tenant;
        uint64_t messages, message_bytes;
        uint64_t threads, burst;
        uint64_t frame_messages, window; /* messages in a frame, frames in flight */
        uint64_t slots;                  /* runs held at once */
        uint64_t rate;                   /* messages per second; 0 = as fast as they are acknowledged */
        struct span quiet;               /* the tenant's */
        struct span timeout;             /* for all of it */
};

/* Why it came to an end. */
enum bench_end {
        BENCH_COMPLETE,  /* everything that was accepted has come out */
        BENCH_TIMEOUT,
        BENCH_REFUSED,   /* the broker takes none of it */
        BENCH_CANCELLED, /* Ctrl-C */
};

struct bench_result {
        enum bench_end end;
        struct ledger ledger;
        uint64_t n_sent, n_accepted, n_duplicate, n_refused, n_batches, n_foreign;
        uint32_t n_in_flight, n_resent; /* frames */
        struct mono begin, last_ack, first_run, last_settled;
        struct histogram ack_us;  /* a frame, from sent to acknowledged */
        struct histogram run_us;  /* a batch's last message, from sent to its run, less the quiet */
        struct histogram size;    /* messages of a batch */
        char *refusal;            /* the first one: "code: why"; or the last complaint of the broker; or NULL */
};

/* Runs it. 0 and *ret, for bench_result_done(); a negative errno when an endpoint is none, which has been told. */
MUST_USE int bench_run(const struct bench_plan *plan, struct bench_result *ret);
void bench_result_done(struct bench_result *result);

/* How many were accepted and never came out. */
uint64_t bench_n_lost(const struct bench_result *result);
/* Did everything come out exactly once, in order? */
bool bench_is_good(const struct bench_result *result);

/* The report for a person and the one for a program. `stats` is the broker's answer at the end, or NULL; `medium`
 * says what the store lies on, or is NULL. */
void bench_encode_text(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats,
                       const char *medium, struct buffer *text);
json_t *bench_encode_json(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats);
