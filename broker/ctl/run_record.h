/* The record of the run that is under way on a thread, read from Redis beside what the broker says
 * (common/PROTOCOL.md, section 5). */
#pragma once

#include "broker/ctl/options.h"
#include "common/json.h"
#include "common/time.h"

/* What Redis says, to be put into the broker's answer: {"run_record": an object, or null when there is none}; when
 * Redis cannot be asked {"run_record_error": a sentence}; {} when the config has no Redis. The caller owns it. */
json_t *run_record_new(const struct options *options, const char *tenant, const char *thread);
/* The lines of it for a person, if there is anything to say. */
void run_record_push(struct buffer *text, const json_t *answer, struct wall now);
