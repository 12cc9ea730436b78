/* A histogram of whole numbers from 0 up, in fixed memory: each power of two is cut into 16, so a quantile is within
 * 1/16 of the truth, whatever the range. The unit is the user's; its name says it. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 4, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS };

struct histogram {
        uint64_t n, sum;
        int64_t max;
        uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* A value below 0 counts as 0. */
void histogram_add(struct histogram *histogram, int64_t value);
/* The value that a share `q` (0 to 1) of all does not exceed: the upper end of its bucket, never above the maximum.
 * 0 when there are none. */
int64_t histogram_quantile(const struct histogram *histogram, double q);
int64_t histogram_max(const struct histogram *histogram);
