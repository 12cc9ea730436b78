#include "broker/ctl/listing.h"

#include "broker/ctl/text.h"
#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

/* Between two columns. */
#define GAP 2

void listing_init(struct listing *listing, const struct listing_column *columns, size_t n_columns) {
        ENSURE(n_columns > 0 && n_columns <= LISTING_COLUMNS_MAX);
        *listing = (struct listing){.columns = columns, .n_columns = n_columns};
}

void listing_done(struct listing *listing) {
        for (size_t i = 0; i < listing->n_cells; i++)
                free(listing->cells[i]);
        free(listing->cells);
        *listing = (struct listing){0};
}

void listing_push(struct listing *listing, const char *cell) {
        CLEANUP_BUFFER struct buffer safe = {0};

        text_push_safe(&safe, bytes_of(cell && *cell ? cell : "-"));
        if (listing->n_cells == listing->cap) {
                listing->cap = listing->cap ? listing->cap * 2 : 64;
                listing->cells = memory_resize(listing->cells, listing->cap, sizeof *listing->cells);
        }
        listing->cells[listing->n_cells++] = memory_copy_text(safe.data, safe.len);
}

void listing_push_buffer(struct listing *listing, struct buffer *cell) {
        listing_push(listing, buffer_text(cell));
        buffer_clear(cell);
}

static void measure(const struct listing *listing, size_t *widths) {
        for (size_t i = 0; i < listing->n_columns; i++)
                widths[i] = strlen(listing->columns[i].title);
        for (size_t i = 0; i < listing->n_cells; i++) {
                size_t width = text_width(bytes_of(listing->cells[i]));
                size_t *column = &widths[i % listing->n_columns];

                if (width > *column)
                        *column = width;
        }
}

static void push_spaces(struct buffer *text, size_t n) { buffer_print(text, "%*s", (int)n, ""); }

/* The last cell of a line: nothing is padded behind it, and it is what gives way on a narrow terminal. */
static void push_last(struct buffer *text, const char *cell, size_t room) {
        struct bytes clipped = bytes_of(cell);

        if (room > 3 && text_width(clipped) > room) {
                clipped = text_clip(clipped, room - 3);
                buffer_push(text, clipped.data, clipped.len);
                buffer_push_text(text, "...");
                return;
        }
        buffer_push(text, clipped.data, clipped.len);
}

static void push_cell(struct buffer *text, const char *cell, size_t width, bool is_number) {
        size_t padding = width - text_width(bytes_of(cell));

        if (is_number)
                push_spaces(text, padding);
        buffer_push_text(text, cell);
        push_spaces(text, is_number ? GAP : padding + GAP);
}

static void push_row(const struct listing *listing, const char *const *cells, const size_t *widths, size_t width,
                     struct buffer *text) {
        size_t last = listing->n_columns - 1, used = 0;

        for (size_t i = 0; i < last; i++) {
                push_cell(text, cells[i], widths[i], listing->columns[i].is_number);
                used += widths[i] + GAP;
        }
        if (listing->columns[last].is_number)
                push_spaces(text, widths[last] - text_width(bytes_of(cells[last])));
        push_last(text, cells[last], width > used ? width - used : 0);
        buffer_push_text(text, "\n");
}

void listing_encode(const struct listing *listing, size_t width, struct buffer *text) {
        const char *titles[LISTING_COLUMNS_MAX];
        size_t widths[LISTING_COLUMNS_MAX];

        ENSURE(listing->n_cells % listing->n_columns == 0);
        for (size_t i = 0; i < listing->n_columns; i++)
                titles[i] = listing->columns[i].title;
        measure(listing, widths);
        push_row(listing, titles, widths, width, text);
        for (size_t i = 0; i < listing->n_cells; i += listing->n_columns)
                push_row(listing, (const char *const *)listing->cells + i, widths, width, text);
}
