/* The store: what was acknowledged, on disk.
 *
 * It holds messages, the records of batches that have a history, answers not yet posted, the ids of messages accepted
 * lately, and notes (holds, settings, workers), each under a sequence number. Bodies stay here; memory holds the index
 * (broker/core). A commit is all or nothing, and durable when it returns 0. Every value carries a checksum; a damaged
 * one is named, never skipped.
 *
 * A commit goes into the journal (journal.h), which has two files: one write, one flush. When one of them is full,
 * commits go on in the other, and a thread brings what is still there of the first to the database (checkpoint.c); most
 * of it never gets there. An overlay of each file (overlay.h) knows meanwhile what the database does not, and reads ask
 * those first.
 *
 * Errors are negative errnos. After a failed commit nothing may go on as if it had not happened: it is tried again, if
 * all it lacked was room on the disk, or the process ends, and the next one finds what is on disk. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/stored.h"

struct store;

/* Opens or makes the store `uri` names: "lmdb:FOLDER" or "memory:" (nothing survives; for tests). Its epoch grows,
 * durably. 0, or a negative errno and *ret_error (the caller frees), which says what to do. */
MUST_USE int store_open(const char *uri, struct store **ret, char **ret_error);
/* As it is: the next start finds what is in the journal. */
struct store *store_close(struct store *store);
static inline void store_cleanup(struct store **store) { store_close(*store); }
#define CLEANUP_STORE CLEANUP(store_cleanup)

struct store_head {
        uint32_t epoch;
        uint64_t salt;
        uint64_t first_seq; /* above every sequence number ever used */
};

struct store_head store_head(const struct store *store);

/* Told of everything in the store, each kind in the order of its keys: notes, batches, messages, ids. What they get
 * lives only for the call. */
struct store_visitor {
        void (*batch)(void *context, const struct stored_batch *batch);
        void (*message)(void *context, const struct stored_message *message);
        void (*seen)(void *context, const struct stored_seen *seen);
        void *context;
        void (*note)(void *context, const struct stored_note *note);
        void (*answer)(void *context, uint64_t seq, struct bytes answer); /* last of all; may be NULL, as note may */
};

/* -EBADMSG and *ret_error when a value is damaged. */
MUST_USE int store_load(struct store *store, const struct store_visitor *visitor, char **ret_error);
MUST_USE int store_commit(struct store *store, const struct change *changes, size_t n);

/* Everything goes to the database. A negative errno as of store_commit(), but nothing depends on it: what was not
 * brought there is in the journal. */
MUST_USE int store_settle(struct store *store);
/* The same, and the database is whole without the journal: the last thing before a close in good order. */
MUST_USE int store_end(struct store *store);

/* Reads go to a snapshot that stands until store_release(); it pins disk pages, so release it within the turn. */
/* 0, -ENOENT, or -EBADMSG (damaged). *ret's slices point into `memory`, to which its bytes are appended, or into the
 * journal's image: they are good until the next append to the one, and the next commit. */
MUST_USE int store_read_message(struct store *store, uint64_t seq, struct buffer *memory, struct stored_message *ret);
/* Appends the message to `run` as a RUN bears it. The same answers; `memory` is for what is read on the way. */
MUST_USE int store_read_run_message(struct store *store, uint64_t seq, struct buffer *memory, struct buffer *run);
MUST_USE int store_read_answer(struct store *store, uint64_t seq, struct buffer *memory, struct bytes *ret);
void store_release(struct store *store);

struct store_usage {
        uint64_t data_bytes; /* in use */
        uint64_t reusable_bytes; /* in the file, but free again: it does not grow before they are used */
        uint64_t disk_free_bytes; /* of the file system; UINT64_MAX for a store without a disk */
        uint64_t journal_bytes; /* that the journal takes beside it */
};

/* Not while reads are under way. What was put since the last checkpoint counts as if it were in the database; what was
 * deleted since then counts on, until store_settle(). */
MUST_USE int store_usage(struct store *store, struct store_usage *ret);
/* After a failed commit: was it for lack of room? Then the store is as it was before, and the same changes can be
 * committed once there is room. After any other error the process must end. */
bool store_is_lack_of_room(struct store *store, int error);

/* What happened since the store was opened. */
struct store_counts {
        uint64_t n_records; /* commits that went into the journal */
        uint64_t n_replayed; /* records that the journal had when it was opened */
        uint64_t n_checkpoints; /* times that the database took what the journal held */
        uint64_t n_grown; /* times that the journal grew */
};

struct store_counts store_counts(const struct store *store);

const char *store_kind(const struct store *store);
/* Of its files. */
uint64_t store_bytes(const struct store *store);
