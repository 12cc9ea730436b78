#include "broker/ctl/rows.h"

#include "broker/ctl/answer.h"
#include "broker/ctl/screen.h"

void rows_print(const struct rows *rows, const json_t *answer, struct wall now) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};
        const json_t *items = json_object_get(answer, rows->key), *row;
        size_t i, n = json_array_size(items);
        double total = (double)n;

        listing_init(&listing, rows->columns, rows->n_columns);
        json_array_foreach(items, i, row)
                rows->push(&listing, row, now);
        (void)!answer_number_find(answer, "/total", &total);
        if (n > 0)
                listing_encode(&listing, screen_width(), &text);
        else
                buffer_print(&text, "%s\n", rows->none);
        if (total > (double)n)
                buffer_print(&text, "\n%zu of %.0f; %s\n", n, total, rows->advice);
        screen_print(&text);
}
