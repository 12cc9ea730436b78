/* refused.ndjson: what the broker has refused for good after it was spooled, a line each, in the form that `lull send`
 * reads. Several processes may add to one file. */
#pragma once

#include "common/wire.h"

struct spool_refused;

/* `folder` is the spools'. */
struct spool_refused *spool_refused_new(const char *folder);
struct spool_refused *spool_refused_free(struct spool_refused *refused);
/* Collects a message. */
void spool_refused_push(struct spool_refused *refused, const struct wire_message *message, const char *code,
                        const char *why);
/* Appends what was collected, durably, and says so in the log. 0; a negative errno, and the file is as it was. Nothing
 * is collected after it. */
MUST_USE int spool_refused_write(struct spool_refused *refused);
