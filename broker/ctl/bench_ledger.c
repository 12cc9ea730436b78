#include "broker/ctl/bench_ledger.h"

#include "common/memory.h"

#include <stdio.h>
#include <string.h>

enum {
        IS_OUT = 1,
        IS_LATE = 2, /* a message behind it had finished already */
        IS_RESENT = 4,
};

void ledger_init(struct ledger *ledger, uint64_t nonce, uint32_t n_messages, uint32_t n_threads, uint32_t burst) {
        *ledger = (struct ledger){.nonce = nonce, .n_messages = n_messages, .n_threads = n_threads, .burst = burst};
        ledger->sent = memory_new(n_messages, sizeof *ledger->sent);
        ledger->marks = memory_new(n_messages, sizeof *ledger->marks);
        ledger->last_of = memory_new(n_threads, sizeof *ledger->last_of);
}

void ledger_done(struct ledger *ledger) {
        free(ledger->sent);
        free(ledger->marks);
        free(ledger->last_of);
        *ledger = (struct ledger){0};
}

uint32_t ledger_thread_of(const struct ledger *ledger, uint32_t message) {
        return message / ledger->burst % ledger->n_threads;
}

static int encode_prefix(const struct ledger *ledger, char *text) {
        return snprintf(text, LEDGER_NAME_LEN, "bench-%016llx-", (unsigned long long)ledger->nonce);
}

static struct bytes encode_name(const struct ledger *ledger, uint32_t number, char *text) {
        int len = encode_prefix(ledger, text);

        len += snprintf(text + len, LEDGER_NAME_LEN - (size_t)len, "%u", number);
        return (struct bytes){text, (size_t)len};
}

struct bytes ledger_encode_id(const struct ledger *ledger, uint32_t message, char *text) {
        return encode_name(ledger, message, text);
}

struct bytes ledger_encode_thread(const struct ledger *ledger, uint32_t thread, char *text) {
        return encode_name(ledger, thread, text);
}

int ledger_decode_id(const struct ledger *ledger, struct bytes id, uint32_t *ret) {
        char prefix[LEDGER_NAME_LEN];
        size_t len = (size_t)encode_prefix(ledger, prefix);
        const char *text = id.data;
        uint64_t number = 0;

        if (id.len <= len || id.len > len + 10 || memcmp(text, prefix, len) != 0)
                return 1;
        for (size_t i = len; i < id.len; i++) {
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

void ledger_on_resent(struct ledger *ledger, uint32_t message) {
        uint8_t *marks = &ledger->marks[message];

        if ((*marks & IS_LATE) && !(*marks & IS_RESENT))
                ledger->n_out_of_order--;
        *marks |= IS_RESENT;
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
