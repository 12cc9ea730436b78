/* How long to wait before coming again. */
#include "broker/core/state.h"

/* splitmix64: enough to keep retries from marching in step, and the same again from the same seed. */
static double roll(struct core *core) {
        uint64_t value = core->random += UINT64_C(0x9e3779b97f4a7c15);

        value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
        return (double)((value ^ value >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static struct span grow(struct span base, double factor, struct span cap, uint32_t n) {
        double us = (double)base.us;

        for (uint32_t i = 0; i < n && us < (double)cap.us; i++)
                us *= factor;
        return us < (double)cap.us ? span_us((int64_t)us) : cap;
}

struct span delay_backoff(struct core *core, const struct config_tenant *settings, uint32_t n) {
        struct span delay = grow(settings->retry.base, settings->retry.factor, settings->retry.cap, n);
        double share = 1 + settings->retry.jitter * (2 * roll(core) - 1);

        return span_us((int64_t)((double)delay.us * share));
}

struct span delay_busy(struct core *core, const struct config_tenant *settings, uint32_t n) {
        struct span delay = grow(settings->busy.base, 2, settings->busy.cap, n);

        /* Downwards only: `cap` is a promise. */
        return span_us((int64_t)((double)delay.us * (1 - 0.1 * roll(core))));
}
