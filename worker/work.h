/* One run in the shell: carries out what the core's run (core/run.h) decides, and tells it what came of it. */
#pragma once

#include "worker/broker_link.h"
#include "worker/call.h"
#include "worker/core/batch.h"
#include "worker/core/run.h"
#include "worker/lock.h"
#include "worker/recall.h"
#include "worker/settings.h"
#include "worker/tally.h"
#include "worker/typing.h"

struct work;

/* The memory of runs that have ended, for those that come: of its size the C library keeps none at hand. { 0 } = there
 * is none yet. */
struct work_spares {
        struct work *first;
        uint32_t n;
};

void work_spares_done(struct work_spares *spares);

/* What a run needs of the worker. */
struct work_doors {
        struct loop *loop;
        struct work_spares *spares;
        struct redis *redis; /* NULL = redis: none */
        struct locks *locks;
        struct recall *recall; /* NULL = redis: none */
        bool has_locks; /* false: redis: none */
        struct calls *calls;
        struct typings *typings;
        struct tally *tally;
        struct broker_link *link;
        /* The run is over; it is freed when this returns. */
        void (*on_end)(void *context, struct work *work);
        void *context;
};

/* Makes a run of the batch, which it takes over; it moves with work_begin(). The doors must outlive it. */
struct work *work_new(const struct work_doors *doors, struct batch *batch);
/* Begins it under these settings; it may end at once, and be freed. With a refusal it only reports that. */
void work_begin(struct work *work, struct settings *settings, const struct outcome *refusal);
/* Aborts what is under way, without a word. */
struct work *work_free(struct work *work);

/* Something happened; the run may end by it, and be freed. */
void work_on_event(struct work *work, enum run_event_kind kind);
/* STOP or CANCEL, likewise. */
void work_on_verdict(struct work *work, enum wire_type type, const struct wire_verdict *verdict);
void work_on_settled(struct work *work, bool is_accepted);

uint64_t work_fence(const struct work *work);
struct bytes work_batch(const struct work *work);
