#include "worker/core/lease_clock.h"

#include "common/limits.h"

#include <string.h>

void lease_clock_on_doubt(struct lease_clock *clock) { clock->is_welcomed = false; }

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

void lease_clock_on_alive_sent(struct lease_clock *clock, struct mono now) { clock->proven = now; }

void lease_clock_on_unsent(struct lease_clock *clock, struct mono now) {
        clock->proven = mono_min(clock->proven, mono_sub(now, span_ms(LIMIT_LINK_SILENCE_MS)));
}

bool lease_clock_is_sure(const struct lease_clock *clock, struct mono now) {
        return clock->is_welcomed && span_is_less(mono_since(now, clock->proven), clock->lease);
}
