#include "ingest/doors.h"

#include "common/memory.h"

#include <errno.h>

struct doors {
        const struct config *config;
        struct channel ***channels; /* in the order of the config: of each tenant, each channel */
};

static int open_tenant(const struct config_tenant *tenant, struct channel ***ret_channels, char **ret_error) {
        int r;

        *ret_channels = memory_new(tenant->n_channels + 1, sizeof **ret_channels);
        for (uint32_t i = 0; i < tenant->n_channels; i++) {
                r = channel_new(&tenant->channels[i], &(*ret_channels)[i], ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int doors_new(const struct config *config, struct doors **ret, char **ret_error) {
        CLEANUP_DOORS struct doors *doors = memory_new(1, sizeof *doors);
        int r;

        doors->config = config;
        doors->channels = memory_new(config->n_tenants + 1, sizeof *doors->channels);
        for (uint32_t i = 0; i < config->n_tenants; i++) {
                r = open_tenant(&config->tenants[i], &doors->channels[i], ret_error);
                if (r < 0)
                        return r;
        }
        *ret = TAKE(doors);
        return 0;
}

struct doors *doors_free(struct doors *doors) {
        if (!doors)
                return NULL;
        for (uint32_t i = 0; i < doors->config->n_tenants; i++) {
                for (uint32_t j = 0; doors->channels[i] && j < doors->config->tenants[i].n_channels; j++)
                        channel_free(doors->channels[i][j]);
                free(doors->channels[i]);
        }
        free(doors->channels);
        free(doors);
        return NULL;
}

int doors_find(const struct doors *doors, struct bytes tenant_name, struct bytes channel_name, struct door *ret) {
        const struct config_tenant *tenant = config_tenant_find(doors->config, tenant_name);
        const struct config_channel *channel = tenant ? config_channel_find(tenant, channel_name) : NULL;

        if (!channel)
                return tenant ? 2 : 1;
        *ret = (struct door){tenant, channel,
                             doors->channels[tenant - doors->config->tenants][channel - tenant->channels]};
        return 0;
}
