/* Questions that do something to a thread: hold, resume, flush, cancel. The core is stepped when the question comes in,
 * the answer is made after the commit of that turn. And the listing of holds. */
#pragma once

#include "broker/loop.h"
#include "common/json.h"

/* What came of a verb. */
struct verb_change {
        const char *done; /* the key of its answer: "held", "resumed", ... */
        const char *code, *why; /* NULL, or why it was not even tried */
        int result; /* see struct core_verb */
        uint32_t n_messages; /* cancelled */
        struct wall until; /* held; 0 = without end */
};

/* If the question is a verb: steps the core, and notes in *change what came of it. Else false. */
bool verb_step(struct verb_change *change, const json_t *question, struct loop *loop);
/* Both return what the caller owns. */
json_t *answer_verb(const struct verb_change *change);
json_t *answer_holds(struct loop *loop, const char *tenant, uint32_t limit);
