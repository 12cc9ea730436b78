/* What servers have been found not to take as we would like to send it: remembered for the life of the process, for
 * each URL and model, so that it is found out once. */
#pragma once

#include "common/config.h"
#include "worker/core/chat.h"

struct chat_ways ways_get(const struct config_handler *config);
/* Past LIMIT_WAYS nothing more is remembered: a refusal more each time, and no harm. */
void ways_keep(const struct config_handler *config, struct chat_ways ways);
