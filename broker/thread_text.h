/* What a thread waits for, and what comes next, in words: for `why`. Each text is the caller's to free. */
#pragma once

#include "broker/core/core.h"

/* `tenant` as it is in force; NULL only for a thread that holds nothing, or runs. */
char *thread_waits_for(const struct core_thread_view *view, const struct config_tenant *tenant);
char *thread_what_is_next(const struct core_thread_view *view, const struct config_tenant *tenant);
/* It did not fail: somebody gave it up. */
bool thread_is_cancelled(const struct core_thread_view *view);
/* What becomes of what waits when a hold of that kind ends: "rest", "answer" or "record". */
const char *thread_policy_name(const struct config_tenant *tenant, enum hold_kind kind);
