/* What the files of the flow share: spool_take.c (into the spool), spool_forward.c (out of it), spool_flow.c (the
 * turns, and which way it goes). */
#pragma once

#include "ingest/core/spool_flow.h"

/* A request that is being spooled. Its verdict is that of the commit. */
struct spool_entry {
        struct spool_entry *next;
        struct parcel parcel;
        struct spool_key *keys; /* one for each item; NULL = it is not in this commit */
        struct intake_verdict verdict;
        bool has_owner;
};

struct spool_entries {
        struct spool_entry *first, **end;
};

struct spool_flow {
        struct intake *intake;
        struct spool_queue *queue;
        const struct spool_ops *ops;
        void *context;
        struct spool_entries batch, answered;
        struct {
                struct spool_key *keys; /* the broker has them, and they are in the store still */
                uint32_t n, cap;
                struct mono due; /* when to try again to take them out */
        } gone;
        struct mono pause; /* all wait for room */
        struct mono since, told; /* SPOOLING, and the last FORWARDING */
        uint64_t n_forwarded, n_told, n_spooled;
        struct buffer scratch;
        int error; /* of the spool; 0 = it works */
        struct mono failed; /* when its last commit did */
        bool is_spooling, is_said; /* said: SPOOLING was told */
        bool is_full, is_sending;
        char waits[LIMIT_CODE_LEN + 1]; /* the refusal that was told last; "" = there is room */
};

/* Fills in what every event says. */
void spool_flow_tell(struct spool_flow *flow, struct mono now, struct spool_event event);

/* -- spool_take.c -------------------------------------------------------------------------------------------------- */

struct spool_entry *spool_entry_free(struct spool_entry *entry);
/* Puts everything that waits in the intake into the next commit, in its order. */
void spool_take_requests(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now);
/* Commits what came and what has gone; the requests have their verdicts then. */
void spool_take_commit(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now);

/* -- spool_forward.c ----------------------------------------------------------------------------------------------- */

/* Hands the next frame to the intake, if it is time for one. 0; -EBADMSG when what should be there is not. */
MUST_USE int spool_forward_next(struct spool_flow *flow, struct mono now);
