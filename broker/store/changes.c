/* Changes, written as one. */
#include "broker/store/store_private.h"

#include <errno.h>
#include <string.h>

/* Sequence numbers are reserved in blocks, so that a number is never used twice and yet costs no write of its own. */
enum { SEQ_BLOCK = 1 << 20 };

/* -- edit ---------------------------------------------------------------------------------------------------------- */

/* What an edited message keeps of what it was. */
struct former {
        struct values_tally *tally;
        uint8_t channel[LIMIT_NAME_LEN];
        size_t channel_len;
};

static void on_edited(void *context, struct bytes first_piece) {
        struct former *former = context;
        struct bytes channel = values_channel(first_piece);

        store_on_gone(former->tally, first_piece);
        former->channel_len = channel.len <= sizeof former->channel ? channel.len : 0;
        if (former->channel_len > 0)
                memcpy(former->channel, channel.data, former->channel_len);
}

/* It may be shorter than what it takes the place of. */
static int edit(struct store *store, struct stored_message message) {
        struct former former = {.tally = &store->meta.tallies[ENGINE_MESSAGES]};
        int r = store->engine->ops->remove(store->engine, ENGINE_MESSAGES, message.seq, on_edited, &former);

        if (message.channel.len == 0)
                message.channel = (struct bytes){former.channel, former.channel_len};
        values_encode_message(&store->scratch, &message);
        return r < 0 ? r : store_put(store, ENGINE_MESSAGES, message.seq);
}

/* -- commit -------------------------------------------------------------------------------------------------------- */

static int apply(struct store *store, const struct change *change) {
        buffer_clear(&store->scratch);
        switch (change->type) {
        case CHANGE_PUT_MESSAGE:
                values_encode_message(&store->scratch, &change->message);
                return store_put(store, ENGINE_MESSAGES, change->message.seq);
        case CHANGE_EDIT_MESSAGE:
                return edit(store, change->message);
        case CHANGE_PUT_BATCH: {
                /* It may be shorter than the record that it takes the place of. */
                int r = store_drop(store, ENGINE_BATCHES, change->batch->seq);

                values_encode_batch(&store->scratch, change->batch);
                return r < 0 ? r : store_put(store, ENGINE_BATCHES, change->batch->seq);
        }
        case CHANGE_PUT_ANSWER: {
                int r = store_drop(store, ENGINE_ANSWERS, change->seq);

                values_encode_answer(&store->scratch, change->seq, change->answer);
                return r < 0 ? r : store_put(store, ENGINE_ANSWERS, change->seq);
        }
        case CHANGE_PUT_SEEN:
                values_encode_seen(&store->scratch, &change->seen);
                return store_put(store, ENGINE_SEEN, change->seen.seq);
        case CHANGE_PUT_NOTE: {
                int r = store_drop(store, ENGINE_NOTES, change->note.seq);

                values_encode_note(&store->scratch, &change->note);
                return r < 0 ? r : store_put(store, ENGINE_NOTES, change->note.seq);
        }
        case CHANGE_DELETE_MESSAGE:
                return store_drop(store, ENGINE_MESSAGES, change->seq);
        case CHANGE_DELETE_BATCH:
                return store_drop(store, ENGINE_BATCHES, change->seq);
        case CHANGE_DELETE_ANSWER:
                return store_drop(store, ENGINE_ANSWERS, change->seq);
        case CHANGE_DELETE_SEEN:
                return store_drop(store, ENGINE_SEEN, change->seq);
        case CHANGE_DELETE_NOTE:
                return store_drop(store, ENGINE_NOTES, change->seq);
        }
        return -EINVAL;
}

/* Keeps the reservation ahead of the numbers in use. */
static void reserve(struct store *store, const struct change *changes, size_t n) {
        uint64_t highest = 0;

        for (size_t i = 0; i < n; i++) {
                if (changes[i].type == CHANGE_PUT_MESSAGE && changes[i].message.seq > highest)
                        highest = changes[i].message.seq;
                if (changes[i].type == CHANGE_PUT_NOTE && changes[i].note.seq > highest)
                        highest = changes[i].note.seq;
        }
        if (highest >= store->meta.reserved_seq)
                store->meta.reserved_seq = highest + SEQ_BLOCK;
}

static int write_changes(struct store *store, const struct change *changes, size_t n) {
        struct engine *engine = store->engine;
        int r = engine->ops->begin(engine);

        if (r < 0)
                return r;
        reserve(store, changes, n);
        for (size_t i = 0; i < n && r == 0; i++)
                r = apply(store, &changes[i]);
        if (r == 0)
                r = store_write_meta(store);
        if (r < 0) {
                engine->ops->abort(engine);
                return r;
        }
        return engine->ops->commit(engine);
}

int store_commit(struct store *store, const struct change *changes, size_t n) {
        struct values_meta before = store->meta;
        int r = n > 0 ? write_changes(store, changes, n) : 0;

        /* What is not on disk is not: the next try counts and reserves anew. */
        if (r < 0)
                store->meta = before;
        return r;
}
