/* What the files of the store share. */
#pragma once

#include "broker/store/beside.h"
#include "broker/store/engine.h"
#include "broker/store/journal.h"
#include "broker/store/overlay.h"
#include "broker/store/store.h"
#include "broker/store/values.h"

/* One of the journal's two files, and what the database does not have of it. */
struct volume {
        struct journal journal;
        struct buffer image; /* its records, as they are in the file */
        struct overlay overlay; /* of the image's values */
        uint64_t last; /* the number of its last record; good once commits go into the other one */
        size_t end; /* where its records end: while the store is opened */
};

enum checkpoint_why {
        CHECKPOINT_FULL, /* its file has no more room, and may grow */
        CHECKPOINT_SETTLES,
        CHECKPOINT_OPENS, /* what follows it was read back, and may not be durable */
        CHECKPOINT_ENDS, /* the store is to be whole without its journal */
};

/* A volume on its way to the database. Until it is there it stays as it is; what the helper may touch meanwhile is
 * this, the volume, and the engine's write transaction. */
struct checkpoint {
        struct engine *engine;
        struct volume *volume; /* NULL = none is under way */
        enum checkpoint_why why;
        bool is_begun; /* the helper has it */
        size_t again_from; /* after a try that found no room: not before the other volume is as long */
        struct values_meta meta; /* the head that it is to have */
        struct buffer scratch;
        int result; /* of the helper: 0, or a negative errno: all is as it was */
        struct journal journal; /* the volume's, and how it came to grow: as journal_grow() */
        int growth;
};

struct store {
        struct engine *engine;
        struct values_meta meta; /* the engine's; `reserved_seq` goes ahead of it */
        uint64_t first_seq;
        struct buffer scratch;
        struct volume volumes[VALUES_JOURNALS];
        struct volume *young; /* that commits go into */
        uint64_t last, tried; /* records' numbers: of the last one that is durable, of the last that was tried */
        struct checkpoint checkpoint; /* of the other volume */
        struct beside *beside;
        struct store_counts counts;
};

/* As store_open(), with a journal of that size, and a helper of that kind: tests have small ones that do all in the
 * same order. */
struct store_form {
        struct journal_sizes sizes;
        enum beside_kind kind;
};

MUST_USE int store_open_formed(const char *uri, const struct store_form *form, struct store **ret, char **ret_error);

/* The longest value whose pieces can be numbered. */
#define STORE_VALUE_BYTES_MAX ((size_t)ENGINE_PIECE * (UINT16_MAX + 1))

/* Counts a value. */
void store_tally(struct values_tally *tally, struct bytes value);
/* Every value of a table in the engine, each joined and checked. *ret_found is what was there. */
MUST_USE int store_scan(struct store *store, enum engine_table table,
                        int (*whole)(void *context, uint64_t seq, struct bytes payload), void *context,
                        struct values_tally *ret_found, char **ret_error);
/* What follows the head of one value, wherever it is: in `memory`, or in an image. As store_read_answer(). */
MUST_USE int store_read_value(struct store *store, enum engine_table table, uint64_t seq, struct buffer *memory,
                              struct bytes *ret_payload);

/* Numbers from `highest` down are in use: keeps the reservation ahead of them. */
void store_reserve(struct store *store, uint64_t highest);
/* Why a checkpoint came to nothing: ids that are damaged are named, for they are the values that it reads. The caller
 * frees it. */
char *store_explain(struct store *store, int error);

/* -- checkpoints (checkpoint.c) ------------------------------------------------------------------------------------ */

/* The other volume; there is no checkpoint under way. */
struct volume *store_other(struct store *store);
/* Commits go into the other volume from now on, and this one is to go to the database; none may be under way. */
void store_turn_over(struct store *store, enum checkpoint_why why);
/* Looks after the checkpoint under way, if there is one: begins it, ends it, tries it again later where it found no
 * room. A negative errno: it failed for another reason, and what was to go to the database is still to. */
MUST_USE int store_tend(struct store *store);
/* The same, until none is under way; that there is no room is an error here. */
MUST_USE int store_finish(struct store *store);
/* All that there is goes to the database, in one transaction for each volume. Where the store ends, the last one's head
 * says that nothing is in the journal. After a negative errno all is as it was, or the older volume is there. */
MUST_USE int store_checkpoint(struct store *store, enum checkpoint_why why);
