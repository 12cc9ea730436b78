#include "ingest/spool.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "ingest/spool_place.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

#define DATA "data.mdb"

/* The tally lies behind all records, under a key that none has. */
enum { TALLY_KEY_LEN = KEY_LEN + 1 };
static const uint8_t tally_key[TALLY_KEY_LEN] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                 255, 255, 255, 255, 255, 255, 255, 255, 255};

static int as_errno(int error) {
        if (error == 0)
                return 0;
        if (error > 0)
                return -error;
        return error == MDB_MAP_FULL ? -ENOSPC : error == MDB_NOTFOUND ? -ENOENT : -ENOTRECOVERABLE;
}

/* -- folder and lock ----------------------------------------------------------------------------------------------- */

int spool_new(const char *folder, uint32_t slot, struct spool **ret) {
        CLEANUP_SPOOL struct spool *spool = memory_new(1, sizeof *spool);
        int r = spool_place_init(&spool->place, folder);

        spool->slot = slot;
        if (r != 0)
                return r > 0 ? SPOOL_HELD : r;
        *ret = TAKE(spool);
        return 0;
}

void spool_close(struct spool *spool) {
        if (spool->txn)
                mdb_txn_abort(TAKE(spool->txn));
        if (spool->env)
                mdb_env_close(TAKE(spool->env));
        spool->error = 0;
}

struct spool *spool_free(struct spool *spool) {
        if (!spool)
                return NULL;
        spool_close(spool);
        spool_place_done(&spool->place);
        buffer_done(&spool->record);
        free(spool);
        return NULL;
}

/* The mark goes first: a database without one was never used, or is of no more use. */
void spool_discard(struct spool *spool) {
        CLEANUP_FREE char *path = spool_place_path(&spool->place, DATA);

        spool_close(spool);
        if (spool_mark_remove(&spool->place) == 0)
                unlink(path);
}

int spool_set_aside(struct spool *spool, const char *folder) {
        CLEANUP_FREE char *from = spool_place_path(&spool->place, DATA);
        CLEANUP_FREE char *to = memory_print("%s/" DATA, folder);
        int r;

        spool_close(spool);
        r = spool_folder_make(folder);
        if (r == 0 && rename(from, to) < 0 && errno != ENOENT)
                r = -errno;
        if (r == 0)
                r = spool_mark_remove(&spool->place);
        if (r == 0)
                r = spool_folder_sync(folder);
        return r < 0 ? r : spool_folder_sync(spool->place.folder);
}

/* -- opening ------------------------------------------------------------------------------------------------------- */

static int damaged(char *why, char **ret_error) {
        *ret_error = why;
        return SPOOL_DAMAGED;
}

/* Pages past the end of a file that was cut off would end the process with SIGBUS; of zeros, LMDB sees that they are
 * none. */
static int fill_up(struct spool *spool) {
        MDB_envinfo info;
        MDB_stat stat;
        struct stat file;
        off_t wanted;
        int fd;

        if (mdb_env_get_fd(spool->env, &fd) != 0 || fstat(fd, &file) < 0)
                return -EIO;
        mdb_env_info(spool->env, &info);
        mdb_env_stat(spool->env, &stat);
        wanted = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
        return file.st_size < wanted && ftruncate(fd, wanted) < 0 ? -errno : 0;
}

static int read_tally(struct spool *spool) {
        MDB_val key = {TALLY_KEY_LEN, (void *)(uintptr_t)tally_key}, value;
        MDB_txn *txn;
        int error = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);

        spool->tally = (struct tally){0};
        if (error != 0)
                return error;
        error = mdb_dbi_open(txn, NULL, 0, &spool->records);
        if (error == 0)
                error = mdb_get(txn, spool->records, &key, &value);
        if (error == 0 && value.mv_size != sizeof spool->tally)
                error = MDB_CORRUPTED;
        if (error == 0)
                memcpy(&spool->tally, value.mv_data, sizeof spool->tally);
        mdb_txn_abort(txn);
        return error == MDB_NOTFOUND ? 0 : error;
}

/* MDB_NOLOCK: our own lock is held, there is one thread, and no reader while something is written. LMDB's lock file
 * would be memory that ends the process when the disk has no room behind it. */
static int open_environment(struct spool *spool) {
        int error = mdb_env_create(&spool->env);

        if (error == 0)
                error = mdb_env_set_mapsize(spool->env, LIMIT_SPOOL_MAP_BYTES);
        if (error == 0)
                error = mdb_env_open(spool->env, spool->place.folder, MDB_NOTLS | MDB_NOLOCK, 0600);
        if (error == 0 && fill_up(spool) < 0)
                error = EIO;
        return error == 0 ? read_tally(spool) : error;
}

static int64_t last_commit(const struct spool *spool) {
        MDB_envinfo info;

        mdb_env_info(spool->env, &info);
        return (int64_t)info.me_last_txnid;
}

/* From here on the database counts. */
static int set_mark(struct spool *spool) {
        int r = as_errno(mdb_env_sync(spool->env, 1));

        if (r == 0)
                r = spool_folder_sync(spool->place.folder);
        return r < 0 ? r : spool_mark_write(&spool->place, last_commit(spool));
}

int spool_open(struct spool *spool, char **ret_error) {
        CLEANUP_FREE char *path = spool_place_path(&spool->place, DATA);
        int64_t mark = spool_mark_read(&spool->place);
        int error = open_environment(spool);

        if (error == MDB_INVALID && mark < 0) { /* the power went while it was being made: it held nothing */
                spool_close(spool);
                error = unlink(path) < 0 ? errno : open_environment(spool);
        }
        if (error == 0 && last_commit(spool) < mark)
                return damaged(memory_print("it is at commit %lld, and was at commit %lld",
                                            (long long)last_commit(spool), (long long)mark),
                               ret_error);
        if (error < 0 && error != MDB_MAP_FULL)
                return damaged(memory_print("%s", mdb_strerror(error)), ret_error);
        return error == 0 && mark < 0 ? set_mark(spool) : as_errno(error);
}

int spool_open_aside(struct spool *spool) { return as_errno(open_environment(spool)); }

/* -- reading ------------------------------------------------------------------------------------------------------- */

static void encode_number(uint64_t number, uint8_t *bytes) {
        for (int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)(number >> (56 - 8 * i));
}

static uint64_t decode_number(const uint8_t *bytes) {
        uint64_t number = 0;

        for (int i = 0; i < 8; i++)
                number = number << 8 | bytes[i];
        return number;
}

static void encode_key(struct spool_key key, uint16_t piece, uint8_t *bytes) {
        encode_number(key.lane, bytes);
        encode_number(key.number, bytes + 8);
        bytes[16] = (uint8_t)(piece >> 8);
        bytes[17] = (uint8_t)piece;
}

static struct spool_key decode_key(const struct spool *spool, const MDB_val *value, uint16_t *ret_piece) {
        const uint8_t *bytes = value->mv_data;

        *ret_piece = (uint16_t)(bytes[16] << 8 | bytes[17]);
        return (struct spool_key){spool->slot, decode_number(bytes), decode_number(bytes + 8)};
}

static bool is_same(struct spool_key a, struct spool_key b) { return a.lane == b.lane && a.number == b.number; }

/* The record where the cursor is, joined, and the cursor at the next one. 0; MDB_NOTFOUND when there is none; -EBADMSG
 * when it is not whole. */
static int read_record(struct spool *spool, MDB_cursor *cursor, MDB_val *at, MDB_val *value, struct spool_key *ret) {
        uint16_t piece, wanted = 0;
        struct spool_key key;
        int error = 0;

        if (at->mv_size != KEY_LEN)
                return at->mv_size == TALLY_KEY_LEN ? MDB_NOTFOUND : -EBADMSG;
        *ret = decode_key(spool, at, &piece);
        buffer_clear(&spool->record);
        for (key = *ret; error == 0 && at->mv_size == KEY_LEN && is_same(key, *ret); wanted++) {
                if (piece == wanted && value->mv_size <= PIECE)
                        buffer_push(&spool->record, value->mv_data, value->mv_size);
                error = mdb_cursor_get(cursor, at, value, MDB_NEXT);
                if (error == 0 && at->mv_size == KEY_LEN)
                        key = decode_key(spool, at, &piece);
        }
        if (error != 0)
                *at = (MDB_val){TALLY_KEY_LEN, NULL};
        return error == 0 || error == MDB_NOTFOUND ? 0 : as_errno(error);
}

/* What a walk over records does with each of them. */
struct walk {
        const struct spool_visit *visit;
        struct tally found;
        uint64_t n_bad;
        bool is_lenient, is_one_lane;
        struct spool_key at;
};

static int visit_record(struct spool *spool, struct walk *walk) {
        struct bytes record = buffer_bytes(&spool->record), item;
        struct wire_message message;

        if (spool_record_decode(walk->at, record, &item, &message) < 0) {
                walk->n_bad++;
                return walk->is_lenient ? 0 : -EBADMSG;
        }
        walk->found.n++;
        walk->found.sum += spool_record_sum(record);
        return walk->visit->visit(walk->visit->context, walk->at, record);
}

static int walk_records(struct spool *spool, MDB_txn *txn, struct spool_key from, struct walk *walk) {
        uint8_t bytes[KEY_LEN];
        MDB_val at = {KEY_LEN, bytes}, value;
        MDB_cursor *cursor;
        int error = mdb_cursor_open(txn, spool->records, &cursor), r = 0;

        if (error != 0)
                return as_errno(error);
        encode_key(from, 0, bytes);
        error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
        while (error == 0 && r == 0) {
                error = read_record(spool, cursor, &at, &value, &walk->at);
                if (error == 0 && walk->is_one_lane && walk->at.lane != from.lane)
                        break;
                if (error == 0)
                        r = visit_record(spool, walk);
        }
        mdb_cursor_close(cursor);
        return r != 0 || error == 0 || error == MDB_NOTFOUND ? r : error == -EBADMSG ? error : as_errno(error);
}

static int walk_all(struct spool *spool, struct spool_key from, struct walk *walk) {
        MDB_txn *txn;
        int error, r;

        ENSURE(!spool->txn);
        error = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);
        if (error != 0)
                return as_errno(error);
        r = walk_records(spool, txn, from, walk);
        mdb_txn_abort(txn);
        return r;
}

int spool_read(struct spool *spool, struct spool_key from, const struct spool_visit *visit) {
        struct walk walk = {.visit = visit, .is_one_lane = true};
        int r = walk_all(spool, from, &walk);

        return r == -ENOTRECOVERABLE ? -EBADMSG : r;
}

int spool_scan(struct spool *spool, bool is_lenient, const struct spool_visit *visit, char **ret_error) {
        struct walk walk = {.visit = visit, .is_lenient = is_lenient};
        int r = walk_all(spool, (struct spool_key){0}, &walk);

        if (is_lenient)
                return 0;
        if (r == -EBADMSG || r == -ENOTRECOVERABLE)
                return damaged(memory_print("record %llu of lane %llu is not what was written",
                                            (unsigned long long)walk.at.number, (unsigned long long)walk.at.lane),
                               ret_error);
        if (r != 0 || (walk.found.n == spool->tally.n && walk.found.sum == spool->tally.sum))
                return r;
        return damaged(memory_print("of %llu records %llu are found, or others", (unsigned long long)spool->tally.n,
                                    (unsigned long long)walk.found.n),
                       ret_error);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static bool is_writing(struct spool *spool) {
        if (!spool->txn && spool->error == 0) {
                spool->tally_before = spool->tally;
                spool->error = spool->env ? as_errno(mdb_txn_begin(spool->env, NULL, 0, &spool->txn)) : -EIO;
        }
        return spool->error == 0;
}

void spool_put(struct spool *spool, struct spool_key key, struct bytes record) {
        const uint8_t *data = record.data;
        uint8_t bytes[KEY_LEN];

        ENSURE(record.len <= (size_t)PIECE * PIECES_MAX);
        for (size_t at = 0; at < record.len && is_writing(spool); at += PIECE) {
                size_t len = record.len - at < PIECE ? record.len - at : PIECE;
                MDB_val name = {KEY_LEN, bytes}, value = {len, (void *)(uintptr_t)(data + at)};

                encode_key(key, (uint16_t)(at / PIECE), bytes);
                spool->error = as_errno(mdb_put(spool->txn, spool->records, &name, &value, 0));
        }
        spool->tally.n++;
        spool->tally.sum += spool_record_sum(record);
}

/* The first piece has the checksum that is no longer part of the sum. */
static int remove_pieces(struct spool *spool, struct spool_key key) {
        uint8_t bytes[KEY_LEN];
        MDB_val name = {KEY_LEN, bytes}, value;
        int error = 0;

        for (uint16_t piece = 0; error == 0; piece++) {
                encode_key(key, piece, bytes);
                error = mdb_get(spool->txn, spool->records, &name, &value);
                if (error == 0 && piece == 0) {
                        spool->tally.n--;
                        spool->tally.sum -= spool_record_sum((struct bytes){value.mv_data, value.mv_size});
                }
                if (error == 0)
                        error = mdb_del(spool->txn, spool->records, &name, NULL);
        }
        return error == MDB_NOTFOUND ? 0 : as_errno(error);
}

void spool_remove(struct spool *spool, struct spool_key key) {
        if (is_writing(spool))
                spool->error = remove_pieces(spool, key);
}

static int write_tally(struct spool *spool) {
        MDB_val key = {TALLY_KEY_LEN, (void *)(uintptr_t)tally_key}, value = {sizeof spool->tally, &spool->tally};

        return as_errno(mdb_put(spool->txn, spool->records, &key, &value, 0));
}

int spool_commit(struct spool *spool) {
        int r = is_writing(spool) ? write_tally(spool) : spool->error;
        MDB_txn *txn = TAKE(spool->txn);
        int64_t number = txn ? (int64_t)mdb_txn_id(txn) : 0;

        if (r < 0 && txn)
                mdb_txn_abort(txn);
        if (r == 0)
                r = as_errno(mdb_txn_commit(txn));
        spool->error = 0;
        if (r < 0) {
                spool->tally = spool->tally_before;
                return r;
        }
        spool_mark_note(&spool->place, number);
        return 0;
}
