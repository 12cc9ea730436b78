#include "broker/ctl/redis.h"

#include "common/limits.h"
#include "common/memory.h"
#include "common/redis_url.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

static void redis_context_cleanup(redisContext **connection) {
        if (*connection)
                redisFree(*connection);
}
#define CLEANUP_REDIS_CONTEXT CLEANUP(redis_context_cleanup)

static void redis_reply_cleanup(redisReply **reply) {
        if (*reply)
                freeReplyObject(*reply);
}
#define CLEANUP_REDIS_REPLY CLEANUP(redis_reply_cleanup)

/* Of what Redis says only what stands before the first quotation mark: it may quote a password. */
static char *refusal_new(const char *what) {
        return memory_print("Redis refused: %.*s", (int)strcspn(what, "'`\""), what);
}

/* One command. 0 and *ret, which is no error; a negative errno and *ret_error. */
static int ask(redisContext *connection, int argc, const char **argv, redisReply **ret, char **ret_error) {
        CLEANUP_REDIS_REPLY redisReply *reply = redisCommandArgv(connection, argc, argv, NULL);

        if (!reply) {
                *ret_error = memory_print("Redis did not answer: %s", connection->errstr);
                return -EIO;
        }
        if (reply->type == REDIS_REPLY_ERROR) {
                *ret_error = refusal_new(reply->str);
                return -EPROTO;
        }
        *ret = TAKE(reply);
        return 0;
}

static int connect_to(const struct redis_url *url, redisContext **ret, char **ret_error) {
        const struct timeval timeout = {LIMIT_CTL_REDIS_MS / 1000, LIMIT_CTL_REDIS_MS % 1000 * 1000};
        CLEANUP_REDIS_CONTEXT redisContext *connection =
                url->path ? redisConnectUnixWithTimeout(url->path, timeout)
                          : redisConnectWithTimeout(url->host, url->port, timeout);

        if (!connection || connection->err || redisSetTimeout(connection, timeout) != REDIS_OK) {
                *ret_error = memory_print("Redis cannot be reached: %s",
                                          connection && connection->err ? connection->errstr : "no connection");
                return -ECONNREFUSED;
        }
        *ret = TAKE(connection);
        return 0;
}

static int log_in(redisContext *connection, const struct redis_url *url, char **ret_error) {
        CLEANUP_REDIS_REPLY redisReply *welcome = NULL, *selected = NULL;
        CLEANUP_FREE char *db = memory_print("%u", url->db);
        const char *login[] = {"AUTH", url->user ? url->user : url->password, url->password};
        const char *select[] = {"SELECT", db};
        int r = 0;

        if (url->password)
                r = ask(connection, url->user ? 3 : 2, login, &welcome, ret_error);
        if (r == 0 && url->db > 0)
                r = ask(connection, 2, select, &selected, ret_error);
        return r;
}

static int get(const struct redis_url *url, const char *key, struct buffer *ret, char **ret_error) {
        CLEANUP_REDIS_CONTEXT redisContext *connection = NULL;
        CLEANUP_REDIS_REPLY redisReply *reply = NULL;
        const char *command[] = {"GET", key};
        int r = connect_to(url, &connection, ret_error);

        if (r == 0)
                r = log_in(connection, url, ret_error);
        if (r == 0)
                r = ask(connection, 2, command, &reply, ret_error);
        if (r < 0)
                return r;
        if (reply->type != REDIS_REPLY_STRING)
                return 1;
        buffer_push(ret, reply->str, reply->len);
        return 0;
}

int redis_get(const char *url, const char *key, struct buffer *ret, char **ret_error) {
        CLEANUP_REDIS_URL struct redis_url where = {0};
        struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
        int r = redis_url_decode(url, &where, ret_error);

        if (r < 0)
                return r;
        /* A Redis that ends while it is asked is no reason to end for; a reader of ours that goes away is. */
        sigaction(SIGPIPE, &ignored, &before);
        r = get(&where, key, ret, ret_error);
        sigaction(SIGPIPE, &before, NULL);
        return r;
}
