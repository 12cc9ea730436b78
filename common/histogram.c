#include "common/histogram.h"

/* Values below 2^SUB_BITS have a bucket each; above, the bucket is the exponent and the SUB_BITS bits behind the
 * leading one. */
static uint32_t bucket_of(uint64_t value) {
        uint32_t exponent;

        if (value < (1u << HISTOGRAM_SUB_BITS))
                return (uint32_t)value;
        exponent = 63 - (uint32_t)__builtin_clzll(value);
        return ((exponent - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS) +
               (uint32_t)((value >> (exponent - HISTOGRAM_SUB_BITS)) & ((1u << HISTOGRAM_SUB_BITS) - 1));
}

static uint64_t bucket_end(uint32_t bucket) {
        uint32_t shift = bucket >> HISTOGRAM_SUB_BITS, sub = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);

        if (shift == 0)
                return sub;
        return (((UINT64_C(1) << HISTOGRAM_SUB_BITS) + sub + 1) << (shift - 1)) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value) {
        if (value < 0)
                value = 0;
        histogram->n++;
        histogram->sum += (uint64_t)value;
        if (value > histogram->max)
                histogram->max = value;
        histogram->buckets[bucket_of((uint64_t)value)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, double q) {
        uint64_t wanted = (uint64_t)(q * (double)histogram->n + 0.5), seen = 0;

        if (wanted == 0)
                wanted = 1;
        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
                seen += histogram->buckets[i];
                if (seen >= wanted)
                        return bucket_end(i) < (uint64_t)histogram->max ? (int64_t)bucket_end(i) : histogram->max;
        }
        return histogram->max;
}

int64_t histogram_max(const struct histogram *histogram) { return histogram->max; }
