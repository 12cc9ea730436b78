/* Redis: scripts on one connection, asynchronously. The one door to hiredis.
 *
 * It connects by itself, for ever, with a pause that grows to LIMIT_REDIS_BACKOFF_MS; names are looked up off the
 * loop. A connection on which an answer is overdue by LIMIT_REDIS_MS is given up: a late answer would be taken for
 * the next one. */
#pragma once

#include "common/bytes.h"
#include "worker/loop.h"

struct redis;
struct redis_request;

enum { REDIS_SCRIPTS_MAX = 8, REDIS_ARGUMENTS_MAX = 3 };

/* `scripts` are Lua, each with one key and whole numbers as answers; they must outlive the connection. 0; -EINVAL and
 * *ret_error (the caller frees) when `url` is no address of Redis. Connecting begins at once. */
MUST_USE int redis_new(struct loop *loop, const char *url, const char *const *scripts, int n_scripts,
                       struct redis **ret, char **ret_error);
/* Requests end without a word. */
struct redis *redis_free(struct redis *redis);

enum redis_result {
        REDIS_ANSWERED,
        REDIS_UNKNOWN, /* the connection broke, or Redis refused: the script may have run or not */
};

/* Runs script number `script` on `key`. on_end is called once, later; then the request is freed. NULL when there is no
 * connection: then nothing has been sent and on_end is not called. */
struct redis_request *redis_eval(struct redis *redis, int script, const char *key, const char *const *arguments,
                                 int n_arguments,
                                 void (*on_end)(void *context, enum redis_result result, int64_t answer),
                                 void *context);
/* Nobody waits for the answer any more; the script runs nevertheless. */
struct redis_request *redis_request_free(struct redis_request *request);
