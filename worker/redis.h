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

enum { REDIS_SCRIPTS_MAX = 16, REDIS_KEYS_MAX = 2, REDIS_ARGUMENTS_MAX = 5 };

/* `scripts` are Lua; they must outlive the connection. 0; -EINVAL and *ret_error (the caller frees) when `url` is no
 * address of Redis. Connecting begins at once. */
MUST_USE int redis_new(struct loop *loop, const char *url, const char *const *scripts, int n_scripts,
                       struct redis **ret, char **ret_error);
/* Requests end without a word. */
struct redis *redis_free(struct redis *redis);

enum redis_result {
        REDIS_ANSWERED,
        REDIS_UNKNOWN, /* the connection broke, or Redis refused: the script may have run or not */
};

/* What a script answered: a number, or a text, or nothing (nil). Anything else counts as REDIS_UNKNOWN. */
struct redis_answer {
        enum redis_result result;
        int64_t number; /* 0 unless it is one */
        struct bytes text; /* any bytes; data is NULL unless it is one. Valid until on_end returns */
};

/* A script and what it is given, any bytes. */
struct redis_call {
        int script;
        int n_keys, n_arguments;
        struct bytes keys[REDIS_KEYS_MAX], arguments[REDIS_ARGUMENTS_MAX];
};

/* Runs a script; the call is copied. on_end, which may be NULL, is called once, later; then the request is freed. NULL
 * when there is no connection: then nothing has been sent and on_end is not called. */
struct redis_request *redis_eval(struct redis *redis, const struct redis_call *call,
                                 void (*on_end)(void *context, const struct redis_answer *answer), void *context);
/* Nobody waits for the answer any more; the script runs nevertheless. */
struct redis_request *redis_request_free(struct redis_request *request);
