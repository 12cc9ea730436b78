/* The event loop: timers, descriptors, signals, names looked up, programs run. The one door to libuv.
 *
 * Nothing here calls back before the function that was called has returned. What is freed never calls back again. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include <stdbool.h>

struct loop;

/* Raises the soft limit of open files to the hard one: hundreds of calls at once are hundreds of descriptors, and it is
 * often 1024. Programs get the old one back. */
struct loop *loop_new(void);
/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Everything made with the loop must have been freed; programs that still run are killed. */
struct loop *loop_free(struct loop *loop);

/* -- timers -------------------------------------------------------------------------------------------------------- */

struct loop_timer;

/* Made unset. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*on_time)(void *context), void *context);
/* Calls once, at `due` or up to 2 ms later; MONO_NEVER unsets it. What it was set to before is forgotten. */
void loop_timer_set(struct loop_timer *timer, struct mono now, struct mono due);
struct loop_timer *loop_timer_free(struct loop_timer *timer);

/* -- before it sleeps ---------------------------------------------------------------------------------------------- */

struct loop_hook;

/* Made unset. */
struct loop_hook *loop_hook_new(struct loop *loop, void (*on_turn_end)(void *context), void *context);
/* Calls once, before the loop waits for anything again: for what is gathered while it works. Not to be set from within
 * its own call. */
void loop_hook_set(struct loop_hook *hook);
struct loop_hook *loop_hook_free(struct loop_hook *hook);

/* -- descriptors --------------------------------------------------------------------------------------------------- */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch;

/* `events` are LOOP_READ and LOOP_WRITE as they are ready; both when the descriptor has failed. Made watching
 * nothing. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*on_ready)(void *context, int events),
                                  void *context);
void loop_watch_set(struct loop_watch *watch, int events);
/* To be freed before the descriptor is closed. */
struct loop_watch *loop_watch_free(struct loop_watch *watch);

/* -- many descriptors ---------------------------------------------------------------------------------------------- */

struct loop_crowd;

/* A crowd of descriptors, which are looked at together: at once while they are few, and from a thousand on not before a
 * millisecond has passed for each thousand, up to 5, since the last look. */
struct loop_crowd *loop_crowd_new(struct loop *loop, void (*on_ready)(void *context, int fd, int events),
                                  void *context);
/* 0: it is not looked at any more, which is to be said before it is closed; it may still be called once, if that is
 * said from within a callback. */
void loop_crowd_set(struct loop_crowd *crowd, int fd, int events);
struct loop_crowd *loop_crowd_free(struct loop_crowd *crowd);

/* -- signals ------------------------------------------------------------------------------------------------------- */

/* Until the loop is freed. */
void loop_on_signal(struct loop *loop, int signal, void (*on_signal)(void *context, int signal), void *context);

/* -- names --------------------------------------------------------------------------------------------------------- */

struct loop_lookup;

/* Looks a host up off the loop. A name may have several addresses: `turn` says which is wanted, counted on past the
 * last, so that who tries again with the next turn comes to each. `address` is numeric; NULL when there is none, and
 * then `why` says so. It ends by calling back, or by loop_lookup_free(). */
struct loop_lookup *loop_lookup_new(struct loop *loop, const char *host, uint32_t turn,
                                    void (*on_found)(void *context, const char *address, const char *why),
                                    void *context);
struct loop_lookup *loop_lookup_free(struct loop_lookup *lookup);

/* -- programs ------------------------------------------------------------------------------------------------------ */

struct loop_program;

struct loop_program_end {
        int64_t status;
        int signal; /* 0 = it ended by itself */
        bool is_too_large; /* it wrote more than `output_max` and was killed */
        struct bytes output, errors; /* what it wrote, of errors the beginning */
};

enum { LOOP_PROGRAM_VARIABLES_MAX = 16 };

struct loop_program_start {
        char *const *argv; /* argv[0] is looked for in PATH */
        const char *const *environment; /* names of our variables that it gets, NULL at the end */
        struct bytes input; /* for its stdin; copied */
        size_t output_max;
};

/* Runs a program in a process group of its own, with none of our descriptors but the three. Only when it has ended is
 * on_end called, and then the program is freed. 0 and *ret, or a negative errno when it could not be started. */
MUST_USE int loop_program_new(struct loop *loop, const struct loop_program_start *start,
                              void (*on_end)(void *context, const struct loop_program_end *end), void *context,
                              struct loop_program **ret);
/* Kills the whole group: nothing of it runs any more when this returns. on_end is not called any more. */
struct loop_program *loop_program_free(struct loop_program *program);
