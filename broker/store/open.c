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
        *ret_error = memory_print("the store is damaged: %s; %s/journal and journal-2 belong to the database beside "
                                  "them: put back a copy of the whole folder, made while no lull-broker used it, or "
                                  "move the folder away to start empty: what it held is then lost",
                                  why, folder);
        return -EBADMSG;
}

/* One record's operations, on top of what the overlay has. */
static int replay_record(struct store *store, struct volume *volume, size_t begin, size_t len) {
        struct bytes record = {volume->image.data + begin, len};
        struct record_operation operation;
        size_t at = RECORD_HEAD;
        int r;

        while ((r = record_next(record, &at, &operation)) > 0) {
                if (operation.is_drop) {
                        overlay_drop(&volume->overlay, operation.table, operation.seq);
                        continue;
                }
                overlay_put(&volume->overlay, operation.table, operation.seq, begin + operation.at,
                            (uint32_t)operation.value.len);
                store_reserve(store, operation.seq);
        }
        return r;
}

/* How long the record at `at` is, if it is the one that follows; 0 = it is not. One that goes on from a later commit
 * than the database is at does not follow. */
static size_t find_next(const struct store *store, const struct volume *volume, size_t at) {
        struct record_name name = {0};
        size_t len = record_find(buffer_bytes(&volume->image), at, store->meta.salt, &name);

        return name.number == store->last + 1 && name.base <= store->meta.commit ? len : 0;
}

/* Those of a file that follow, up to the first that is not there. */
static int replay(struct store *store, struct volume *volume) {
        size_t at = 0, len;
        int r = 0;

        while (r == 0 && (len = find_next(store, volume, at)) > 0) {
                r = replay_record(store, volume, at, len);
                store->last++;
                store->counts.n_replayed++;
                at += len;
        }
        volume->last = store->last;
        volume->end = at;
        return r;
}

/* Both files, in the order in which they were written: the one that follows, and the one that follows that. */
static int replay_both(struct store *store) {
        int r = 0;

        for (int i = 0; i < VALUES_JOURNALS && r == 0; i++) {
                if (find_next(store, store->young, store->young->end) == 0)
                        store->young = store_other(store);
                r = replay(store, store->young);
        }
        return r;
}

/* Is there a record behind the end which is not older? A record is written only when the one before it is durable. */
static bool is_cut(const struct store *store, const struct volume *volume) {
        struct bytes image = buffer_bytes(&volume->image);
        struct record_name name;

        for (size_t at = volume->end; at < image.len; at += RECORD_ALIGN)
                if (record_find(image, at, store->meta.salt, &name) > 0 && name.number > store->last)
                        return true;
        return false;
}

static int check_length(const struct store *store, int i, const char *folder, char **ret_error) {
        const struct volume *volume = &store->volumes[i];

        if (volume->image.len < store->meta.journal_bytes[i])
                return damaged_journal(folder,
                                       volume->journal.fd < 0 ? "a file of its journal is missing"
                                                              : "its journal was cut short",
                                       ret_error);
        if (record_is_foreign(buffer_bytes(&volume->image), store->meta.salt))
                return damaged_journal(folder, "its journal is of another store", ret_error);
        return 0;
}

static int replay_all(struct store *store, const char *folder, char **ret_error) {
        for (int i = 0; i < VALUES_JOURNALS; i++) {
                int r = check_length(store, i, folder, ret_error);

                if (r < 0)
                        return r;
        }
        store->last = store->meta.journal;
        if (replay_both(store) < 0 || is_cut(store, &store->volumes[0]) || is_cut(store, &store->volumes[1]))
                return damaged_journal(folder,
                                       "a record in the middle of its journal is not what was written, or not of this "
                                       "copy of the database",
                                       ret_error);
        if (store->engine->ops->marked(store->engine) > store->last)
                return damaged_journal(folder, "the last records of its journal are not there, or not what was written",
                                       ret_error);
        store->tried = store->last;
        for (int i = 0; i < VALUES_JOURNALS; i++)
                store->volumes[i].image.len = store->volumes[i].end;
        return 0;
}

/* The file that was written to before the last comes before it to the database. */
static void continue_checkpoint(struct store *store) {
        struct volume *other = store_other(store);

        if (other->overlay.n > 0)
                store->checkpoint.volume = other, store->checkpoint.why = CHECKPOINT_OPENS;
}

static int make_journal(struct store *store, const char *folder, char **ret_error) {
        for (int i = 0; i < VALUES_JOURNALS; i++) {
                int r = journal_make(&store->volumes[i].journal, folder);

                if (r < 0) {
                        *ret_error = memory_print("cannot write %s/%s: %s", folder, store->volumes[i].journal.name,
                                                  strerror(-r));
                        return r;
                }
        }
        return 0;
}

static int open_journal(struct store *store, const char *folder, char **ret_error) {
        int r = 0;

        for (int i = 0; i < VALUES_JOURNALS && r == 0; i++)
                r = journal_open(&store->volumes[i].journal, folder, &store->volumes[i].image, ret_error);
        if (r == 0)
                r = replay_all(store, folder, ret_error);
        if (r < 0)
                return r;
        continue_checkpoint(store);
        return make_journal(store, folder, ret_error);
}

/* -- open ---------------------------------------------------------------------------------------------------------- */

/* A new epoch, and the journal spent. */
static int begin_epoch(struct store *store, char **ret_error) {
        int r;

        for (int i = 0; i < VALUES_JOURNALS; i++) /* of what was replayed anything may be in the database */
                store->volumes[i].overlay.fresh_from = UINT64_MAX;
        store->meta.format = VALUES_FORMAT;
        store->meta.epoch++;
        store->first_seq = store->meta.reserved_seq;
        r = store_checkpoint(store, CHECKPOINT_SETTLES);
        if (r < 0)
                *ret_error = store_explain(store, r);
        store->young->overlay.fresh_from = store->first_seq;
        return r;
}

static int open_memory(struct store *store) {
        store->engine = engine_memory_open();
        for (int i = 0; i < VALUES_JOURNALS; i++)
                store->volumes[i].journal.size = store->volumes[i].journal.sizes.most;
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

static void init_volumes(struct store *store, const struct journal_sizes *sizes) {
        static const char *const names[VALUES_JOURNALS] = {"journal", "journal-2"};

        for (int i = 0; i < VALUES_JOURNALS; i++)
                journal_init(&store->volumes[i].journal, names[i], sizes);
        store->young = &store->volumes[0];
}

/* The memory's engine is no engine for two. */
static bool is_memory(const char *uri) { return strcmp(uri, "memory:") == 0; }

int store_open_formed(const char *uri, const struct store_form *form, struct store **ret, char **ret_error) {
        CLEANUP_STORE struct store *store = memory_new(1, sizeof *store);
        int r;

        init_volumes(store, &form->sizes);
        store->beside = beside_new(is_memory(uri) ? BESIDE_LATER : form->kind);
        if (strncmp(uri, "lmdb:", 5) == 0 && uri[5])
                r = open_lmdb(store, uri + 5, ret_error);
        else if (is_memory(uri))
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
        static const struct store_form form = {{LIMIT_JOURNAL_BYTES_FIRST, LIMIT_JOURNAL_BYTES_MAX}, BESIDE_THREAD};

        return store_open_formed(uri, &form, ret, ret_error);
}

struct store_head store_head(const struct store *store) {
        return (struct store_head){store->meta.epoch, store->meta.salt, store->first_seq};
}
