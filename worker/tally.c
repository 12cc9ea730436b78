#include "worker/tally.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 1000 };

struct sum {
        char *tenant;
        uint64_t amounts[N_WIRE_TALLY];
        bool is_news;
};

struct tally {
        struct loop_timer *timer;
        struct broker_link *link;
        struct sum **sums; /* sorted by tenant; each stays, as there are as many as lull.yaml has tenants */
        size_t n, cap;
        bool is_news;
};

static void on_timer(void *context) { tally_flush(context); }

struct tally *tally_new(struct loop *loop) {
        struct tally *tally = memory_new(1, sizeof *tally);

        tally->timer = loop_timer_new(loop, on_timer, tally);
        return tally;
}

/* Where the tenant's sum stands, or belongs. */
static size_t find_place(const struct tally *tally, const char *tenant) {
        size_t from = 0, to = tally->n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (strcmp(tally->sums[middle]->tenant, tenant) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

static struct sum *get_sum(struct tally *tally, const char *tenant) {
        size_t place = find_place(tally, tenant);

        if (place < tally->n && strcmp(tally->sums[place]->tenant, tenant) == 0)
                return tally->sums[place];
        if (tally->n == tally->cap) {
                tally->cap = tally->cap ? 2 * tally->cap : 8;
                tally->sums = memory_resize(tally->sums, tally->cap, sizeof(struct sum *));
        }
        memmove(&tally->sums[place + 1], &tally->sums[place], (tally->n++ - place) * sizeof(struct sum *));
        tally->sums[place] = memory_new(1, sizeof(struct sum));
        tally->sums[place]->tenant = memory_copy_text(tenant, strlen(tenant));
        return tally->sums[place];
}

void tally_add(struct tally *tally, const char *tenant, enum wire_tally what, uint64_t amount) {
        struct sum *sum;
        struct mono now;

        if (amount == 0)
                return;
        sum = get_sum(tally, tenant);
        /* A provider may say any number of tokens. */
        sum->amounts[what] += amount < LIMIT_TALLY_AMOUNT ? amount : LIMIT_TALLY_AMOUNT;
        sum->is_news = true;
        if (tally->is_news)
                return;
        tally->is_news = true;
        now = clock_mono();
        loop_timer_set(tally->timer, now, mono_add(now, span_ms(FLUSH_MS)));
}

void tally_set_link(struct tally *tally, struct broker_link *link) { tally->link = link; }

static void tell(struct tally *tally, struct sum *sum) {
        struct wire_tally_item items[N_WIRE_TALLY];
        uint32_t n = 0;

        for (enum wire_tally what = WIRE_TALLY_CALLS; what < N_WIRE_TALLY; what++) {
                uint64_t amount = sum->amounts[what] < LIMIT_TALLY_AMOUNT ? sum->amounts[what] : LIMIT_TALLY_AMOUNT;

                if (amount > 0)
                        items[n++] = (struct wire_tally_item){what, amount};
                sum->amounts[what] = 0;
        }
        sum->is_news = false;
        broker_link_send_tally(tally->link, bytes_of(sum->tenant), items, n);
}

void tally_flush(struct tally *tally) {
        if (!tally->link || !tally->is_news)
                return;
        tally->is_news = false;
        for (size_t i = 0; i < tally->n; i++)
                if (tally->sums[i]->is_news)
                        tell(tally, tally->sums[i]);
}

struct tally *tally_free(struct tally *tally) {
        if (!tally)
                return NULL;
        loop_timer_free(tally->timer);
        for (size_t i = 0; i < tally->n; i++) {
                free(tally->sums[i]->tenant);
                free(tally->sums[i]);
        }
        free(tally->sums);
        free(tally);
        return NULL;
}
