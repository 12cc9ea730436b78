/* The doors of the config: every channel of every tenant, made once. */
#pragma once

#include "common/channel.h"

struct doors;

struct door {
        const struct config_tenant *tenant;
        const struct config_channel *config;
        struct channel *channel;
};

/* `config` must outlive the doors. 0; -EINVAL and *ret_error (the caller frees). */
MUST_USE int doors_new(const struct config *config, struct doors **ret, char **ret_error);
struct doors *doors_free(struct doors *doors);
static inline void doors_cleanup(struct doors **doors) { doors_free(*doors); }
#define CLEANUP_DOORS CLEANUP(doors_cleanup)

/* 0 and *ret; 1 when there is no such tenant, 2 when the tenant has no such channel. */
MUST_USE int doors_find(const struct doors *doors, struct bytes tenant, struct bytes channel, struct door *ret);
