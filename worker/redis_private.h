/* What the two files of Redis share; nobody else includes this. redis.c has the requests, redis_connection.c the
 * connection they go over. */
#pragma once

#include "common/bytes.h"
#include "common/redis_url.h"
#include "worker/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

enum { REDIS_BACKOFF_FIRST_MS = 50, REDIS_HASH_LEN = 40 };

enum redis_trouble { REDIS_UNREACHABLE, REDIS_REFUSED, REDIS_LOST, REDIS_N_TROUBLES };

struct redis_script {
        struct redis *redis;
        const char *text;
        char hash[REDIS_HASH_LEN + 1]; /* empty: Redis would not keep it, so the text goes along each time */
};

struct redis_request {
        struct redis *redis;
        struct redis_request *next, *before; /* from redis->oldest to redis->newest */
        struct mono sent;
        void (*on_end)(void *context, const struct redis_answer *answer); /* NULL = nobody waits */
        void *context;
        int script, n_parts;
        size_t len;
        char parts[]; /* as they are sent: how many keys there are, the keys, the arguments */
};

struct redis {
        struct loop *loop;
        struct redis_url url;
        struct redis_script scripts[REDIS_SCRIPTS_MAX];
        int n_scripts;
        enum { APART, LOOKING_UP, CONNECTING, READY } state;
        struct mono since; /* of the state */
        struct mono again; /* APART: when to try again */
        struct span backoff;
        uint32_t turn; /* of the host's addresses, the one to try */
        struct loop_lookup *lookup;
        redisAsyncContext *connection;
        struct loop_watch *watch; /* of the connection */
        int events; /* that it watches */
        int n_setup; /* CONNECTING: answers still to come */
        struct loop_timer *timer;
        struct redis_request *oldest, *newest;
        struct buffer command; /* while one is written */
        bool is_freed;
        bool has_complained[REDIS_N_TROUBLES]; /* since it was ready last */
};

/* Begins to connect, and goes on with it for ever. */
void redis_connect(struct redis *redis);
/* To be called when the oldest request is another one: then another answer may become overdue. */
void redis_set_timer(struct redis *redis);
/* One line of log for each trouble of an outage, not one for each try. Of a refusal only what stands before the first
 * quotation mark is logged: Redis may quote a password it did not understand. */
void redis_complain(struct redis *redis, enum redis_trouble trouble, const char *why);
