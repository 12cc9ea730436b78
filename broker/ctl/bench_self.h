/* A broker for one benchmark: started in a folder of its own, stopped by its process id, and its folder removed. */
#pragma once

#include "broker/ctl/bench_run.h"

struct self;

struct self_settings {
        const char *broker; /* the program; NULL = lull-broker beside this one, else in $PATH */
        const char *folder; /* where the temporary folder is made; NULL = $TMPDIR, else /var/tmp */
        bool is_in_memory; /* no store on disk */
        bool is_kept; /* the folder stays */
};

/* Starts a broker with one tenant, as the plan has it, and waits until it answers. 0 and *ret; a negative errno,
 * which has been told, with what the broker wrote. */
MUST_USE int self_new(const struct self_settings *settings, const struct bench_plan *plan, struct self **ret);
/* Stops it and removes what it left. */
struct self *self_free(struct self *self);
static inline void self_cleanup(struct self **self) { self_free(*self); }
#define CLEANUP_SELF CLEANUP(self_cleanup)

/* What its process has cost so far; all 0 when the system does not tell. */
void self_look(const struct self *self, struct bench_usage *ret);
/* Of the tenant whose threads wait for their quiet meanwhile (plan->pending). */
#define SELF_TENANT_PENDING "bench-pending"

/* Its endpoints live as long as it does. */
const char *self_ingest(const struct self *self);
const char *self_workers(const struct self *self);
const char *self_stats(const struct self *self);
/* What its store lies on, in words; NULL when nothing is to be said of it. */
const char *self_medium(const struct self *self);
