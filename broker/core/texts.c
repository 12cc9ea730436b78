#include "broker/core/texts.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

#define NONE UINT32_MAX

static uint32_t units_of(size_t len) {
        ENSURE(len > 0 && len <= LIMIT_THREAD_LEN);
        return (uint32_t)((len + TEXTS_UNIT - 1) / TEXTS_UNIT);
}

void texts_done(struct texts *texts) {
        for (uint32_t i = 0; i < TEXTS_SIZES; i++) {
                for (uint32_t k = 0; k < texts->sizes[i].n; k++)
                        free(texts->sizes[i].segments[k].data);
                free(texts->sizes[i].segments);
        }
        *texts = (struct texts){0};
}

/* -- segments with room, counted from 1 ---------------------------------------------------------------------------- */

static struct text_segment *at(const struct text_size *size, uint32_t number) { return &size->segments[number - 1]; }

static void link_front(struct text_size *size, uint32_t number) {
        struct text_segment *segment = at(size, number);

        segment->before = 0;
        segment->after = size->with_room;
        if (size->with_room > 0)
                at(size, size->with_room)->before = number;
        size->with_room = number;
}

static void take_out(struct text_size *size, uint32_t number) {
        struct text_segment *segment = at(size, number);

        if (segment->before > 0)
                at(size, segment->before)->after = segment->after;
        else
                size->with_room = segment->after;
        if (segment->after > 0)
                at(size, segment->after)->before = segment->before;
}

static uint32_t take_number(struct text_size *size) {
        uint32_t number = size->given_back;

        if (number > 0) {
                size->given_back = at(size, number)->after;
                return number;
        }
        if (size->n == size->cap) {
                size->cap = size->cap ? size->cap * 2 : 4;
                size->segments = memory_resize(size->segments, size->cap, sizeof *size->segments);
        }
        ENSURE(size->n < NONE / TEXTS_SEGMENT - 1);
        return ++size->n;
}

static void add_segment(struct text_size *size, uint32_t units) {
        uint32_t number = take_number(size);

        *at(size, number) = (struct text_segment){
                .data = memory_resize(NULL, TEXTS_SEGMENT, (size_t)units * TEXTS_UNIT),
                .first_free = NONE,
        };
        link_front(size, number);
}

/* Where the last one with room is empty it stays, as the next text would only bring it back. */
static void give_back(struct text_size *size, uint32_t number) {
        struct text_segment *segment = at(size, number);

        if (segment->before == 0 && segment->after == 0)
                return;
        take_out(size, number);
        free(segment->data);
        segment->data = NULL;
        segment->after = size->given_back;
        size->given_back = number;
}

/* -- places -------------------------------------------------------------------------------------------------------- */

static uint8_t *data_of(const struct text_segment *segment, uint32_t place, uint32_t units) {
        return segment->data + (size_t)place * units * TEXTS_UNIT;
}

/* A free place says which one is next. */
static uint32_t take_place(struct text_segment *segment, uint32_t units) {
        uint32_t place = segment->first_free;

        segment->n++;
        if (place == NONE)
                return segment->n_begun++;
        memcpy(&segment->first_free, data_of(segment, place, units), sizeof segment->first_free);
        return place;
}

uint32_t texts_push(struct texts *texts, struct bytes text) {
        uint32_t units = units_of(text.len), number, place;
        struct text_size *size = &texts->sizes[units - 1];
        struct text_segment *segment;

        if (size->with_room == 0)
                add_segment(size, units);
        number = size->with_room;
        segment = at(size, number);
        place = take_place(segment, units);
        memcpy(data_of(segment, place, units), text.data, text.len);
        if (segment->n == TEXTS_SEGMENT)
                take_out(size, number);
        return (number - 1) * TEXTS_SEGMENT + place;
}

void texts_remove(struct texts *texts, uint32_t place, size_t len) {
        uint32_t units = units_of(len), number = place / TEXTS_SEGMENT + 1;
        struct text_size *size = &texts->sizes[units - 1];
        struct text_segment *segment = at(size, number);

        ENSURE(number <= size->n && segment->n > 0);
        memcpy(data_of(segment, place % TEXTS_SEGMENT, units), &segment->first_free, sizeof segment->first_free);
        segment->first_free = place % TEXTS_SEGMENT;
        if (segment->n-- == TEXTS_SEGMENT)
                link_front(size, number);
        if (segment->n == 0)
                give_back(size, number);
}

struct bytes texts_get(const struct texts *texts, uint32_t place, size_t len) {
        uint32_t units = units_of(len);
        const struct text_segment *segment = at(&texts->sizes[units - 1], place / TEXTS_SEGMENT + 1);

        return (struct bytes){data_of(segment, place % TEXTS_SEGMENT, units), len};
}
