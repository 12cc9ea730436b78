/* A table of aligned columns in plain characters. Pure: cells go in, text comes out.
 *
 * Cells are made safe for a terminal as they come in. Each column is as wide as its widest cell; two spaces part
 * them. */
#pragma once

#include "common/bytes.h"

/* More columns than a terminal has room for. */
enum { LISTING_COLUMNS_MAX = 12 };

struct listing_column {
        const char *title;
        bool is_number; /* aligned to the right */
};

struct listing {
        const struct listing_column *columns;
        size_t n_columns;
        char **cells; /* row after row */
        size_t n_cells, cap;
};

/* `columns` must outlive the listing; at most LISTING_COLUMNS_MAX. */
void listing_init(struct listing *listing, const struct listing_column *columns, size_t n_columns);
void listing_done(struct listing *listing);
#define CLEANUP_LISTING CLEANUP(listing_done)

/* The next cell, from left to right and row by row. NULL and the empty text show as "-". */
void listing_push(struct listing *listing, const char *cell);
/* The same with what a buffer holds, which is empty afterwards. */
void listing_push_buffer(struct listing *listing, struct buffer *cell);
/* Title and rows; on a line of more than `width` columns (0 = without limit) the last column is cut short with
 * "...". */
void listing_encode(const struct listing *listing, size_t width, struct buffer *text);
