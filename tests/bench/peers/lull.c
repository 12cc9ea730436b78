/* lull ENDPOINT TENANT N THREADS BURST IN_FLIGHT: hands N messages over as a stranger would, from common/PROTOCOL.md:
 * MESSAGES of FRAME messages, IN_FLIGHT messages without an ACK at most. BURST in a row are for one of THREADS
 * threads, then comes the next thread. Every message has an id of its own. W2, and what fills a broker. */
#include "bench.h"
#include <zmq.h>

enum { FRAME = 100, MESSAGES = 1, ACK = 2, VERSION = 1, ACK_MS = 20000 };

/* A MessagePack value after the other; there is room for FRAME messages. */
struct frame {
        size_t len;
        unsigned char data[FRAME * (PAYLOAD + 128)];
};

static void push(struct frame *f, const void *data, size_t len) {
        memcpy(f->data + f->len, data, len);
        f->len += len;
}

static void push_byte(struct frame *f, unsigned byte) { f->data[f->len++] = (unsigned char)byte; }

static void push_uint16(struct frame *f, unsigned kind, unsigned value) {
        push_byte(f, kind);
        push_byte(f, value >> 8);
        push_byte(f, value & 255);
}

static void push_uint32(struct frame *f, uint32_t value) {
        push_byte(f, 0xce);
        for (int shift = 24; shift >= 0; shift -= 8)
                push_byte(f, value >> shift & 255);
}

static void push_text(struct frame *f, const char *text) {
        size_t len = strlen(text);

        push_byte(f, 0xa0 | (unsigned)len);
        push(f, text, len);
}

/* A letter, and the number in nine digits. */
static void push_name(struct frame *f, char letter, long number) {
        char name[10] = {letter};

        put_digits(name + 1, (uint64_t)number, sizeof name - 1);
        push_byte(f, 0xa0 | sizeof name);
        push(f, name, sizeof name);
}

/* [tenant, thread, id, nil, body], the body being [nil, nil, nil, text, nil]. */
static void push_message(struct frame *f, const char *tenant, long thread, long number) {
        char text[PAYLOAD];

        payload_set(text, number, now_ns());
        push_byte(f, 0x95);
        push_text(f, tenant);
        push_name(f, 't', thread);
        push_name(f, 'm', number);
        push_byte(f, 0xc0);
        push_uint16(f, 0xc5, PAYLOAD + 8);
        push(f, "\x95\xc0\xc0\xc0", 4);
        push_uint16(f, 0xda, PAYLOAD);
        push(f, text, PAYLOAD);
        push_byte(f, 0xc0);
}

/* A whole number of MessagePack at *at, which moves on. */
static uint32_t take_uint(const unsigned char *data, size_t len, size_t *at) {
        unsigned kind = *at < len ? data[(*at)++] : 0xff;
        int n = kind == 0xcc ? 1 : kind == 0xcd ? 2 : kind == 0xce ? 4 : 0;
        uint32_t value = 0;

        if (kind < 0x80)
                return kind;
        if (!n || *at + n > len)
                die("an ACK that is none");
        while (n-- > 0)
                value = value << 8 | data[(*at)++];
        return value;
}

/* How many messages the next ACK takes in; dies of any other answer, and of anything that is not taken in. */
static long take_ack(void *dealer, const long *counts) {
        unsigned char data[4096];
        int len = zmq_recv(dealer, data, sizeof data, 0);
        size_t at = 2;
        uint32_t request;

        if (len < 4 || len > (int)sizeof data || data[0] != VERSION * 32 + ACK)
                die("no ACK came");
        request = take_uint(data, len, &at);
        if (take_uint(data, len, &at) != counts[request])
                die("the broker did not take all of it");
        return counts[request];
}

static long send_frame(void *dealer, char **argv, uint32_t request, long from, long n) {
        static struct frame f;
        long threads = atol(argv[4]), burst = atol(argv[5]), count = n - from < FRAME ? n - from : FRAME;

        f.len = 0;
        push_byte(&f, VERSION * 32 + MESSAGES);
        push_byte(&f, 0x92);
        push_uint32(&f, request);
        push_uint16(&f, 0xdc, (unsigned)count);
        for (long i = from; i < from + count; i++)
                push_message(&f, argv[2], i / burst % threads, i);
        if (zmq_send(dealer, f.data, f.len, 0) < 0)
                die("send");
        return count;
}

int main(int argc, char **argv) {
        long n = argc > 6 ? atol(argv[3]) : 0, in_flight = argc > 6 ? atol(argv[6]) : 0, sent = 0, acked = 0, *counts;
        void *context = zmq_ctx_new(), *dealer = zmq_socket(context, ZMQ_DEALER);
        int patience_ms = ACK_MS, linger_ms = 0;
        uint32_t request = 0;
        int64_t begin;

        if (n < 1 || in_flight < FRAME || atol(argv[4]) < 1 || atol(argv[5]) < 1)
                die("lull ENDPOINT TENANT N THREADS BURST IN_FLIGHT");
        zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        if (zmq_connect(dealer, argv[1]))
                die("connect");
        counts = calloc(n / FRAME + 1, sizeof *counts);
        begin = now_ns();
        while (acked < n) {
                while (sent < n && sent - acked + FRAME <= in_flight) {
                        counts[request] = send_frame(dealer, argv, request, sent, n);
                        sent += counts[request++];
                }
                acked += take_ack(dealer, counts);
        }
        row(n, (double)(now_ns() - begin) / 1e9, NULL);
        free(counts);
        zmq_close(dealer);
        zmq_ctx_term(context);
        return 0;
}
