#include "broker/core/seen.h"

#include "common/ensure.h"
#include "common/memory.h"

enum { FIRST_CAP = 1024, EXPIRE_PER_CALL = 256, FORGET_PER_PUSH = 2 };
/* Numbers go round, far above how many are remembered (LIMIT_SEEN_MAX), and never reach TABLE_EMPTY. */
#define NUMBERS (UINT32_C(1) << 31)

void seen_done(struct seen *seen) {
        free(seen->ring);
        table_done(&seen->table);
        *seen = (struct seen){0};
}

void seen_configure(struct seen *seen, struct span window, uint32_t limit) {
        seen->window = window;
        seen->limit = limit;
}

static uint32_t limit_of(const struct seen *seen) { return seen->limit > 0 ? seen->limit : LIMIT_SEEN; }

static uint32_t number_of(const struct seen *seen, uint32_t nth) { return (seen->first + nth) & (NUMBERS - 1); }

static struct stored_seen *item_of(const struct seen *seen, uint32_t number) {
        return &seen->ring[number & (seen->cap - 1)];
}

static bool is_over(const struct seen *seen, const struct stored_seen *item, struct wall now) {
        struct span window = seen->window.us > 0 ? seen->window : span_s(LIMIT_SEEN_WINDOW_S);

        return wall_add(item->at, window).ms <= now.ms;
}

void seen_expect(const struct seen *seen, struct hash_128 hash) { table_expect(&seen->table, (uint32_t)hash.low); }

bool seen_find(const struct seen *seen, struct hash_128 hash, struct wall now, uint64_t *ret_seq) {
        struct table_probe probe = {.hash = (uint32_t)hash.low};
        uint32_t number;

        while (table_next(&seen->table, &probe, &number)) {
                const struct stored_seen *item = item_of(seen, number);

                if (item->hash.low == hash.low && item->hash.high == hash.high && !is_over(seen, item, now))
                        return *ret_seq = item->seq, true;
        }
        return false;
}

bool seen_has(const struct seen *seen, struct hash_128 hash, struct wall now) {
        uint64_t seq;

        return seen_find(seen, hash, now, &seq);
}

static void forget_oldest(struct seen *seen, struct wall now, struct effects *fx) {
        struct stored_seen *item = item_of(seen, seen->first);

        seen->n_early += !is_over(seen, item, now);
        table_remove(&seen->table, (uint32_t)item->hash.low, seen->first);
        if (fx)
                effects_delete(fx, CHANGE_DELETE_SEEN, item->seq);
        seen->first = number_of(seen, 1);
        seen->n--;
}

/* Twice the ring. Numbers stay, so the table does; half of the items get another place. */
static void grow(struct seen *seen) {
        uint32_t cap = seen->cap;

        seen->cap = cap ? cap * 2 : FIRST_CAP;
        seen->ring = memory_resize(seen->ring, seen->cap, sizeof *seen->ring);
        for (uint32_t i = 0; i < seen->n; i++) {
                uint32_t number = number_of(seen, i);

                if (number & cap)
                        *item_of(seen, number) = seen->ring[number & (cap - 1)];
        }
}

void seen_push(struct seen *seen, const struct stored_seen *item, struct effects *fx) {
        uint32_t number;

        /* More than one for the one that comes: so a smaller limit is reached though the ids keep coming. */
        for (int i = 0; fx && i < FORGET_PER_PUSH && seen->n >= limit_of(seen); i++)
                forget_oldest(seen, item->at, fx);
        if (seen->n == seen->cap)
                grow(seen);
        number = number_of(seen, seen->n++);
        *item_of(seen, number) = *item;
        table_push(&seen->table, (uint32_t)item->hash.low, number);
        if (fx)
                effects_push_change(fx, CHANGE_PUT_SEEN)->seen = *item;
}

void seen_expire(struct seen *seen, struct wall now, struct effects *fx) {
        for (int i = 0; i < EXPIRE_PER_CALL && seen->n > 0; i++) {
                if (seen->n <= limit_of(seen) && !is_over(seen, item_of(seen, seen->first), now))
                        return;
                forget_oldest(seen, now, fx);
        }
}
