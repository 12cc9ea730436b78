/* From the journal to the database.
 *
 * The database gets in one transaction what is left of the journal's commits, and with it, in its head, the number of
 * the last one. Only then the journal begins anew: whenever the power goes, one of the two has each of them. */
#include "broker/store/ids.h"
#include "broker/store/store_private.h"

#include "common/memory.h"

#include <errno.h>

/* -- one value ----------------------------------------------------------------------------------------------------- */

static int write_entry(struct store *store, const struct overlay_entry *entry) {
        enum engine_table table = (enum engine_table)entry->table;
        int r = 0;

        /* What takes the place of a value may be shorter than it. */
        if (overlay_is_below(&store->overlay, entry->seq))
                r = store_drop(store, table, entry->seq);
        if (r == 0 && entry->state == OVERLAY_VALUE)
                r = store_put(store, table, entry->seq, (struct bytes){store->image.data + entry->at, entry->len});
        return r;
}

/* An id is written with its neighbours. */
static int write_id(struct store *store, struct ids *ids, const struct overlay_entry *entry) {
        struct bytes payload = {store->image.data + entry->at + VALUES_HEAD, entry->len - VALUES_HEAD};
        struct stored_seen seen;

        if (entry->state == OVERLAY_GONE)
                return overlay_is_below(&store->overlay, entry->seq) ? ids_drop(ids, entry->seq) : 0;
        return values_decode_seen(entry->seq, payload, &seen) < 0 ? -EBADMSG : ids_put(ids, &seen);
}

/* -- those of a table ---------------------------------------------------------------------------------------------- */

/* What goes and what comes, each by itself: keys are then in the order in which they were made, which is what appending
 * needs. */
static int write_table(struct store *store, enum engine_table table, enum overlay_state state, struct ids *ids) {
        int r = 0;

        for (uint32_t i = 0; i < store->overlay.n && r == 0; i++) {
                const struct overlay_entry *entry = &store->overlay.entries[i];

                if (entry->table == table && entry->state == state)
                        r = table == ENGINE_SEEN ? write_id(store, ids, entry) : write_entry(store, entry);
        }
        return r;
}

/* Most tables have none of either kind: they need not be looked for. */
static void count_entries(const struct overlay *overlay, uint32_t ret_n[ENGINE_N_TABLES][OVERLAY_N_STATES]) {
        for (uint32_t i = 0; i < overlay->n; i++)
                ret_n[overlay->entries[i].table][overlay->entries[i].state]++;
}

static int write_entries(struct store *store) {
        static const enum overlay_state states[] = {OVERLAY_GONE, OVERLAY_VALUE};
        uint32_t n[ENGINE_N_TABLES][OVERLAY_N_STATES] = {0};
        struct ids ids = {
                .engine = store->engine,
                .tally = &store->meta.tallies[ENGINE_SEEN],
                .scratch = &store->scratch,
                .fresh_from = store->overlay.fresh_from,
        };
        int r = 0;

        count_entries(&store->overlay, n);
        for (enum engine_table table = ENGINE_MESSAGES; table < ENGINE_N_TABLES; table++)
                for (size_t i = 0; i < sizeof states / sizeof *states && r == 0; i++)
                        if (n[table][states[i]] > 0)
                                r = write_table(store, table, states[i], &ids);
        return r == 0 ? ids_flush(&ids) : r;
}

/* -- all of them --------------------------------------------------------------------------------------------------- */

static int write_all(struct store *store, enum store_stay stay) {
        struct engine *engine = store->engine;
        int r = engine->ops->begin(engine);

        if (r < 0)
                return r;
        r = write_entries(store);
        store->meta.journal = store->journal.tried;
        store->meta.journal_bytes = stay == STORE_ENDS ? 0 : store->journal.size;
        if (r == 0)
                r = store_write_meta(store);
        if (r < 0) {
                engine->ops->abort(engine);
                return r;
        }
        return engine->ops->commit(engine);
}

/* The image of a journal stays for the next one; that of a commit which was larger than any does not. */
static void clear_image(struct store *store) {
        if (store->image.cap > 2 * store->journal.sizes.most)
                buffer_done(&store->image);
        buffer_clear(&store->image);
}

int store_checkpoint(struct store *store, enum store_stay stay) {
        struct values_meta before = store->meta;
        int r = write_all(store, stay);

        if (r < 0) {
                /* What is not in the database is not: the next try counts anew. */
                store->meta = before;
                return r;
        }
        store->engine->ops->release(store->engine); /* what reads saw is no longer what is there */
        overlay_clear(&store->overlay);
        clear_image(store);
        journal_begin_anew(&store->journal);
        store->counts.n_checkpoints++;
        return 0;
}

int store_settle(struct store *store) { return store->overlay.n > 0 ? store_checkpoint(store, STORE_STAYS) : 0; }

int store_end(struct store *store) {
        int r = store_checkpoint(store, STORE_ENDS);

        /* A commit that comes after all goes to the database at once. */
        if (r == 0)
                store->journal.size = 0, store->journal.cannot_grow = true;
        return r;
}
