/* The registry of tenants: those of the config, and those the store still has messages of. */
#include "broker/core/state.h"

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

        if (index != NONE)
                return index;
        core->tenants = memory_resize(core->tenants, core->n_tenants + 1, sizeof *core->tenants);
        core->tenants[core->n_tenants] = (struct tenant){.name = bytes_copy_text(name)};
        table_push(&core->by_tenant, (uint32_t)hash_64(core->salt, name), core->n_tenants);
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
}
