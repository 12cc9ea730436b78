/* From the journal to the database.
 *
 * The database gets in one transaction what is left of a volume's commits, and with it, in its head, the number of the
 * last one. Only then the volume begins anew: whenever the power goes, one of the two has each of them.
 *
 * Commits go into the other volume meanwhile, and what they replace or delete of this one need not go to the database
 * at all: so a checkpoint begins only when the other volume is filled by a part, or is needed. Where most of what came
 * is still there it begins at once: then it is a long one, and nobody takes out what comes. */
#include "broker/store/ids.h"
#include "broker/store/store_private.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>

/* It begins when the other volume is filled by one part of so many. */
enum { PARTS = 4 };

/* -- one value ----------------------------------------------------------------------------------------------------- */

static int put(struct checkpoint *checkpoint, enum engine_table table, uint64_t seq, struct bytes value) {
        int r = 0;

        if (table != ENGINE_META)
                store_tally(&checkpoint->meta.tallies[table], value);
        for (size_t at = 0, piece = 0; at < value.len && r == 0; at += ENGINE_PIECE, piece++) {
                size_t len = value.len - at < ENGINE_PIECE ? value.len - at : ENGINE_PIECE;

                r = checkpoint->engine->ops->put(checkpoint->engine, table, (struct engine_key){seq, (uint16_t)piece},
                                                 (struct bytes){(const uint8_t *)value.data + at, len});
        }
        return r;
}

/* A value goes, says its first piece: takes it off the tally. */
static void on_gone(void *context, struct engine_key key, struct bytes piece) {
        struct values_tally *tally = context;

        if (key.piece > 0)
                return;
        tally->n--;
        tally->sum -= values_checksum(piece);
}

static int drop(struct checkpoint *checkpoint, enum engine_table table, uint64_t seq) {
        return checkpoint->engine->ops->remove(checkpoint->engine, table, seq, seq, on_gone,
                                               &checkpoint->meta.tallies[table]);
}

static int write_entry(struct checkpoint *checkpoint, const struct overlay_entry *entry) {
        struct volume *volume = checkpoint->volume;
        enum engine_table table = (enum engine_table)entry->table;
        int r = 0;

        /* What takes the place of a value may be shorter than it. */
        if (overlay_is_below(&volume->overlay, entry))
                r = drop(checkpoint, table, entry->seq);
        if (r == 0 && entry->state == OVERLAY_VALUE)
                r = put(checkpoint, table, entry->seq, (struct bytes){volume->image.data + entry->at, entry->len});
        return r;
}

/* An id is written with its neighbours. */
static int write_id(struct checkpoint *checkpoint, struct ids *ids, const struct overlay_entry *entry) {
        struct bytes payload = {checkpoint->volume->image.data + entry->at + VALUES_HEAD, entry->len - VALUES_HEAD};
        struct stored_seen seen;

        if (entry->state == OVERLAY_GONE)
                return overlay_is_below(&checkpoint->volume->overlay, entry) ? ids_drop(ids, entry->seq) : 0;
        return values_decode_seen(entry->seq, payload, &seen) < 0 ? -EBADMSG : ids_put(ids, &seen);
}

/* -- those of a table ---------------------------------------------------------------------------------------------- */

/* What goes and what comes, each by itself: keys are then in the order in which they were made, which is what appending
 * needs. */
static int write_table(struct checkpoint *checkpoint, enum engine_table table, enum overlay_state state,
                       struct ids *ids) {
        const struct overlay *overlay = &checkpoint->volume->overlay;
        int r = 0;

        for (uint32_t i = 0; i < overlay->n && r == 0; i++) {
                const struct overlay_entry *entry = &overlay->entries[i];

                if (entry->table == table && entry->state == state)
                        r = table == ENGINE_SEEN ? write_id(checkpoint, ids, entry) : write_entry(checkpoint, entry);
        }
        return r;
}

/* Most tables have none of either kind: they need not be looked for. */
static void count_entries(const struct overlay *overlay, uint32_t ret_n[ENGINE_N_TABLES][OVERLAY_N_STATES]) {
        for (uint32_t i = 0; i < overlay->n; i++)
                ret_n[overlay->entries[i].table][overlay->entries[i].state]++;
}

static int write_entries(struct checkpoint *checkpoint) {
        const struct overlay *overlay = &checkpoint->volume->overlay;
        static const enum overlay_state states[] = {OVERLAY_GONE, OVERLAY_VALUE};
        uint32_t n[ENGINE_N_TABLES][OVERLAY_N_STATES] = {0};
        struct ids ids = {
                .engine = checkpoint->engine,
                .tally = &checkpoint->meta.tallies[ENGINE_SEEN],
                .scratch = &checkpoint->scratch,
                .fresh_from = overlay->fresh_from,
        };
        int r = 0;

        count_entries(overlay, n);
        for (enum engine_table table = ENGINE_MESSAGES; table < ENGINE_N_TABLES; table++)
                for (size_t i = 0; i < sizeof states / sizeof *states && r == 0; i++)
                        if (n[table][states[i]] > 0)
                                r = write_table(checkpoint, table, states[i], &ids);
        return r == 0 ? ids_flush(&ids) : r;
}

/* -- a volume: what the helper does -------------------------------------------------------------------------------- */

static int write_head(struct checkpoint *checkpoint) {
        checkpoint->meta.commit = checkpoint->engine->ops->number(checkpoint->engine);
        buffer_clear(&checkpoint->scratch);
        values_encode_meta(&checkpoint->scratch, &checkpoint->meta);
        return put(checkpoint, ENGINE_META, 0, buffer_bytes(&checkpoint->scratch));
}

static int write_all(struct checkpoint *checkpoint) {
        const struct engine_ops *ops = checkpoint->engine->ops;
        int r = ops->begin(checkpoint->engine);

        if (r < 0)
                return r;
        r = write_entries(checkpoint);
        if (r == 0)
                r = write_head(checkpoint);
        if (r < 0) {
                ops->abort(checkpoint->engine);
                return r;
        }
        return ops->commit(checkpoint->engine);
}

/* Its file is the next to be written to: the time to let it grow. */
static void work(void *context) {
        struct checkpoint *checkpoint = context;

        checkpoint->result = write_all(checkpoint);
        if (checkpoint->result < 0)
                return;
        journal_forget(&checkpoint->journal);
        if (checkpoint->why == CHECKPOINT_FULL)
                checkpoint->growth = journal_grow(&checkpoint->journal);
}

/* -- its beginning and its end ------------------------------------------------------------------------------------- */

struct volume *store_other(struct store *store) {
        return &store->volumes[store->young == &store->volumes[0]];
}

void store_turn_over(struct store *store, enum checkpoint_why why) {
        struct volume *full = store->young;

        ENSURE(!store->checkpoint.volume);
        store->young = store_other(store);
        ENSURE(store->young->overlay.n == 0);
        overlay_follow(&store->young->overlay, &full->overlay);
        full->last = store->tried;
        store->checkpoint.volume = full;
        store->checkpoint.why = why;
        store->checkpoint.is_begun = false;
        store->checkpoint.again_from = 0;
}

static void begin(struct store *store) {
        struct checkpoint *checkpoint = &store->checkpoint;

        if (checkpoint->why != CHECKPOINT_OPENS)
                overlay_supersede(&checkpoint->volume->overlay, &store->young->overlay);
        checkpoint->engine = store->engine;
        checkpoint->journal = checkpoint->volume->journal;
        checkpoint->meta = store->meta;
        checkpoint->meta.journal = checkpoint->volume->last;
        for (int i = 0; i < VALUES_JOURNALS; i++)
                checkpoint->meta.journal_bytes[i] =
                        checkpoint->why == CHECKPOINT_ENDS ? 0 : store->volumes[i].journal.size;
        checkpoint->result = checkpoint->growth = 0;
        checkpoint->is_begun = true;
        beside_begin(store->beside, work, checkpoint);
}

/* The image of a volume stays for its next records; that of a commit which was larger than any does not. */
static void clear(struct volume *volume) {
        if (volume->image.cap > 2 * volume->journal.sizes.most)
                buffer_done(&volume->image);
        buffer_clear(&volume->image);
        overlay_clear(&volume->overlay);
}

static int end(struct store *store) {
        struct checkpoint *checkpoint = &store->checkpoint;
        uint64_t reserved = store->meta.reserved_seq;
        int r;

        checkpoint->is_begun = false;
        if (checkpoint->result < 0)
                return checkpoint->result;
        store->meta = checkpoint->meta;
        store->meta.reserved_seq = reserved;
        checkpoint->volume->journal = checkpoint->journal;
        clear(TAKE(checkpoint->volume));
        store->counts.n_checkpoints++;
        store->counts.n_grown += checkpoint->growth == JOURNAL_GROWN;
        store->engine->ops->release(store->engine); /* what reads saw is no longer what is there */
        r = store->engine->ops->mark ? store->engine->ops->mark(store->engine, store->meta.commit, store->last) : 0;
        return r < 0 ? r : checkpoint->growth < 0 ? checkpoint->growth : 0;
}

static bool is_due(const struct store *store) {
        const struct volume *full = store->checkpoint.volume, *young = store->young;

        return young->image.len >= store->checkpoint.again_from &&
               (2 * full->overlay.bytes > full->image.len || young->image.len * PARTS >= young->journal.size);
}

/* The disk is full, but the journal is not: commits go on, and the next try is made when more of it is filled. */
static int put_off(struct store *store) {
        store->checkpoint.again_from = store->young->image.len + store->young->journal.size / PARTS;
        return 0;
}

int store_tend(struct store *store) {
        struct checkpoint *checkpoint = &store->checkpoint;
        int r;

        if (checkpoint->volume && !checkpoint->is_begun && is_due(store))
                begin(store);
        if (!checkpoint->volume || !checkpoint->is_begun || !beside_is_done(store->beside))
                return 0;
        r = end(store);
        return r < 0 && store_is_lack_of_room(store, r) ? put_off(store) : r;
}

int store_finish(struct store *store) {
        struct checkpoint *checkpoint = &store->checkpoint;

        if (!checkpoint->volume)
                return 0;
        if (!checkpoint->is_begun)
                begin(store);
        beside_wait(store->beside);
        return end(store);
}

/* -- all of them --------------------------------------------------------------------------------------------------- */

/* What could not go to the database stays where it is, and commits go on into it. */
static void turn_back(struct store *store) {
        struct volume *other = store->young;

        store->young = TAKE(store->checkpoint.volume);
        overlay_clear(&other->overlay);
}

int store_checkpoint(struct store *store, enum checkpoint_why why) {
        int r = store_finish(store);

        if (r < 0)
                return r;
        store_turn_over(store, why);
        r = store_finish(store);
        if (store->checkpoint.volume)
                turn_back(store);
        else
                store->last = store->tried;
        return r;
}

int store_settle(struct store *store) {
        int r = store_finish(store);

        return r == 0 && store->young->overlay.n > 0 ? store_checkpoint(store, CHECKPOINT_SETTLES) : r;
}

int store_end(struct store *store) {
        int r = store_checkpoint(store, CHECKPOINT_ENDS);

        /* A commit that comes after all goes to the database at once. */
        for (int i = 0; i < VALUES_JOURNALS && r == 0; i++)
                store->volumes[i].journal.size = 0, store->volumes[i].journal.cannot_grow = true;
        return r;
}
