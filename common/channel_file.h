/* What the files channel_*.c share: the built-in channel files, and how values are made out of webhooks and settings.
 *
 * A channel file is YAML; common/channels/README.md says what each key means. It is ours, so a fault in one is found
 * by ENSURE at its first use, and tests use each of them. */
#pragma once

#include "common/channel.h"
#include "common/json.h"
#include "common/yaml.h"

/* One built-in file; the table, in the order of the alphabet, is made at build time. `kind` is NULL at its end. */
struct channel_source {
        const char *kind, *text;
};
extern const struct channel_source channel_sources[];

struct channel {
        const struct config_channel *config;
        const struct yaml_node *file;
};

/* The file of a kind, read at its first use and then kept; NULL when there is none. */
const struct yaml_node *channel_file_find(const char *kind);
/* The names of all kinds, NULL at the end. */
const char *const *channel_kinds(void);

/* A setting's value, or its default; NULL when it has neither. */
const char *channel_setting_find(const struct channel *channel, const char *key);
/* Is a setting of the form flag, or given at all when it has another form? */
bool channel_setting_is_on(const struct channel *channel, const char *key);

/* What is wrong with a channel's settings. */
struct channel_fault {
        int line;
        const char *key; /* the setting, or NULL; borrowed from the config or the file */
        char *text;
};
struct channel_faults {
        struct channel_fault *items;
        size_t n;
};
void channel_faults_find(const struct config_channel *config, struct channel_faults *ret);
void channel_faults_done(struct channel_faults *faults);
