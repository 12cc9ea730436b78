/* The settings of a channel that is only tried out: stand-ins for those that its kind needs and nobody gave, and none
 * of the secrets. Pure. */
#pragma once

#include "common/config.h"
#include "common/yaml.h"

/* Stands for each secret while a request is made, and is found again in what came out: in a URL "***" would be escaped,
 * and in base64 nobody would know it. */
#define TRIAL_SECRET "LULL-SECRET"

/* Sets a setting anew, or adds it. */
void trial_settings_put(struct config_channel *settings, const char *key, const char *value);
/* Gives each setting a value that `file`, a channel file's, needs for its webhooks to be read and its replies to be
 * made. True: what proves its webhooks is a stand-in, so that none of them can. */
bool trial_settings_complete(const struct yaml_node *file, struct config_channel *settings);
/* A setting has a stand-in: where `file` asks whether what a webhook names is another than that, it is none. So a
 * webhook of any account is read as one of ours. */
void trial_settings_waive(struct yaml_node *file, const char *key);
/* Puts stand-ins in the place of all secrets. */
void trial_settings_mask(const struct yaml_node *file, struct config_channel *settings);
