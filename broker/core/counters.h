/* What the core counts. Only ever added to; who wants a rate takes the difference. */
#pragma once

#include "common/histogram.h"

#include <stdint.h>

struct core_counters {
        uint64_t accepted, duplicate, refused, finished; /* messages */
        uint64_t dispatched, done, failed, failed_for_good, busy, lost, handed_back, stale, cancelled; /* runs */
        uint64_t answered, calls_saved;
        uint64_t lock_busy, lock_lost;
        struct histogram lateness_us; /* start of a run past its due time, with credit free */
        struct histogram lock_wait_us, run_us;
        struct histogram batch_messages;
};
