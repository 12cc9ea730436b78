/* What is said of providers: in `stats`, and in `why` of a thread that one keeps back. */
#pragma once

#include "broker/core/core.h"
#include "common/json.h"

/* At most LIMIT_LISTING of them, those in trouble first. */
json_t *answer_providers(const struct core *core, struct now now);
/* What the thread waits for: a text that the caller frees. */
char *provider_wait_text(const struct core_provider_view *view);
json_t *answer_provider(const struct core_provider_view *view);
