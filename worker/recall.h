/* What is remembered of threads, in Redis: their last turns, and what a provider calls their conversation. Keys and
 * values are common/PROTOCOL.md, section 5.
 *
 * Nothing here is needed to be right: all of it ends with its time to live, and a Redis that starts empty has
 * forgotten it. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"
#include "worker/core/recall_turns.h"
#include "worker/redis.h"

struct recall;
struct recall_request;

/* `redis` must outlive it. */
struct recall *recall_new(struct redis *redis);
struct recall *recall_free(struct recall *recall);

/* What each question has in common: its on_... is called once, later; then the request is freed. NULL when there is no
 * connection to Redis: then nothing is called, and the answer is that it is not known. */

/* Stop waiting; on_... is not called any more. */
struct recall_request *recall_request_free(struct recall_request *request);

/* -- the history --------------------------------------------------------------------------------------------------- */

/* The last turns of a thread, `turns_max` at most, the oldest first; they are valid until on_turns returns. None and
 * !is_known when Redis could not say. */
MUST_USE struct recall_request *
recall_history(struct recall *recall, const char *tenant, const char *thread, uint32_t turns_max,
               void (*on_turns)(void *context, const struct recall_turn *turns, size_t n, bool is_known),
               void *context);
/* Adds the turn of a batch; a second time changes nothing. The newest `turns_max` are kept, of LIMIT_HISTORY_BYTES
 * together, each text cut to LIMIT_HISTORY_TEXT_BYTES, until nothing was added for `ttl`. Nobody waits. */
void recall_push(struct recall *recall, const char *tenant, const char *thread, const char *batch,
                 const struct recall_turn *turn, uint32_t turns_max, struct span ttl);

/* -- the conversation ---------------------------------------------------------------------------------------------- */

enum recall_found {
        RECALL_FOUND,
        RECALL_NONE, /* there is none */
        RECALL_UNKNOWN, /* Redis could not say */
};

/* What the provider calls the thread's conversation. It is remembered for `ttl` from now. `id` is valid until on_found
 * returns, and empty unless RECALL_FOUND. */
MUST_USE struct recall_request *
recall_conversation(struct recall *recall, const char *tenant, const char *thread, struct span ttl,
                    void (*on_found)(void *context, enum recall_found found, struct bytes id), void *context);
/* Remembers `id` for `ttl`, unless there is one already: on_found is given the one in force, as RECALL_FOUND, or
 * RECALL_UNKNOWN. */
MUST_USE struct recall_request *
recall_keep_conversation(struct recall *recall, const char *tenant, const char *thread, struct bytes id,
                         struct span ttl, void (*on_found)(void *context, enum recall_found found, struct bytes id),
                         void *context);
/* Forgets it, if it is this one: the provider does not know it any more. Nobody waits. */
void recall_forget_conversation(struct recall *recall, const char *tenant, const char *thread, struct bytes id);
