#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

struct core *core_new(const struct core_options *options) {
        struct core *core = memory_new(1, sizeof *core);

        core->epoch = options->epoch;
        /* Workers were told at their WELCOME, so these stay for as long as the broker runs. */
        core->lease = options->config->broker.lease;
        core->alive = span_us(core->lease.us / 5);
        core->salt = options->salt;
        core->random = options->seed;
        core->next_fence = (uint64_t)options->epoch << 32 | 1;
        core->next_seq = options->first_seq;
        core->free_message = core->free_thread = NONE;
        core->workers = memory_new(LIMIT_WORKERS, sizeof *core->workers);
        core->recent = memory_new(LIMIT_RECENT, sizeof *core->recent);
        core->settled = memory_new(LIMIT_RECENT, sizeof *core->settled);
        core->credit_since = MONO_NEVER;
        tenants_configure(core, options->config);
        return core;
}

struct core *core_free(struct core *core) {
        if (!core)
                return NULL;
        for (uint32_t i = 0; i < core->n_threads; i++) {
                free(core->threads[i].name);
                free(core->threads[i].failure);
        }
        for (uint32_t i = 0; i < core->n_tenants; i++) {
                free(core->tenants[i].name);
                heap_done(&core->tenants[i].ready);
        }
        for (uint32_t i = 0; i < core->n_dead; i++)
                dead_free(core->dead[i]);
        loading_free(core->loading);
        seen_done(&core->seen);
        heap_done(&core->delay);
        table_done(&core->by_name);
        table_done(&core->by_fence);
        table_done(&core->by_tenant);
        table_done(&core->by_dead_seq);
        free(core->threads);
        free(core->messages);
        free(core->tenants);
        free(core->workers);
        free(core->recent);
        free(core->settled);
        free(core->dead);
        free(core);
        return NULL;
}

void core_configure(struct core *core, struct now now, const struct config *config) {
        tenants_configure(core, config);
        for (uint32_t i = 0; i < core->n_threads; i++)
                if (core->threads[i].name && core->threads[i].state == THREAD_COLLECTING)
                        thread_arm(core, &core->threads[i], batch_due(core, now, &core->threads[i]));
}

void core_step(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        switch (event->type) {
        case EVENT_MESSAGES:
                on_messages(core, now, event, fx);
                break;
        case EVENT_HELLO:
                on_hello(core, now, event, fx);
                break;
        case EVENT_ALIVE:
                on_alive(core, now, event, fx);
                break;
        case EVENT_ANSWERED:
                on_answered(core, now, event, fx);
                break;
        case EVENT_RESULT:
                on_result(core, now, event, fx);
                break;
        case EVENT_UNDELIVERED:
                on_undelivered(core, now, event);
                break;
        case EVENT_DEAD_RETRY:
                on_dead_retry(core, now, event, fx);
                break;
        case EVENT_DEAD_DROP:
                on_dead_drop(core, now, event, fx);
                break;
        case EVENT_TIME:
                on_time(core, now, fx);
                break;
        }
        /* Credit that has come back counts from now. */
        if (core->free_credit > 0 && core->credit_since.us == MONO_NEVER.us)
                core->credit_since = now.mono;
}

/* Is there a thread that could go out right now, were it not for the budget of a turn? */
static bool has_work_left(const struct core *core) {
        for (uint32_t i = 0; i < core->n_tenants && core->free_credit > 0; i++) {
                const struct tenant *tenant = &core->tenants[i];

                if (tenant->n_states[THREAD_READY] > 0 && tenant->settings &&
                    tenant->n_states[THREAD_RUNNING] < tenant->settings->concurrency)
                        return true;
        }
        return false;
}

struct mono core_next_due(const struct core *core) {
        const struct heap_entry *top = heap_peek(&core->delay);
        struct mono due = top ? top->at : MONO_NEVER;

        if (has_work_left(core))
                return core->last_step;
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (core->workers[i].is_used)
                        return mono_min(due, mono_add(core->last_step, core->alive)); /* silence is noticed */
        return due;
}
