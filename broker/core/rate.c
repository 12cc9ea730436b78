/* How many runs a tenant may start in a while. The starts are evenly spaced; a tenant that has been idle may start a
 * tenth of its count at once (GCRA, the leaky bucket of ATM's traffic management, with one number per tenant). A
 * restart of the broker forgets how much of that was used. */
#include "broker/core/state.h"

enum { BURST_SHARE = 10 };

static struct span spacing(const struct config_rate *rate) { return span_us(rate->per.us / rate->count); }

static struct span burst(const struct config_rate *rate) {
        uint32_t n = rate->count / BURST_SHARE;

        return span_us(n > 1 ? spacing(rate).us * (n - 1) : 0);
}

struct mono rate_next(const struct tenant *tenant, struct now now) {
        const struct config_rate *rate = &tenant->settings->rate;

        return rate->count == 0 ? now.mono : mono_sub(tenant->paced, burst(rate));
}

void rate_configure(struct tenant *tenant, struct now now) {
        tenant->paced = mono_min(tenant->paced, mono_add(now.mono, tenant->settings->rate.per));
}

void rate_count(struct tenant *tenant, struct now now) {
        const struct config_rate *rate = &tenant->settings->rate;

        if (rate->count > 0)
                tenant->paced = mono_add(mono_max(tenant->paced, now.mono), spacing(rate));
}
