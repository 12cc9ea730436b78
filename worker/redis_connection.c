/* The connection to Redis: looks the name up, connects, logs in, loads the scripts, and begins again when it breaks. */
#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/log.h"
#include "worker/redis_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void redis_complain(struct redis *redis, enum redis_trouble trouble, const char *why) {
        static const char *const events[] = {
                [REDIS_UNREACHABLE] = "redis_unreachable",
                [REDIS_REFUSED] = "redis_refused",
                [REDIS_LOST] = "redis_lost",
        };
        size_t len = trouble == REDIS_REFUSED ? strcspn(why, "'`\"") : strlen(why);

        if (!redis->has_complained[trouble])
                log_warning(events[trouble], LOG_BYTES("why", ((struct bytes){why, len})));
        redis->has_complained[trouble] = true;
}

/* -- states, and the one timer ------------------------------------------------------------------------------------- */

void redis_set_timer(struct redis *redis) {
        struct mono due = MONO_NEVER;

        if (redis->state == APART)
                due = redis->again;
        else if (redis->state == LOOKING_UP)
                due = mono_add(redis->since, span_ms(LIMIT_CONNECT_MS));
        else if (redis->state == CONNECTING)
                due = mono_add(redis->since, span_ms(LIMIT_REDIS_MS));
        else if (redis->oldest)
                due = mono_add(redis->oldest->sent, span_ms(LIMIT_REDIS_MS));
        loop_timer_set(redis->timer, clock_mono(), due);
}

static void set_state(struct redis *redis, int state) {
        redis->state = state;
        redis->since = clock_mono();
        redis_set_timer(redis);
}

/* A tenth more or less, so that many workers do not come back in step. */
static struct span jittered(struct span span) {
        uint8_t dice;

        if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) != sizeof dice)
                dice = UINT8_MAX / 2;
        return span_us(span.us * 9 / 10 + span.us * dice / (5 * UINT8_MAX));
}

static void set_apart(struct redis *redis) {
        redis->turn += redis->state != READY;
        redis->again = mono_add(clock_mono(), jittered(redis->backoff));
        redis->backoff = span_min(span_us(redis->backoff.us * 2), span_ms(LIMIT_REDIS_BACKOFF_MS));
        set_state(redis, APART);
}

static void set_ready(struct redis *redis) {
        redis->backoff = span_ms(REDIS_BACKOFF_FIRST_MS);
        memset(redis->has_complained, 0, sizeof redis->has_complained);
        log_info("redis_connected");
        set_state(redis, READY);
}

/* -- hiredis and the loop ------------------------------------------------------------------------------------------ */

static void want(struct redis *redis, int events) {
        redis->events = events;
        if (redis->watch)
                loop_watch_set(redis->watch, events);
}

static void add_read(void *context) { want(context, ((struct redis *)context)->events | LOOP_READ); }
static void remove_read(void *context) { want(context, ((struct redis *)context)->events & ~LOOP_READ); }
static void add_write(void *context) { want(context, ((struct redis *)context)->events | LOOP_WRITE); }
static void remove_write(void *context) { want(context, ((struct redis *)context)->events & ~LOOP_WRITE); }

/* hiredis says that the connection is over, whoever ended it; everybody who waited has been told. */
static void on_over(void *context) {
        struct redis *redis = context;

        redis->watch = loop_watch_free(redis->watch);
        redis->events = 0;
        redis->connection = NULL;
        if (redis->is_freed)
                return;
        if (redis->state == READY)
                redis_complain(redis, REDIS_LOST, "the connection ended");
        set_apart(redis);
}

static void on_ready(void *context, int events) {
        struct redis *redis = context;

        if (events & LOOP_READ)
                redisAsyncHandleRead(redis->connection);
        if (events & LOOP_WRITE && redis->connection)
                redisAsyncHandleWrite(redis->connection);
}

static void drop(struct redis *redis, enum redis_trouble trouble, const char *why) {
        redis_complain(redis, trouble, why);
        if (redis->connection)
                redisAsyncFree(redis->connection);
        else
                set_apart(redis);
}

/* -- connecting ---------------------------------------------------------------------------------------------------- */

static void on_one_setup(struct redis *redis) {
        if (--redis->n_setup == 0)
                set_ready(redis);
}

static void on_login(redisAsyncContext *connection, void *raw, void *context) {
        struct redis *redis = context;
        redisReply *reply = raw;

        if (reply && reply->type == REDIS_REPLY_ERROR)
                drop(redis, REDIS_REFUSED, reply->str);
        else if (reply)
                on_one_setup(redis);
}

static void on_script_loaded(redisAsyncContext *connection, void *raw, void *context) {
        struct redis_script *script = context;
        redisReply *reply = raw;

        if (!reply)
                return;
        if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOAUTH", 6) == 0) {
                drop(script->redis, REDIS_REFUSED, reply->str);
                return;
        }
        if (reply->type == REDIS_REPLY_STRING && reply->len == REDIS_HASH_LEN)
                snprintf(script->hash, sizeof script->hash, "%s", reply->str);
        on_one_setup(script->redis);
}

static void set_up(struct redis *redis) {
        const char *login[] = {"AUTH", redis->url.user, redis->url.password};
        const char *user_less[] = {"AUTH", redis->url.password};
        redisAsyncContext *connection = redis->connection;

        redis->n_setup = redis->n_scripts + (redis->url.password != NULL) + (redis->url.db > 0);
        if (redis->url.password)
                redisAsyncCommandArgv(connection, on_login, redis, redis->url.user ? 3 : 2,
                                      redis->url.user ? login : user_less, NULL);
        if (redis->url.db > 0)
                redisAsyncCommand(connection, on_login, redis, "SELECT %u", redis->url.db);
        for (int i = 0; i < redis->n_scripts; i++) {
                redis->scripts[i].hash[0] = '\0';
                redisAsyncCommand(connection, on_script_loaded, &redis->scripts[i], "SCRIPT LOAD %s",
                                  redis->scripts[i].text);
        }
}

static void on_connected(const redisAsyncContext *connection, int status) {
        struct redis *redis = connection->ev.data;

        if (status == REDIS_OK)
                set_up(redis);
        else
                redis_complain(redis, REDIS_UNREACHABLE, connection->errstr ? connection->errstr : "no reason known");
}

static void adopt(struct redis *redis, redisAsyncContext *connection) {
        ENSURE(connection);
        if (connection->err) {
                redis_complain(redis, REDIS_UNREACHABLE, connection->errstr);
                redisAsyncFree(connection);
                set_apart(redis);
                return;
        }
        fcntl(connection->c.fd, F_SETFD, FD_CLOEXEC);
        redis->connection = connection;
        redis->watch = loop_watch_new(redis->loop, connection->c.fd, on_ready, redis);
        connection->ev.data = redis;
        connection->ev.addRead = add_read;
        connection->ev.delRead = remove_read;
        connection->ev.addWrite = add_write;
        connection->ev.delWrite = remove_write;
        connection->ev.cleanup = on_over;
        redisAsyncSetConnectCallback(connection, on_connected);
        set_state(redis, CONNECTING);
}

static void on_found(void *context, const char *address, const char *why) {
        struct redis *redis = context;

        redis->lookup = NULL;
        if (address)
                adopt(redis, redisAsyncConnect(address, redis->url.port));
        else
                drop(redis, REDIS_UNREACHABLE, why);
}

static void begin(struct redis *redis) {
        if (redis->url.path) {
                adopt(redis, redisAsyncConnectUnix(redis->url.path));
                return;
        }
        /* hiredis would look the name up itself, and block for it. */
        redis->lookup = loop_lookup_new(redis->loop, redis->url.host, redis->turn, on_found, redis);
        set_state(redis, LOOKING_UP);
}

static bool is_overdue(const struct redis *redis) {
        return redis->oldest && mono_is_due(clock_mono(), mono_add(redis->oldest->sent, span_ms(LIMIT_REDIS_MS)));
}

/* If it was we who were stopped, the answers are here already: read them before judging. */
static void on_answer_due(struct redis *redis) {
        if (is_overdue(redis))
                redisAsyncHandleRead(redis->connection);
        if (redis->state != READY)
                return;
        if (is_overdue(redis))
                drop(redis, REDIS_LOST, "it does not answer");
        else
                redis_set_timer(redis);
}

static void on_timer(void *context) {
        struct redis *redis = context;

        redis->lookup = loop_lookup_free(redis->lookup);
        if (redis->state == APART)
                begin(redis);
        else if (redis->state != READY)
                drop(redis, REDIS_UNREACHABLE,
                     redis->state == LOOKING_UP ? "its name is not found in time" : "connecting takes too long");
        else
                on_answer_due(redis);
}

void redis_connect(struct redis *redis) {
        redis->timer = loop_timer_new(redis->loop, on_timer, redis);
        redis->backoff = span_ms(REDIS_BACKOFF_FIRST_MS);
        begin(redis);
}
