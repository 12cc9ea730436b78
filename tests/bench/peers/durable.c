/* durable FOLDER N IN_FLIGHT: the ceiling of a durable broker that does nothing else. A DEALER sends messages of
 * PAYLOAD bytes over tcp, at most IN_FLIGHT of them without an ack; a ROUTER in a process of its own takes what has
 * come (TAKE at most), appends it to a file whose blocks were written beforehand, calls fdatasync once, and acks the
 * newest. */
#include "bench.h"
#include <fcntl.h>
#include <zmq.h>

enum { TAKE = 4096, BLOCK = 1 << 20 };

static void *open_socket(void *context, int type) {
        void *s = zmq_socket(context, type);
        int many = 100000, linger_ms = 2000;

        zmq_setsockopt(s, ZMQ_SNDHWM, &many, sizeof many);
        zmq_setsockopt(s, ZMQ_RCVHWM, &many, sizeof many);
        zmq_setsockopt(s, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        return s;
}

static int make_journal(const char *path, long bytes) {
        char *zero = calloc(1, BLOCK);
        int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);

        for (long at = 0; at < bytes; at += BLOCK)
                if (write(fd, zero, BLOCK) < 0)
                        die("write");
        if (fsync(fd) || lseek(fd, 0, SEEK_SET))
                die("journal");
        free(zero);
        return fd;
}

static void broker(const char *folder, const char *where, long n) {
        char path[512], id[256], *buffer = malloc((size_t)TAKE * PAYLOAD);
        void *context = zmq_ctx_new(), *router = open_socket(context, ZMQ_ROUTER);
        int fd, id_len = 0;

        snprintf(path, sizeof path, "%s/journal", folder);
        fd = make_journal(path, n * PAYLOAD);
        zmq_connect(router, where);
        for (long got = 0; got < n;) {
                int k = 0, len;

                while (k < TAKE && got < n && (len = zmq_recv(router, id, sizeof id, k ? ZMQ_DONTWAIT : 0)) >= 0) {
                        id_len = len;
                        zmq_recv(router, buffer + (size_t)k++ * PAYLOAD, PAYLOAD, 0);
                        got++;
                }
                if (write(fd, buffer, (size_t)k * PAYLOAD) < 0 || fdatasync(fd))
                        die("journal");
                zmq_send(router, id, id_len, ZMQ_SNDMORE);
                zmq_send(router, &got, sizeof got, 0);
        }
        close(fd);
        unlink(path);
        zmq_close(router);
        zmq_ctx_term(context);
        _exit(0);
}

/* Sends and takes acks; the seconds from the first ack to the last one. The first message waits for the connection
 * and is not timed. */
static double produce(void *dealer, long n, long in_flight, int64_t *lat) {
        int64_t *at = malloc(n * sizeof *at), begin = 0, now;
        long sent = 0, acked = 0, upto;
        char buffer[PAYLOAD];

        memset(buffer, 'x', sizeof buffer);
        while (acked < n) {
                while (sent < n && sent - acked < (begin ? in_flight : 1)) {
                        at[sent++] = now_ns();
                        zmq_send(dealer, buffer, sizeof buffer, 0);
                }
                if (zmq_recv(dealer, &upto, sizeof upto, 0) < 0)
                        die("recv");
                now = now_ns();
                begin = begin ? begin : now;
                for (; acked < upto; acked++)
                        lat[acked] = now - at[acked];
        }
        free(at);
        return (double)(now - begin) / 1e9;
}

int main(int argc, char **argv) {
        long n = argc > 3 ? atol(argv[2]) : 0;
        void *context, *dealer;
        char where[128];
        size_t len = sizeof where;
        int64_t *lat;
        int pipe_fds[2];

        if (n < 2 || pipe(pipe_fds))
                die("durable FOLDER N IN_FLIGHT");
        if (!fork()) { /* before the first context, which has threads */
                if (read(pipe_fds[0], where, sizeof where) <= 0)
                        die("read");
                broker(argv[1], where, n);
        }
        context = zmq_ctx_new();
        dealer = open_socket(context, ZMQ_DEALER);
        zmq_bind(dealer, "tcp://127.0.0.1:*");
        zmq_getsockopt(dealer, ZMQ_LAST_ENDPOINT, where, &len);
        if (write(pipe_fds[1], where, sizeof where) <= 0)
                die("write");
        lat = malloc(n * sizeof *lat);
        row(n - 1, produce(dealer, n, atol(argv[3]), lat), lat + 1);
        zmq_close(dealer);
        zmq_ctx_term(context);
        wait(NULL);
        return 0;
}
