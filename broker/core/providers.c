/* Which providers there are. */
#include "broker/core/state.h"

#include "common/memory.h"

void providers_done(struct providers *providers) {
        for (uint32_t i = 0; i < providers->n; i++) {
                struct provider *provider = &providers->items[i];

                if (provider->endpoint && --provider->shared->n_keys == 0)
                        free(provider->shared);
                free(provider->endpoint);
        }
        free(providers->items);
        table_done(&providers->by_identity);
        table_done(&providers->by_endpoint);
        heap_done(&providers->wakes);
}

static uint64_t hash_endpoint(const struct core *core, const char *endpoint) {
        return hash_64(core->salt, bytes_of(endpoint));
}

/* Of the endpoint and the key, so that the key need not be kept. */
static struct hash_128 identity_of(const struct core *core, const struct config_handler *handler) {
        uint64_t seed = hash_endpoint(core, handler->endpoint);

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

/* What the keys of one endpoint have in common: of any that is there, else anew. */
static struct provider_shared *share(struct core *core, const char *endpoint) {
        struct table_probe probe = {.hash = (uint32_t)hash_endpoint(core, endpoint)};
        struct provider_shared *shared = NULL;
        uint32_t index;

        while (!shared && table_next(&core->providers.by_endpoint, &probe, &index))
                if (bytes_is_text(bytes_of(endpoint), core->providers.items[index].endpoint))
                        shared = core->providers.items[index].shared;
        if (!shared)
                shared = memory_new(1, sizeof *shared);
        shared->n_keys++;
        return shared;
}

static uint32_t take_slot(struct providers *providers) {
        uint32_t index = providers->first_free;

        if (index != NONE) {
                providers->first_free = providers->items[index].next_free;
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
                .shared = share(core, handler->endpoint),
                .identity = identity,
                .outage = ++core->providers.n_outages,
                .is_free = true,
                .fresh.thread = NONE,
                .again.thread = NONE,
                .lines = {{NONE, NONE}, {NONE, NONE}},
                .entry_at = MONO_NEVER,
                .ticket = ticket + 1,
        };
        table_push(&core->providers.by_identity, (uint32_t)identity.low, index);
        table_push(&core->providers.by_endpoint, (uint32_t)hash_endpoint(core, handler->endpoint), index);
        return index;
}

static void forget(struct core *core, uint32_t index) {
        struct provider *provider = &core->providers.items[index];

        table_remove(&core->providers.by_identity, (uint32_t)provider->identity.low, index);
        table_remove(&core->providers.by_endpoint, (uint32_t)hash_endpoint(core, provider->endpoint), index);
        if (--provider->shared->n_keys == 0)
                free(provider->shared);
        free(provider->endpoint);
        *provider = (struct provider){.next_free = core->providers.first_free, .ticket = provider->ticket + 1};
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
                for (int line = 0; line < LINE_N; line++)
                        providers->items[i].lines[line] = (struct provider_line){NONE, NONE};
        }
        for (uint32_t i = 0; i < core->n_tenants; i++) {
                struct tenant *tenant = &core->tenants[i];
                bool has_one = tenant->settings && tenant->settings->handler.endpoint;

                tenant->is_in_line[LINE_FRESH] = tenant->is_in_line[LINE_AGAIN] = false;
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

/* The clocks that run by the old ones are set anew: never longer than the new ones say, from now on. */
static void retime(struct core *core, struct now now, struct provider *provider) {
        const struct config_provider *settings = &core->config->provider;

        provider->fresh.pause = provider->again.pause = settings->pause;
        provider->until = mono_min(provider->until, mono_add(now.mono, settings->pause));
        provider->again_until = mono_min(provider->again_until, mono_add(now.mono, settings->pause));
        if (!provider->is_asked_by_many)
                provider->asked_until = mono_min(provider->asked_until, mono_add(now.mono, settings->cap));
}

static void redrain(struct core *core, struct now now, struct provider *provider) {
        if (provider->spacing.us == 0)
                return;
        provider->spacing = provider_drain(&core->config->provider);
        provider->paced = mono_min(provider->paced, mono_add(now.mono, provider->spacing));
        provider->bound = now.mono;
}

void providers_on_settings(struct core *core, struct now now) {
        struct config_provider before = core->providers.settings, after = core->config->provider;
        bool is_retimed = before.pause.us != after.pause.us || before.cap.us != after.cap.us;
        bool is_redrained = provider_drain(&before).us != provider_drain(&after).us;

        core->providers.settings = after;
        for (uint32_t i = 0; i < core->providers.n; i++) {
                struct provider *provider = &core->providers.items[i];

                if (!provider->endpoint || provider->is_free)
                        continue;
                if (is_retimed)
                        retime(core, now, provider);
                if (is_redrained)
                        redrain(core, now, provider);
                provider_wake(core, provider, now.mono);
        }
}
