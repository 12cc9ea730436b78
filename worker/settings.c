#include "worker/settings.h"

#include "common/memory.h"

struct settings {
        uint32_t n_holders;
        struct config *config;
        struct channel ***channels; /* of each tenant, as in the config */
};

static void free_channels(struct settings *settings) {
        for (uint32_t i = 0; i < settings->config->n_tenants; i++) {
                for (uint32_t k = 0; settings->channels[i] && k < settings->config->tenants[i].n_channels; k++)
                        if (settings->channels[i][k])
                                channel_free(settings->channels[i][k]);
                free(settings->channels[i]);
        }
        free(settings->channels);
}

static int make_channels(struct settings *settings, char **ret_error) {
        for (uint32_t i = 0; i < settings->config->n_tenants; i++) {
                const struct config_tenant *tenant = &settings->config->tenants[i];

                settings->channels[i] = memory_new(tenant->n_channels, sizeof(struct channel *));
                for (uint32_t k = 0; k < tenant->n_channels; k++) {
                        int r = channel_new(&tenant->channels[k], &settings->channels[i][k], ret_error);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int settings_new(struct config *config, struct settings **ret, char **ret_error) {
        struct settings *settings = memory_new(1, sizeof *settings);
        int r;

        settings->n_holders = 1;
        settings->config = config;
        settings->channels = memory_new(config->n_tenants, sizeof *settings->channels);
        r = make_channels(settings, ret_error);
        if (r < 0) {
                settings_free(settings);
                return r;
        }
        *ret = settings;
        return 0;
}

struct settings *settings_hold(struct settings *settings) {
        settings->n_holders++;
        return settings;
}

struct settings *settings_free(struct settings *settings) {
        if (!settings || --settings->n_holders > 0)
                return NULL;
        free_channels(settings);
        config_free(settings->config);
        free(settings);
        return NULL;
}

const struct config *settings_config(const struct settings *settings) { return settings->config; }

const struct config_tenant *settings_tenant_find(const struct settings *settings, const char *name) {
        return config_tenant_find(settings->config, bytes_of(name));
}

const struct channel *settings_channel_find(const struct settings *settings, const struct config_tenant *tenant,
                                            const char *name) {
        const struct config_channel *channel = config_channel_find(tenant, bytes_of(name));

        if (!channel)
                return NULL;
        return settings->channels[tenant - settings->config->tenants][channel - tenant->channels];
}
