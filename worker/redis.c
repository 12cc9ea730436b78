#include "worker/redis.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "worker/redis_private.h"

#include <errno.h>
#include <string.h>

enum { ARGV_MAX = 4 + REDIS_ARGUMENTS_MAX };

static void append(struct redis *redis, struct redis_request *request) {
        request->sent = clock_mono();
        request->next = NULL;
        request->before = redis->newest;
        *(request->before ? &request->before->next : &redis->oldest) = request;
        redis->newest = request;
        if (redis->oldest == request)
                redis_set_timer(redis);
}

static void take_out(struct redis *redis, struct redis_request *request) {
        *(request->before ? &request->before->next : &redis->oldest) = request->next;
        *(request->next ? &request->next->before : &redis->newest) = request->before;
}

static void free_request(struct redis_request *request) {
        free(request->key);
        for (int i = 0; i < request->n_arguments; i++)
                free(request->arguments[i]);
        free(request);
}

static void finish(struct redis_request *request, enum redis_result result, int64_t answer) {
        take_out(request->redis, request);
        if (request->on_end)
                request->on_end(request->context, result, answer);
        free_request(request);
}

static int send_request(struct redis *redis, struct redis_request *request, bool is_by_hash);

static void on_reply(redisAsyncContext *connection, void *raw, void *context) {
        struct redis_request *request = context;
        struct redis *redis = request->redis;
        redisReply *reply = raw;

        if (reply && reply->type == REDIS_REPLY_INTEGER) {
                finish(request, REDIS_ANSWERED, reply->integer);
                return;
        }
        /* Redis forgets scripts when it restarts or fails over; sent whole, it runs it and keeps it again. */
        if (reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
                take_out(redis, request);
                append(redis, request);
                if (send_request(redis, request, false) == 0)
                        return;
        }
        if (reply)
                redis_complain(redis, REDIS_REFUSED,
                               reply->type == REDIS_REPLY_ERROR ? reply->str : "an unexpected answer");
        finish(request, REDIS_UNKNOWN, 0);
}

static int send_request(struct redis *redis, struct redis_request *request, bool is_by_hash) {
        const struct redis_script *script = &redis->scripts[request->script];
        const char *argv[ARGV_MAX] = {is_by_hash ? "EVALSHA" : "EVAL", is_by_hash ? script->hash : script->text, "1",
                                      request->key};
        int argc = 4;

        for (int i = 0; i < request->n_arguments; i++)
                argv[argc++] = request->arguments[i];
        return redisAsyncCommandArgv(redis->connection, on_reply, request, argc, argv, NULL) == REDIS_OK ? 0 : -EIO;
}

struct redis_request *redis_eval(struct redis *redis, int script, const char *key, const char *const *arguments,
                                 int n_arguments,
                                 void (*on_end)(void *context, enum redis_result result, int64_t answer),
                                 void *context) {
        struct redis_request *request;

        ENSURE(script < redis->n_scripts && n_arguments <= REDIS_ARGUMENTS_MAX);
        if (redis->state != READY)
                return NULL;
        request = memory_new(1, sizeof *request);
        *request = (struct redis_request){.redis = redis, .script = script, .on_end = on_end, .context = context};
        request->key = bytes_copy_text(bytes_of(key));
        for (; request->n_arguments < n_arguments; request->n_arguments++)
                request->arguments[request->n_arguments] = bytes_copy_text(bytes_of(arguments[request->n_arguments]));
        if (send_request(redis, request, redis->scripts[script].hash[0] != '\0') < 0) {
                free_request(request);
                return NULL;
        }
        append(redis, request);
        return request;
}

struct redis_request *redis_request_free(struct redis_request *request) {
        if (request)
                request->on_end = NULL;
        return NULL;
}

int redis_new(struct loop *loop, const char *url, const char *const *scripts, int n_scripts, struct redis **ret,
              char **ret_error) {
        struct redis *redis;
        struct redis_url where;
        int r = redis_url_decode(url, &where, ret_error);

        if (r < 0)
                return r;
        ENSURE(n_scripts <= REDIS_SCRIPTS_MAX);
        redis = memory_new(1, sizeof *redis);
        redis->loop = loop;
        redis->url = where;
        redis->n_scripts = n_scripts;
        for (int i = 0; i < n_scripts; i++)
                redis->scripts[i] = (struct redis_script){.redis = redis, .text = scripts[i]};
        redis_connect(redis);
        *ret = redis;
        return 0;
}

struct redis *redis_free(struct redis *redis) {
        if (!redis)
                return NULL;
        redis->is_freed = true;
        for (struct redis_request *request = redis->oldest; request; request = request->next)
                request->on_end = NULL;
        if (redis->connection)
                redisAsyncFree(redis->connection);
        loop_lookup_free(redis->lookup);
        loop_timer_free(redis->timer);
        redis_url_done(&redis->url);
        free(redis);
        return NULL;
}
