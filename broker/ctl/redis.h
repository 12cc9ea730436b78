/* Redis, asked once: the CLI's own door to hiredis. Blocks for as long as LIMIT_CTL_REDIS_MS says, for connecting and
 * for the answer each. */
#pragma once

#include "common/bytes.h"

/* The text under `key`, appended to `ret`: 0. 1: there is none. A negative errno and *ret_error (the caller frees), a
 * sentence without the password, when Redis at `url` cannot be asked or what it holds there is no text. */
MUST_USE int redis_get(const char *url, const char *key, struct buffer *ret, char **ret_error);
