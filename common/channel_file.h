/* What the files channel_*.c share: the built-in channel files, and how values are made out of webhooks and settings.
 *
 * A channel file is YAML; common/channels/README.md says what each key means. What is applied has been checked as a
 * whole: an operator's file when lull.yaml is read, a built-in one by a test. */
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

/* The built-in file of a kind, read at its first use and then kept; NULL when there is none. */
const struct yaml_node *channel_file_find(const char *kind);
/* The operator's file of a channel's kind, or the built-in one; NULL when there is none. */
const struct yaml_node *channel_file_of(const struct config_channel *config);
/* The names of the built-in kinds, NULL at the end. */
const char *const *channel_kinds(void);

/* A setting's value, or its default; NULL when it has neither. */
const char *channel_setting_find(const struct channel *channel, const char *key);
/* Is a setting of the form flag, or given at all when it has another form? */
bool channel_setting_is_on(const struct channel *channel, const char *key);

/* What a body that asks whether the address is ours is answered with; NULL when it does not ask. The caller frees. */
struct channel_place;
char *channel_challenge_text(const struct channel_place *place);

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
/* `kinds`: the names of all there are, NULL at the end. */
void channel_faults_find(const struct config_channel *config, const char *const *kinds, struct channel_faults *ret);
void channel_faults_done(struct channel_faults *faults);

/* What is wrong with a channel file, by line. */
void channel_file_faults_find(const struct yaml_node *root, struct channel_faults *ret);
/* A text as a channel file without a fault. 0 and *ret, which the caller owns; -EBADMSG and *ret_error as of
 * channel_file_check(). */
MUST_USE int channel_file_decode(const char *file, struct bytes text, struct yaml_node **ret, char **ret_error);
