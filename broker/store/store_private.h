/* What the files of the store share. */
#pragma once

#include "broker/store/engine.h"
#include "broker/store/journal.h"
#include "broker/store/overlay.h"
#include "broker/store/store.h"
#include "broker/store/values.h"

struct store {
        struct engine *engine;
        struct values_meta meta; /* its tallies are of what is in the engine */
        uint64_t first_seq;
        struct buffer scratch;
        struct journal journal;
        struct buffer image; /* the journal's records, as they are in its file */
        struct overlay overlay; /* of the image's values */
        struct store_counts counts;
};

/* As store_open(), with a journal of that size: tests have small ones. */
MUST_USE int store_open_sized(const char *uri, const struct journal_sizes *sizes, struct store **ret, char **ret_error);

/* Puts a value, cut into pieces, where there is none. Within a transaction, as the next two. */
MUST_USE int store_put(struct store *store, enum engine_table table, uint64_t seq, struct bytes value);
MUST_USE int store_drop(struct store *store, enum engine_table table, uint64_t seq);
MUST_USE int store_write_meta(struct store *store);
/* The longest value whose pieces can be numbered. */
#define STORE_VALUE_BYTES_MAX ((size_t)ENGINE_PIECE * (UINT16_MAX + 1))

/* Every value of a table in the engine, each joined and checked. *ret_found is what was there. */
MUST_USE int store_scan(struct store *store, enum engine_table table,
                        int (*whole)(void *context, uint64_t seq, struct bytes payload), void *context,
                        struct values_tally *ret_found, char **ret_error);
/* What follows the head of one value, wherever it is: in `memory`, or in the image. As store_read_answer(). */
MUST_USE int store_read_value(struct store *store, enum engine_table table, uint64_t seq, struct buffer *memory,
                              struct bytes *ret_payload);

/* Numbers from `highest` down are in use: keeps the reservation ahead of them. */
void store_reserve(struct store *store, uint64_t highest);
/* Why a checkpoint came to nothing: ids that are damaged are named, for they are the values that it reads. The caller
 * frees it. */
char *store_explain(struct store *store, int error);
enum store_stay { STORE_STAYS, STORE_ENDS };
/* What the overlay holds goes to the engine, in one transaction, and the journal begins anew; where the store ends,
 * the engine's head says that nothing is in it. After a negative errno all is as it was. */
MUST_USE int store_checkpoint(struct store *store, enum store_stay stay);
