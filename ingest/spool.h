/* One spool: a folder with an LMDB database of records. The ingest's one door to LMDB.
 *
 * What commit() answered 0 to survives kill -9 and a loss of power. Beside the database lies `lock`: who holds the
 * spool has locked it, and up to which commit it got stands in it; LMDB falls back to the commit before the last when
 * its newest head is damaged, and nothing inside the database would tell. Every record has its checksum, and the
 * database knows how many there are and what they add up to. */
#pragma once

#include "common/cleanup.h"
#include "ingest/core/spool_record.h"

struct spool;

/* Called for each record that is there, in the order of keys; an answer other than 0 ends it, and is returned. */
struct spool_visit {
        int (*visit)(void *context, struct spool_key key, struct bytes record);
        void *context;
};

enum {
        SPOOL_HELD = 1, /* another process has it */
        SPOOL_DAMAGED = 2, /* what is in it is not what was written */
};

/* Takes the spool of `folder`, which is made if need be: it is locked until spool_free(). `slot` is its number. 0 and
 * *ret; SPOOL_HELD; a negative errno. */
MUST_USE int spool_new(const char *folder, uint32_t slot, struct spool **ret);
struct spool *spool_free(struct spool *spool);
static inline void spool_cleanup(struct spool **spool) { spool_free(*spool); }
#define CLEANUP_SPOOL CLEANUP(spool_cleanup)

/* Opens the database, or makes it. 0; a negative errno; SPOOL_DAMAGED and *ret_error (the caller frees), which says
 * where. */
MUST_USE int spool_open(struct spool *spool, char **ret_error);
/* Opens one that was set aside, as it is, to look for what is whole in it. 0; a negative errno. */
MUST_USE int spool_open_aside(struct spool *spool);
/* Visits and checks every record, that none is missing, and what LMDB knows of free pages. The answers of spool_open(),
 * and those of `visit`. LMDB may end the process over what is damaged: see spool_child.h. */
MUST_USE int spool_scan(struct spool *spool, const struct spool_visit *visit, char **ret_error);
/* Visits what is whole from `from` on, whatever else is found, until `visit` answers other than 0. The same goes for
 * it. */
void spool_rescue(struct spool *spool, struct spool_key from, const struct spool_visit *visit);
/* Moves the database, closed or open, to `folder`, which is made; the spool is then empty, and closed. 0; a negative
 * errno. */
MUST_USE int spool_set_aside(struct spool *spool, const char *folder);
/* Ends with the database, which must be empty: what is left of the spool is a lock that is free. */
void spool_discard(struct spool *spool);
/* Closes the database; it can be opened again. */
void spool_close(struct spool *spool);

/* Both are part of the next commit; an error shows there. */
void spool_put(struct spool *spool, struct spool_key key, struct bytes record);
void spool_remove(struct spool *spool, struct spool_key key);
/* 0; a negative errno, and nothing has changed: -ENOSPC for want of room. */
MUST_USE int spool_commit(struct spool *spool);
/* The records of a lane from `from` on, in order; as spool_scan(), without the sums. */
MUST_USE int spool_read(struct spool *spool, struct spool_key from, const struct spool_visit *visit);
