/* From ready to running: tenants in turn, of each the thread that has been due longest, to workers in turn. */
#include "broker/core/state.h"

#include "common/ensure.h"

/* A worker says each `alive` that it lives. One that has missed this many times may be gone. */
enum { MISSED_ALIVES = 2 };

/* The next worker with credit; there is one. Who has been heard lately goes before who may be gone. */
static uint32_t next_worker(struct core *core, struct now now) {
        uint32_t silent = NONE;

        for (uint32_t i = 0; i < core->n_workers; i++) {
                uint32_t index = core->next_worker++ % core->n_workers;
                const struct worker *worker = &core->workers[index];

                if (!worker->is_used || worker->running >= worker->slots)
                        continue;
                if (mono_since(now.mono, worker->heard).us <= core->alive.us * MISSED_ALIVES)
                        return index;
                silent = index;
        }
        if (silent == NONE)
                UNREACHABLE("credit is counted wrong");
        return silent;
}

/* Is it below its concurrency, and within its rate? Else it gets in line again when that has changed. */
static bool has_room(struct core *core, struct tenant *tenant, struct now now) {
        struct mono next = rate_next(tenant, now);

        if (tenant->n_states[THREAD_RUNNING] >= tenant->settings->concurrency) {
                tenant->free_since = MONO_NEVER;
                return false;
        }
        if (!mono_is_due(now.mono, next)) {
                tenant->free_since = next;
                tenant_wake(core, tenant, next);
                return false;
        }
        if (tenant->free_since.us == MONO_NEVER.us)
                tenant->free_since = now.mono;
        return true;
}

/* The tenant's thread that has been due longest; NULL when it has none, or may start none now. */
static struct thread *pop_ready(struct core *core, struct now now, struct tenant *tenant) {
        if (tenant->settings && has_room(core, tenant, now))
                return ready_pop(core, tenant, provider_ask(core, now, tenant));
        provider_pass(core, now, tenant);
        return NULL;
}

static struct thread *next_thread(struct core *core, struct now now) {
        struct tenant *tenant;

        while ((tenant = tenant_dequeue(core))) {
                struct thread *thread = pop_ready(core, now, tenant);

                if (!thread)
                        continue;
                rate_count(tenant, now);
                tenant_queue(core, tenant);
                return thread;
        }
        return NULL;
}

/* Late is what passed since it was due, its tenant had room, and a worker was free to take it; and its provider, which
 * may have kept it back until this moment. */
static void count_lateness(struct core *core, struct now now, const struct thread *thread) {
        const struct tenant *tenant = tenant_of(core, thread);
        const struct provider *provider = thread->is_answered ? NULL : provider_of_tenant(core, tenant);
        struct mono since = mono_max(thread->due, mono_max(core->credit_since, tenant->free_since));

        since = mono_max(since, core->released);
        if (provider)
                since = provider->is_free ? mono_max(since, provider->free_since) : now.mono;
        histogram_add(&core->counters.lateness_us, mono_since(now.mono, since).us);
}

/* The worker posts without asking again, so from now on the reply may be out: that is stored before the RUN leaves. So
 * is that the run which brought the answer, before a restart, is void: what that one says of its own posts is not all
 * there is to know any more. */
static void reuse_answer(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        core->counters.savings.reused++;
        tenant_of(core, thread)->counters.reused++;
        if (thread->is_doubtful && thread->effort->posting == 0)
                return;
        if (thread->effort->posting != 0)
                thread_effort(core, thread)->void_fence = thread->effort->fence - 1;
        thread_effort(core, thread)->posting = 0;
        thread->is_doubtful = true;
        batch_store(core, thread, now.wall, thread->n_batch, fx);
}

static void start(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        uint32_t worker = next_worker(core, now);
        struct send_run *run = effects_push_run(fx, core->workers[worker].address);
        uint32_t at = thread->messages.first;

        count_lateness(core, now, thread);
        awaiting_note(core, now, &core->workers[worker], fx);
        thread_settle(thread, batch_size(core, thread));
        thread_start_lease(core, thread, worker);
        provider_on_start(core, now, thread);
        if (thread->effort->n_busy > 0) /* what it waited for since it was ready was not who is busy */
                thread_effort(core, thread)->busy_since =
                        mono_add(thread->effort->busy_since, mono_since(now.mono, thread->since));
        thread_set_state(core, now, thread, THREAD_RUNNING);
        thread_arm(core, thread, mono_add(now.mono, core->lease));
        core->counters.dispatched++;
        histogram_add(&core->counters.batch_messages, thread->n_batch);

        run->fence = thread->effort->fence;
        batch_name(core, &thread->messages, thread->n_batch, run->batch);
        run->tenant = bytes_of(tenant_of(core, thread)->name);
        run->thread = thread_name(core, thread);
        run->attempt = thread->effort->attempts + 1;
        run->posted = thread->effort->posted;
        run->is_answered = thread->is_answered;
        run->is_doubtful = thread->was_doubtful = thread->is_answered && thread->is_doubtful;
        run->is_record = core->messages[at].is_record;
        run->is_silent = settings_of(core, thread)->on_unknown == CONFIG_ON_UNKNOWN_SILENCE;
        run->n_messages = thread->n_batch;
        run->seqs_at = fx->n_seqs;
        for (uint32_t i = 0; i < thread->n_batch; i++, at = core->messages[at].next)
                effects_push_seq(fx, core->messages[at].seq);
        if (thread->is_answered)
                reuse_answer(core, now, thread, fx);
}

void dispatch(struct core *core, struct now now, struct effects *fx) {
        for (int n = 0; n < LIMIT_DUE_PER_TURN && core->free_credit > 0; n++) {
                struct thread *thread = next_thread(core, now);

                if (!thread)
                        return;
                start(core, now, thread, fx);
        }
        if (core->free_credit == 0)
                core->credit_since = MONO_NEVER;
}
