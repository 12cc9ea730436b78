/* A job beside the loop: one at a time, in a thread of its own, which has no signals and ends with the helper. What the
 * job touches belongs to it from beside_begin() until beside_is_done() has said so, or beside_wait() has answered.
 *
 * Where everything is to happen in the same order each time (simulations), or no thread can be had, the job is done
 * late, by the caller's own thread: when it is waited for, or at the BESIDE_LATE-th question whether it is done. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>

enum beside_kind { BESIDE_THREAD, BESIDE_LATER };
enum { BESIDE_LATE = 3 };

struct beside;

struct beside *beside_new(enum beside_kind kind);
/* Waits for the job under way. NULL is none. */
struct beside *beside_free(struct beside *beside);
/* There must be no other job. */
void beside_begin(struct beside *beside, void (*job)(void *context), void *context);
/* Is no job under way (any more)? */
bool beside_is_done(struct beside *beside);
/* Until it is done. */
void beside_wait(struct beside *beside);
