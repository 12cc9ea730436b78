/* A channel to try things on, with nothing running: one of lull.yaml with its settings, or a kind (built in, or a file)
 * with stand-ins for those that it needs. It asks no broker and calls nobody.
 *
 * What goes wrong is told on stderr here; the caller only ends. */
#pragma once

#include "broker/ctl/options.h"
#include "broker/ctl/trial_file.h"
#include "broker/ctl/trial_settings.h"
#include "common/channel.h"

/* What the commands that take a CHANNEL share. */
struct trial_options {
        const char *config;
        struct options_list settings; /* "key=value", in place of stand-ins */
};

/* A row for a command's table, beside OPTIONS_CONFIG(). */
#define TRIAL_OPTIONS_SET(options)                                                                                     \
        {                                                                                                              \
                .name = "set", .letter = 's', .value = "KEY=VALUE", .list = &(options).settings, .separator = '=',     \
                .help = "a setting, for a KIND or a file; may stand more than once"                                    \
        }

struct trial {
        char *title; /* "acme/support, a whatsapp channel" */
        char *tenant;
        struct trial_file file;
        struct config_channel *settings; /* what the channel was made with */
        struct channel *channel;
        char *stand_ins; /* the names of the settings that have one, as people read them; NULL = none */
        bool has_stand_in_proof; /* what its webhooks are signed with is not known */
};

/* Makes the channel that `name` means: TENANT/CHANNEL, KIND, or the path of a channel file. With `is_masked` there is
 * no secret in it: each is TRIAL_SECRET. 0 and *ret; -EINVAL when there is none, or its settings are wrong. */
MUST_USE int trial_new(const char *name, const struct trial_options *options, bool is_masked, struct trial **ret);
struct trial *trial_free(struct trial *trial);
static inline void trial_cleanup(struct trial **trial) { trial_free(*trial); }
#define CLEANUP_TRIAL CLEANUP(trial_cleanup)

/* Reads what a webhook holds. 0; -EBADMSG when that is told to be unreadable. */
MUST_USE int trial_read(const struct trial *trial, struct bytes body, struct channel_events *ret);
