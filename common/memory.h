/* Memory that is always there.
 *
 * When the system has none left, the process ends with a line that says so: a half-built state is never carried on
 * with, the supervisor restarts the process, and the store rebuilds what was acknowledged. So nothing here returns
 * NULL and no caller checks for it. */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>

/* Zeroed. The caller frees with free(). */
void *memory_new(size_t n, size_t size);
/* As reallocarray(); what is added is not zeroed. */
void *memory_resize(void *old, size_t n, size_t size);
/* A NUL-terminated copy of the `len` bytes at `data`, which may be NULL when len is 0. */
char *memory_copy_text(const void *data, size_t len);
/* printf into memory that the caller frees. */
char *memory_print(const char *format, ...) __attribute__((format(printf, 1, 2), nonnull(1)));
