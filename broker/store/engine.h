/* What a store stands on: six ordered tables of small values, and a transaction over them. LMDB is one, memory its
 * sibling, which proves that the seam is real. LMDB's transaction may be in one thread while reads are in another, from
 * the second commit on. A key is a sequence number and a piece: values longer than ENGINE_PIECE
 * are cut, because LMDB puts longer ones on runs of adjacent pages, which a fragmented file takes minutes to find. */
#pragma once

#include "common/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum engine_table {
        ENGINE_META,
        ENGINE_MESSAGES,
        ENGINE_BATCHES,
        ENGINE_ANSWERS,
        ENGINE_SEEN,
        ENGINE_NOTES,
        ENGINE_N_TABLES
};

enum { ENGINE_PIECE = 1900 };

struct engine_key {
        uint64_t seq;
        uint16_t piece;
};

struct engine;

/* All in bytes. */
struct engine_usage {
        uint64_t data; /* in use by values, and by what finds them */
        uint64_t reusable; /* in the file, but not in use: written again before the file grows */
        uint64_t disk_free; /* of the file system; UINT64_MAX without one */
};

struct engine_ops {
        const char *kind;
        void (*close)(struct engine *engine);
        /* One write transaction at a time; nothing is visible to reads, or durable, before commit. */
        int (*begin)(struct engine *engine);
        int (*put)(struct engine *engine, enum engine_table table, struct engine_key key, struct bytes value);
        /* All pieces of the values from `first` to `last`; none is no error. `gone` is told of each, in the order of
         * their keys, before it goes. -EBADMSG: what was found is not in order. */
        int (*remove)(struct engine *engine, enum engine_table table, uint64_t first, uint64_t last,
                      void (*gone)(void *context, struct engine_key key, struct bytes piece), void *context);
        int (*commit)(struct engine *engine);
        void (*abort)(struct engine *engine);
        /* Calls `visit` for each value from `from` on, in order of keys, until it answers other than 0, which is
         * returned. */
        int (*scan)(struct engine *engine, enum engine_table table, uint64_t from,
                    int (*visit)(void *context, struct engine_key key, struct bytes value), void *context);
        /* Ends the snapshot that scans read. */
        void (*release)(struct engine *engine);
        uint64_t (*bytes)(const struct engine *engine);
        /* Commits are numbered without a gap. The number of the one that is being made; when none is, of the last one
         * before the engine was opened, 0 = it was new. */
        uint64_t (*number)(const struct engine *engine);
        /* The database got to that commit and the journal to that record: noted beside them, see mark.h. A negative
         * errno when the first could not be noted. And to which record it got before the engine was opened. NULL: an
         * engine without a disk. */
        int (*mark)(struct engine *engine, uint64_t commit, uint64_t journal);
        uint64_t (*marked)(const struct engine *engine);
        /* Zero for what cannot be known. NULL: an engine without a disk. */
        int (*usage)(struct engine *engine, struct engine_usage *ret);
};

struct engine {
        const struct engine_ops *ops;
};

MUST_USE int engine_lmdb_open(const char *folder, struct engine **ret, char **ret_error);
struct engine *engine_memory_open(void);
