#include "common/channel_file.h"
#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

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

static void settings_read(struct config_reader *reader, const struct yaml_node *node, struct config_channel *channel) {
        channel->settings = memory_new(node->n, sizeof *channel->settings);
        for (size_t i = 0; i < node->n; i++)
                if (strcmp(node->items[i].key, "kind") != 0)
                        setting_read(reader, &node->items[i], &channel->settings[channel->n_settings++]);
}

static void faults_refuse(struct config_reader *reader, const struct config_channel *channel) {
        struct channel_faults faults;

        channel_faults_find(channel, &faults);
        for (size_t i = 0; i < faults.n; i++) {
                const struct channel_fault *fault = &faults.items[i];

                if (fault->key)
                        config_refuse_at(reader, fault->key, fault->line, "%s", fault->text);
                else
                        config_refuse(reader, fault->line, "%s", fault->text);
        }
        channel_faults_done(&faults);
}

static void kind_read(struct config_reader *reader, const struct yaml_node *node, struct config_channel *channel) {
        const struct yaml_node *kind = yaml_find(node, "kind");
        size_t path = config_path_push(reader, "kind");

        if (kind && config_text_get(reader, kind, &channel->kind) != 0)
                channel->kind = NULL;
        if (!kind)
                config_refuse(reader, node->line, "is missing; write what platform this is, such as kind: chatwoot");
        config_path_pop(reader, path);
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
                kind_read(reader, node, channel);
                settings_read(reader, node, channel);
                if (reader->n_errors == n_errors)
                        faults_refuse(reader, channel);
        }
        config_path_pop(reader, path);
}

void config_channels_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_tenant *tenant = target;

        if (!node || yaml_is_null(node))
                return;
        if (node->kind != YAML_MAP || node->n > LIMIT_CHANNELS_PER_TENANT) {
                config_refuse(reader, node->line, "must be a map of at most %d channels, each with its name as the key",
                              LIMIT_CHANNELS_PER_TENANT);
                return;
        }
        tenant->channels = memory_new(node->n, sizeof *tenant->channels);
        for (size_t i = 0; i < node->n; i++)
                if (config_name_is_valid(reader, &node->items[i]))
                        channel_read_one(reader, &node->items[i], &tenant->channels[tenant->n_channels++]);
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
