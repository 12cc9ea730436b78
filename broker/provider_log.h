/* Says in the log when a provider is left alone, and when it is back. */
#pragma once

#include "broker/core/core.h"

/* At the end of a turn; `*told` is what core_provider_changes() was when it was called last, 0 at first. */
void provider_log_changes(uint64_t *told, struct now now, struct core *core);
