#include "broker/ctl/trial.h"

#include "broker/ctl/screen.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static void settings_done(struct config_channel *settings) {
        if (!settings)
                return;
        for (uint32_t i = 0; i < settings->n_settings; i++) {
                free(settings->settings[i].key);
                free(settings->settings[i].value);
        }
        free(settings->settings);
        free(settings->kind);
        free(settings->name);
        free(settings);
}

struct trial *trial_free(struct trial *trial) {
        if (!trial)
                return NULL;
        channel_free(trial->channel);
        settings_done(trial->settings);
        trial_file_done(&trial->file);
        free(trial->stand_ins);
        free(trial->tenant);
        free(trial->title);
        free(trial);
        return NULL;
}

/* -- a channel of lull.yaml ---------------------------------------------------------------------------------------- */

static const struct config_channel *channel_find(const struct config *config, const char *name) {
        const char *slash = strchr(name, '/');
        const struct config_tenant *tenant = config_tenant_find(config, (struct bytes){name, (size_t)(slash - name)});
        const struct config_channel *channel = tenant ? config_channel_find(tenant, bytes_of(slash + 1)) : NULL;
        CLEANUP_BUFFER struct buffer names = {0};

        if (channel)
                return channel;
        for (uint32_t i = 0; !tenant && i < config->n_tenants; i++)
                buffer_print(&names, " %s", config->tenants[i].name);
        for (uint32_t i = 0; tenant && i < tenant->n_channels; i++)
                buffer_print(&names, " %s", tenant->channels[i].name);
        screen_error("%s has no %s of that name in '%s'; it has:%s", config->path, tenant ? "channel" : "tenant", name,
                     names.len > 0 ? buffer_text(&names) : " none");
        return NULL;
}

static struct trial *trial_of_channel(const struct config *config, const char *name) {
        const struct config_channel *channel = channel_find(config, name);
        CLEANUP_TRIAL struct trial *trial = memory_new(1, sizeof *trial);

        if (!channel || trial_file_open(channel->kind, config, &trial->file) < 0)
                return NULL;
        trial->title = memory_print("%s, a %s channel", name, channel->kind);
        trial->tenant = memory_copy_text(name, strcspn(name, "/"));
        trial->settings = memory_new(1, sizeof *trial->settings);
        trial->settings->name = memory_print("%s", channel->name);
        for (uint32_t i = 0; i < channel->n_settings; i++)
                trial_settings_put(trial->settings, channel->settings[i].key, channel->settings[i].value);
        return TAKE(trial);
}

/* -- a kind -------------------------------------------------------------------------------------------------------- */

static struct trial *trial_of_kind(const struct config *config, const char *name) {
        CLEANUP_TRIAL struct trial *trial = memory_new(1, sizeof *trial);

        if (trial_file_open(name, config, &trial->file) < 0)
                return NULL;
        trial->title = memory_print("a channel of the kind %s", trial->file.kind);
        trial->tenant = memory_print("tenant");
        trial->settings = memory_new(1, sizeof *trial->settings);
        trial->settings->name = memory_print("channel");
        return TAKE(trial);
}

static void stand_ins_note(struct trial *trial, uint32_t n_given) {
        struct buffer names = {0};

        for (uint32_t i = n_given; i < trial->settings->n_settings; i++) {
                const char *key = trial->settings->settings[i].key;

                buffer_print(&names, "%s%s", i == n_given ? "" : ", ", key);
                trial_settings_waive(trial->file.root, key);
        }
        trial->stand_ins = names.len > 0 ? buffer_text(&names) : NULL;
}

/* -- both ---------------------------------------------------------------------------------------------------------- */

static void settings_put(struct trial *trial, const struct options_list *given) {
        for (size_t i = 0; i < given->n; i++) {
                const char *item = given->items[i], *value = strchr(item, '=') + 1;
                CLEANUP_FREE char *key = memory_copy_text(item, (size_t)(value - 1 - item));

                trial_settings_put(trial->settings, key, value);
        }
}

/* Binds the settings to the file, as config_load() does. */
static int trial_bind(struct trial *trial) {
        CLEANUP_FREE char *error = NULL;

        trial->settings->kind = memory_print("%s", trial->file.kind);
        trial->settings->file = trial->file.root;
        if (channel_new(trial->settings, &trial->channel, &error) == 0)
                return 0;
        screen_error("%s: %s", trial->title, error);
        return -EINVAL;
}

static bool is_of_config(const char *name) { return !trial_file_is_path(name) && strchr(name, '/'); }

/* lull.yaml is read only where it is needed: there may be none, or one that lacks its environment here. */
static struct trial *trial_find(const char *name, const char *path) {
        CLEANUP_CONFIG struct config *config = NULL;

        if (trial_file_is_path(name) || trial_file_is_built_in(name))
                return trial_of_kind(NULL, name);
        if (trial_config_find(path, &config) < 0)
                return NULL;
        if (!is_of_config(name))
                return trial_of_kind(config, name);
        if (config)
                return trial_of_channel(config, name);
        screen_error("'%s' is a channel of lull.yaml, and there is none here; --config names it", name);
        return NULL;
}

static void trial_complete(struct trial *trial) {
        uint32_t n_given = trial->settings->n_settings;

        trial->has_stand_in_proof = trial_settings_complete(trial->file.root, trial->settings);
        stand_ins_note(trial, n_given);
}

int trial_new(const char *name, const struct trial_options *options, bool is_masked, struct trial **ret) {
        CLEANUP_TRIAL struct trial *trial = trial_find(name, options->config);

        if (!trial)
                return -EINVAL;
        settings_put(trial, &options->settings);
        if (!is_of_config(name))
                trial_complete(trial);
        if (is_masked)
                trial_settings_mask(trial->file.root, trial->settings);
        if (trial_bind(trial) < 0)
                return -EINVAL;
        *ret = TAKE(trial);
        return 0;
}

int trial_read(const struct trial *trial, struct bytes body, struct channel_events *ret) {
        CLEANUP_FREE char *error = NULL;

        if (channel_read(trial->channel, body, ret, &error) == 0)
                return 0;
        screen_error("that is no webhook of %s: %s", trial->title, error);
        return -EBADMSG;
}
