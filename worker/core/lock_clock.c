#include "worker/core/lock_clock.h"

enum {
        MARGIN_MS = 2, /* timers and the abort itself */
        MARGIN_PART = 100, /* Redis counts with its own clock, which may drift from ours */
        TRIP_PART = 10, /* one slow answer must not eat the whole time to live */
        AGAIN_MS = 500, /* between tries while Redis does not answer, or a tenth of the time to live */
        AGAIN_PART = 10,
};

void lock_clock_init(struct lock_clock *clock, struct span ttl) { *clock = (struct lock_clock){.ttl = ttl}; }

void lock_clock_on_ask(struct lock_clock *clock, struct mono now) {
        clock->is_asking = true;
        clock->asked = now;
}

void lock_clock_on_grant(struct lock_clock *clock, struct mono now) {
        struct span longest = span_us(clock->ttl.us / TRIP_PART);

        clock->worst_trip = span_min(span_max(clock->worst_trip, mono_since(now, clock->asked)), longest);
        clock->is_asking = false;
        clock->is_granted = true;
        clock->granted = clock->asked;
        clock->again = mono_add(clock->granted, span_us(clock->ttl.us / 3));
}

void lock_clock_on_unknown(struct lock_clock *clock, struct mono now) {
        clock->is_asking = false;
        clock->again = mono_add(now, span_min(span_ms(AGAIN_MS), span_us(clock->ttl.us / AGAIN_PART)));
}

void lock_clock_on_loss(struct lock_clock *clock) { clock->is_asking = clock->is_granted = false; }

struct mono lock_clock_deadline(const struct lock_clock *clock) {
        int64_t margin_us = MARGIN_MS * 1000 + clock->ttl.us / MARGIN_PART + clock->worst_trip.us;

        if (!clock->is_granted)
                return (struct mono){INT64_MIN};
        return mono_add(clock->granted, span_us(clock->ttl.us - margin_us));
}

struct mono lock_clock_extend_at(const struct lock_clock *clock) {
        return clock->is_granted && !clock->is_asking ? clock->again : MONO_NEVER;
}
