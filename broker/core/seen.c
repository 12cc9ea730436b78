#include "broker/core/seen.h"

#include "common/ensure.h"
#include "common/memory.h"

enum { EXPIRE_PER_CALL = 256, FORGET_PER_PUSH = 2 };
/* Pages in a segment, and numbers. */
enum { SEGMENT_PAGES = 256, SEGMENT = SEGMENT_PAGES * SEEN_PAGE };
/* Numbers go round, far above how many are remembered (LIMIT_SEEN_MAX), and never reach TABLE_EMPTY. */
#define NUMBERS (UINT32_C(1) << 31)
#define NUMBER(n) ((uint32_t)(n) & (NUMBERS - 1))

void seen_done(struct seen *seen) {
        for (uint32_t i = 0; i < seen->cap; i++)
                free(seen->segments[i]);
        free(seen->segments);
        free(seen->spare);
        table_done(&seen->table);
        *seen = (struct seen){0};
}

void seen_configure(struct seen *seen, struct span window, uint32_t limit) {
        seen->window = window;
        seen->limit = limit;
}

static uint32_t limit_of(const struct seen *seen) { return seen->limit > 0 ? seen->limit : LIMIT_SEEN; }

/* -- pages --------------------------------------------------------------------------------------------------------- */

static struct seen_page **segment_of(const struct seen *seen, uint32_t number) {
        return &seen->segments[number / SEGMENT & (seen->cap - 1)];
}

static struct seen_page *page_of(const struct seen *seen, uint32_t number) {
        return &(*segment_of(seen, number))[number / SEEN_PAGE % SEGMENT_PAGES];
}

/* The id of that number, with as much of its hash as is known of any. */
static struct stored_seen item_of(const struct seen *seen, uint32_t number) {
        const struct seen_page *page = page_of(seen, number);
        const struct seen_id *id = &page->ids[number % SEEN_PAGE];

        return (struct stored_seen){
                .seq = page->seq + id->seq,
                .at = {page->at.ms + id->at_ms},
                .hash = {(uint64_t)id->hash[1] << 32 | id->hash[0], id->hash[2]},
        };
}

/* Twice the room for segments; they stay where they are. */
static void grow(struct seen *seen) {
        struct seen before = *seen;

        seen->cap = before.cap ? before.cap * 2 : 4;
        seen->segments = memory_new(seen->cap, sizeof *seen->segments);
        for (uint32_t i = 0; i < before.n_segments; i++) {
                uint32_t number = NUMBER(before.next - (i + 1) * SEGMENT);

                *segment_of(seen, number) = *segment_of(&before, number);
        }
        free(before.segments);
}

/* The segment that begins with the next number. */
static void add_segment(struct seen *seen) {
        struct seen_page *segment = seen->spare;

        if (seen->n_segments == seen->cap)
                grow(seen);
        seen->spare = NULL;
        *segment_of(seen, seen->next) = segment ? segment : memory_resize(NULL, SEGMENT_PAGES, sizeof *segment);
        seen->n_segments++;
}

static void drop_segment(struct seen *seen, uint32_t number) {
        free(seen->spare);
        seen->spare = *segment_of(seen, number);
        *segment_of(seen, number) = NULL;
        seen->n_segments--;
}

static bool has_place(const struct seen *seen, const struct stored_seen *item) {
        const struct seen_page *page;

        if (seen->next % SEEN_PAGE == 0)
                return false;
        page = page_of(seen, seen->next);
        return item->seq >= page->seq && item->seq - page->seq <= UINT16_MAX && item->at.ms >= page->at.ms &&
               item->at.ms - page->at.ms <= UINT16_MAX;
}

static void begin_page(struct seen *seen, const struct stored_seen *item) {
        uint32_t last = NUMBER(seen->next - 1);

        seen->next = NUMBER((seen->next + SEEN_PAGE - 1) / SEEN_PAGE * SEEN_PAGE);
        if (seen->next % SEGMENT == 0) {
                if (seen->n == 0 && seen->n_segments > 0)
                        drop_segment(seen, last); /* nobody will step over its end */
                add_segment(seen);
        }
        *page_of(seen, seen->next) = (struct seen_page){.seq = item->seq & LIMIT_SEQ_MAX, .at = item->at};
}

/* Its number is answered. */
static uint32_t place(struct seen *seen, const struct stored_seen *item) {
        struct seen_page *page;
        uint32_t number;

        if (!has_place(seen, item))
                begin_page(seen, item);
        number = seen->next;
        page = page_of(seen, number);
        page->ids[page->n++] = (struct seen_id){
                .hash = {(uint32_t)item->hash.low, (uint32_t)(item->hash.low >> 32), (uint32_t)item->hash.high},
                .seq = (uint16_t)(item->seq - page->seq),
                .at_ms = (uint16_t)(item->at.ms - page->at.ms),
        };
        if (seen->n++ == 0)
                seen->first = number;
        seen->next = NUMBER(number + 1);
        return number;
}

/* Behind the oldest: the next one of its page, else the first one of the next page. */
static void step_over(struct seen *seen) {
        uint32_t number = seen->first, next = NUMBER(number + 1);

        if (--seen->n == 0)
                return; /* its page may go on */
        if (next % SEEN_PAGE == page_of(seen, number)->n)
                next = NUMBER((number / SEEN_PAGE + 1) * SEEN_PAGE);
        seen->first = next;
        if (next / SEGMENT != number / SEGMENT)
                drop_segment(seen, number);
}

/* -- what is known ------------------------------------------------------------------------------------------------- */

static bool is_over(const struct seen *seen, const struct stored_seen *item, struct wall now) {
        struct span window = seen->window.us > 0 ? seen->window : span_s(LIMIT_SEEN_WINDOW_S);

        return wall_add(item->at, window).ms <= now.ms;
}

void seen_expect(const struct seen *seen, struct hash_128 hash) { table_expect(&seen->table, (uint32_t)hash.low); }

bool seen_find(const struct seen *seen, struct hash_128 hash, struct wall now, uint64_t *ret_seq) {
        struct table_probe probe = {.hash = (uint32_t)hash.low};
        uint32_t number;

        while (table_next(&seen->table, &probe, &number)) {
                struct stored_seen item = item_of(seen, number);

                if (item.hash.low == hash.low && item.hash.high == (uint32_t)hash.high && !is_over(seen, &item, now))
                        return *ret_seq = item.seq, true;
        }
        return false;
}

bool seen_has(const struct seen *seen, struct hash_128 hash, struct wall now) {
        uint64_t seq;

        return seen_find(seen, hash, now, &seq);
}

struct wall seen_oldest(const struct seen *seen) {
        return seen->n > 0 ? item_of(seen, seen->first).at : (struct wall){0};
}

/* The ids of the oldest one's page are to be forgotten soon, and their slots lie anywhere. */
static void expect_page(const struct seen *seen) {
        const struct seen_page *page = page_of(seen, seen->first);

        for (uint32_t i = 0; i < page->n; i++)
                table_expect(&seen->table, page->ids[i].hash[0]);
}

static void forget_oldest(struct seen *seen, struct wall now, struct effects *fx) {
        struct stored_seen item = item_of(seen, seen->first);

        seen->n_early += !is_over(seen, &item, now);
        table_remove(&seen->table, (uint32_t)item.hash.low, seen->first);
        if (fx)
                effects_delete(fx, CHANGE_DELETE_SEEN, item.seq);
        step_over(seen);
        if (seen->n > 0 && seen->first % SEEN_PAGE == 0)
                expect_page(seen);
}

void seen_push(struct seen *seen, const struct stored_seen *item, struct effects *fx) {
        /* More than one for the one that comes: so a smaller limit is reached though the ids keep coming. */
        for (int i = 0; fx && i < FORGET_PER_PUSH && seen->n >= limit_of(seen); i++)
                forget_oldest(seen, item->at, fx);
        table_push(&seen->table, (uint32_t)item->hash.low, place(seen, item));
        if (fx)
                effects_push_change(fx, CHANGE_PUT_SEEN)->seen = *item;
}

void seen_expire(struct seen *seen, struct wall now, struct effects *fx) {
        for (int i = 0; i < EXPIRE_PER_CALL && seen->n > 0; i++) {
                struct stored_seen oldest = item_of(seen, seen->first);

                if (seen->n <= limit_of(seen) && !is_over(seen, &oldest, now))
                        return;
                forget_oldest(seen, now, fx);
        }
}
