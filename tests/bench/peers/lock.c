/* lock SOCKET N: what the Redis lock of a thread costs at least, through hiredis on a unix socket: N pairs of acquire
 * (SET NX PX in a script) and release (compare, delete), 64 pairs to a pipeline. The times are those of acquires one
 * at a time. */
#include "bench.h"
#include <hiredis/hiredis.h>

enum { SINGLE = 3000, PIPELINE = 64, TTL_MS = 30000 };

static const char acquire_script[] =
        "if redis.call('set',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then return 1 end return 0";
static const char release_script[] =
        "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

static void load(redisContext *c, const char *script, char sha[48]) {
        redisReply *r = redisCommand(c, "SCRIPT LOAD %s", script);

        if (!r || r->type != REDIS_REPLY_STRING)
                die("script load");
        snprintf(sha, 48, "%s", r->str);
        freeReplyObject(r);
}

static void ask(redisContext *c, const char *sha, long i) {
        redisAppendCommand(c, "EVALSHA %s 1 lock:c%ld token-%ld-0123456789abcdef %d", sha, i % 1000, i % 1000, TTL_MS);
}

static void want_done(redisContext *c) {
        redisReply *r = NULL;

        if (redisGetReply(c, (void **)&r) != REDIS_OK || r->type != REDIS_REPLY_INTEGER || r->integer != 1)
                die("unexpected reply");
        freeReplyObject(r);
}

int main(int argc, char **argv) {
        static int64_t lat[SINGLE];
        long n = argc > 2 ? atol(argv[2]) / PIPELINE * PIPELINE : 0;
        char acquire[48], release[48];
        redisContext *c;
        int64_t begin;

        if (n < PIPELINE)
                die("lock SOCKET N");
        c = redisConnectUnix(argv[1]);
        if (!c || c->err)
                die("connect");
        load(c, acquire_script, acquire);
        load(c, release_script, release);
        for (long i = 0; i < SINGLE; i++) {
                begin = now_ns();
                ask(c, acquire, i);
                want_done(c);
                lat[i] = now_ns() - begin;
                ask(c, release, i);
                want_done(c);
        }
        begin = now_ns();
        for (long i = 0; i < n; i += PIPELINE) {
                for (long k = i; k < i + PIPELINE; k++)
                        ask(c, acquire, k);
                for (long k = i; k < i + PIPELINE; k++)
                        ask(c, release, k);
                for (int k = 0; k < 2 * PIPELINE; k++)
                        want_done(c);
        }
        double seconds = (double)(now_ns() - begin) / 1e9;
        qsort(lat, SINGLE, sizeof *lat, compare_ns);
        printf("{\"n\":%ld,\"seconds\":%.4f,\"per_s\":%.0f,\"p50_ms\":%.4f,\"p99_ms\":%.4f}\n", n, seconds,
               (double)n / seconds, percentile_ms(lat, SINGLE, .5), percentile_ms(lat, SINGLE, .99));
        return 0;
}
