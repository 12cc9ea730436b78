/* The path of a URL, cut at its slashes and percent-decoded. */
#pragma once

#include "common/bytes.h"
#include "common/limits.h"

struct path {
        struct bytes segments[LIMIT_PATH_SEGMENTS]; /* without the empty one before the first slash */
        uint32_t n;
        char *memory; /* what they live in */
};

/* Reads a target such as "/hooks/acme/a%20b?x=1"; what follows '?' is passed over. 0 and *ret, for path_done();
 * -EBADMSG when it does not begin with a slash, has more than LIMIT_PATH_SEGMENTS, a broken escape, or a NUL. */
MUST_USE int path_decode(const char *target, struct path *ret);
void path_done(struct path *path);

/* Is it /hooks/TENANT/CHANNEL? One further step of a-z and "-" is passed over: some platforms can be made to append the
 * name of the event, such as /messages-upsert, to the address they were given. */
bool path_is_hook(const struct path *path);
#define CLEANUP_PATH CLEANUP(path_done)
