/* The LMDB engine: one environment, one writer, no reader but ourselves. The one door to LMDB.
 *
 * Flags: MDB_NOTLS and nothing else. NOSYNC, NOMETASYNC and MAPASYNC give up what an acknowledgement promises; WRITEMAP
 * turns a full disk into a SIGBUS. No DUPSORT: its deletes had bugs up to 0.9.31. */
#include "broker/store/engine.h"
#include "broker/store/folder.h"
#include "broker/store/mark.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <endian.h>
#include <errno.h>
#include <lmdb.h>
#include <string.h>
#include <sys/statvfs.h>

enum { KEY_LEN = 10 };

static const char *const table_names[ENGINE_N_TABLES] = {"meta", "messages", "batches", "answers", "seen", "notes"};

struct lmdb {
        struct engine engine;
        int lock_fd;
        MDB_env *env;
        MDB_dbi tables[ENGINE_N_TABLES]; /* 0 = not made yet: the first commit makes it */
        bool is_making[ENGINE_N_TABLES];
        MDB_txn *write, *read;
        MDB_cursor *ends[ENGINE_N_TABLES]; /* within `write`: where the last value was appended; NULL = search for it */
        bool is_reading;
        uint64_t opened_at; /* the last commit then */
        struct mark mark; /* in lull.lock, see mark.h */
        bool is_marked; /* by this process */
};

static struct lmdb *lmdb_of(struct engine *engine) { return (struct lmdb *)engine; }

/* LMDB's own errors are negative and beyond the errnos. None of them may pass for an EIO, which can mean a full disk:
 * once a meta page could not be written, for one, LMDB answers MDB_PANIC to everything, and no waiting helps. */
static int as_errno(int error) {
        if (error >= 0)
                return -error;
        return error == MDB_MAP_FULL ? -ENOSPC : error == MDB_NOTFOUND ? -ENOENT : -ENOTRECOVERABLE;
}

static void encode_key(struct engine_key key, uint8_t *bytes) {
        uint64_t seq = htobe64(key.seq);
        uint16_t piece = htobe16(key.piece);

        memcpy(bytes, &seq, sizeof seq);
        memcpy(bytes + sizeof seq, &piece, sizeof piece);
}

static struct engine_key decode_key(const MDB_val *value) {
        const uint8_t *bytes = value->mv_data;
        uint64_t seq;
        uint16_t piece;

        memcpy(&seq, bytes, sizeof seq);
        memcpy(&piece, bytes + sizeof seq, sizeof piece);
        return (struct engine_key){be64toh(seq), be16toh(piece)};
}

/* An end is good as long as all that happens to its table is that values are appended. */
static void lose_end(struct lmdb *lmdb, enum engine_table table) {
        if (lmdb->ends[table])
                mdb_cursor_close(TAKE(lmdb->ends[table]));
}

/* Before their transaction does. */
static void lose_ends(struct lmdb *lmdb) {
        for (enum engine_table table = 0; table < ENGINE_N_TABLES; table++)
                lose_end(lmdb, table);
}

static void lmdb_close(struct engine *engine) {
        struct lmdb *lmdb = lmdb_of(engine);

        lose_ends(lmdb);
        if (lmdb->read)
                mdb_txn_abort(lmdb->read);
        if (lmdb->write)
                mdb_txn_abort(lmdb->write);
        if (lmdb->env)
                mdb_env_close(lmdb->env);
        if (lmdb->lock_fd >= 0)
                close(lmdb->lock_fd);
        free(lmdb);
}

/* LMDB closes the tables that a transaction made when it comes to nothing. */
static void end_making(struct lmdb *lmdb, bool is_made) {
        for (int i = 0; i < ENGINE_N_TABLES; i++) {
                if (lmdb->is_making[i] && !is_made)
                        lmdb->tables[i] = 0;
                lmdb->is_making[i] = false;
        }
}

static void lmdb_abort(struct engine *engine) {
        struct lmdb *lmdb = lmdb_of(engine);

        lose_ends(lmdb);
        mdb_txn_abort(TAKE(lmdb->write));
        end_making(lmdb, false);
}

static int lmdb_begin(struct engine *engine) {
        struct lmdb *lmdb = lmdb_of(engine);
        int error;

        ENSURE(!lmdb->write);
        error = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->write);
        for (int i = 0; i < ENGINE_N_TABLES && error == 0; i++)
                if (lmdb->tables[i] == 0) {
                        lmdb->is_making[i] = true;
                        error = mdb_dbi_open(lmdb->write, table_names[i], MDB_CREATE, &lmdb->tables[i]);
                }
        if (error != 0 && lmdb->write)
                lmdb_abort(engine);
        return as_errno(error);
}

/* These two grow at the end: appending fills pages, and spares the search. But an edited message goes back: then
 * MDB_KEYEXIST. The other tables do not, so their answer is always that. */
static int append(struct lmdb *lmdb, enum engine_table table, MDB_val *at, MDB_val *data) {
        MDB_cursor **end = &lmdb->ends[table];
        int error = 0;

        if (table != ENGINE_MESSAGES && table != ENGINE_SEEN)
                return MDB_KEYEXIST;
        if (!*end)
                error = mdb_cursor_open(lmdb->write, lmdb->tables[table], end);
        return error == 0 ? mdb_cursor_put(*end, at, data, MDB_APPEND) : error;
}

static int lmdb_put(struct engine *engine, enum engine_table table, struct engine_key key, struct bytes value) {
        struct lmdb *lmdb = lmdb_of(engine);
        uint8_t bytes[KEY_LEN];
        MDB_val at = {KEY_LEN, bytes}, data = {value.len, (void *)(uintptr_t)value.data};
        int error;

        encode_key(key, bytes);
        error = append(lmdb, table, &at, &data);
        if (error != MDB_KEYEXIST)
                return as_errno(error);
        lose_end(lmdb, table);
        return as_errno(mdb_put(lmdb->write, lmdb->tables[table], &at, &data, 0));
}

static int lmdb_remove(struct engine *engine, enum engine_table table, uint64_t first, uint64_t last,
                       void (*gone)(void *context, struct engine_key key, struct bytes piece), void *context) {
        struct lmdb *lmdb = lmdb_of(engine);
        uint8_t bytes[KEY_LEN];
        MDB_val at = {KEY_LEN, bytes}, data;
        MDB_cursor *cursor;
        bool is_in_order;
        int error;

        lose_end(lmdb, table);
        encode_key((struct engine_key){first, 0}, bytes);
        error = mdb_cursor_open(lmdb->write, lmdb->tables[table], &cursor);
        if (error != 0)
                return as_errno(error);
        error = mdb_cursor_get(cursor, &at, &data, MDB_SET_RANGE);
        /* Where a page above the leaves is damaged, the search ends before what was looked for. */
        is_in_order = error != 0 || decode_key(&at).seq >= first;
        while (error == 0 && is_in_order && decode_key(&at).seq <= last) {
                gone(context, decode_key(&at), (struct bytes){data.mv_data, data.mv_size});
                error = mdb_cursor_del(cursor, 0);
                if (error == 0)
                        error = mdb_cursor_get(cursor, &at, &data, MDB_GET_CURRENT);
                if (error == EINVAL) /* what was deleted was the last of the table */
                        error = MDB_NOTFOUND;
        }
        mdb_cursor_close(cursor);
        if (!is_in_order)
                return -EBADMSG;
        return error == MDB_NOTFOUND ? 0 : as_errno(error);
}

static int lmdb_commit(struct engine *engine) {
        struct lmdb *lmdb = lmdb_of(engine);
        MDB_txn *txn = TAKE(lmdb->write);
        int error;

        lose_ends(lmdb);
        error = mdb_txn_commit(txn);
        end_making(lmdb, error == 0);
        return as_errno(error);
}

/* What it is noted of stands, with its mark or without; only the first has to have one. */
static int lmdb_mark(struct engine *engine, uint64_t commit, uint64_t journal) {
        struct lmdb *lmdb = lmdb_of(engine);
        int r;

        lmdb->mark = (struct mark){commit, journal};
        r = mark_write(lmdb->lock_fd, lmdb->mark, !lmdb->is_marked);
        if (!lmdb->is_marked && r < 0)
                return r;
        lmdb->is_marked = true;
        return 0;
}

static uint64_t lmdb_marked(const struct engine *engine) { return ((const struct lmdb *)engine)->mark.journal; }

static uint64_t lmdb_number(const struct engine *engine) {
        const struct lmdb *lmdb = (const struct lmdb *)engine;

        return lmdb->write ? mdb_txn_id(lmdb->write) : lmdb->opened_at;
}

static int start_reading(struct lmdb *lmdb) {
        int error;

        if (lmdb->is_reading)
                return 0;
        error = lmdb->read ? mdb_txn_renew(lmdb->read) : mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->read);
        lmdb->is_reading = error == 0;
        return as_errno(error);
}

static int lmdb_scan(struct engine *engine, enum engine_table table, uint64_t from,
                     int (*visit)(void *context, struct engine_key key, struct bytes value), void *context) {
        struct lmdb *lmdb = lmdb_of(engine);
        uint8_t bytes[KEY_LEN];
        MDB_val at = {KEY_LEN, bytes}, data;
        MDB_cursor *cursor;
        int error, r = start_reading(lmdb);

        if (r < 0 || lmdb->tables[table] == 0)
                return r;
        encode_key((struct engine_key){from, 0}, bytes);
        error = mdb_cursor_open(lmdb->read, lmdb->tables[table], &cursor);
        if (error != 0)
                return as_errno(error);
        for (error = mdb_cursor_get(cursor, &at, &data, MDB_SET_RANGE); error == 0 && r == 0;
             error = mdb_cursor_get(cursor, &at, &data, MDB_NEXT)) {
                r = at.mv_size != KEY_LEN ? -EBADMSG
                                          : visit(context, decode_key(&at), (struct bytes){data.mv_data, data.mv_size});
                if (r != 0)
                        break;
        }
        mdb_cursor_close(cursor);
        return r != 0 || error == MDB_NOTFOUND ? r : as_errno(error);
}

static void lmdb_release(struct engine *engine) {
        struct lmdb *lmdb = lmdb_of(engine);

        if (lmdb->is_reading)
                mdb_txn_reset(lmdb->read);
        lmdb->is_reading = false;
}

static uint64_t lmdb_bytes(const struct engine *engine) {
        const struct lmdb *lmdb = (const struct lmdb *)engine;
        MDB_envinfo info;
        MDB_stat stat;

        mdb_env_info(lmdb->env, &info);
        mdb_env_stat(lmdb->env, &stat);
        return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

static uint64_t pages_of(const MDB_stat *stat) {
        return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* LMDB's list of free pages is a table too, the one with this handle. */
enum { FREE_TABLE = 0 };

static int read_usage(struct lmdb *lmdb, struct engine_usage *ret) {
        uint64_t n_pages = 2; /* the meta pages */
        MDB_envinfo info;
        MDB_stat stat;
        int error;

        mdb_env_info(lmdb->env, &info);
        mdb_env_stat(lmdb->env, &stat);
        n_pages += pages_of(&stat);
        error = mdb_stat(lmdb->read, FREE_TABLE, &stat);
        for (int i = 0; i < ENGINE_N_TABLES && error == 0; i++) {
                n_pages += pages_of(&stat);
                error = mdb_stat(lmdb->read, lmdb->tables[i], &stat);
        }
        if (error != 0)
                return as_errno(error);
        n_pages += pages_of(&stat);
        ret->data = n_pages * stat.ms_psize;
        ret->reusable = ((uint64_t)info.me_last_pgno + 1 - n_pages) * stat.ms_psize;
        return 0;
}

static int read_disk_free(const struct lmdb *lmdb, uint64_t *ret) {
        struct statvfs disk;

        if (fstatvfs(lmdb->lock_fd, &disk) < 0)
                return -errno;
        *ret = (uint64_t)disk.f_bavail * disk.f_frsize;
        return 0;
}

static int lmdb_usage(struct engine *engine, struct engine_usage *ret) {
        struct lmdb *lmdb = lmdb_of(engine);
        int r = start_reading(lmdb);

        if (r == 0)
                r = read_usage(lmdb, ret);
        lmdb_release(engine);
        return r < 0 ? r : read_disk_free(lmdb, &ret->disk_free);
}

static const struct engine_ops lmdb_ops = {
        .kind = "lmdb",
        .close = lmdb_close,
        .begin = lmdb_begin,
        .put = lmdb_put,
        .remove = lmdb_remove,
        .commit = lmdb_commit,
        .abort = lmdb_abort,
        .scan = lmdb_scan,
        .release = lmdb_release,
        .bytes = lmdb_bytes,
        .number = lmdb_number,
        .mark = lmdb_mark,
        .marked = lmdb_marked,
        .usage = lmdb_usage,
};

static void engine_close(struct engine **engine) {
        if (*engine)
                (*engine)->ops->close(*engine);
}

/* LMDB's lock file is memory: without room behind it, touching it would end the process with SIGBUS. */
static int check_room(struct lmdb *lmdb, const char *folder, char **ret_error) {
        uint64_t free = 0;
        int r = read_disk_free(lmdb, &free);

        if (r == 0 && free < LIMIT_STORE_OPEN_BYTES)
                r = -ENOSPC;
        if (r < 0)
                *ret_error = memory_print("cannot open the store in %s: %s; it needs %d bytes free on its disk", folder,
                                          strerror(-r), LIMIT_STORE_OPEN_BYTES);
        return r;
}

/* Those that are there. */
static int open_tables(struct lmdb *lmdb) {
        MDB_envinfo info;
        MDB_txn *txn;
        int error = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

        if (error != 0)
                return error;
        mdb_env_info(lmdb->env, &info);
        lmdb->opened_at = info.me_last_txnid;
        for (int i = 0; i < ENGINE_N_TABLES && error == 0; i++) {
                error = mdb_dbi_open(txn, table_names[i], 0, &lmdb->tables[i]);
                if (error == MDB_NOTFOUND)
                        error = lmdb->tables[i] = 0;
        }
        if (error == 0)
                return mdb_txn_commit(txn);
        mdb_txn_abort(txn);
        return error;
}

static int open_environment(struct lmdb *lmdb, const char *folder) {
        int error = mdb_env_create(&lmdb->env);

        if (error == 0)
                error = mdb_env_set_maxdbs(lmdb->env, ENGINE_N_TABLES);
        if (error == 0)
                error = mdb_env_set_mapsize(lmdb->env, LIMIT_STORE_MAP_BYTES);
        if (error == 0)
                error = mdb_env_open(lmdb->env, folder, MDB_NOTLS, 0600);
        if (error == 0)
                error = open_tables(lmdb);
        return error;
}

/* The power went while the file was being made: it never held anything, and LMDB does not take it for its own. */
static int begin_again(struct lmdb *lmdb, const char *folder) {
        CLEANUP_FREE char *path = memory_print("%s/data.mdb", folder);

        mdb_env_close(TAKE(lmdb->env));
        if (unlink(path) < 0)
                return errno;
        return open_environment(lmdb, folder);
}

static int check_mark(struct lmdb *lmdb, const char *folder, char **ret_error) {
        lmdb->mark = mark_read(lmdb->lock_fd);
        if (lmdb->mark.number <= lmdb->opened_at)
                return 0;
        *ret_error = memory_print("the store is damaged: it is at commit %llu, and was at commit %llu; put back a copy "
                                  "of the whole folder, or, if it is one, remove %s/lull.lock",
                                  (unsigned long long)lmdb->opened_at, (unsigned long long)lmdb->mark.number, folder);
        return -EBADMSG;
}

int engine_lmdb_open(const char *folder, struct engine **ret, char **ret_error) {
        struct lmdb *lmdb = memory_new(1, sizeof *lmdb);
        __attribute__((cleanup(engine_close))) struct engine *engine = &lmdb->engine;
        int r, error;

        lmdb->engine.ops = &lmdb_ops;
        lmdb->lock_fd = -1;
        r = folder_lock(folder, &lmdb->lock_fd, ret_error);
        if (r == 0)
                r = check_room(lmdb, folder, ret_error);
        if (r < 0)
                return r;
        error = open_environment(lmdb, folder);
        if (error == MDB_INVALID && mark_read(lmdb->lock_fd).number == 0)
                error = begin_again(lmdb, folder);
        if (error != 0) {
                *ret_error = memory_print("cannot open the store in %s: %s", folder, mdb_strerror(error));
                return as_errno(error);
        }
        r = check_mark(lmdb, folder, ret_error);
        if (r < 0)
                return r;
        r = folder_sync(folder);
        if (r < 0) {
                *ret_error = memory_print("cannot sync the folder %s: %s", folder, strerror(-r));
                return r;
        }
        *ret = TAKE(engine);
        return 0;
}
