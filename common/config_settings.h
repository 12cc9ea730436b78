/* The settings of a tenant that can be changed while the broker runs: those that the broker itself uses. Each is known
 * by its key in lull.yaml ("quiet", "retry.base") and goes by the same rules as there. Pure. */
#pragma once

#include "common/config.h"

/* The key of setting `index`, below CONFIG_N_SETTINGS. */
const char *config_setting_name(int index);
/* -ENOENT when there is no such setting; *ret_why (the caller frees) then says what is wrong with `key`, or where a
 * setting like it is changed. */
MUST_USE int config_setting_index(const char *key, int *ret, char **ret_why);
/* What the tenant has, as it would be written in the file. The caller frees. */
char *config_setting_text(const struct config_tenant *tenant, int index);
/* 0; -EINVAL and *ret_why (the caller frees), in the words of the file's own check. Whether the value goes together
 * with the others is for config_settings_check(). */
MUST_USE int config_setting_set(struct config_tenant *tenant, int index, const char *value, char **ret_why);
/* The same answers, of the tenant as a whole. */
MUST_USE int config_settings_check(const struct config_tenant *tenant, char **ret_why);
