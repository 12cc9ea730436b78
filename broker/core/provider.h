/* The providers behind the handlers, and how one that fails is spared.
 *
 * A provider is an endpoint with the key that is used there, as rate limits and unpaid bills are the key's: a tenant
 * whose key is refused keeps nobody waiting who has another. It is closed (as a circuit is: calls go through), open
 * (it failed; nothing of it begins), or half open (it is tried). What it says is the RESULT's verdict.
 *
 * It opens after `provider.failures` in a row if they came from more than one thread: one thread that always fails
 * blocks nobody. That it is down counts for all keys of its endpoint together. While it is not closed a failure is the
 * provider's, not the batch's: it costs no attempt, up to a limit. A thread that has failed since the provider did well
 * last proves nothing new by failing again: it goes behind those that have not, and at a pause of its own, so that
 * some conversations that always fail delay no other. After it has closed, runs begin at `provider.drain`, faster with
 * each that goes well, until the rate binds nobody.
 *
 * Tenants whose threads it keeps back stand in its lines, and are called one at a time: so what is done in a turn does
 * not grow with those who wait. Nothing of it is stored: after a restart each is closed. */
#pragma once

#include "broker/core/core.h"
#include "broker/core/heap.h"
#include "broker/core/table.h"
#include "common/hash.h"

struct tenant;
struct thread;

/* Its lines: of tenants with a thread that has not failed in this outage, or of any thread while it is closed; and of
 * those that have failed ones only. */
enum { LINE_FRESH, LINE_AGAIN, LINE_N };

/* Which thread of a tenant may begin a run now. */
enum provider_leave {
        PROVIDER_LETS_ALL,
        PROVIDER_LETS_FRESH, /* one that has not failed, to see whether it is back */
        PROVIDER_LETS_AGAIN, /* one that has */
        PROVIDER_LETS_NONE, /* but those whose answer is stored: they need no provider */
};

/* Failures in a row. */
struct provider_evidence {
        uint32_t failures;
        uint32_t failed; /* the thread that was first among them, by its hash */
        bool is_by_many;
};

/* What the keys of one endpoint have in common. */
struct provider_shared {
        struct provider_evidence down; /* that it could not be reached, or broke; not that a key asks too much */
        uint32_t n_keys;
};

/* Tenants in line, by indices; NONE. */
struct provider_line {
        uint32_t first, last;
};

/* Who tries one that is not closed. */
struct provider_try {
        struct span pause; /* before the next one, when it fails twice as long */
        uint32_t thread; /* that is at it; NONE */
        struct mono since;
};

struct provider {
        char *endpoint; /* NULL: the slot is free */
        uint32_t next_free;
        struct hash_128 identity; /* of endpoint and key: the key itself is not kept here */
        struct provider_shared *shared;
        uint32_t tenant; /* the last of them */
        uint32_t n_tenants, n_running;
        enum provider_state state;
        bool is_told_open; /* what core_next_provider_change() said last */
        bool is_free; /* it keeps nobody back, and nobody stands in its lines */
        struct provider_evidence evidence;
        uint64_t outage; /* the name of the time since it did well last */
        bool is_asked, is_asked_by_many; /* it asked for a pause, since it last did well */
        uint32_t asked; /* the thread that was told so last, by its hash */
        struct mono asked_until; /* nothing begins before, as it asked for that */
        struct mono until, again_until; /* nor before this; and no thread that has failed in this outage */
        struct provider_try fresh, again; /* by a thread that has not failed in this outage, and by one that has */
        uint64_t n_opened; /* how often it has failed so; since the start */
        uint64_t
                opened; /* fences below are of runs that began before it opened last: their verdict is about the past */
        uint64_t slowed; /* and before the rate was lowered last */
        uint32_t slowed_by; /* the thread it was lowered for, by its hash */
        struct span spacing; /* of the runs that begin; 0 = as they come */
        struct mono paced; /* when the next may begin by that */
        struct mono bound; /* when that last kept a run back */
        struct mono free_since;
        struct {
                struct mono at; /* when this second began */
                uint32_t n, n_before; /* runs begun in it, and in the one before */
        } starts;
        struct provider_line lines[LINE_N];
        struct mono entry_at; /* the time in its one entry in providers.wakes that counts; MONO_NEVER */
        uint32_t ticket; /* marks that entry; outlives the provider in its slot */
};

struct providers {
        struct provider *items;
        uint32_t n, cap, first_free; /* slots, free ones included */
        uint64_t n_outages; /* names given, of all providers */
        uint64_t n_changes; /* how often one opened or closed */
        struct config_provider settings; /* in force */
        struct table by_identity, by_endpoint;
        struct heap wakes;
};

/* -- providers.c: which there are ---------------------------------------------------------------------------------- */

void providers_done(struct providers *providers);
/* The tenants' settings are new: each tenant gets its provider, and those that nobody needs are forgotten. */
void providers_configure(struct core *core);
/* `pause`, `cap` and `drain` may be others than they were: they are in force at once. */
void providers_on_settings(struct core *core, struct now now);

/* -- provider.c: whom each lets begin ------------------------------------------------------------------------------ */

/* NULL when its handler has none. */
struct provider *provider_of_tenant(const struct core *core, const struct tenant *tenant);
/* The one that a run under way is made for; NULL when it has none, or has said what it had to say. */
struct provider *provider_of_run(const struct core *core, const struct thread *thread);
/* Does it keep none of the tenant's threads back? In the usual case this is all that is asked. */
bool provider_is_free(const struct core *core, const struct tenant *tenant);
/* Has the thread failed since its provider did well last? */
bool provider_has_failed(const struct core *core, const struct thread *thread);
/* What the tenant may begin now. If that is nothing, it stands in line, and gets its turn without asking again. */
enum provider_leave provider_ask(struct core *core, struct now now, struct tenant *tenant);
/* The tenant was called, and has nothing to begin: the next one is. */
void provider_pass(struct core *core, struct now now, struct tenant *tenant);
/* A lease begins, or goes on over a restart; and it ends. A run whose answer is stored has no provider. */
void provider_on_lease(struct core *core, struct thread *thread);
void provider_on_lease_end(struct core *core, struct thread *thread);
/* The run of that lease is dispatched: a probe, or one of the rate. */
void provider_on_start(struct core *core, struct now now, const struct thread *thread);
void providers_on_time(struct core *core, struct now now);
/* MONO_NEVER when nobody stands in line. */
struct mono providers_next_due(const struct core *core);
/* Something about it has changed: it is looked at in this turn. */
void provider_wake(struct core *core, struct provider *provider, struct mono at);
/* How its runs are spaced by `drain`; 0 = not at all. */
struct span provider_drain(const struct config_provider *settings);
/* How many began in the second that ends now, or in the one before, if that were more. */
uint32_t provider_starts(struct now now, struct provider *provider);
/* The thread's, if it keeps somebody back now; else *ret is left as it is. */
void provider_view_if_busy(const struct core *core, struct now now, const struct thread *thread,
                           struct core_provider_view *ret);

/* -- provider_verdict.c: what becomes of it by what runs say ------------------------------------------------------- */

/* What the thread's run says of its provider. True: its failure, if it is one, is the provider's and costs no
 * attempt. `asked`: how long the provider wants no call, 0 = not said. */
bool provider_on_verdict(struct core *core, struct now now, struct thread *thread, enum wire_provider verdict,
                         struct span asked);

/* It has brought an answer, so its provider is well, whatever becomes of the run; its verdict comes with its result. */
void provider_on_answered(struct core *core, struct now now, const struct thread *thread);

/* -- ready.c: the threads of a tenant that are ready, by how long they have been due ------------------------------- */

void ready_done(struct tenant *tenant);
bool ready_is_empty(const struct tenant *tenant);
void ready_push(struct core *core, struct thread *thread);
/* The one that goes first among those that are let; NULL when there is none. */
struct thread *ready_pop(struct core *core, struct tenant *tenant, enum provider_leave leave);
/* Has it a thread that needs its provider, and has not failed in this outage; and one that has? */
bool ready_has_fresh(struct core *core, struct tenant *tenant);
bool ready_has_failed(struct core *core, struct tenant *tenant);
/* Since when the person has waited: when the first message became due. */
struct mono ready_rank(const struct core *core, const struct thread *thread);
