/* What the platter has of one file, and what it may have: the sectors written since the last sync. Pure. */
#pragma once

#include "tests/sim/disk.h"

enum { DISK_SECTOR = 512 };

/* One sector of an unsynced write; its bytes are in the file's `bytes`, in the same order. */
struct disk_sector {
        uint64_t offset;
        uint32_t write; /* the nth since the last sync */
        bool is_synced; /* by an O_DSYNC write over it */
};

struct disk_file {
        struct buffer platter; /* up to the durable length */
        uint64_t len; /* as the process sees it */
        struct disk_sector *sectors;
        size_t n_sectors, sectors_cap;
        struct buffer bytes;
        uint64_t *lens; /* the file's length after each unsynced write */
        uint32_t n_writes, lens_cap;
};

void disk_file_done(struct disk_file *file);
/* Takes what is in it as durable. */
void disk_file_start(struct disk_file *file, struct bytes content);
/* Whole sectors, as they are after the write; `len` is the file's length after it. */
void disk_file_write(struct disk_file *file, uint64_t offset, struct bytes sectors, uint64_t len);
void disk_file_sync(struct disk_file *file);
/* Only these sectors, and the length up to their end. */
void disk_file_sync_sectors(struct disk_file *file, uint64_t offset, size_t len);
/* What the platter could have now. `victim` is the write that the loss is about: the first that is lost (LATER), the
 * lost one (ONE), the torn one (TEAR); or the chosen sectors (UNCHOSEN). */
void disk_file_lose(const struct disk_file *file, enum disk_loss loss, uint32_t victim, uint64_t *dice,
                    struct buffer *ret);

/* Makes the file at `path` have this content; touches only the pages that differ. */
void disk_file_store(const char *path, struct bytes content);

/* A number below n. */
uint32_t disk_roll(uint64_t *dice, uint32_t n);
