/* An answer that is a list, as a table for a person: `threads`, `dead list`. */
#pragma once

#include "broker/ctl/listing.h"
#include "common/json.h"
#include "common/time.h"

struct rows {
        const char *key; /* of the list in the answer */
        const struct listing_column *columns;
        size_t n_columns;
        void (*push)(struct listing *listing, const json_t *row, struct wall now);
        const char *none;   /* what to say when there are none */
        const char *advice; /* how to see other rows, when there are more */
};

/* Prints the rows of `answer`, and says so when the broker has more than it sent. */
void rows_print(const struct rows *rows, const json_t *answer, struct wall now);
