#include "broker/ctl/bench_ledger.h"

#include "common/memory.h"

#include <stdio.h>
#include <string.h>

enum {
        IS_OUT = 1,
        IS_LATE = 2, /* a message behind it had finished already */
        IS_RESENT = 4,
};

/* Every name is as long as every other: it is written, and read, without looking for its end. */
enum { NUMBER_LEN = 10 };

void ledger_init(struct ledger *ledger, uint32_t nonce, uint32_t n_messages, uint32_t n_threads, uint32_t burst) {
        *ledger = (struct ledger){.n_messages = n_messages, .n_threads = n_threads, .burst = burst};
        ledger->prefix_len = (size_t)snprintf(ledger->prefix, LEDGER_NAME_LEN, "bench-%08x-", nonce);
        ledger->sent = memory_new(n_messages, sizeof *ledger->sent);
        ledger->acked = memory_new(n_messages, sizeof *ledger->acked);
        ledger->marks = memory_new(n_messages, sizeof *ledger->marks);
        ledger->last_of = memory_new(n_threads, sizeof *ledger->last_of);
        ledger->ended = memory_new(n_threads, sizeof *ledger->ended);
        ledger->n_running = memory_new(n_threads, sizeof *ledger->n_running);
}

void ledger_done(struct ledger *ledger) {
        free(ledger->sent);
        free(ledger->acked);
        free(ledger->marks);
        free(ledger->last_of);
        free(ledger->ended);
        free(ledger->n_running);
        *ledger = (struct ledger){0};
}

uint32_t ledger_thread_of(const struct ledger *ledger, uint32_t message) {
        return (ledger->is_woven ? message : message / ledger->burst) % ledger->n_threads;
}

uint32_t ledger_burst_of(const struct ledger *ledger, uint32_t message) {
        if (!ledger->is_woven)
                return message / ledger->burst;
        return message / ledger->n_threads / ledger->burst * ledger->n_threads + message % ledger->n_threads;
}

static struct bytes encode_name(const struct ledger *ledger, uint32_t number, char *text) {
        char *digits = text + ledger->prefix_len;

        memcpy(text, ledger->prefix, ledger->prefix_len);
        for (int i = NUMBER_LEN; i-- > 0; number /= 10)
                digits[i] = (char)('0' + number % 10);
        digits[NUMBER_LEN] = '\0';
        return (struct bytes){text, ledger->prefix_len + NUMBER_LEN};
}

struct bytes ledger_encode_id(const struct ledger *ledger, uint32_t message, char *text) {
        return encode_name(ledger, message, text);
}

struct bytes ledger_encode_thread(const struct ledger *ledger, uint32_t thread, char *text) {
        return encode_name(ledger, thread, text);
}

int ledger_decode_id(const struct ledger *ledger, struct bytes id, uint32_t *ret) {
        const char *text = id.data;
        uint64_t number = 0;

        if (id.len != ledger->prefix_len + NUMBER_LEN || memcmp(text, ledger->prefix, ledger->prefix_len) != 0)
                return 1;
        for (size_t i = ledger->prefix_len; i < id.len; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return 1;
                number = number * 10 + (uint64_t)(text[i] - '0');
        }
        if (number >= ledger->n_messages)
                return 1;
        *ret = (uint32_t)number;
        return 0;
}

void ledger_on_sent(struct ledger *ledger, uint32_t message, struct mono now) { ledger->sent[message] = now; }

void ledger_on_acked(struct ledger *ledger, uint32_t message, struct mono now) { ledger->acked[message] = now; }

void ledger_on_resent(struct ledger *ledger, uint32_t message) {
        uint8_t *marks = &ledger->marks[message];

        if ((*marks & IS_LATE) && !(*marks & IS_RESENT))
                ledger->n_out_of_order--;
        *marks |= IS_RESENT;
}

/* Is it all of a burst, and nothing else? */
static bool is_whole(const struct ledger *ledger, const uint32_t *messages, uint32_t n) {
        uint32_t burst = ledger_burst_of(ledger, messages[0]);

        for (uint32_t i = 1; i < n; i++)
                if (ledger_burst_of(ledger, messages[i]) != burst)
                        return false;
        return n == ledger->burst;
}

void ledger_on_run(struct ledger *ledger, const uint32_t *messages, uint32_t n) {
        uint8_t *n_running = &ledger->n_running[ledger_thread_of(ledger, messages[0])];

        ledger->n_overlaps += *n_running > 0;
        if (*n_running < UINT8_MAX)
                (*n_running)++;
        ledger->n_whole += is_whole(ledger, messages, n);
}

void ledger_on_over(struct ledger *ledger, uint32_t message, struct mono now) {
        uint32_t thread = ledger_thread_of(ledger, message);

        ledger->ended[thread] = now;
        if (ledger->n_running[thread] > 0)
                ledger->n_running[thread]--;
}

struct mono ledger_due_of(const struct ledger *ledger, uint32_t message, struct span quiet) {
        struct mono acked = ledger->acked[message];
        struct mono begin = acked.us > 0 ? acked : ledger->sent[message];

        return mono_max(mono_add(begin, quiet), ledger->ended[ledger_thread_of(ledger, message)]);
}

static void finish_late(struct ledger *ledger, uint8_t *marks) {
        if (!(*marks & (IS_LATE | IS_RESENT)))
                ledger->n_out_of_order++;
        *marks |= IS_LATE;
}

void ledger_on_finished(struct ledger *ledger, uint32_t message) {
        uint32_t *last = &ledger->last_of[ledger_thread_of(ledger, message)];
        uint8_t *marks = &ledger->marks[message];

        if (*marks & IS_OUT) {
                ledger->n_twice++;
                return;
        }
        *marks |= IS_OUT;
        ledger->n_out++;
        if (message < *last)
                finish_late(ledger, marks);
        else
                *last = message + 1;
}
