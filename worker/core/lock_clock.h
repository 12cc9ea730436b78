/* How long the thread's lock is ours, by our own clock.
 *
 * The lock in Redis lives for its time to live, counted from a moment between our sending the command and its
 * answer. So we count from BEFORE the command was sent, and stop a margin earlier: 2 ms, a hundredth of the time to
 * live, and the worst round trip this run has seen (at most a tenth of the time to live). Past that deadline the
 * lock is not ours, whatever Redis may still hold. It is extended every third of its time to live, and asked for
 * again while the answer is unknown.
 *
 * The clock is CLOCK_BOOTTIME, handed in; nothing here asks it. */
#pragma once

#include "common/time.h"

#include <stdbool.h>

struct lock_clock {
        struct span ttl, worst_trip;
        struct mono asked; /* when the command under way was sent */
        struct mono granted; /* when the command that succeeded last was sent */
        struct mono again; /* when to extend, if nothing is under way */
        bool is_asking, is_granted;
};

void lock_clock_init(struct lock_clock *clock, struct span ttl);
/* A command, acquire or extend, is about to be sent. */
void lock_clock_on_ask(struct lock_clock *clock, struct mono now);
/* It has succeeded. */
void lock_clock_on_grant(struct lock_clock *clock, struct mono now);
/* Nobody knows what became of it: asked again soon. */
void lock_clock_on_unknown(struct lock_clock *clock, struct mono now);
/* It is somebody else's, or gone. */
void lock_clock_on_loss(struct lock_clock *clock);

/* When it stops being ours; an instant long past when it is not ours at all. */
struct mono lock_clock_deadline(const struct lock_clock *clock);
static inline bool lock_clock_is_ours(const struct lock_clock *clock, struct mono now) {
        return mono_is_before(now, lock_clock_deadline(clock));
}
/* When to send the next extension; MONO_NEVER while a command is under way or the lock is not ours. */
struct mono lock_clock_extend_at(const struct lock_clock *clock);
