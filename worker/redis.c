#include "worker/redis.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "worker/redis_private.h"

#include <errno.h>
#include <string.h>

/* EVALSHA and the script. */
enum { HEAD_PARTS = 2 };

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

static void push_part(struct buffer *command, struct bytes part) {
        buffer_push(command, "$", 1);
        buffer_push_number(command, part.len);
        buffer_push(command, "\r\n", 2);
        buffer_push(command, part.data, part.len);
        buffer_push(command, "\r\n", 2);
}

/* hiredis would take as long to write a command as Redis takes to run it: a lock is taken with each run. */
static int send_request(struct redis *redis, struct redis_request *request, bool is_by_hash) {
        const struct redis_script *script = &redis->scripts[request->script];
        struct buffer *command = &redis->command;

        buffer_clear(command);
        buffer_push(command, "*", 1);
        buffer_push_number(command, (uint64_t)(HEAD_PARTS + request->n_parts));
        buffer_push(command, "\r\n", 2);
        push_part(command, bytes_of(is_by_hash ? "EVALSHA" : "EVAL"));
        push_part(command, bytes_of(is_by_hash ? script->hash : script->text));
        buffer_push(command, request->parts, request->len);
        /* It looks for the command's name as in a text, so there is to be an end to that. */
        return redisAsyncFormattedCommand(redis->connection, on_reply, request, buffer_text(command), command->len) ==
                               REDIS_OK
                       ? 0
                       : -EIO;
}

/* One piece of memory, however many parts. */
static struct redis_request *request_new(struct redis *redis, const struct redis_call *call) {
        struct buffer *parts = &redis->command;
        struct redis_request *request;

        buffer_clear(parts);
        push_part(parts, (struct bytes){&"012"[call->n_keys], 1});
        for (int i = 0; i < call->n_keys; i++)
                push_part(parts, call->keys[i]);
        for (int i = 0; i < call->n_arguments; i++)
                push_part(parts, call->arguments[i]);
        request = memory_new(1, sizeof *request + parts->len);
        request->redis = redis;
        request->script = call->script;
        request->n_parts = 1 + call->n_keys + call->n_arguments;
        request->len = parts->len;
        memcpy(request->parts, parts->data, parts->len);
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
        buffer_done(&redis->command);
        free(redis);
        return NULL;
}
