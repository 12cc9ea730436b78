/* Changes, written as one. */
#include "broker/store/store_private.h"

#include <errno.h>
#include <string.h>

/* Sequence numbers are reserved in blocks, so that a number is never used twice and yet costs no write of its own. */
enum { SEQ_BLOCK = 1 << 20 };

/* -- edit ---------------------------------------------------------------------------------------------------------- */

/* What an edited message was before. */
struct former {
        struct values_tally *tally;
        struct buffer value;
};

static void on_edited(void *context, struct bytes piece, bool is_first) {
        struct former *former = context;

        store_on_gone(former->tally, piece, is_first);
        buffer_push(&former->value, piece.data, piece.len);
}

static void fill(struct bytes *part, struct bytes former) {
        if (part->len == 0)
                *part = former;
}

/* What is edited, or taken back, is still from whom it was, and its reply still goes where it was to go; but of what is
 * taken back nothing else stays. */
static void merge(struct wire_body *body, const struct wire_body *former, bool is_taken_back) {
        fill(&body->from, former->from);
        fill(&body->to, former->to);
        if (body->at.ms <= 0)
                body->at = former->at;
        if (is_taken_back)
                return;
        fill(&body->kind, former->kind);
        fill(&body->data, former->data);
        fill(&body->url, former->url);
}

/* A platform sends a webhook that was not answered again, and meanwhile tells of the next edit. */
static bool is_overtaken(const struct wire_body *body, const struct stored_message *former,
                         const struct wire_body *former_body) {
        return former->n_edits > 0 && body->at.ms > 0 && body->at.ms < former_body->at.ms;
}

/* The message with what its new body leaves out; as it is, if that would make it too long; as it was, if an edit that
 * was made later has come before. */
static void complete(struct stored_message *message, const struct stored_message *former, struct buffer *memory) {
        struct wire_body body, old;

        fill(&message->channel, former->channel);
        if (wire_decode_body(message->body, &body) < 0 || wire_decode_body(former->body, &old) < 0)
                return;
        if (is_overtaken(&body, former, &old)) {
                message->body = former->body;
                return;
        }
        merge(&body, &old, message->is_taken_back);
        wire_encode_body(memory, &body);
        if (memory->len <= LIMIT_MESSAGE_BYTES_MAX)
                message->body = buffer_bytes(memory);
}

/* It may be shorter than what it takes the place of. */
static int edit(struct store *store, struct stored_message message) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct former former = {.tally = &store->meta.tallies[ENGINE_MESSAGES]};
        int r = store->engine->ops->remove(store->engine, ENGINE_MESSAGES, message.seq, on_edited, &former);
        struct stored_message old;
        struct bytes payload;

        if (values_open(message.seq, buffer_bytes(&former.value), &payload) == 0 &&
            values_decode_message(message.seq, payload, &old) == 0)
                complete(&message, &old, &memory);
        values_encode_message(&store->scratch, &message);
        buffer_done(&former.value);
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
                if (changes[i].type == CHANGE_PUT_SEEN && changes[i].seen.seq > highest)
                        highest = changes[i].seen.seq;
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
