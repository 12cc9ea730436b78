/* The providers behind the handlers, and how one that fails is spared.
 *
 * A provider is an endpoint with the key that is used there, as rate limits and unpaid bills are the key's: a tenant
 * whose key is refused keeps nobody waiting who has another. It is closed (as a circuit is: calls go through), open
 * (it failed; nothing of it begins), or half open (one run at a time tries it). What it says is the RESULT's verdict.
 *
 * It opens after `provider.failures` in a row if they came from more than one thread: one thread that always fails
 * blocks nobody. While it is not closed a failure is the provider's, not the batch's: it costs no attempt, and the
 * thread goes behind those that have not tried yet. After it has closed, runs begin at `provider.drain`, faster with
 * each that goes well, until the rate binds nobody.
 *
 * Tenants whose threads it keeps back stand in its line, and are called one at a time: so what is done in a turn does
 * not grow with those who wait. Nothing of it is stored: after a restart each is closed. */
#pragma once

#include "broker/core/core.h"
#include "broker/core/heap.h"
#include "broker/core/table.h"
#include "common/hash.h"

struct tenant;
struct thread;

/* Which thread of a tenant may begin a run now. */
enum provider_leave {
        PROVIDER_LETS_ALL,
        PROVIDER_LETS_PROBE, /* one, to see whether it is back */
        PROVIDER_LETS_NONE, /* but those whose answer is stored: they need no provider */
};

struct provider {
        char *endpoint; /* NULL: the slot is free */
        struct hash_128 identity; /* of endpoint and key: the key itself is not kept here */
        uint32_t tenant; /* the last of them */
        uint32_t n_tenants, n_running;
        enum provider_state state;
        bool is_free; /* it keeps nobody back, and nobody stands in its line */
        uint32_t failures; /* in a row */
        uint32_t failed; /* the thread that was first among them, by its hash */
        bool is_failed_by_many;
        bool is_asked, is_asked_by_many; /* it asked for a pause, since it last did well */
        uint32_t asked; /* the thread that was told so last, by its hash */
        struct span pause; /* before the next probe, when it fails again twice as long */
        struct mono until; /* nothing begins before */
        uint64_t n_opened; /* how often it has failed so; since the start */
        uint64_t
                opened; /* fences below are of runs that began before it opened last: their verdict is about the past */
        uint64_t slowed; /* and before the rate was lowered last */
        uint32_t slowed_by; /* the thread it was lowered for, by its hash */
        uint32_t probe; /* the thread that tries it; NONE */
        struct mono probe_since;
        struct span spacing; /* of the runs that begin; 0 = as they come */
        struct mono paced; /* when the next may begin by that */
        struct mono bound; /* when that last kept a run back */
        struct mono free_since;
        struct {
                struct mono at; /* when this second began */
                uint32_t n, n_before; /* runs begun in it, and in the one before */
        } starts;
        uint32_t first_in_line, last_in_line; /* tenants; NONE. In the free list, the next free one */
        struct mono entry_at; /* the time in its one entry in providers.wakes that counts; MONO_NEVER */
        uint32_t ticket; /* marks that entry; outlives the provider in its slot */
};

struct providers {
        struct provider *items;
        uint32_t n, cap, first_free; /* slots, free ones included */
        struct table by_identity;
        struct heap wakes;
};

/* -- provider.c: which there are, and whom each lets begin --------------------------------------------------------- */

void providers_done(struct providers *providers);
/* The tenants' settings are new: each tenant gets its provider, and those that nobody needs are forgotten. */
void providers_configure(struct core *core);
/* NULL when its handler has none. */
struct provider *provider_of_tenant(const struct core *core, const struct tenant *tenant);
/* The one that a run under way is made for; NULL when it has none, or has said what it had to say. */
struct provider *provider_of_run(const struct core *core, const struct thread *thread);
/* Does it keep none of the tenant's threads back? In the usual case this is all that is asked. */
bool provider_is_free(const struct core *core, const struct tenant *tenant);
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
/* No run may begin before this, as far as it goes by time. */
struct mono provider_next(const struct provider *provider);
/* The tenant's, if it keeps somebody back now; else *ret is left as it is. */
void provider_view_if_busy(const struct core *core, struct now now, const struct tenant *tenant,
                           struct core_provider_view *ret);

/* -- provider_verdict.c: what becomes of it by what runs say ------------------------------------------------------- */

/* What the thread's run says of its provider. True: its failure, if it is one, is the provider's and costs no
 * attempt. `asked`: how long the provider wants no call, 0 = not said. */
bool provider_on_verdict(struct core *core, struct now now, const struct thread *thread, enum wire_provider verdict,
                         struct span asked);

/* It has brought an answer, so its provider is well, whatever becomes of the run; its verdict comes with its result. */
void provider_on_answered(struct core *core, struct now now, const struct thread *thread);

/* -- ready.c: the threads of a tenant that are ready, by how long they have been due ------------------------------- */

void ready_done(struct tenant *tenant);
bool ready_is_empty(const struct tenant *tenant);
void ready_push(struct core *core, struct thread *thread);
/* It has tried the provider in vain: behind those that have not, for as long as the provider is not closed. */
void ready_push_failed(struct core *core, struct thread *thread);
/* The one that goes first among those that are let; NULL when there is none. */
struct thread *ready_pop(struct core *core, struct tenant *tenant, enum provider_leave leave);
/* Has it a thread that needs its provider? */
bool ready_needs_provider(struct core *core, struct tenant *tenant);
/* Since when the person has waited: when the first message became due. */
struct mono ready_rank(const struct core *core, const struct thread *thread);
