/* redis_streams WORKLOAD PORT N [IN_FLIGHT]: what a queue on Redis could reach at most, through hiredis, pipelined.
 * XADD; XREADGROUP, then XACK and XDEL of all that came, in each of two worker processes. W1, W2, W3. */
#include "bench.h"
#include <hiredis/hiredis.h>

enum { TAKE = 200, PER_S = 500 };
static int port;

static redisContext *dial(void) {
        redisContext *c = redisConnect("127.0.0.1", port);

        if (!c || c->err)
                die("connect");
        return c;
}

static redisReply *reply(redisContext *c) {
        redisReply *r;

        if (redisGetReply(c, (void **)&r) != REDIS_OK || r->type == REDIS_REPLY_ERROR)
                die("redis");
        return r;
}

static void xadd(redisContext *c, uint64_t seq) {
        char p[PAYLOAD];

        payload_set(p, seq, now_ns());
        redisAppendCommand(c, "XADD q * d %b", p, (size_t)PAYLOAD);
}

/* In two halves: one is on its way while the replies to the other are read. One at a time when in_flight is 1. */
static void produce(redisContext *c, long n, long in_flight) {
        long sent = 0, acked = 0, half = in_flight > 1 ? in_flight / 2 : 1;

        while (acked < n) {
                long before = in_flight > 1 ? sent : sent + 1, until;
                int is_written = 0;

                for (long i = 0; i < half && sent < n; i++)
                        xadd(c, sent++);
                while (!is_written)
                        if (redisBufferWrite(c, &is_written) != REDIS_OK)
                                die("write");
                for (until = sent < n ? before : n; acked < until; acked++)
                        freeReplyObject(reply(c));
        }
}

static void paced(redisContext *c, long n) {
        int64_t begin = now_ns();

        for (long i = 0; i < n; i++) {
                sleep_until(begin + i * NS_PER_S / PER_S);
                xadd(c, i);
                freeReplyObject(reply(c));
        }
}

/* The entries of one XREADGROUP: handled, acknowledged, deleted. */
static void take(struct shared *s, redisContext *c, const redisReply *list) {
        const char *words[TAKE + 3] = {"XACK", "q", "g"};
        int k = (int)list->elements;

        for (int i = 0; i < k; i++) {
                shared_start(s, list->element[i]->element[1]->element[1]->str, 0);
                words[i + 3] = list->element[i]->element[0]->str;
        }
        redisAppendCommandArgv(c, k + 3, words, NULL);
        words[1] = "XDEL";
        words[2] = "q";
        redisAppendCommandArgv(c, k + 2, words + 1, NULL);
        freeReplyObject(reply(c));
        freeReplyObject(reply(c));
        shared_ack(s, k);
}

static void work(struct shared *s, int number) {
        redisContext *c = dial();

        while (!atomic_load(&s->stop)) {
                redisReply *r;

                redisAppendCommand(c, "XREADGROUP GROUP g w%d COUNT %d BLOCK 100 STREAMS q >", number, TAKE);
                r = reply(c);
                if (r->type == REDIS_REPLY_ARRAY && r->elements == 1)
                        take(s, c, r->element[0]->element[1]);
                freeReplyObject(r);
        }
        _exit(0);
}

int main(int argc, char **argv) {
        const char *w = argc > 3 ? argv[1] : "";
        long n = argc > 3 ? atol(argv[3]) : 0;
        struct shared *s;
        redisContext *c;
        int64_t begin;

        if (n < 1)
                die("redis_streams WORKLOAD PORT N [IN_FLIGHT]");
        port = atoi(argv[2]);
        s = shared_new(n);
        c = dial();
        freeReplyObject(redisCommand(c, "XGROUP CREATE q g $ MKSTREAM"));
        for (int i = 0; i < 2 && !is_word(w, "W1"); i++)
                if (!fork())
                        work(s, i);
        usleep(100000);
        begin = now_ns();
        if (is_word(w, "W3"))
                paced(c, n);
        else
                produce(c, n, argc > 4 ? atol(argv[4]) : 1000);
        if (is_word(w, "W1")) {
                row(n, (double)(now_ns() - begin) / 1e9, NULL);
                return 0;
        }
        shared_wait(s, n);
        row(n, (double)(atomic_load(&s->last) - begin) / 1e9, is_word(w, "W3") ? s->lat : NULL);
        shared_stop(s);
        return 0;
}
