/* The journal: the file FOLDER/journal, where a commit becomes durable with one write and one flush, into blocks that
 * were written beforehand. What is in it goes to the database at a checkpoint (checkpoint.c); then it begins anew at
 * its first byte. Records bear ascending numbers: what lies behind the last one is older, and is not read.
 *
 * It is read once, at the start. A record that is not valid ends it, unless a later one follows: then, or where the
 * mark (mark.h) knows of a later one, it is damaged.
 *
 * Where its file cannot be made, or while its disk is short, there is no journal (its size is 0), and each commit goes
 * to the database. The journal of a store in memory has no file, and is as large as it may be. */
#pragma once

#include "broker/store/direct.h"
#include "common/bytes.h"

struct journal_sizes {
        uint64_t first, most; /* bytes: at first, and as far as it grows; multiples of RECORD_ALIGN */
};

struct journal {
        int fd; /* -1 = no file */
        struct direct direct; /* that records are written through, where the file system can */
        struct journal_sizes sizes;
        uint64_t size; /* bytes that records may take */
        uint64_t last, tried; /* records' numbers: of the last one that is durable, of the last that was tried */
        bool cannot_grow;
};

void journal_init(struct journal *journal, const struct journal_sizes *sizes);
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
/* The number that the next record bears. */
static inline uint64_t journal_next(const struct journal *journal) { return journal->last + 1; }
/* Writes the record at `at`, durably. After a negative errno the next try is to be at the same place, or a checkpoint
 * is to come first. */
MUST_USE int journal_append(struct journal *journal, uint64_t at, struct bytes record);
/* No record that was tried may be taken for a new one: a checkpoint goes on behind them all. */
void journal_begin_anew(struct journal *journal);
