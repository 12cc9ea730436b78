/* The tenants of lull.yaml as they are in force, with their channels made. A run keeps hold of the settings it began
 * with, so that a file read again (SIGHUP) pulls nothing out from under it. */
#pragma once

#include "common/channel.h"
#include "common/config.h"

struct settings;

/* Takes the config over. 0; -EINVAL and *ret_error (the caller frees) when a channel cannot be made; then the config
 * is freed. */
MUST_USE int settings_new(struct config *config, struct settings **ret, char **ret_error);
/* One more holder, and one fewer; the last one frees. */
struct settings *settings_hold(struct settings *settings);
struct settings *settings_free(struct settings *settings);

const struct config *settings_config(const struct settings *settings);
/* NULL when there is none of that name. */
const struct config_tenant *settings_tenant_find(const struct settings *settings, const char *name);
const struct channel *settings_channel_find(const struct settings *settings, const struct config_tenant *tenant,
                                            const char *name);
