/* What the clients in C share: the clock, the message of 256 bytes, what a producer and its two worker processes have
 * in common, and the line of JSON that each prints at the end. Whatever goes wrong ends the program with a line on
 * stderr. Times are nanoseconds of CLOCK_MONOTONIC, which is the same in every process. */
#pragma once

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 256, STUCK_S = 20 };

#define NS_PER_S 1000000000LL

static inline int64_t now_ns(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static inline void sleep_until(int64_t t) {
        struct timespec ts = {t / NS_PER_S, t % NS_PER_S};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL)) {
        }
}

static inline void die(const char *what) {
        fprintf(stderr, "%s\n", what);
        exit(1);
}

static inline int is_word(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* The number in `n` digits. printf would take longer for a message than some of the servers do. */
static inline char *put_digits(char *to, uint64_t number, int n) {
        for (int i = n - 1; i >= 0; i--, number /= 10)
                to[i] = (char)('0' + number % 10);
        return to + n;
}

static inline char *put_text(char *to, const char *text, size_t len) {
        memcpy(to, text, len);
        return to + len;
}

#define PUT(to, text) put_text(to, text, sizeof text - 1)

/* {"seq":0000000001,"t":0000000000000000000,"conversation":"c000001","text":"xx"} of PAYLOAD bytes */
static inline void payload_set(char *p, uint64_t seq, int64_t t) {
        char *end = p + PAYLOAD - 2;

        p = put_digits(PUT(p, "{\"seq\":"), seq, 10);
        p = put_digits(PUT(p, ",\"t\":"), (uint64_t)t, 19);
        p = put_digits(PUT(p, ",\"conversation\":\"c"), seq % 1000000, 6);
        p = PUT(p, "\",\"text\":\"");
        memset(p, 'x', (size_t)(end - p));
        PUT(end, "\"}");
}
static inline uint64_t payload_seq(const char *p) { return strtoull(p + 7, NULL, 10); }
static inline int64_t payload_t(const char *p) { return strtoll(p + 22, NULL, 10); }

/* What the producer and the worker processes share. */
struct shared {
        atomic_long done;
        atomic_llong last; /* time of the newest ack */
        atomic_llong due; /* when all became due at once; 0 = each when its payload says */
        atomic_int stop;
        int64_t lat[];
};

static inline struct shared *shared_new(size_t n) {
        struct shared *s =
                mmap(NULL, sizeof *s + n * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (s == MAP_FAILED)
                die("mmap");
        return s;
}

/* A handler has begun with this payload, which was to wait for `delay` ns. */
static inline void shared_start(struct shared *s, const char *p, int64_t delay) {
        int64_t due = atomic_load(&s->due);

        s->lat[payload_seq(p)] = now_ns() - (due ? due : payload_t(p) + delay);
}

static inline void shared_ack(struct shared *s, long k) {
        atomic_store(&s->last, now_ns());
        atomic_fetch_add(&s->done, k);
}

/* Until n are acknowledged; dies when no ack has come for STUCK_S. */
static inline void shared_wait(struct shared *s, long n) {
        long seen = -1, done;
        int64_t at = now_ns();

        while ((done = atomic_load(&s->done)) < n) {
                usleep(500);
                if (done != seen)
                        at = now_ns();
                else if (now_ns() - at > STUCK_S * NS_PER_S)
                        die("no more acks come");
                seen = done;
        }
}

/* The workers leave, and are waited for. */
static inline void shared_stop(struct shared *s) {
        atomic_store(&s->stop, 1);
        while (wait(NULL) > 0) {
        }
}

static inline int compare_ns(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return x < y ? -1 : x > y;
}

static inline double percentile_ms(const int64_t *sorted, size_t n, double p) {
        size_t i = (size_t)(p * (double)n);

        return n ? (double)sorted[i < n ? i : n - 1] / 1e6 : 0;
}

/* The one line. `lat` of n, which is sorted here, or NULL: without times. */
static inline void row(long n, double seconds, int64_t *lat) {
        printf("{\"n\":%ld,\"seconds\":%.4f,\"per_s\":%.0f", n, seconds, (double)n / seconds);
        if (lat) {
                qsort(lat, n, sizeof *lat, compare_ns);
                printf(",\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"p999_ms\":%.4f,\"max_ms\":%.4f", percentile_ms(lat, n, .5),
                       percentile_ms(lat, n, .99), percentile_ms(lat, n, .999), percentile_ms(lat, n, 1));
        }
        printf("}\n");
        fflush(stdout);
}
