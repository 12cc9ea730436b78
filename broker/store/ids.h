/* The ids of messages on their way to the engine, many to a value: each value costs a tree as much, however short it
 * is, and ids come and go in the order of their sequence numbers. Within a write transaction.
 *
 * One value at a time is under way; it is taken out of the engine where that may have it, and put when an id of another
 * is next. What is in the values of the engine is checked on the way: -EBADMSG where one is damaged. Then, as after any
 * other negative errno, the transaction must be aborted. */
#pragma once

#include "broker/store/engine.h"
#include "broker/store/values.h"

struct ids {
        struct engine *engine;
        struct values_tally *tally; /* of ENGINE_SEEN: kept up to date */
        struct buffer *scratch;
        uint64_t fresh_from; /* the engine has no value under a key from it on */
        bool is_open; /* is there one under way? */
        int damage;
        struct values_ids values;
};

/* Takes the place of the one under the same number. */
MUST_USE int ids_put(struct ids *ids, const struct stored_seen *seen);
/* None under that number is no error. */
MUST_USE int ids_drop(struct ids *ids, uint64_t seq);
/* The value under way, too: after the last id. */
MUST_USE int ids_flush(struct ids *ids);
