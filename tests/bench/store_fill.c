/* Fills a store with pending messages, as fast as the disk takes them, for benchmarks of what comes after.
 *
 *     store_fill FOLDER TENANT THREADS MESSAGES [BYTES]
 *
 * The store lmdb:FOLDER gets MESSAGES messages of BYTES bytes (100 unless told) that were accepted just now, in turns
 * from THREADS threads of TENANT. None has an id. No broker may have the store open. */
#include "broker/store/store.h"
#include "common/clock.h"
#include "common/memory.h"
#include "common/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PER_COMMIT = 20000, NAME_MAX_LEN = 32 };

struct plan {
        const char *tenant;
        uint64_t n_threads, n_messages;
        struct bytes body;
        struct wall accepted;
};

static struct change *changes_new(char (*names)[NAME_MAX_LEN]) {
        struct change *changes = memory_new(PER_COMMIT, sizeof *changes);

        for (uint32_t i = 0; i < PER_COMMIT; i++) {
                changes[i].type = CHANGE_PUT_MESSAGE;
                changes[i].message.thread.data = names[i];
        }
        return changes;
}

static int fill(struct store *store, const struct plan *plan) {
        CLEANUP_FREE char(*names)[NAME_MAX_LEN] = memory_new(PER_COMMIT, sizeof *names);
        CLEANUP_FREE struct change *changes = changes_new(names);
        uint64_t seq = store_head(store).first_seq, done = 0;
        int r = 0;

        while (r == 0 && done < plan->n_messages) {
                uint32_t n = 0;

                for (; n < PER_COMMIT && done < plan->n_messages; n++, done++) {
                        struct stored_message *message = &changes[n].message;
                        int len = snprintf(names[n], NAME_MAX_LEN, "%013llu@s.whatsapp.net",
                                           (unsigned long long)(done % plan->n_threads));

                        *message = (struct stored_message){.seq = seq++,
                                                           .accepted = plan->accepted,
                                                           .tenant = bytes_of(plan->tenant),
                                                           .thread = {names[n], (size_t)len},
                                                           .body = plan->body};
                }
                r = store_commit(store, changes, n);
        }
        return r;
}

static uint64_t count_of(const char *text) {
        char *end;
        unsigned long long n = strtoull(text, &end, 10);

        return *text && !*end ? n : 0;
}

int main(int argc, char **argv) {
        CLEANUP_STORE struct store *store = NULL;
        CLEANUP_FREE char *uri = NULL, *error = NULL, *text = NULL;
        CLEANUP_BUFFER struct buffer body = {0};
        struct plan plan = {.accepted = clock_now().wall};
        size_t n_bytes;
        int r;

        if (argc < 5 || argc > 6 || count_of(argv[3]) == 0 || count_of(argv[4]) == 0) {
                fputs("Usage: store_fill FOLDER TENANT THREADS MESSAGES [BYTES]\n", stderr);
                return 2;
        }
        plan.tenant = argv[2];
        plan.n_threads = count_of(argv[3]);
        plan.n_messages = count_of(argv[4]);
        n_bytes = argc == 6 ? count_of(argv[5]) : 100;
        text = memory_new(n_bytes + 1, 1);
        memset(text, 'x', n_bytes);
        wire_encode_body(&body, &(struct wire_body){.text = {text, n_bytes}});
        plan.body = buffer_bytes(&body);
        uri = memory_print("lmdb:%s", argv[1]);
        r = store_open(uri, &store, &error);
        if (r == 0)
                r = fill(store, &plan);
        if (r < 0)
                fprintf(stderr, "store_fill: %s\n", error ? error : strerror(-r));
        return r < 0 ? 1 : 0;
}
