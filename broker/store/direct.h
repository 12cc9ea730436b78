/* Writes that go past the kernel's cache (O_DIRECT): into a file's blocks at once, out of memory that is aligned as
 * they are. Nothing is copied into fresh pages of the cache, which costs several times what the write itself does.
 *
 * What it is asked to write is whole pages at a page's place. Not every file system can do it: then the caller writes
 * as one does everywhere. That something is written does not make it durable: only a flush does. */
#pragma once

#include "common/bytes.h"

struct direct {
        int fd; /* -1 = the file system cannot */
        uint8_t *memory, *aligned; /* of a piece: `aligned` is in `memory`, which is NULL until the first write */
};

#define DIRECT_NONE ((struct direct){.fd = -1})

/* Opens the file, which is there, for such writes only. */
void direct_open(struct direct *direct, const char *path);
void direct_done(struct direct *direct);
/* 0, or a negative errno; -EOPNOTSUPP: the file system cannot, and is not asked again. */
MUST_USE int direct_write(struct direct *direct, uint64_t at, struct bytes pages);
