/* What lies in the spools, as far as it decides what is sent next: tenants, each with its records in order. Pure; the
 * records themselves lie in a store.
 *
 * A tenant's records are sent in the order in which they came: lane by lane, the oldest first, whichever spool it
 * lies in. What comes after a spool was taken over from another process goes behind what that holds. Tenants take
 * turns: a frame has something of each that does not wait for room. A tenant that the broker has no room for waits
 * LIMIT_SPOOL_PAUSE_MS by itself. A tenant takes some 200 bytes, a record none; what comes in is of LIMIT_SPOOL_TENANTS
 * at most. */
#pragma once

#include "common/time.h"
#include "ingest/core/spool_record.h"

struct spool_queue;

/* `own` is the spool that takes what comes in; others are found. */
struct spool_queue *spool_queue_new(uint32_t own);
struct spool_queue *spool_queue_free(struct spool_queue *queue);

/* What a record counts for, of an item of so many bytes: with what finds it in the store. */
uint32_t spool_queue_cost(size_t item_len);

/* -- records in ---------------------------------------------------------------------------------------------------- */

/* A record that was found on opening a spool, in the order of keys. 0; -EBADMSG when its lane is another tenant's. */
MUST_USE int spool_queue_on_found(struct spool_queue *queue, struct spool_key key, struct bytes tenant, uint32_t cost);
/* The key of the tenant's next record in our own spool; a key is never given twice. 0; 1 when there are too many
 * tenants. */
MUST_USE int spool_queue_key(struct spool_queue *queue, struct bytes tenant, struct wall now, struct spool_key *ret);
/* Keys were given of which no record came. */
void spool_queue_forget_keys(struct spool_queue *queue);
/* A record lies in the store under a key of spool_queue_key(); the records of a tenant come in the order of their keys.
 */
void spool_queue_push(struct spool_queue *queue, struct spool_key key, struct bytes tenant, uint32_t cost);

/* -- frames out ---------------------------------------------------------------------------------------------------- */

/* What became of an item of the frame. */
enum spool_fate {
        SPOOL_TAKEN, /* by the broker */
        SPOOL_KEPT, /* for later: there was no room */
        SPOOL_REFUSED, /* for good */
};

struct spool_lane;

struct spool_sent {
        struct spool_lane *lane; /* for the queue only */
        struct spool_key key;
        uint32_t cost;
        enum spool_fate fate;
};

/* Begins a frame; the one before must be settled. */
void spool_queue_begin(struct spool_queue *queue, struct mono now);
/* The next tenant in turn with something to send: the records from `ret` on, at most *ret_n of them, are to be added in
 * order. False when there is none, or the frame is full. */
MUST_USE bool spool_queue_next(struct spool_queue *queue, struct spool_key *ret, uint32_t *ret_n);
/* A record of the tenant that spool_queue_next() has named. */
void spool_queue_add(struct spool_queue *queue, struct spool_key key, uint32_t cost);
/* What is in the frame, in its order. Its fate is the caller's to note: SPOOL_TAKEN is what it begins with. */
struct spool_sent *spool_queue_sent(struct spool_queue *queue, uint32_t *ret_n);
/* Each has its fate now. What is not kept is gone from here; a tenant of which something is kept waits until `until`.
 * */
void spool_queue_settle(struct spool_queue *queue, struct mono until);
/* No word came of the frame: it is as if it had never been begun. */
void spool_queue_give_up(struct spool_queue *queue);

/* -- what there is ------------------------------------------------------------------------------------------------- */

uint64_t spool_queue_count(const struct spool_queue *queue);
uint64_t spool_queue_bytes(const struct spool_queue *queue);
/* Of one spool. */
uint64_t spool_queue_slot_count(const struct spool_queue *queue, uint32_t slot);
uint64_t spool_queue_slot_bytes(const struct spool_queue *queue, uint32_t slot);
/* What a tenant has in all spools, and whether it waits for room. */
uint64_t spool_queue_tenant_bytes(const struct spool_queue *queue, struct bytes tenant, bool *ret_is_waiting);
/* Does any tenant? */
bool spool_queue_is_waiting(const struct spool_queue *queue);
/* When there is something to send, as far as time alone decides it: long ago, or when a tenant has waited. */
struct mono spool_queue_due(const struct spool_queue *queue);
