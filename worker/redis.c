#include "worker/redis.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "worker/redis_private.h"

#include <errno.h>
#include <string.h>

/* EVALSHA, the script, the number of keys. */
enum { ARGV_HEAD = 3, ARGV_MAX = ARGV_HEAD + REDIS_PARTS_MAX };

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

static void finish(struct redis_request *request, const struct redis_answer *answer) {
        take_out(request->redis, request);
        if (request->on_end)
                request->on_end(request->context, answer);
        free(request);
}

static int send_request(struct redis *redis, struct redis_request *request, bool is_by_hash);

/* 0 and *ret; -EBADMSG when it is neither a number nor a text nor nothing. */
static int decode_answer(const redisReply *reply, struct redis_answer *ret) {
        *ret = (struct redis_answer){.result = REDIS_ANSWERED};
        if (reply->type == REDIS_REPLY_INTEGER)
                ret->number = reply->integer;
        else if (reply->type == REDIS_REPLY_STRING)
                ret->text = (struct bytes){reply->str, reply->len};
        else if (reply->type != REDIS_REPLY_NIL)
                return -EBADMSG;
        return 0;
}

static void on_reply(redisAsyncContext *connection, void *raw, void *context) {
        struct redis_request *request = context;
        struct redis_answer answer = {.result = REDIS_UNKNOWN};
        struct redis *redis = request->redis;
        const redisReply *reply = raw;

        if (reply && decode_answer(reply, &answer) == 0) {
                finish(request, &answer);
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
        answer = (struct redis_answer){.result = REDIS_UNKNOWN};
        finish(request, &answer);
}

static int send_request(struct redis *redis, struct redis_request *request, bool is_by_hash) {
        static const char *const counts[] = {"0", "1", "2"};
        const struct redis_script *script = &redis->scripts[request->script];
        const char *argv[ARGV_MAX] = {is_by_hash ? "EVALSHA" : "EVAL", is_by_hash ? script->hash : script->text,
                                      counts[request->n_keys]};
        size_t lens[ARGV_MAX];
        const char *part = request->parts;

        for (int i = 0; i < ARGV_HEAD; i++)
                lens[i] = strlen(argv[i]);
        for (int i = 0; i < request->n_parts; i++) {
                argv[ARGV_HEAD + i] = part;
                lens[ARGV_HEAD + i] = request->lens[i];
                part += request->lens[i];
        }
        return redisAsyncCommandArgv(redis->connection, on_reply, request, ARGV_HEAD + request->n_parts, argv, lens) ==
                               REDIS_OK
                       ? 0
                       : -EIO;
}

/* One piece of memory, however many parts: a lock is taken with each run. */
static struct redis_request *request_new(struct redis *redis, const struct redis_call *call) {
        struct redis_request *request;
        size_t len = 0;
        char *to;

        for (int i = 0; i < call->n_keys; i++)
                len += call->keys[i].len;
        for (int i = 0; i < call->n_arguments; i++)
                len += call->arguments[i].len;
        request = memory_new(1, sizeof *request + len);
        request->redis = redis;
        request->script = call->script;
        request->n_keys = call->n_keys;
        to = request->parts;
        for (int i = 0; i < call->n_keys + call->n_arguments; i++) {
                struct bytes part = i < call->n_keys ? call->keys[i] : call->arguments[i - call->n_keys];

                if (part.len > 0)
                        memcpy(to, part.data, part.len);
                request->lens[request->n_parts++] = part.len;
                to += part.len;
        }
        return request;
}

struct redis_request *redis_eval(struct redis *redis, const struct redis_call *call,
                                 void (*on_end)(void *context, const struct redis_answer *answer), void *context) {
        struct redis_request *request;

        ENSURE(call->script < redis->n_scripts);
        ENSURE(call->n_keys <= REDIS_KEYS_MAX && call->n_arguments <= REDIS_ARGUMENTS_MAX);
        if (redis->state != READY)
                return NULL;
        request = request_new(redis, call);
        request->on_end = on_end;
        request->context = context;
        if (send_request(redis, request, redis->scripts[call->script].hash[0] != '\0') < 0) {
                free(request);
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
        /* What was said at the very last, such as what a thread's history gets, has not left yet. */
        if (redis->connection && redis->state == READY)
                redisAsyncHandleWrite(redis->connection);
        if (redis->connection)
                redisAsyncFree(redis->connection);
        loop_lookup_free(redis->lookup);
        loop_timer_free(redis->timer);
        redis_url_done(&redis->url);
        free(redis);
        return NULL;
}
