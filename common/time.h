/* Time, in types that the compiler keeps apart.
 *
 * Three kinds, never mixed: an instant on the machine's steady clock (mono), an instant on the calendar (wall), and a
 * length of time (span). The steady clock is CLOCK_BOOTTIME: it never steps, and it counts the time a machine was
 * suspended, which leases and locks need. Calendar instants are what is stored, shown and sent to others. Nothing in
 * this file asks a clock; clock.h does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mono {
        int64_t us;
};

/* Unix time, UTC. */
struct wall {
        int64_t ms;
};

struct span {
        int64_t us;
};

/* One moment, read on both clocks. */
struct now {
        struct mono mono;
        struct wall wall;
};

#define MONO_NEVER ((struct mono){INT64_MAX})

static inline struct span span_us(int64_t us) { return (struct span){us}; }
static inline struct span span_ms(int64_t ms) { return (struct span){ms * 1000}; }
static inline struct span span_s(int64_t s) { return (struct span){s * 1000000}; }
static inline int64_t span_to_ms(struct span span) { return span.us / 1000; }
static inline bool span_is_less(struct span a, struct span b) { return a.us < b.us; }
static inline struct span span_min(struct span a, struct span b) { return a.us < b.us ? a : b; }
static inline struct span span_max(struct span a, struct span b) { return a.us > b.us ? a : b; }

static inline struct mono mono_add(struct mono at, struct span span) {
        return at.us > INT64_MAX - span.us ? MONO_NEVER : (struct mono){at.us + span.us};
}
static inline struct mono mono_sub(struct mono at, struct span span) { return (struct mono){at.us - span.us}; }
/* How long after `since` `at` is; negative when it is before. */
static inline struct span mono_since(struct mono at, struct mono since) { return (struct span){at.us - since.us}; }
static inline bool mono_is_before(struct mono a, struct mono b) { return a.us < b.us; }
/* Has the clock reached `due`? */
static inline bool mono_is_due(struct mono now, struct mono due) { return now.us >= due.us; }
static inline struct mono mono_min(struct mono a, struct mono b) { return a.us < b.us ? a : b; }
static inline struct mono mono_max(struct mono a, struct mono b) { return a.us > b.us ? a : b; }

static inline struct wall wall_add(struct wall at, struct span span) { return (struct wall){at.ms + span.us / 1000}; }
/* The calendar's name for a steady instant, as seen from `now`: right as long as nobody steps the calendar. */
static inline struct wall now_to_wall(struct now now, struct mono at) {
        return (struct wall){now.wall.ms + (at.us - now.mono.us) / 1000};
}
/* The steady instant of a calendar time, as seen from `now`. */
static inline struct mono now_to_mono(struct now now, struct wall at) {
        return (struct mono){now.mono.us + (at.ms - now.wall.ms) * 1000};
}
