/* A folder: that it is there, that one process alone uses it, and that what is in it survives a loss of power. Errors
 * are negative errnos. */
#pragma once

#include "common/cleanup.h"

/* That the folder has what is in it, durably. */
MUST_USE int folder_sync(const char *folder);
/* With all above it that is missing, each durably in its parent. */
MUST_USE int folder_make(const char *folder);
/* Makes it where it is missing, and takes the lock in it: *ret_fd, which the caller closes. -EBUSY where another
 * process has it; *ret_error (the caller frees) says what to do. */
MUST_USE int folder_lock(const char *folder, int *ret_fd, char **ret_error);
