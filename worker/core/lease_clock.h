/* How long the leases are certainly ours, by our own clock.
 *
 * The broker gives a lease away when no sign of life that names it has reached it for as long as a lease lives. A sign
 * of life counts here only once the broker has said that it came: WELCOME for a HELLO, HEARD for an ALIVE. Then it
 * proves life from when it was said, which is never later than when the broker took it: the word of it may have waited
 * in a buffer while this process was stopped. What was lost on the way, or whose answer was, proves nothing, however
 * fast the connection came back.
 *
 * A sign of life is about the leases that it names. The ALIVEs that are under way when a RUN comes do not name that
 * one: until a later one is heard it is good from what had been heard when it came. So each lease bears a mark.
 *
 * The clock is CLOCK_BOOTTIME, handed in; nothing here asks it. */
#pragma once

#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        /* HELLOs remembered: one is said each second, and who is not answered for so long is better asked again. */
        LEASE_CLOCK_HELLOS_MAX = 16,
        /* ALIVEs remembered: five are sent in the time that a lease lives, and more only when slots change. An older
         * one would prove little any more. */
        LEASE_CLOCK_BEATS_MAX = 16,
};

struct lease_clock {
        struct span lease;
        struct mono proven; /* when the last sign of life that the broker answered was given */
        struct mono hellos[LEASE_CLOCK_HELLOS_MAX]; /* when those without a WELCOME were said; the oldest first */
        uint32_t n_hellos;
        struct mono beats[LEASE_CLOCK_BEATS_MAX]; /* when the last ALIVEs were sent, by their beat */
        uint64_t beat; /* the last one; from 1 */
        uint64_t heard; /* this one and those before prove nothing more */
        bool is_welcomed;
};

/* What is known of a lease when its RUN comes. */
struct lease_mark {
        struct mono proven;
        uint64_t beat; /* the first ALIVE that can name it */
};

/* HELLO is to be said: until its WELCOME comes nothing is certain, and what was sent before proves nothing more. */
void lease_clock_on_doubt(struct lease_clock *clock);
/* HELLO was handed to the connection; `now` is from before that. */
void lease_clock_on_hello_sent(struct lease_clock *clock, struct mono now);
/* Is this a WELCOME to work by? False when the HELLO that it answers was said a lease ago or longer: it is to be said
 * again. */
bool lease_clock_on_welcome(struct lease_clock *clock, struct mono now, struct span lease);
/* The beat of the next ALIVE. */
uint64_t lease_clock_next_beat(const struct lease_clock *clock);
/* That one was handed to the connection; `now` is from before that. */
void lease_clock_on_alive_sent(struct lease_clock *clock, struct mono now);
/* HEARD came. A beat that was heard before, was never sent, or is forgotten, changes nothing. */
void lease_clock_on_heard(struct lease_clock *clock, uint64_t beat);

/* Of a lease whose RUN has just come. */
struct lease_mark lease_clock_mark(const struct lease_clock *clock);
/* Is it certain that the broker has given none of the leases that it was told of away for want of a sign of life? */
bool lease_clock_is_sure(const struct lease_clock *clock, struct mono now);
/* And this one? */
bool lease_clock_is_sure_of(const struct lease_clock *clock, const struct lease_mark *mark, struct mono now);
