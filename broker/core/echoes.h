/* Echoes: replies of ours that a platform shows us as somebody's. Where it does not say whose a message is, its text
 * tells: a reply that was handed over for the thread lately is no person's. Each is used up by its echo: what says the
 * same later is somebody's.
 *
 * A ring of hashes, in memory only: at most LIMIT_ECHOES of them, each for LIMIT_ECHO_S by the steady clock. The echo
 * itself may come twice within LIMIT_ECHO_AGAIN_S. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include "broker/core/table.h"

struct core;

struct echo {
        uint64_t hash; /* of tenant, thread and text */
        struct mono at;
        struct mono used; /* when its echo came; MONO_NEVER: it has not */
};

/* { 0 } is empty. */
struct echoes {
        struct echo *ring;
        uint32_t first, n, cap; /* cap is a power of two */
        struct table table; /* hash to place in the ring */
};

void echoes_done(struct echoes *echoes);
/* The replies of an answer from number `first` on, which may be seen in the thread's channel from now on. `is_again`:
 * they are expected already, and what was not seen yet is expected once, not twice. */
void echoes_push(struct core *core, struct now now, uint32_t tenant, struct bytes thread, struct bytes answer,
                 uint32_t first, bool is_again);
/* Is the text one of those? Then that one is used up. White space around it does not count. */
bool echoes_take(struct core *core, struct now now, uint32_t tenant, struct bytes thread, struct bytes text);
