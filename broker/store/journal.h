/* A file of the journal. A commit becomes durable with one write and one flush, into blocks that were written
 * beforehand. There are two files, used by turns: what is in the one goes to the database at a checkpoint
 * (checkpoint.c) while commits go into the other. Then it begins anew at its first byte.
 *
 * Where a file cannot be made, or while its disk is short, it has no room (its size is 0); where neither has, each
 * commit goes to the database. The journal of a store in memory has no files, and is as large as it may be. */
#pragma once

#include "broker/store/direct.h"
#include "common/bytes.h"

struct journal_sizes {
        uint64_t first, most; /* bytes: at first, and as far as it grows; multiples of RECORD_ALIGN */
};

struct journal {
        const char *name; /* of its file in the store's folder */
        int fd; /* -1 = no file */
        struct direct direct; /* that records are written through, where the file system can */
        struct journal_sizes sizes;
        uint64_t size; /* bytes that records may take */
        bool cannot_grow;
};

void journal_init(struct journal *journal, const char *name, const struct journal_sizes *sizes);
void journal_done(struct journal *journal);
/* Opens the file, if it is there, and appends its content to `ret`. 0, or a negative errno and *ret_error. */
MUST_USE int journal_open(struct journal *journal, const char *folder, struct buffer *ret, char **ret_error);
/* Makes the file, or completes it: what is not to be had (no room, no permission) leaves the journal as it is. A
 * negative errno: the disk is broken. */
MUST_USE int journal_make(struct journal *journal, const char *folder);
enum { JOURNAL_GROWN = 1 };

/* Doubles it, while it may grow and its disk has plenty of room. JOURNAL_GROWN, or the same answers. */
MUST_USE int journal_grow(struct journal *journal);
/* Is there room for a record of that length at `at`? */
static inline bool journal_has_room(const struct journal *journal, uint64_t at, size_t len) {
        return at + len <= journal->size;
}
/* What its file takes of the disk. */
static inline uint64_t journal_bytes(const struct journal *journal) { return journal->fd >= 0 ? journal->size : 0; }
/* Writes the record at `at`, durably. After a negative errno the next try is to be at the same place, or a checkpoint
 * is to come first. */
MUST_USE int journal_append(struct journal *journal, uint64_t at, struct bytes record);
/* The kernel is to keep nothing of it. */
void journal_forget(const struct journal *journal);
