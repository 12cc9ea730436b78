/* Where Redis is: redis://[user:password@]host[:port][/db], or redis+unix://[user:password@]/path[?db=N]. Pure.
 *
 * User, password and path may hold bytes as %XX. The password stays out of every error. */
#pragma once

#include "common/cleanup.h"

#include <stdint.h>

struct redis_url {
        char *path; /* of a unix socket; NULL = host and port */
        char *host;
        uint16_t port;
        char *user, *password; /* NULL = not given */
        uint32_t db;
};

/* 0 and *ret; -EINVAL and *ret_error (the caller frees), a sentence that says what would be right. */
MUST_USE int redis_url_decode(const char *text, struct redis_url *ret, char **ret_error);
/* Frees what it holds and leaves an empty one. */
void redis_url_done(struct redis_url *url);
#define CLEANUP_REDIS_URL CLEANUP(redis_url_done)
