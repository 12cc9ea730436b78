#include "worker/core/lease_clock.h"

#include <string.h>

/* The HELLO takes a beat as well: it names every lease whose RUN has come. */
void lease_clock_on_doubt(struct lease_clock *clock) {
        clock->is_welcomed = false;
        clock->heard = ++clock->beat;
}

void lease_clock_on_hello_sent(struct lease_clock *clock, struct mono now) {
        if (clock->n_hellos < LEASE_CLOCK_HELLOS_MAX)
                clock->hellos[clock->n_hellos++] = now;
}

/* HELLOs are answered in their order. Where one was lost on its way, a WELCOME is taken for the answer to an older one
 * than it is. That errs to the safe side: HELLO is said once more. */
static struct mono pop_hello(struct lease_clock *clock) {
        struct mono said = clock->hellos[0];

        clock->n_hellos--;
        memmove(clock->hellos, clock->hellos + 1, clock->n_hellos * sizeof *clock->hellos);
        return said;
}

bool lease_clock_on_welcome(struct lease_clock *clock, struct mono now, struct span lease) {
        struct mono said;

        if (clock->n_hellos == 0)
                return clock->is_welcomed;
        said = pop_hello(clock);
        if (clock->is_welcomed)
                return true;
        if (!span_is_less(mono_since(now, said), lease))
                return false;
        clock->is_welcomed = true;
        clock->lease = lease;
        clock->proven = said;
        return true;
}

uint64_t lease_clock_next_beat(const struct lease_clock *clock) { return clock->beat + 1; }

void lease_clock_on_alive_sent(struct lease_clock *clock, struct mono now) {
        clock->beats[++clock->beat % LEASE_CLOCK_BEATS_MAX] = now;
}

void lease_clock_on_heard(struct lease_clock *clock, uint64_t beat) {
        if (beat <= clock->heard || beat > clock->beat || clock->beat - beat >= LEASE_CLOCK_BEATS_MAX)
                return;
        clock->heard = beat;
        clock->proven = clock->beats[beat % LEASE_CLOCK_BEATS_MAX];
}

struct lease_mark lease_clock_mark(const struct lease_clock *clock) {
        return (struct lease_mark){clock->proven, clock->beat + 1};
}

bool lease_clock_is_sure(const struct lease_clock *clock, struct mono now) {
        return clock->is_welcomed && span_is_less(mono_since(now, clock->proven), clock->lease);
}

bool lease_clock_is_sure_of(const struct lease_clock *clock, const struct lease_mark *mark, struct mono now) {
        struct mono proven = clock->heard >= mark->beat ? clock->proven : mark->proven;

        return clock->is_welcomed && span_is_less(mono_since(now, proven), clock->lease);
}
