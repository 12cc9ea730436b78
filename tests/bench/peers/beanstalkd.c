/* beanstalkd WORKLOAD PORT N [PENDING]: its own text protocol, pipelined. Two worker processes of 32 connections,
 * each of which sends its delete with its next reserve. W1, W2, W3; W4: N jobs in a paused tube, which are let go at
 * one instant (so its timers have no part in it); W4p: N jobs, 500 a second, each delayed 1 s, behind PENDING that
 * wait for an hour. */
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

enum { CHUNK = 200, CONNECTIONS = 32, PER_S = 500, LONG_S = 3600 };
static int port;

struct connection {
        int fd;
        int holds; /* a job that is not deleted yet */
        size_t have, at;
        char in[1 << 16];
};

static void dial(struct connection *c) {
        struct sockaddr_in a = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int one = 1;

        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        c->have = c->at = 0;
        if (connect(c->fd, (struct sockaddr *)&a, sizeof a))
                die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void put_bytes(struct connection *c, const char *p, size_t n) {
        while (n) {
                ssize_t k = write(c->fd, p, n);

                if (k <= 0)
                        die("write");
                p += k;
                n -= k;
        }
}

static void fill_in(struct connection *c) {
        ssize_t k;

        memmove(c->in, c->in + c->at, c->have - c->at);
        c->have -= c->at;
        c->at = 0;
        k = read(c->fd, c->in + c->have, sizeof c->in - c->have - 1);
        if (k <= 0)
                die("read");
        c->have += k;
        c->in[c->have] = 0;
}

static char *line(struct connection *c) {
        char *end;

        while (!(end = memchr(c->in + c->at, '\n', c->have - c->at)))
                fill_in(c);
        end[-1] = 0;
        char *begin = c->in + c->at;
        c->at = end + 1 - c->in;
        return begin;
}

static void want(struct connection *c, const char *answer) {
        if (strncmp(line(c), answer, strlen(answer)))
                die("beanstalkd refuses");
}

static size_t put_job(char *p, uint64_t seq, int delay_s) {
        int k = sprintf(p, "put 1000 %d 120 %d\r\n", delay_s, PAYLOAD);

        payload_set(p + k, seq, now_ns());
        memcpy(p + k + PAYLOAD, "\r\n", 2);
        return k + PAYLOAD + 2;
}

/* Chunks of puts, the next chunk sent before the replies to the last one are read. */
static void produce(struct connection *c, long n, int delay_s) {
        static char buffer[CHUNK * (PAYLOAD + 64)];
        long sent = 0, acked = 0;

        while (acked < n) {
                long before = sent;
                size_t len = 0;

                for (int i = 0; i < CHUNK && sent < n; i++)
                        len += put_job(buffer + len, sent++, delay_s);
                put_bytes(c, buffer, len);
                for (long until = sent < n ? before : n; acked < until; acked++)
                        want(c, "INSERTED");
        }
}

static void paced(struct connection *c, long n, int delay_s) {
        char buffer[PAYLOAD + 64];
        int64_t begin = now_ns();

        for (long i = 0; i < n; i++) {
                sleep_until(begin + i * NS_PER_S / PER_S);
                put_bytes(c, buffer, put_job(buffer, i, delay_s));
                want(c, "INSERTED");
        }
}

static void pause_tube(struct connection *c, int seconds) {
        char text[64];

        put_bytes(c, text, sprintf(text, "pause-tube default %d\r\n", seconds));
        want(c, "PAUSED");
}

/* One answer that a worker's connection has got. */
static void take(struct shared *s, struct connection *c, int64_t delay) {
        char out[64], *l = line(c);
        unsigned long long id;

        if (*l == 'D') { /* DELETED */
                shared_ack(s, c->holds);
                c->holds = 0;
                return;
        }
        if (sscanf(l, "RESERVED %llu", &id) != 1)
                die(l);
        while (c->have - c->at < PAYLOAD + 2)
                fill_in(c);
        shared_start(s, c->in + c->at, delay);
        c->at += PAYLOAD + 2;
        c->holds = 1;
        put_bytes(c, out, sprintf(out, "delete %llu\r\nreserve\r\n", id));
}

static void work(struct shared *s, int64_t delay) {
        static struct connection c[CONNECTIONS];
        struct pollfd p[CONNECTIONS];

        for (int i = 0; i < CONNECTIONS; i++) {
                dial(&c[i]);
                put_bytes(&c[i], "reserve\r\n", 9);
                p[i] = (struct pollfd){c[i].fd, POLLIN, 0};
        }
        while (!atomic_load(&s->stop)) {
                if (poll(p, CONNECTIONS, 100) < 0)
                        die("poll");
                for (int i = 0; i < CONNECTIONS; i++) {
                        if (p[i].revents & POLLIN)
                                fill_in(&c[i]);
                        while (c[i].at < c[i].have)
                                take(s, &c[i], delay);
                }
        }
        _exit(0);
}

static void run(const char *w, struct shared *s, struct connection *c, long n) {
        int is_timed = !is_word(w, "W1") && !is_word(w, "W2");
        int64_t begin = now_ns();

        if (is_word(w, "W3") || is_word(w, "W4p"))
                paced(c, n, is_word(w, "W4p"));
        else
                produce(c, n, 0);
        if (is_word(w, "W1")) {
                row(n, (double)(now_ns() - begin) / 1e9, NULL);
                return;
        }
        if (is_word(w, "W4")) {
                begin = now_ns();
                atomic_store(&s->due, begin);
                pause_tube(c, 0);
        }
        shared_wait(s, n);
        row(n, (double)(atomic_load(&s->last) - begin) / 1e9, is_timed ? s->lat : NULL);
}

int main(int argc, char **argv) {
        static struct connection c;
        const char *w = argc > 3 ? argv[1] : "";
        long n = argc > 3 ? atol(argv[3]) : 0;
        struct shared *s;

        if (n < 1)
                die("beanstalkd WORKLOAD PORT N [PENDING]");
        port = atoi(argv[2]);
        s = shared_new(n);
        dial(&c);
        if (is_word(w, "W4"))
                pause_tube(&c, LONG_S);
        if (argc > 4)
                produce(&c, atol(argv[4]), LONG_S);
        for (int i = 0; i < 2 && !is_word(w, "W1"); i++)
                if (!fork())
                        work(s, is_word(w, "W4p") ? NS_PER_S : 0);
        usleep(100000);
        run(w, s, &c, n);
        shared_stop(s);
        return 0;
}
