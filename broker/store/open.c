/* Opening a store: what the database has, and the journal's records that follow it. All of that goes to the database
 * before anything is promised upon it: a page that is read back may be one that an earlier flush failed to write. */
#include "broker/store/store_private.h"

#include "broker/store/record.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* -- the head ------------------------------------------------------------------------------------------------------ */

static int decode_meta(void *context, uint64_t seq, struct bytes payload) {
        return values_decode_meta(payload, context);
}

int store_write_meta(struct store *store) {
        store->meta.commit = store->engine->ops->number(store->engine);
        buffer_clear(&store->scratch);
        values_encode_meta(&store->scratch, &store->meta);
        return store_put(store, ENGINE_META, 0, buffer_bytes(&store->scratch));
}

static int make_head(struct store *store) {
        store->meta = (struct values_meta){.reserved_seq = 1};
        ENSURE(getrandom(&store->meta.salt, sizeof store->meta.salt, 0) == sizeof store->meta.salt);
        return 0;
}

static int check_head(const struct store *store, uint64_t number, char **ret_error) {
        const struct values_meta *meta = &store->meta;

        if (meta->format < VALUES_FORMAT_OLDEST || meta->format > VALUES_FORMAT) {
                *ret_error = memory_print("the store has layout %u, this lull-broker reads layouts %d to %d; use the "
                                          "version that wrote it",
                                          meta->format, VALUES_FORMAT_OLDEST, VALUES_FORMAT);
                return -EPROTONOSUPPORT;
        }
        if (meta->commit == number)
                return 0;
        *ret_error = memory_print("the store is damaged: head 0 is of commit %llu, and the last commit is %llu; put "
                                  "back a copy, or move the store away to start empty: what it held is then lost",
                                  (unsigned long long)meta->commit, (unsigned long long)number);
        return -EBADMSG;
}

/* Reads the head, or makes one. */
static int open_head(struct store *store, char **ret_error) {
        uint64_t number = store->engine->ops->number(store->engine);
        struct values_tally found;
        int r = store_scan(store, ENGINE_META, decode_meta, &store->meta, &found, ret_error);

        if (r < 0)
                return r;
        return number == 0 ? make_head(store) : check_head(store, number, ret_error);
}

/* -- the journal --------------------------------------------------------------------------------------------------- */

static int damaged_journal(const char *folder, const char *why, char **ret_error) {
        *ret_error = memory_print("the store is damaged: %s; %s/journal belongs to the database beside it: put back a "
                                  "copy of the whole folder, made while no lull-broker used it, or move the folder "
                                  "away to start empty: what it held is then lost",
                                  why, folder);
        return -EBADMSG;
}

/* One record's operations, on top of what the overlay has. */
static int replay_record(struct store *store, size_t begin, size_t len) {
        struct bytes record = {store->image.data + begin, len};
        struct record_operation operation;
        size_t at = RECORD_HEAD;
        int r;

        while ((r = record_next(record, &at, &operation)) > 0) {
                if (operation.is_drop) {
                        overlay_drop(&store->overlay, operation.table, operation.seq);
                        continue;
                }
                overlay_put(&store->overlay, operation.table, operation.seq, begin + operation.at,
                            (uint32_t)operation.value.len);
                store_reserve(store, operation.seq);
        }
        return r;
}

/* Those that follow what is in the database, up to the first that is not there; *ret_end is where that would be. One
 * that goes on from a later commit than the database is at does not follow. */
static int replay(struct store *store, size_t *ret_end) {
        struct bytes image = buffer_bytes(&store->image);
        struct record_name name = {0};
        size_t at = 0, len;
        int r = 0;

        store->journal.last = store->meta.journal;
        while (r == 0 && (len = record_find(image, at, store->meta.salt, &name)) > 0 &&
               name.number == journal_next(&store->journal) && name.base <= store->meta.commit) {
                r = replay_record(store, at, len);
                store->journal.last = name.number;
                store->counts.n_replayed++;
                at += len;
        }
        store->journal.tried = store->journal.last;
        *ret_end = at;
        return r;
}

/* Is there a record behind the end which is not older? A record is written only when the one before it is durable. */
static bool is_cut(const struct store *store, size_t end) {
        struct bytes image = buffer_bytes(&store->image);
        struct record_name name;

        for (size_t at = end; at < image.len; at += RECORD_ALIGN)
                if (record_find(image, at, store->meta.salt, &name) > 0 && name.number > store->journal.last)
                        return true;
        return false;
}

static int replay_all(struct store *store, const char *folder, char **ret_error) {
        size_t end;

        if (store->image.len < store->meta.journal_bytes)
                return damaged_journal(folder,
                                       store->journal.fd < 0 ? "its journal is missing" : "its journal was cut short",
                                       ret_error);
        if (record_is_foreign(buffer_bytes(&store->image), store->meta.salt))
                return damaged_journal(folder, "its journal is of another store", ret_error);
        if (replay(store, &end) < 0 || is_cut(store, end))
                return damaged_journal(folder,
                                       "a record in the middle of its journal is not what was written, or not of this "
                                       "copy of the database",
                                       ret_error);
        if (store->engine->ops->marked(store->engine) > store->journal.last)
                return damaged_journal(folder, "the last records of its journal are not there, or not what was written",
                                       ret_error);
        store->image.len = end;
        return 0;
}

static int open_journal(struct store *store, const char *folder, char **ret_error) {
        int r = journal_open(&store->journal, folder, &store->image, ret_error);

        if (r == 0)
                r = replay_all(store, folder, ret_error);
        if (r < 0)
                return r;
        r = journal_make(&store->journal, folder);
        if (r < 0)
                *ret_error = memory_print("cannot write %s/journal: %s", folder, strerror(-r));
        return r;
}

/* -- open ---------------------------------------------------------------------------------------------------------- */

/* A new epoch, and the journal spent, in one commit. */
static int begin_epoch(struct store *store, char **ret_error) {
        int r;

        store->overlay.fresh_from = UINT64_MAX; /* of what was replayed anything may be in the database */
        store->meta.format = VALUES_FORMAT;
        store->meta.epoch++;
        store->first_seq = store->meta.reserved_seq;
        r = store_checkpoint(store, STORE_STAYS);
        if (r < 0)
                *ret_error = store_explain(store, r);
        store->overlay.fresh_from = store->first_seq;
        return r;
}

static int open_memory(struct store *store) {
        store->engine = engine_memory_open();
        store->journal.size = store->journal.sizes.most;
        return make_head(store);
}

static int open_lmdb(struct store *store, const char *folder, char **ret_error) {
        int r = engine_lmdb_open(folder, &store->engine, ret_error);

        if (r == 0)
                r = open_head(store, ret_error);
        if (r == 0)
                r = open_journal(store, folder, ret_error);
        return r;
}

int store_open_sized(const char *uri, const struct journal_sizes *sizes, struct store **ret, char **ret_error) {
        CLEANUP_STORE struct store *store = memory_new(1, sizeof *store);
        int r;

        journal_init(&store->journal, sizes);
        if (strncmp(uri, "lmdb:", 5) == 0 && uri[5])
                r = open_lmdb(store, uri + 5, ret_error);
        else if (strcmp(uri, "memory:") == 0)
                r = open_memory(store);
        else
                *ret_error = memory_print("broker.store is '%s'; write lmdb:FOLDER", uri), r = -EINVAL;
        if (r == 0)
                r = begin_epoch(store, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE(store);
        return 0;
}

int store_open(const char *uri, struct store **ret, char **ret_error) {
        static const struct journal_sizes sizes = {LIMIT_JOURNAL_BYTES_FIRST, LIMIT_JOURNAL_BYTES_MAX};

        return store_open_sized(uri, &sizes, ret, ret_error);
}

struct store_head store_head(const struct store *store) {
        return (struct store_head){store->meta.epoch, store->meta.salt, store->first_seq};
}
