#include "broker/core/seen.h"

#include "common/ensure.h"
#include "common/memory.h"

enum { FIRST_CAP = 1024, EXPIRE_PER_CALL = 256, FORGET_PER_PUSH = 2 };

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

static bool is_over(const struct seen *seen, const struct stored_seen *item, struct wall now) {
        struct span window = seen->window.us > 0 ? seen->window : span_s(LIMIT_SEEN_WINDOW_S);

        return wall_add(item->at, window).ms <= now.ms;
}

bool seen_find(const struct seen *seen, struct hash_128 hash, struct wall now, uint64_t *ret_seq) {
        struct table_probe probe = {.hash = (uint32_t)hash.low};
        uint32_t at;

        while (table_next(&seen->table, &probe, &at)) {
                const struct stored_seen *item = &seen->ring[at];

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
        struct stored_seen *item = &seen->ring[seen->first];

        seen->n_early += !is_over(seen, item, now);
        table_remove(&seen->table, (uint32_t)item->hash.low, seen->first);
        if (fx)
                effects_delete(fx, CHANGE_DELETE_SEEN, item->seq);
        seen->first = (seen->first + 1) & (seen->cap - 1);
        seen->n--;
}

/* Twice the ring, its items at their new places. */
static void grow(struct seen *seen) {
        struct seen larger = {.cap = seen->cap ? seen->cap * 2 : FIRST_CAP,
                              .window = seen->window,
                              .limit = seen->limit,
                              .n_early = seen->n_early};

        larger.ring = memory_new(larger.cap, sizeof *larger.ring);
        for (uint32_t i = 0; i < seen->n; i++) {
                larger.ring[i] = seen->ring[(seen->first + i) & (seen->cap - 1)];
                table_push(&larger.table, (uint32_t)larger.ring[i].hash.low, i);
        }
        larger.n = seen->n;
        seen_done(seen);
        *seen = larger;
}

void seen_push(struct seen *seen, const struct stored_seen *item, struct effects *fx) {
        uint32_t at;

        /* More than one for the one that comes: so a smaller limit is reached though the ids keep coming. */
        for (int i = 0; fx && i < FORGET_PER_PUSH && seen->n >= limit_of(seen); i++)
                forget_oldest(seen, item->at, fx);
        if (seen->n == seen->cap)
                grow(seen);
        at = (seen->first + seen->n) & (seen->cap - 1);
        seen->ring[at] = *item;
        seen->n++;
        table_push(&seen->table, (uint32_t)item->hash.low, at);
        if (fx)
                effects_push_change(fx, CHANGE_PUT_SEEN)->seen = *item;
}

void seen_expire(struct seen *seen, struct wall now, struct effects *fx) {
        for (int i = 0; i < EXPIRE_PER_CALL && seen->n > 0; i++) {
                if (seen->n <= limit_of(seen) && !is_over(seen, &seen->ring[seen->first], now))
                        return;
                forget_oldest(seen, now, fx);
        }
}
