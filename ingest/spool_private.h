/* What the files of a spool share: spool.c (opening and reading), spool_write.c. */
#pragma once

#include "ingest/spool.h"
#include "ingest/spool_place.h"

#include <lmdb.h>

/* Values longer than a piece would lie on runs of adjacent pages, which a fragmented file takes long to find. */
enum { KEY_LEN = 18, PIECE = 1900, PIECES_MAX = UINT16_MAX };

/* How many records there are, and the sum of their checksums: of all that are in the database. */
struct tally {
        uint64_t n, sum;
};

struct spool {
        struct spool_place place;
        uint32_t slot;
        MDB_env *env;
        MDB_dbi records;
        MDB_txn *txn; /* that is being written */
        struct tally tally, tally_before;
        int error; /* of what is being written */
        struct buffer record; /* the pieces of one, joined */
};

/* The tally lies behind all records, under a key that none has. */
enum { TALLY_KEY_LEN = KEY_LEN + 1 };
extern const uint8_t spool_tally_key[TALLY_KEY_LEN];

/* LMDB's error as a negative errno: -ENOSPC for want of room, -ENOTRECOVERABLE when it must be opened anew. */
int spool_errno(int error);
/* Writes the KEY_LEN bytes that a piece of a record lies under. */
void spool_key_encode(struct spool_key key, uint16_t piece, uint8_t *bytes);
