#include "broker/store/store_private.h"

#include "common/memory.h"

#include <errno.h>
#include <string.h>

static const char *const table_nouns[ENGINE_N_TABLES] = {"head",   "message",    "batch record",
                                                         "answer", "message id", "note"};

struct store *store_close(struct store *store) {
        if (!store)
                return NULL;
        beside_free(store->beside); /* before what its job is about */
        if (store->engine)
                store->engine->ops->close(store->engine);
        for (int i = 0; i < VALUES_JOURNALS; i++) {
                journal_done(&store->volumes[i].journal);
                overlay_done(&store->volumes[i].overlay);
                buffer_done(&store->volumes[i].image);
        }
        buffer_done(&store->checkpoint.scratch);
        buffer_done(&store->scratch);
        free(store);
        return NULL;
}

/* -- values in pieces ---------------------------------------------------------------------------------------------- */

/* LMDB's own pages bear no checksum: a damaged one could hide a whole table. So the head says what each holds. */
void store_tally(struct values_tally *tally, struct bytes value) {
        tally->n++;
        tally->sum += values_checksum(value);
}

/* Joins pieces as a scan brings them, and hands on each whole value. */
struct joiner {
        struct buffer *value;
        size_t begin; /* where the value begins in the buffer */
        uint64_t seq;
        size_t wanted; /* bytes still missing of it; 0 = none is open */
        int (*whole)(void *context, uint64_t seq, struct bytes payload);
        void *context;
        struct values_tally found;
};

static int join(void *context, struct engine_key key, struct bytes piece) {
        struct joiner *joiner = context;
        struct bytes payload;

        if (joiner->wanted == 0) {
                joiner->begin = joiner->value->len;
                joiner->wanted = key.piece == 0 ? values_length(piece) : 0;
                joiner->seq = key.seq;
        }
        if (key.seq != joiner->seq || piece.len == 0 || piece.len > joiner->wanted)
                return joiner->seq = key.seq, -EBADMSG;
        buffer_push(joiner->value, piece.data, piece.len);
        joiner->wanted -= piece.len;
        if (joiner->wanted > 0)
                return 0;
        if (values_open(key.seq,
                        (struct bytes){joiner->value->data + joiner->begin, joiner->value->len - joiner->begin},
                        &payload) < 0)
                return -EBADMSG;
        store_tally(&joiner->found,
                    (struct bytes){joiner->value->data + joiner->begin, joiner->value->len - joiner->begin});
        return joiner->whole(joiner->context, key.seq, payload);
}

int store_scan(struct store *store, enum engine_table table, int (*whole)(void *, uint64_t, struct bytes),
               void *context, struct values_tally *ret_found, char **ret_error) {
        struct joiner joiner = {.value = &store->scratch, .whole = whole, .context = context};
        int r;

        buffer_clear(&store->scratch);
        r = store->engine->ops->scan(store->engine, table, 0, join, &joiner);
        store->engine->ops->release(store->engine);
        if (r == 0 && joiner.wanted > 0)
                r = -EBADMSG;
        if (r < 0)
                *ret_error = memory_print(
                        "the store is damaged: %s %llu is not what was written (%s); put back a copy, or move the "
                        "store away to start empty: what it held is then lost",
                        table_nouns[table], (unsigned long long)joiner.seq, strerror(-r));
        *ret_found = joiner.found;
        return r;
}

/* The same, and that they are all there, and each once. */
static int scan_all(struct store *store, enum engine_table table, int (*whole)(void *, uint64_t, struct bytes),
                    void *context, char **ret_error) {
        const struct values_tally *noted = &store->meta.tallies[table];
        struct values_tally found;
        int r = store_scan(store, table, whole, context, &found, ret_error);

        if (r < 0 || (found.n == noted->n && found.sum == noted->sum))
                return r;
        *ret_error = memory_print("the store is damaged: of %llu %ss it holds %llu are found, or others; put back a "
                                  "copy, or move the store away to start empty: what it held is then lost",
                                  (unsigned long long)noted->n, table_nouns[table], (unsigned long long)found.n);
        return -EBADMSG;
}

static int check_ids(void *context, uint64_t seq, struct bytes payload) {
        struct values_ids ids = {.first = values_ids_first(seq)};
        int r = values_decode_ids(seq, payload, &ids);

        buffer_clear(context);
        return r;
}

char *store_explain(struct store *store, int error) {
        struct values_tally found;
        char *named = NULL;

        if (error == -EBADMSG && store_scan(store, ENGINE_SEEN, check_ids, &store->scratch, &found, &named) < 0)
                return named;
        if (error == -EBADMSG)
                return memory_print("the store is damaged: a table is not in order; put back a copy, or move the store "
                                    "away to start empty: what it held is then lost");
        return memory_print("cannot write to the store: %s", strerror(-error));
}

/* One value of the engine. */
struct reading {
        uint64_t seq;
        struct bytes payload;
        bool is_found;
};

static int take_first(void *context, uint64_t seq, struct bytes payload) {
        struct reading *reading = context;

        reading->is_found = seq == reading->seq;
        reading->payload = payload;
        return 1;
}

static int read_from_engine(struct store *store, enum engine_table table, uint64_t seq, struct buffer *memory,
                            struct bytes *ret_payload) {
        struct reading reading = {.seq = seq};
        struct joiner joiner = {.value = memory, .whole = take_first, .context = &reading};
        int r = store->engine->ops->scan(store->engine, table, seq, join, &joiner);

        if (r < 0)
                return r;
        if (!reading.is_found)
                return joiner.wanted > 0 ? -EBADMSG : -ENOENT;
        *ret_payload = reading.payload;
        return 0;
}

/* Where the journal has a word on it: *ret_volume. NULL where only the database can. */
static const struct overlay_entry *find_entry(const struct store *store, enum engine_table table, uint64_t seq,
                                              const struct volume **ret_volume) {
        const struct overlay_entry *entry = overlay_find(&store->young->overlay, table, seq);

        *ret_volume = entry ? store->young : store->checkpoint.volume;
        return entry || !*ret_volume ? entry : overlay_find(&(*ret_volume)->overlay, table, seq);
}

int store_read_value(struct store *store, enum engine_table table, uint64_t seq, struct buffer *memory,
                     struct bytes *ret_payload) {
        const struct volume *volume;
        const struct overlay_entry *entry = find_entry(store, table, seq, &volume);

        if (!entry)
                return read_from_engine(store, table, seq, memory, ret_payload);
        if (entry->state == OVERLAY_GONE)
                return -ENOENT;
        /* It was never away: nothing can have happened to it. */
        *ret_payload = (struct bytes){volume->image.data + entry->at + VALUES_HEAD, entry->len - VALUES_HEAD};
        return 0;
}

/* -- load ---------------------------------------------------------------------------------------------------------- */

struct load {
        const struct store_visitor *visitor;
        struct buffer *scratch;
};

static int load_note(void *context, uint64_t seq, struct bytes payload) {
        struct load *load = context;
        struct stored_note note;
        int r = values_decode_note(seq, payload, &note);

        if (r == 0 && load->visitor->note)
                load->visitor->note(load->visitor->context, &note);
        buffer_clear(load->scratch);
        return r;
}

static int load_batch(void *context, uint64_t seq, struct bytes payload) {
        struct load *load = context;
        CLEANUP_FREE uint64_t *seqs = NULL;
        struct stored_batch batch;
        int r = values_decode_batch(seq, payload, &batch, &seqs);

        if (r == 0)
                load->visitor->batch(load->visitor->context, &batch);
        buffer_clear(load->scratch);
        return r;
}

static int load_message(void *context, uint64_t seq, struct bytes payload) {
        struct load *load = context;
        struct stored_message message;
        int r = values_decode_message(seq, payload, &message);

        if (r == 0)
                load->visitor->message(load->visitor->context, &message);
        buffer_clear(load->scratch);
        return r;
}

static int load_ids(void *context, uint64_t seq, struct bytes payload) {
        struct load *load = context;
        struct values_ids ids = {.first = values_ids_first(seq)};
        int r = values_decode_ids(seq, payload, &ids);

        for (int i = 0; i < VALUES_IDS && r == 0; i++)
                if (values_ids_has(&ids, ids.first + (uint64_t)i))
                        load->visitor->seen(load->visitor->context, &ids.items[i]);
        buffer_clear(load->scratch);
        return r;
}

static int load_answer(void *context, uint64_t seq, struct bytes payload) {
        struct load *load = context;

        if (load->visitor->answer)
                load->visitor->answer(load->visitor->context, seq, payload);
        buffer_clear(load->scratch);
        return 0;
}

int store_load(struct store *store, const struct store_visitor *visitor, char **ret_error) {
        struct load load = {visitor, &store->scratch};
        int r = store_settle(store);

        if (r < 0)
                *ret_error = store_explain(store, r);
        if (r == 0)
                r = scan_all(store, ENGINE_NOTES, load_note, &load, ret_error);
        if (r == 0)
                r = scan_all(store, ENGINE_BATCHES, load_batch, &load, ret_error);
        if (r == 0)
                r = scan_all(store, ENGINE_MESSAGES, load_message, &load, ret_error);
        if (r == 0)
                r = scan_all(store, ENGINE_SEEN, load_ids, &load, ret_error);
        if (r == 0)
                r = scan_all(store, ENGINE_ANSWERS, load_answer, &load, ret_error);
        return r;
}

/* -- read ---------------------------------------------------------------------------------------------------------- */

/* What is still to come to the database counts as if it were there. */
static void add_overlays(const struct store *store, struct engine_usage *usage) {
        uint64_t bytes = store->volumes[0].overlay.bytes + store->volumes[1].overlay.bytes;
        uint64_t of_file = bytes < usage->reusable ? bytes : usage->reusable, of_disk = bytes - of_file;

        usage->data += bytes;
        usage->reusable -= of_file;
        if (usage->disk_free != UINT64_MAX)
                usage->disk_free -= of_disk < usage->disk_free ? of_disk : usage->disk_free;
}

static uint64_t journal_size(const struct store *store) {
        return journal_bytes(&store->volumes[0].journal) + journal_bytes(&store->volumes[1].journal);
}

int store_usage(struct store *store, struct store_usage *ret) {
        struct engine_usage usage = {.data = store->engine->ops->bytes(store->engine), .disk_free = UINT64_MAX};
        int r = store->engine->ops->usage ? store->engine->ops->usage(store->engine, &usage) : 0;

        if (r < 0)
                return r;
        add_overlays(store, &usage);
        *ret = (struct store_usage){usage.data, usage.reusable, usage.disk_free, journal_size(store)};
        return 0;
}

bool store_is_lack_of_room(struct store *store, int error) {
        struct store_usage usage;

        if (error == -ENOSPC || error == -EDQUOT)
                return true;
        /* LMDB calls a write that was cut short EIO, as it calls a broken disk. That nothing is left tells them apart.
         * (Should it have been a failed fsync after all: every page of the failed transaction is written again.) */
        return error == -EIO && store_usage(store, &usage) == 0 && usage.disk_free_bytes < LIMIT_STORE_OPEN_BYTES;
}

int store_read_message(struct store *store, uint64_t seq, struct buffer *memory, struct stored_message *ret) {
        struct bytes payload;
        int r = store_read_value(store, ENGINE_MESSAGES, seq, memory, &payload);

        return r < 0 ? r : values_decode_message(seq, payload, ret);
}

/* One of an older layout is laid out anew. */
static int push_former_message(uint64_t seq, struct bytes payload, struct buffer *run) {
        struct stored_message message;
        int r = values_decode_message(seq, payload, &message);

        if (r == 0)
                wire_encode_run_message(
                        run, &(struct wire_run_message){message.id, message.channel, message.body, message.accepted});
        return r;
}

int store_read_run_message(struct store *store, uint64_t seq, struct buffer *memory, struct buffer *run) {
        struct bytes payload, message;
        int r = store_read_value(store, ENGINE_MESSAGES, seq, memory, &payload);

        if (r == 0)
                r = values_find_run_message(payload, &message);
        if (r == VALUES_OF_OLD)
                return push_former_message(seq, payload, run);
        if (r == 0)
                buffer_push(run, message.data, message.len);
        return r;
}

int store_read_answer(struct store *store, uint64_t seq, struct buffer *memory, struct bytes *ret) {
        return store_read_value(store, ENGINE_ANSWERS, seq, memory, ret);
}

void store_release(struct store *store) { store->engine->ops->release(store->engine); }
struct store_counts store_counts(const struct store *store) {
        return store->counts;
}
const char *store_kind(const struct store *store) { return store->engine->ops->kind; }
uint64_t store_bytes(const struct store *store) {
        return store->engine->ops->bytes(store->engine) + journal_size(store);
}
