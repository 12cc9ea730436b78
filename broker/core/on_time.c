/* Time has passed: what is due becomes ready, leases end, and what is ready goes to workers with credit. */
#include "broker/core/state.h"

#include "common/ensure.h"

/* Workers say that they live each second or so; who has been silent for this many leases is forgotten. */
enum { SILENT_LEASES = 3 };

static void fire(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        switch ((enum thread_state)thread->state) {
        case THREAD_COLLECTING:
        case THREAD_WAITING:
        case THREAD_BACKOFF:
                if (!provider_is_free(core, tenant_of(core, thread)))
                        thread->due = mono_min(thread->due, ready_rank(core, thread)); /* all wait, by their age */
                thread_ready(core, now, thread);
                break;
        case THREAD_RUNNING:
                run_lost(core, now, thread, fx);
                break;
        case THREAD_READY:
        case THREAD_HELD:
        case THREAD_N_STATES:
        case THREAD_DONE:
        case THREAD_UNKNOWN:
                UNREACHABLE("a thread in this state has no entry in the delay queue");
        }
}

/* An entry of the tenant's delay queue has come up. */
static void come_up(struct core *core, struct now now, struct heap_entry entry, struct effects *fx) {
        struct thread *thread = &core->threads[entry.who];

        if (entry.ticket != thread->ticket)
                return;
        thread->entry_at = MONO_NEVER;
        if (!mono_is_due(now.mono, thread->due))
                thread_wake(core, thread, thread->due);
        else if (awaiting_has(core, thread))
                thread_wake(core, thread, awaiting_until(core));
        else
                fire(core, now, thread, fx);
}

/* Of one tenant, at most `max`; returns how many. */
static int fire_due_of(struct core *core, struct now now, uint32_t index, int max, struct effects *fx) {
        const struct heap_entry *top;
        int n = 0;

        while (n < max && (top = heap_peek(&core->tenants[index].delay)) && mono_is_due(now.mono, top->at)) {
                come_up(core, now, heap_pop(&core->tenants[index].delay), fx);
                n++;
        }
        top = heap_peek(&core->tenants[index].delay);
        /* With more overdue it comes up again behind those who wait, not by how long it is overdue: so a tenant with a
         * million due threads does not keep another's one waiting. */
        if (top)
                tenant_wake(core, &core->tenants[index], mono_max(top->at, now.mono));
        return n;
}

/* Fires what is due, a bounded number a turn, so that a herd of overdue threads starves nobody. */
static void fire_due(struct core *core, struct now now, struct effects *fx) {
        for (int n = 0; n < LIMIT_DUE_PER_TURN; n++) {
                const struct heap_entry *top = heap_peek(&core->delay);
                struct heap_entry entry;

                if (!top || !mono_is_due(now.mono, top->at))
                        return;
                entry = heap_pop(&core->delay);
                if (entry.ticket != core->tenants[entry.who].ticket)
                        continue;
                core->tenants[entry.who].entry_at = MONO_NEVER;
                tenant_queue(core, &core->tenants[entry.who]); /* if its rate kept it out of line */
                n += fire_due_of(core, now, entry.who, LIMIT_DUE_PER_TENANT, fx);
        }
}

/* When a lease ends that gets `gap` back: never later than one that is confirmed now, as it may just have been. */
static struct mono lease_after(const struct core *core, struct now now, const struct thread *thread, struct span gap) {
        return mono_min(mono_add(thread->due, gap), mono_add(now.mono, core->lease));
}

/* If it was the broker that was away (stopped, suspended, starved), the workers' silence is not theirs: what they sent
 * meanwhile may still be in the sockets. Every lease gets the time back. */
static void forgive_own_absence(struct core *core, struct now now) {
        struct span gap = mono_since(now.mono, core->last_step);

        core->last_step = now.mono;
        if (gap.us <= core->alive.us * 2)
                return;
        awaiting_forgive(core, now, gap);
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (core->workers[i].is_used)
                        core->workers[i].heard = mono_min(mono_add(core->workers[i].heard, gap), now.mono);
        for (uint32_t i = 0; i < core->n_threads; i++)
                if (thread_is_used(&core->threads[i]) && core->threads[i].state == THREAD_RUNNING)
                        thread_arm(core, &core->threads[i], lease_after(core, now, &core->threads[i], gap));
}

static void forget_silent_workers(struct core *core, struct now now, struct effects *fx) {
        for (uint32_t i = 0; i < core->n_workers; i++) {
                struct worker *worker = &core->workers[i];
                struct span silent = mono_since(now.mono, worker->heard);

                if (!worker->is_used || silent.us < core->lease.us)
                        continue;
                /* No new run for one that may be gone; its credit comes back with its next word. */
                worker_set_slots(core, worker, 0);
                if (worker->running > 0)
                        continue;
                awaiting_forget(worker, fx); /* each lease that it had is void, and that is stored */
                if (silent.us > core->lease.us * SILENT_LEASES)
                        worker->is_used = false;
        }
}

void on_time(struct core *core, struct now now, struct effects *fx) {
        forgive_own_absence(core, now);
        awaiting_on_time(core, now, fx);
        holds_on_time(core, now, fx);
        fire_due(core, now, fx);
        providers_on_time(core, now);
        forget_silent_workers(core, now, fx);
        seen_expire(&core->seen, now.wall, fx);
        dispatch(core, now, fx);
}
