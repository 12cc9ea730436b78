/* The record of a run that is under way, as it stands beside the thread's lock: one line of JSON that a person can
 * read. Pure. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

struct run_record {
        uint64_t fence;
        const char *batch, *worker;
        struct wall since;
        const char *provider, *provider_id; /* whom it asks, and what that calls the run; NULL = not known */
};

/* Appends it. What is not known is left out. */
void run_record_encode(const struct run_record *record, struct buffer *text);
