/* The URL of a lookup, with what it is about filled in. Pure. */
#pragma once

#include "common/bytes.h"

#include <errno.h>

struct context_about {
        const char *tenant, *thread;
        const char *from; /* NULL = nobody said */
};

/* Appends `format` with {tenant}, {thread} and {from} replaced, every byte of them escaped that could change what the
 * URL says. 0; -EINVAL when that would name another folder, as a thread called ".." does: `url` is undefined. */
MUST_USE int context_url_encode(const char *format, const struct context_about *about, struct buffer *url);
