/* lull dead retry and lull dead drop: what changes dead letters. */
#pragma once

#include "broker/ctl/command.h"
#include "common/json.h"

extern const struct command command_dead_retry, command_dead_drop;

/* The question for a listing of dead letters; `tenant` may be NULL. */
json_t *dead_encode_question(const char *tenant, uint64_t limit);
