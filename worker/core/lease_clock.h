/* How long the leases are certainly ours, by our own clock.
 *
 * The broker gives a lease away when it has heard no sign of life for as long as a lease lives. A sign of life is a
 * HELLO that was answered with WELCOME, or an ALIVE that was sent while the leases still stood. A HELLO proves life
 * from when it was said: its WELCOME may have waited in a buffer while this process was stopped. An ALIVE goes into a
 * connection that may have been cut without a word; that is noticed within LIMIT_LINK_SILENCE_MS, and then what was
 * proved in that time is taken back.
 *
 * The clock is CLOCK_BOOTTIME, handed in; nothing here asks it. */
#pragma once

#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

/* HELLOs remembered: one is said each second, and who is not answered for so long is better asked again. */
enum { LEASE_CLOCK_HELLOS_MAX = 16 };

struct lease_clock {
        struct span lease;
        struct mono proven; /* when the last sign of life was given */
        struct mono hellos[LEASE_CLOCK_HELLOS_MAX]; /* when those without a WELCOME were said; the oldest first */
        uint32_t n_hellos;
        bool is_welcomed;
};

/* HELLO is to be said: until its WELCOME comes nothing is certain. */
void lease_clock_on_doubt(struct lease_clock *clock);
/* HELLO was handed to the connection; `now` is from before that. */
void lease_clock_on_hello_sent(struct lease_clock *clock, struct mono now);
/* Is this a WELCOME to work by? False when the HELLO that it answers was said a lease ago or longer: it is to be said
 * again. */
bool lease_clock_on_welcome(struct lease_clock *clock, struct mono now, struct span lease);
/* ALIVE was handed to the connection; `now` is from before that, when the leases were found to stand. */
void lease_clock_on_alive_sent(struct lease_clock *clock, struct mono now);
/* There is no connection. */
void lease_clock_on_unsent(struct lease_clock *clock, struct mono now);

/* Is it certain that the broker has given none of the leases away for want of a sign of life? */
bool lease_clock_is_sure(const struct lease_clock *clock, struct mono now);
