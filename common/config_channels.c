#include "common/channel_file.h"
#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Also of a value that is wrong, as an empty text, so that it does not count as missing. */
static void setting_read(struct config_reader *reader, const struct yaml_node *node, struct config_setting *setting) {
        size_t path = config_path_push(reader, node->key);
        char *value = NULL;

        if (config_text_get(reader, node, &value) != 0)
                value = memory_print("%s", "");
        *setting = (struct config_setting){memory_copy_text(node->key, strlen(node->key)), value, node->line};
        config_path_pop(reader, path);
}

/* What each channel has, whatever its file says. */
static const struct config_key common_keys[] = {
        {"kind", CONFIG_TEXT, offsetof(struct config_channel, kind)},
        {"private", CONFIG_FLAG, offsetof(struct config_channel, is_private)},
        {0},
};

static bool is_of_every_kind(const char *key) {
        for (const struct config_key *common = common_keys; common->name; common++)
                if (strcmp(common->name, key) == 0)
                        return true;
        return false;
}

static void settings_read(struct config_reader *reader, const struct yaml_node *node, struct config_channel *channel) {
        channel->settings = memory_new(node->n, sizeof *channel->settings);
        for (size_t i = 0; i < node->n; i++)
                if (!is_of_every_kind(node->items[i].key))
                        setting_read(reader, &node->items[i], &channel->settings[channel->n_settings++]);
}

/* Of all kinds, the built-in ones first; NULL at the end. */
static const char **kinds_list(const struct config *config) {
        const char *const *built_in = channel_kinds();
        const char **kinds;
        size_t n = 0;

        while (built_in[n])
                n++;
        kinds = memory_new(n + config->n_kinds + 1, sizeof *kinds);
        memcpy(kinds, built_in, n * sizeof *kinds);
        for (uint32_t i = 0; i < config->n_kinds; i++)
                kinds[n + i] = config->kinds[i].name;
        return kinds;
}

/* The operator's kind of that name; NULL when there is none. */
static const struct config_channel_kind *kind_find(const struct config *config, const char *name) {
        for (uint32_t i = 0; name && i < config->n_kinds; i++)
                if (strcmp(config->kinds[i].name, name) == 0)
                        return &config->kinds[i];
        return NULL;
}

static void faults_refuse(struct config_reader *reader, const struct config_channel *channel) {
        CLEANUP_FREE const char **kinds = kinds_list(reader->config);
        struct channel_faults faults;

        channel_faults_find(channel, kinds, &faults);
        for (size_t i = 0; i < faults.n; i++) {
                const struct channel_fault *fault = &faults.items[i];

                if (fault->key)
                        config_refuse_at(reader, fault->key, fault->line, "%s", fault->text);
                else
                        config_refuse(reader, fault->line, "%s", fault->text);
        }
        channel_faults_done(&faults);
}

static void common_read(struct config_reader *reader, const struct yaml_node *node, struct config_channel *channel) {
        for (const struct config_key *key = common_keys; key->name; key++) {
                size_t path = config_path_push(reader, key->name);

                config_key_read(reader, yaml_find(node, key->name), key, channel);
                config_path_pop(reader, path);
        }
        if (!yaml_find(node, "kind"))
                config_refuse_at(reader, "kind", node->line,
                                 "is missing; write what platform this is, such as kind: chatwoot");
}

static void channel_read_one(struct config_reader *reader, const struct yaml_node *node,
                             struct config_channel *channel) {
        size_t path = config_path_push(reader, node->key);
        size_t n_errors = reader->n_errors;

        channel->name = memory_copy_text(node->key, strlen(node->key));
        channel->line = node->line;
        if (node->kind != YAML_MAP || node->n > LIMIT_SETTINGS) {
                config_refuse(reader, node->line, "must be a map of at most %d settings, kind among them",
                              LIMIT_SETTINGS);
        } else {
                const struct config_channel_kind *kind;

                common_read(reader, node, channel);
                kind = kind_find(reader->config, channel->kind);
                channel->file = kind ? kind->file : NULL;
                settings_read(reader, node, channel);
                /* What a file with a fault in it says of settings is not to be trusted. */
                if (reader->n_errors == n_errors && (!kind || kind->file))
                        faults_refuse(reader, channel);
        }
        config_path_pop(reader, path);
}

/* -- names of threads ---------------------------------------------------------------------------------------------- */

static const char *setting_text(const struct channel *channel, const char *key) {
        const char *value = key ? channel_setting_find(channel, key) : NULL;

        return value ? value : "";
}

/* The setting in which two channels of one kind differ, although the names of their threads hang on it; NULL when they
 * do not. Threads are named within the tenant, so two people would be one thread. */
static const char *clash_find(const struct channel *a, const struct channel *b) {
        const struct yaml_node *names = yaml_find(a->file, "names"), *of = yaml_find(names, "of");
        const char *apart = yaml_find_text(names, "unless");

        if (strcmp(setting_text(a, apart), setting_text(b, apart)) != 0)
                return NULL;
        for (size_t i = 0; of && i < of->n; i++)
                if (strcmp(setting_text(a, of->items[i].text), setting_text(b, of->items[i].text)) != 0)
                        return of->items[i].text;
        return NULL;
}

static void clashes_refuse(struct config_reader *reader, const struct config_tenant *tenant) {
        for (uint32_t i = 0; i < tenant->n_channels; i++) {
                const struct config_channel *one = &tenant->channels[i];

                for (uint32_t k = 0; k < i; k++) {
                        const struct config_channel *other = &tenant->channels[k];
                        const struct channel a = {one, channel_file_of(one)}, b = {other, channel_file_of(other)};
                        const char *key = a.file && a.file == b.file ? clash_find(&a, &b) : NULL;

                        if (key)
                                config_refuse_at(
                                        reader, one->name, one->line,
                                        "differs from '%s' in its %s, and %s names conversations alike in both: "
                                        "two people would be one thread; put it under a tenant of its own",
                                        other->name, key, one->kind);
                }
        }
}

void config_channels_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_tenant *tenant = target;
        size_t n_errors;

        if (!node || yaml_is_null(node))
                return;
        if (node->kind != YAML_MAP || node->n > LIMIT_CHANNELS_PER_TENANT) {
                config_refuse(reader, node->line, "must be a map of at most %d channels, each with its name as the key",
                              LIMIT_CHANNELS_PER_TENANT);
                return;
        }
        n_errors = reader->n_errors;
        tenant->channels = memory_new(node->n, sizeof *tenant->channels);
        for (size_t i = 0; i < node->n; i++)
                if (config_name_is_valid(reader, &node->items[i]))
                        channel_read_one(reader, &node->items[i], &tenant->channels[tenant->n_channels++]);
        if (reader->n_errors == n_errors)
                clashes_refuse(reader, tenant);
}

void config_channel_done(struct config_channel *channel) {
        for (uint32_t i = 0; i < channel->n_settings; i++) {
                free(channel->settings[i].key);
                free(channel->settings[i].value);
        }
        free(channel->settings);
        free(channel->kind);
        free(channel->name);
}
