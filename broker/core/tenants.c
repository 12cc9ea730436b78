/* The registry of tenants: those of the config, and those the store still has messages of. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

uint32_t tenant_find(const struct core *core, struct bytes name) {
        struct table_probe probe = {.hash = (uint32_t)hash_64(core->salt, name)};
        uint32_t index;

        while (table_next(&core->by_tenant, &probe, &index))
                if (bytes_is_text(name, core->tenants[index].name))
                        return index;
        return NONE;
}

uint32_t tenant_get(struct core *core, struct bytes name) {
        uint32_t index = tenant_find(core, name);
        uint64_t hash = hash_64(core->salt, name);

        if (index != NONE)
                return index;
        ENSURE(core->n_tenants < TENANTS_MAX);
        core->tenants = memory_resize(core->tenants, core->n_tenants + 1, sizeof *core->tenants);
        core->tenants[core->n_tenants] = (struct tenant){
                .name = bytes_copy_text(name),
                .hash = hash,
                .entry_at = MONO_NEVER,
                .next_in_turn = NONE,
                .provider = NONE,
        };
        table_push(&core->by_tenant, (uint32_t)hash, core->n_tenants);
        return core->n_tenants++;
}

void tenants_configure(struct core *core, const struct config *config) {
        core->config = config;
        for (uint32_t i = 0; i < core->n_tenants; i++)
                core->tenants[i].settings = NULL;
        for (uint32_t i = 0; i < config->n_tenants; i++) {
                uint32_t index = tenant_get(core, bytes_of(config->tenants[i].name));

                core->tenants[index].settings = &config->tenants[i];
        }
        providers_configure(core);
        for (uint32_t i = 0; i < core->n_tenants; i++)
                tenant_queue(core, &core->tenants[i]); /* more may be allowed now */
}

void tenant_wake(struct core *core, struct tenant *tenant, struct mono at) {
        if (!mono_is_before(at, tenant->entry_at))
                return;
        tenant->entry_at = at;
        tenant->ticket++;
        heap_push(&core->delay, (struct heap_entry){at, (uint32_t)(tenant - core->tenants), tenant->ticket});
}

void tenant_queue(struct core *core, struct tenant *tenant) {
        uint32_t index = (uint32_t)(tenant - core->tenants);

        if (tenant->is_in_turn || ready_is_empty(tenant))
                return;
        tenant->is_in_turn = true;
        tenant->next_in_turn = NONE;
        if (core->first_in_turn == NONE)
                core->first_in_turn = index;
        else
                core->tenants[core->last_in_turn].next_in_turn = index;
        core->last_in_turn = index;
}

struct tenant *tenant_dequeue(struct core *core) {
        struct tenant *tenant;

        if (core->first_in_turn == NONE)
                return NULL;
        tenant = &core->tenants[core->first_in_turn];
        core->first_in_turn = tenant->next_in_turn;
        tenant->is_in_turn = false;
        return tenant;
}
