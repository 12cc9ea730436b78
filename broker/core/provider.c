/* Which providers there are, and whom each lets begin a run. */
#include "broker/core/provider.h"

#include "broker/core/state.h"
#include "common/memory.h"

/* A rate that has kept nobody back for so long is lifted: it is not what holds the runs up. */
#define UNBOUND_AFTER span_s(10)

void providers_done(struct providers *providers) {
        for (uint32_t i = 0; i < providers->n; i++)
                free(providers->items[i].endpoint);
        free(providers->items);
        table_done(&providers->by_identity);
        heap_done(&providers->wakes);
}

/* -- which there are ----------------------------------------------------------------------------------------------- */

static struct provider *provider_at(const struct core *core, uint32_t index) {
        return index == NONE ? NULL : &core->providers.items[index];
}

static uint32_t index_of(const struct core *core, const struct provider *provider) {
        return (uint32_t)(provider - core->providers.items);
}

struct provider *provider_of_tenant(const struct core *core, const struct tenant *tenant) {
        return provider_at(core, tenant->provider);
}

struct provider *provider_of_run(const struct core *core, const struct thread *thread) {
        return provider_at(core, thread->provider);
}

/* Of the endpoint and the key, so that the key need not be kept. */
static struct hash_128 identity_of(const struct core *core, const struct config_handler *handler) {
        uint64_t seed = hash_64(core->salt, bytes_of(handler->endpoint));

        return hash_128(handler->key ? ~seed : seed, bytes_of(handler->key ? handler->key : handler->endpoint));
}

static uint32_t find(const struct core *core, struct hash_128 identity) {
        struct table_probe probe = {.hash = (uint32_t)identity.low};
        uint32_t index;

        while (table_next(&core->providers.by_identity, &probe, &index)) {
                const struct hash_128 *other = &core->providers.items[index].identity;

                if (other->low == identity.low && other->high == identity.high)
                        return index;
        }
        return NONE;
}

static uint32_t take_slot(struct providers *providers) {
        uint32_t index = providers->first_free;

        if (index != NONE) {
                providers->first_free = providers->items[index].first_in_line;
                return index;
        }
        if (providers->n == providers->cap) {
                providers->cap = providers->cap ? providers->cap * 2 : 16;
                providers->items = memory_resize(providers->items, providers->cap, sizeof *providers->items);
        }
        providers->items[providers->n].ticket = 0;
        return providers->n++;
}

static uint32_t get(struct core *core, const struct config_handler *handler) {
        struct hash_128 identity = identity_of(core, handler);
        uint32_t index = find(core, identity), ticket;

        if (index != NONE)
                return index;
        index = take_slot(&core->providers);
        ticket = core->providers.items[index].ticket;
        core->providers.items[index] = (struct provider){
                .endpoint = bytes_copy_text(bytes_of(handler->endpoint)),
                .identity = identity,
                .is_free = true,
                .probe = NONE,
                .first_in_line = NONE,
                .last_in_line = NONE,
                .entry_at = MONO_NEVER,
                .ticket = ticket + 1,
        };
        table_push(&core->providers.by_identity, (uint32_t)identity.low, index);
        return index;
}

static void forget(struct core *core, uint32_t index) {
        struct provider *provider = &core->providers.items[index];

        table_remove(&core->providers.by_identity, (uint32_t)provider->identity.low, index);
        free(provider->endpoint);
        *provider = (struct provider){.first_in_line = core->providers.first_free, .ticket = provider->ticket + 1};
        core->providers.first_free = index;
}

/* Everybody leaves the lines; the caller sees to it that each asks anew. One that a run is still made for stays until
 * the next time. */
void providers_configure(struct core *core) {
        struct providers *providers = &core->providers;

        for (uint32_t i = 0; i < providers->n; i++) {
                if (!providers->items[i].endpoint)
                        continue;
                providers->items[i].n_tenants = 0;
                providers->items[i].first_in_line = providers->items[i].last_in_line = NONE;
        }
        for (uint32_t i = 0; i < core->n_tenants; i++) {
                struct tenant *tenant = &core->tenants[i];
                bool has_one = tenant->settings && tenant->settings->handler.endpoint;

                tenant->is_in_line = false;
                tenant->provider = has_one ? get(core, &tenant->settings->handler) : NONE;
                if (!has_one)
                        continue;
                providers->items[tenant->provider].tenant = i;
                providers->items[tenant->provider].n_tenants++;
        }
        for (uint32_t i = 0; i < providers->n; i++)
                if (providers->items[i].endpoint && providers->items[i].n_tenants + providers->items[i].n_running == 0)
                        forget(core, i);
}

/* -- its line ------------------------------------------------------------------------------------------------------ */

static bool is_first(const struct core *core, const struct provider *provider, const struct tenant *tenant) {
        return provider->first_in_line == (uint32_t)(tenant - core->tenants);
}

static void join(struct core *core, struct provider *provider, struct tenant *tenant) {
        uint32_t index = (uint32_t)(tenant - core->tenants);

        if (tenant->is_in_line)
                return;
        tenant->is_in_line = true;
        tenant->next_in_line = NONE;
        if (provider->first_in_line == NONE)
                provider->first_in_line = index;
        else
                core->tenants[provider->last_in_line].next_in_line = index;
        provider->last_in_line = index;
}

static struct tenant *leave_line(struct core *core, struct provider *provider) {
        struct tenant *tenant = &core->tenants[provider->first_in_line];

        provider->first_in_line = tenant->next_in_line;
        tenant->is_in_line = false;
        return tenant;
}

void provider_wake(struct core *core, struct provider *provider, struct mono at) {
        if (!mono_is_before(at, provider->entry_at))
                return;
        provider->entry_at = at;
        provider->ticket++;
        heap_push(&core->providers.wakes, (struct heap_entry){at, index_of(core, provider), provider->ticket});
}

/* -- whom it lets -------------------------------------------------------------------------------------------------- */

struct mono provider_next(const struct provider *provider) {
        switch (provider->state) {
        case PROVIDER_CLOSED:
                return provider->spacing.us > 0 ? mono_max(provider->until, provider->paced) : provider->until;
        case PROVIDER_OPEN:
                return provider->until;
        case PROVIDER_HALF_OPEN:
                /* A probe may take its time: others wait for it, but not for ever. */
                return provider->probe == NONE ? provider->until
                                               : mono_add(provider->probe_since, span_s(LIMIT_PROBE_S));
        }
        return provider->until;
}

/* Does its rate keep anybody back? */
static bool is_paced(struct now now, const struct provider *provider) {
        return provider->spacing.us > 0 && !span_is_less(UNBOUND_AFTER, mono_since(now.mono, provider->bound));
}

static void set_free(struct core *core, struct now now, struct provider *provider) {
        provider->is_free = true;
        provider->free_since = now.mono;
        while (provider->first_in_line != NONE)
                tenant_queue(core, leave_line(core, provider));
}

/* What comes about by time alone. */
static void let_time_pass(struct core *core, struct now now, struct provider *provider) {
        if (provider->state == PROVIDER_OPEN && mono_is_due(now.mono, provider->until)) {
                provider->state = PROVIDER_HALF_OPEN;
                provider->probe = NONE;
        }
        if (provider->state != PROVIDER_CLOSED || provider->is_free)
                return;
        if (!is_paced(now, provider))
                provider->spacing = span_us(0);
        if (provider->spacing.us == 0 && mono_is_due(now.mono, provider->until))
                set_free(core, now, provider);
}

bool provider_is_free(const struct core *core, const struct tenant *tenant) {
        return tenant->provider == NONE || core->providers.items[tenant->provider].is_free;
}

/* The first in line has its turn, if anybody may. */
static void call_next(struct core *core, struct now now, struct provider *provider) {
        let_time_pass(core, now, provider);
        while (provider->first_in_line != NONE && !ready_needs_provider(core, &core->tenants[provider->first_in_line]))
                leave_line(core, provider);
        if (provider->first_in_line == NONE)
                return;
        if (mono_is_due(now.mono, provider_next(provider))) {
                tenant_queue(core, &core->tenants[provider->first_in_line]);
                return;
        }
        provider->bound = now.mono;
        provider_wake(core, provider, provider_next(provider));
}

enum provider_leave provider_ask(struct core *core, struct now now, struct tenant *tenant) {
        struct provider *provider = provider_of_tenant(core, tenant);
        struct mono next;

        if (!provider || provider->is_free || !ready_needs_provider(core, tenant))
                return PROVIDER_LETS_ALL;
        let_time_pass(core, now, provider);
        next = provider_next(provider);
        if ((provider->first_in_line == NONE || is_first(core, provider, tenant)) && mono_is_due(now.mono, next))
                return provider->state == PROVIDER_CLOSED ? PROVIDER_LETS_ALL : PROVIDER_LETS_PROBE;
        join(core, provider, tenant);
        call_next(core, now, provider);
        return PROVIDER_LETS_NONE;
}

void provider_pass(struct core *core, struct now now, struct tenant *tenant) {
        struct provider *provider = provider_of_tenant(core, tenant);

        if (!provider || !is_first(core, provider, tenant))
                return;
        leave_line(core, provider);
        call_next(core, now, provider);
}

/* -- runs ---------------------------------------------------------------------------------------------------------- */

void provider_on_lease(struct core *core, struct thread *thread) {
        thread->provider = thread->is_answered ? NONE : tenant_of(core, thread)->provider;
        if (thread->provider != NONE)
                core->providers.items[thread->provider].n_running++;
}

void provider_on_lease_end(struct core *core, struct thread *thread) {
        struct provider *provider = provider_of_run(core, thread);

        if (!provider)
                return;
        thread->provider = NONE;
        provider->n_running--;
        if (provider->probe != thread_index(core, thread))
                return;
        provider->probe = NONE; /* whatever it found: the next one may try */
        provider_wake(core, provider, core->last_step);
}

static void count_start(struct now now, struct provider *provider) {
        struct span passed = mono_since(now.mono, provider->starts.at);

        if (passed.us >= 1000000) {
                provider->starts.n_before = passed.us < 2000000 ? provider->starts.n : 0;
                provider->starts.n = 0;
                provider->starts.at = now.mono;
        }
        provider->starts.n++;
}

void provider_on_start(struct core *core, struct now now, const struct thread *thread) {
        struct provider *provider = provider_of_run(core, thread);

        if (!provider)
                return;
        count_start(now, provider);
        if (provider->is_free)
                return;
        if (provider->state == PROVIDER_HALF_OPEN) {
                provider->probe = thread_index(core, thread);
                provider->probe_since = now.mono;
        }
        provider->paced = mono_add(mono_max(provider->paced, now.mono), provider->spacing);
        if (is_first(core, provider, tenant_of(core, thread)))
                leave_line(core, provider);
        call_next(core, now, provider);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

void providers_on_time(struct core *core, struct now now) {
        struct providers *providers = &core->providers;

        for (int n = 0; n < LIMIT_DUE_PER_TURN; n++) {
                const struct heap_entry *top = heap_peek(&providers->wakes);
                struct heap_entry entry;

                if (!top || !mono_is_due(now.mono, top->at))
                        return;
                entry = heap_pop(&providers->wakes);
                if (entry.ticket != providers->items[entry.who].ticket)
                        continue;
                providers->items[entry.who].entry_at = MONO_NEVER;
                call_next(core, now, &providers->items[entry.who]);
        }
}

struct mono providers_next_due(const struct core *core) {
        const struct heap_entry *top = heap_peek(&core->providers.wakes);

        return top ? top->at : MONO_NEVER;
}

/* -- questions ----------------------------------------------------------------------------------------------------- */

const char *provider_state_name(enum provider_state state) {
        switch (state) {
        case PROVIDER_CLOSED:
                return "closed";
        case PROVIDER_OPEN:
                return "open";
        case PROVIDER_HALF_OPEN:
                return "half_open";
        }
        return "closed";
}

/* As it will be when it is asked next. */
static void view(const struct core *core, struct now now, const struct provider *provider,
                 struct core_provider_view *ret) {
        bool is_over = mono_is_due(now.mono, provider->until);

        *ret = (struct core_provider_view){
                .endpoint = provider->endpoint,
                .n_tenants = provider->n_tenants,
                .n_running = provider->n_running,
                .state = provider->state == PROVIDER_OPEN && is_over ? PROVIDER_HALF_OPEN : provider->state,
                .is_tried = provider->probe != NONE,
                .failures = provider->failures,
                .n_opened = provider->n_opened,
        };
        if (provider->n_tenants > 0)
                ret->tenant = bytes_of(core->tenants[provider->tenant].name);
        if (!is_over)
                ret->until = now_to_wall(now, provider->until);
        if (provider->state == PROVIDER_CLOSED && is_paced(now, provider))
                ret->rate = 1e6 / (double)provider->spacing.us;
}

void provider_view_if_busy(const struct core *core, struct now now, const struct tenant *tenant,
                           struct core_provider_view *ret) {
        const struct provider *provider = provider_of_tenant(core, tenant);

        if (provider && !provider->is_free &&
            (provider->state != PROVIDER_CLOSED || is_paced(now, provider) || !mono_is_due(now.mono, provider->until)))
                view(core, now, provider, ret);
}

bool core_next_provider(const struct core *core, struct now now, uint32_t *cursor, struct core_provider_view *ret) {
        while (*cursor < core->providers.n) {
                const struct provider *provider = &core->providers.items[(*cursor)++];

                if (!provider->endpoint)
                        continue;
                view(core, now, provider, ret);
                return true;
        }
        return false;
}
