/* Questions about what bounds the broker: settings, settings_set and settings_unset; and the parts of `stats` about
 * limits and refusals. */
#pragma once

#include "broker/loop.h"
#include "common/json.h"

/* If the question is about settings: does it, and returns the answer, which is for after the commit of this turn and
 * the caller's to free. The effects may point into `question`. Else NULL. */
json_t *settings_step(const json_t *question, struct loop *loop);

/* The caller owns both. */
json_t *answer_limits(const struct loop *loop);
json_t *answer_refusals(const struct core_counters *counters);
