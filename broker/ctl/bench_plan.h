/* What a benchmark does: how many messages of what size, in what order and at what time, and what takes them out. Each
 * profile is such a plan; what is said on the command line goes before it. Pure.
 *
 * There are two orders. Without a gap, messages go out as fast as they are acknowledged, or at a rate, and a thread's
 * burst is sent in a row. With a gap, all threads talk at once: each sends a message every `gap` until its burst is
 * over, and its next burst begins a `pause` after the last one began; the threads' beginnings are spread over one
 * gap. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

enum bench_profile {
        BENCH_THROUGH, /* in at one end and out at the other, as fast as it goes */
        BENCH_IN, /* acknowledged, and nothing taken out meanwhile */
        BENCH_LATENCY, /* one message at a time, at a rate that is no burden */
        BENCH_TIMERS, /* a message in each thread, and its quiet */
        BENCH_BURSTS, /* many threads in which somebody writes several messages in a row */
        BENCH_BUSY, /* the same, and the next burst meets the run of the one before */
        N_BENCH_PROFILES,
};

/* Not said on the command line: the profile's own. */
#define BENCH_UNSAID UINT64_MAX
#define BENCH_SPAN_UNSAID ((struct span){-1})

struct bench_plan {
        enum bench_profile profile;
        const char *ingest, *workers; /* endpoints */
        const char *tenant;
        uint64_t messages, message_bytes;
        uint64_t threads, burst;
        uint64_t in_flight; /* messages sent and not acknowledged, at most */
        uint64_t frame_messages, window; /* the same as frames: messages in one, and how many of them */
        uint64_t slots; /* runs held at once */
        uint64_t rate; /* messages per second; 0 = as fast as they are acknowledged */
        uint64_t pending; /* threads of another tenant that wait for their quiet meanwhile */
        struct span quiet; /* the tenant's */
        struct span gap, pause; /* see above; a gap of 0 is none */
        struct span work; /* what each run takes */
        struct span timeout; /* for all of it */
        bool is_at_once; /* every thread becomes due at one instant */
        bool is_self; /* the broker was started for this, and ends with it */
};

#define BENCH_PLAN_UNSAID                                                                                              \
        ((struct bench_plan){.messages = BENCH_UNSAID,                                                                 \
                             .message_bytes = BENCH_UNSAID,                                                            \
                             .threads = BENCH_UNSAID,                                                                  \
                             .burst = BENCH_UNSAID,                                                                    \
                             .in_flight = BENCH_UNSAID,                                                                \
                             .frame_messages = BENCH_UNSAID,                                                           \
                             .window = BENCH_UNSAID,                                                                   \
                             .slots = BENCH_UNSAID,                                                                    \
                             .rate = BENCH_UNSAID,                                                                     \
                             .pending = BENCH_UNSAID,                                                                  \
                             .quiet = BENCH_SPAN_UNSAID,                                                               \
                             .gap = BENCH_SPAN_UNSAID,                                                                 \
                             .pause = BENCH_SPAN_UNSAID,                                                               \
                             .work = BENCH_SPAN_UNSAID,                                                                \
                             .timeout = BENCH_SPAN_UNSAID})

/* The profile of a word: 0 and *ret; -EINVAL. */
MUST_USE int bench_profile_decode(const char *word, enum bench_profile *ret);
const char *bench_profile_name(enum bench_profile profile);
/* "1,16,256": 0, the numbers in `ret` (room for `max`) and *ret_n; -EINVAL for anything else. */
MUST_USE int bench_counts_decode(const char *text, uint64_t *ret, size_t max, size_t *ret_n);

/* Fills in what was not said from the profile, and reckons the rest from it. The tenant's quiet is left alone, as it
 * may stand in a config. 0; -EINVAL and *ret_error (the caller frees) when the numbers do not go together. */
MUST_USE int bench_plan_fill(struct bench_plan *plan, char **ret_error);
/* The quiet that a profile has with a broker of its own. */
struct span bench_profile_quiet(enum bench_profile profile);

/* Is the order the one with a gap? */
static inline bool bench_is_paced(const struct bench_plan *plan) { return plan->gap.us > 0; }
/* When message `number` is to be sent, from the beginning; 0 for a plan without gap and rate. */
struct span bench_plan_at(const struct bench_plan *plan, uint64_t number);
