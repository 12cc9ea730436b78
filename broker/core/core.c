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
        core->free_message = core->free_thread = core->holds.first_free = core->records.first_free = NONE;
        core->aliases.first_free = core->aliases.oldest = core->aliases.newest = NONE;
        core->first_in_turn = core->last_in_turn = core->providers.first_free = NONE;
        core->workers = memory_new(LIMIT_WORKERS, sizeof *core->workers);
        core->recent = memory_new(LIMIT_RECENT, sizeof *core->recent);
        core->settled = memory_new(LIMIT_SETTLED, sizeof *core->settled);
        core->credit_since = MONO_NEVER;
        core->room.store_bytes = UINT64_MAX;
        core->providers.settings = options->config->provider;
        tenants_configure(core, options->config);
        seen_configure(&core->seen, options->config->limits.dedupe_window, options->config->limits.dedupe_ids);
        return core;
}

struct core *core_free(struct core *core) {
        if (!core)
                return NULL;
        threads_done(core);
        for (uint32_t i = 0; i < core->n_tenants; i++) {
                free(core->tenants[i].name);
                ready_done(&core->tenants[i]);
                heap_done(&core->tenants[i].delay);
        }
        for (uint32_t i = 0; i < core->n_dead; i++)
                dead_free(core->dead[i]);
        loading_free(core->loading);
        awaiting_free(core->awaiting);
        holds_done(&core->holds);
        aliases_done(&core->aliases);
        records_done(&core->records);
        echoes_done(&core->echoes);
        providers_done(&core->providers);
        seen_done(&core->seen);
        heap_done(&core->delay);
        table_done(&core->by_name);
        table_done(&core->by_fence);
        table_done(&core->by_tenant);
        table_done(&core->by_dead_seq);
        table_done(&core->by_dead_thread);
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
        providers_on_settings(core, now);
        seen_configure(&core->seen, config->limits.dedupe_window, config->limits.dedupe_ids);
        for (uint32_t i = 0; i < core->n_tenants; i++)
                if (core->tenants[i].settings)
                        rate_configure(&core->tenants[i], now);
        for (uint32_t i = 0; i < core->n_threads; i++)
                if (thread_is_used(&core->threads[i]) && core->threads[i].state == THREAD_COLLECTING)
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
        case EVENT_POSTED:
                on_posted(core, now, event, fx);
                break;
        case EVENT_RESULT:
                on_result(core, now, event, fx);
                break;
        case EVENT_TALLY:
                on_tally(core, event, fx);
                break;
        case EVENT_UNDELIVERED:
                on_undelivered(core, now, event, fx);
                break;
        case EVENT_DEAD_RETRY:
                on_dead_retry(core, now, event, fx);
                break;
        case EVENT_DEAD_DROP:
                on_dead_drop(core, now, event, fx);
                break;
        case EVENT_HOLD:
                on_hold(core, now, event, fx);
                break;
        case EVENT_RESUME:
                on_resume(core, now, event, fx);
                break;
        case EVENT_FLUSH:
                on_flush(core, now, event);
                break;
        case EVENT_CANCEL:
                on_cancel(core, now, event, fx);
                break;
        case EVENT_TIME:
                on_time(core, now, fx);
                break;
        }
        /* Credit that has come back counts from now. */
        if (core->free_credit > 0 && core->credit_since.us == MONO_NEVER.us)
                core->credit_since = now.mono;
}

struct mono core_next_due(const struct core *core) {
        const struct heap_entry *top = heap_peek(&core->delay);
        struct mono due = top ? top->at : MONO_NEVER;

        /* Somebody is still in line: the budget of a turn was used up, or credit has just come back. */
        if (core->free_credit > 0 && core->first_in_turn != NONE)
                return core->last_step;
        due = mono_min(mono_min(due, awaiting_until(core)), holds_next_due(core));
        due = mono_min(due, providers_next_due(core));
        if (core->awaiting) /* that time stood still is noticed */
                due = mono_min(due, mono_add(core->last_step, core->alive));
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (core->workers[i].is_used)
                        return mono_min(due, mono_add(core->last_step, core->alive)); /* silence is noticed */
        return due;
}
