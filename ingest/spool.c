#include "ingest/spool_private.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DATA "data.mdb"

/* LMDB's own database of free pages, which may be read. */
enum { FREE_LIST = 0 };

const uint8_t spool_tally_key[TALLY_KEY_LEN] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                255, 255, 255, 255, 255, 255, 255, 255, 255};

int spool_errno(int error) {
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
        MDB_val key = {TALLY_KEY_LEN, (void *)(uintptr_t)spool_tally_key}, value;
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
        int r = spool_errno(mdb_env_sync(spool->env, 1));

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
        return error == 0 && mark < 0 ? set_mark(spool) : spool_errno(error);
}

int spool_open_aside(struct spool *spool) { return spool_errno(open_environment(spool)); }

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

void spool_key_encode(struct spool_key key, uint16_t piece, uint8_t *bytes) {
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
        return error == 0 || error == MDB_NOTFOUND ? 0 : spool_errno(error);
}

/* What a walk over records does with each of them. */
struct walk {
        const struct spool_visit *visit;
        struct tally found;
        uint64_t n_bad;
        bool is_lenient, is_one_lane; /* lenient: what is not whole is passed over */
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
                return spool_errno(error);
        spool_key_encode(from, 0, bytes);
        error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
        while (error == 0 && r == 0) {
                error = read_record(spool, cursor, &at, &value, &walk->at);
                if (error == 0 && walk->is_one_lane && walk->at.lane != from.lane)
                        break;
                if (error == 0)
                        r = visit_record(spool, walk);
        }
        mdb_cursor_close(cursor);
        return r != 0 || error == 0 || error == MDB_NOTFOUND ? r : error == -EBADMSG ? error : spool_errno(error);
}

static int walk_all(struct spool *spool, struct spool_key from, struct walk *walk) {
        MDB_txn *txn;
        int error, r;

        ENSURE(!spool->txn);
        error = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);
        if (error != 0)
                return spool_errno(error);
        r = walk_records(spool, txn, from, walk);
        mdb_txn_abort(txn);
        return r;
}

int spool_read(struct spool *spool, struct spool_key from, const struct spool_visit *visit) {
        struct walk walk = {.visit = visit, .is_one_lane = true};
        int r = walk_all(spool, from, &walk);

        return r == -ENOTRECOVERABLE ? -EBADMSG : r;
}

void spool_rescue(struct spool *spool, struct spool_key from, const struct spool_visit *visit) {
        struct walk walk = {.visit = visit, .is_lenient = true};
        int r = walk_all(spool, from, &walk);

        (void)r; /* there is nothing better to do than to keep what was found */
}

/* Pages of the database that are free to be written over, as LMDB notes them: how many, and each, the last one first.
 * Is it such a list, of pages that there are? */
static bool is_page_list(const MDB_val *value, size_t last_page) {
        const size_t *pages = value->mv_data;
        size_t n = value->mv_size / sizeof *pages;

        if (n == 0 || pages[0] >= n)
                return false;
        for (size_t i = 1; i <= pages[0]; i++)
                if (pages[i] < 2 || pages[i] > last_page || (i > 1 && pages[i] >= pages[i - 1]))
                        return false;
        return true;
}

static int check_free(struct spool *spool, char **ret_error) {
        MDB_cursor *cursor = NULL;
        MDB_txn *txn = NULL;
        MDB_envinfo info;
        MDB_val key, value;
        int error = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);

        mdb_env_info(spool->env, &info);
        if (error == 0)
                error = mdb_cursor_open(txn, FREE_LIST, &cursor);
        while (error == 0) {
                error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
                if (error == 0 && !is_page_list(&value, info.me_last_pgno))
                        error = MDB_CORRUPTED;
        }
        if (cursor)
                mdb_cursor_close(cursor);
        if (txn)
                mdb_txn_abort(txn);
        if (error == MDB_NOTFOUND)
                return 0;
        return error > 0 ? -error : damaged(memory_print("its list of free pages is none"), ret_error);
}

int spool_scan(struct spool *spool, const struct spool_visit *visit, char **ret_error) {
        struct walk walk = {.visit = visit};
        int r = walk_all(spool, (struct spool_key){0}, &walk);

        if (r == -EBADMSG || r == -ENOTRECOVERABLE)
                return damaged(memory_print("record %llu of lane %llu is not what was written",
                                            (unsigned long long)walk.at.number, (unsigned long long)walk.at.lane),
                               ret_error);
        if (r != 0)
                return r;
        if (walk.found.n == spool->tally.n && walk.found.sum == spool->tally.sum)
                return check_free(spool, ret_error);
        return damaged(memory_print("of %llu records %llu are found, or others", (unsigned long long)spool->tally.n,
                                    (unsigned long long)walk.found.n),
                       ret_error);
}
