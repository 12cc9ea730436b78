/* A folder, and that what is in it survives a loss of power. Errors are negative errnos. */
#pragma once

#include "common/cleanup.h"

/* That the folder has what is in it, durably. */
MUST_USE int folder_sync(const char *folder);
/* With all above it that is missing, each durably in its parent. */
MUST_USE int folder_make(const char *folder);
