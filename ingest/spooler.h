/* The spool of this process: what comes in while the broker is away is kept here, durably, and goes to it when it is
 * back. spool_flow.h says what goes which way, spool_slots.h where it lies.
 *
 * When the spool cannot be used any more (its disk, or damage), what is in it stays on disk, it is opened anew each
 * LIMIT_SPOOL_PAUSE_MS, and until then requests wait for the broker alone, as without a spool. */
#pragma once

#include "ingest/core/spool_flow.h"

struct spooler;

/* Takes a spool in `folder`, and opens it. `intake` must outlive it. 0; a negative errno and *ret_error (the caller
 * frees). */
MUST_USE int spooler_new(const char *folder, struct intake *intake, struct spooler **ret, char **ret_error);
/* What is in the spool stays there for the next start, and the log says how much that is. */
struct spooler *spooler_free(struct spooler *spooler);

struct spooler_bounds {
        uint64_t n_bytes; /* ingest.spool_bytes */
        struct span ack_timeout;
        struct wall wall; /* now */
};

/* One turn: when the acknowledgements of the turn are with the intake, and its verdicts were passed on. Afterwards
 * there may be verdicts here, and a frame in the intake. */
void spooler_run(struct spooler *spooler, const struct spooler_bounds *bounds, struct mono now);
/* Takes a verdict of the intake when it is one on a frame of the spool. */
MUST_USE bool spooler_on_verdict(struct spooler *spooler, const struct intake_verdict *verdict, struct mono now);
/* The next verdict on a request that was to be spooled, for intake_verdict_done(). */
MUST_USE bool spooler_pop_verdict(struct spooler *spooler, struct intake_verdict *ret);
/* When to call spooler_run() next, as far as time alone decides it. */
struct mono spooler_next(const struct spooler *spooler, const struct spooler_bounds *bounds);
