/* What the core counts. Only ever added to; who wants a rate takes the difference. */
#pragma once

#include "common/histogram.h"
#include "common/wire.h"

#include <stdint.h>

/* Why a message is not taken in: the codes of PROTOCOL.md, section 2. */
enum refusal_code {
        REFUSAL_UNKNOWN_TENANT,
        REFUSAL_UNKNOWN_CHANNEL,
        REFUSAL_BAD_THREAD,
        REFUSAL_BAD_ID,
        REFUSAL_TOO_LARGE,
        REFUSAL_BAD_BODY,
        REFUSAL_TOO_MANY_HOLDS,
        /* Of a message that is as it should be: there is no room. */
        REFUSAL_STORE_FULL,
        REFUSAL_BROKER_FULL,
        REFUSAL_TENANT_FULL,
        REFUSAL_N_CODES,
};

/* What a tenant was spared, and what was spent for nothing. */
struct tenant_counters {
        uint64_t calls_saved; /* messages that were answered together with another one */
        uint64_t interrupted; /* runs that ended as newer messages came */
        uint64_t reused; /* answers that went out again in a RUN, instead of another call */
        uint64_t tally[N_WIRE_TALLY]; /* what its workers counted, by enum wire_tally */
        uint64_t events[N_WIRE_WHAT]; /* items taken in, by enum wire_what */
        uint64_t echoes; /* of PERSON: our own replies, seen again */
        uint64_t takeovers; /* of PERSON: held a thread that was not held for that before */
        uint64_t late_edits; /* of EDIT and DELETE: the message is not known, or with a worker already */
        uint64_t recorded; /* messages that were only recorded */
        uint64_t shown; /* of SHOWN: ended a doubt, or told of a reply before its worker did */
};

struct core_counters {
        uint64_t accepted, duplicate, refused, finished; /* messages */
        uint64_t refused_by[REFUSAL_N_CODES];
        uint64_t dispatched, done, failed, failed_for_good, busy, lost, handed_back, stale, cancelled; /* runs */
        uint64_t spared; /* of those that failed: for a provider that is spared, at no attempt */
        uint64_t adopted; /* runs that went on over a restart of the broker */
        uint64_t answered;
        struct tenant_counters savings; /* of all tenants */
        uint64_t holds; /* threads that somebody took over */
        uint64_t lock_busy, lock_lost;
        struct histogram lateness_us; /* start of a run past its due time, with credit free */
        struct histogram lock_wait_us, run_us;
        struct histogram batch_messages;
};
