/* A disk under the real LMDB, in one process.
 *
 * In a program that links it the system calls that write (open, pwrite, fdatasync, ...) pass through here, those of
 * liblmdb too. Files below one folder are treated, all others are left alone. The real file, best on a tmpfs, stays
 * what the process sees: its page cache. Beside it, disk.c keeps what the platter has for certain, and what was written
 * since the last sync:
 *
 *   - after a loss of power each sector of 512 bytes that was not synced is there or not, whichever way the dice fall,
 *     and the file has its old length or its new one
 *   - a write to a descriptor with O_DSYNC syncs the sectors it touches, and nothing else
 *   - a file or folder that was made may be gone, until its parent folder is synced
 *   - after a sync that failed each sector is on the platter or not, and no later sync makes up for it
 *
 * Not treated: writing through a mapping, unlink (durable at once), rename, making a file shorter (refused). One
 * disk at a time, no threads. Asks no clock and no chance but the dice it is given. */
#pragma once

#include "common/bytes.h"

#include <stdint.h>

/* Treats what is below `folder` (absolute, there, without a trailing slash) from now on; what is in it is durable.
 * `seed` decides what a failed sync leaves behind. */
void disk_open(const char *folder, uint64_t seed);
/* Leaves the files as they are. */
void disk_close(void);

/* -- loss of power ------------------------------------------------------------------------------------------------- */

/* Which of the unsynced sectors are lost. */
enum disk_loss {
        DISK_LOSE_ALL,
        DISK_LOSE_NONE, /* kill -9, or luck */
        DISK_LOSE_LATER, /* the first few writes are there, whole */
        DISK_LOSE_ONE, /* all writes but one */
        DISK_TEAR, /* the first few writes, the last of them torn in the middle */
        DISK_LOSE_ANY, /* each sector by itself */
        DISK_N_LOSSES,
        DISK_LOSE_UNCHOSEN, /* the nth sector, unless bit n of `victim` is set: to try all combinations */
};

/* Rewrites the files to what a platter could have now. The caller has closed them all (the store) before. */
void disk_power_loss(enum disk_loss loss, uint64_t dice);

/* -- faults -------------------------------------------------------------------------------------------------------- */

/* Only so many more bytes can be allocated: then a write that makes a file larger, or fills a hole, is cut short or
 * fails with ENOSPC. Overwriting goes on, as on tmpfs and ext4. */
void disk_fill(uint64_t bytes);
/* There is room again. */
void disk_drain(void);

enum disk_call {
        DISK_WRITE, /* pwrite and its like */
        DISK_SYNC, /* fsync, fdatasync, and what a write with O_DSYNC does after writing */
        DISK_N_CALLS,
};

/* The nth such call from now on (1 is the next) fails once with `error`; n = 0 takes it back. */
void disk_fail_nth(enum disk_call call, uint64_t n, int error);

struct disk_counts {
        uint64_t writes, syncs, bytes; /* calls that were made, failed ones too; bytes that were written */
        uint64_t n_failed; /* calls that were made to fail, by disk_fill() too */
};

struct disk_counts disk_counts(void);

/* -- recording ----------------------------------------------------------------------------------------------------- */

enum disk_entry_type {
        DISK_ENTRY_WRITE,
        DISK_ENTRY_SYNC, /* of all writes before */
        DISK_ENTRY_SYNC_SECTORS /* of these sectors alone */
};

struct disk_entry {
        enum disk_entry_type type;
        uint32_t file; /* whose: into the log's names */
        uint64_t offset; /* of whole sectors, with what was around what was written */
        size_t len; /* may be 0: the file only became longer */
        size_t at; /* WRITE: into the log's bytes */
        uint64_t file_len; /* after it */
};

enum { DISK_LOG_FILES = 4 };

/* What became of some files, from when they were empty: see disk_file.h for what can be built from it. */
struct disk_log {
        const char *names[DISK_LOG_FILES]; /* without their folder */
        struct disk_entry *entries;
        size_t n, cap;
        struct buffer bytes;
};

void disk_log_done(struct disk_log *log);
/* Appends to `log` from now on, until the disk is closed or this is called with NULL. */
void disk_record(struct disk_log *log);
