/* Changes, written as one: into a record of the journal, or, where that has no room for it, into the database with all
 * that the journal still held. */
#include "broker/store/store_private.h"

#include "broker/store/record.h"

#include <errno.h>

/* Sequence numbers are reserved in blocks, so that a number is never used twice and yet costs no write of its own. */
enum { SEQ_BLOCK = 1 << 20 };

/* -- operations ---------------------------------------------------------------------------------------------------- */

static size_t begin_put(struct store *store, enum engine_table table, uint64_t seq) {
        return record_begin_put(&store->image, table, seq);
}

/* The value was encoded behind where it begins. */
static int end_put(struct store *store, enum engine_table table, uint64_t seq, size_t at) {
        size_t len = record_end_put(&store->image, at);

        overlay_put(&store->overlay, table, seq, at, (uint32_t)len);
        store_reserve(store, seq);
        return len > STORE_VALUE_BYTES_MAX ? -EFBIG : 0;
}

static int drop(struct store *store, enum engine_table table, uint64_t seq) {
        record_push_drop(&store->image, table, seq);
        overlay_drop(&store->overlay, table, seq);
        return 0;
}

/* -- edit ---------------------------------------------------------------------------------------------------------- */

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

/* What the message was before, the caller's copy; -ENOENT where that is not known, or damaged. */
static int find_former(struct store *store, uint64_t seq, struct buffer *ret_copy, struct stored_message *ret) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct bytes payload;
        int r = store_read_value(store, ENGINE_MESSAGES, seq, &memory, &payload);

        store->engine->ops->release(store->engine);
        if (r == 0) {
                buffer_push(ret_copy, payload.data, payload.len);
                r = values_decode_message(seq, buffer_bytes(ret_copy), ret);
        }
        return r == -EBADMSG ? -ENOENT : r;
}

static int edit(struct store *store, struct stored_message message) {
        CLEANUP_BUFFER struct buffer former = {0}, memory = {0};
        struct stored_message old;
        int r = find_former(store, message.seq, &former, &old);
        size_t at;

        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0)
                complete(&message, &old, &memory);
        at = begin_put(store, ENGINE_MESSAGES, message.seq);
        values_encode_message(&store->image, &message);
        return end_put(store, ENGINE_MESSAGES, message.seq, at);
}

/* -- commit -------------------------------------------------------------------------------------------------------- */

static int put_message(struct store *store, const struct stored_message *message) {
        size_t at = begin_put(store, ENGINE_MESSAGES, message->seq);

        values_encode_message(&store->image, message);
        return end_put(store, ENGINE_MESSAGES, message->seq, at);
}

static int put_batch(struct store *store, const struct stored_batch *batch) {
        size_t at = begin_put(store, ENGINE_BATCHES, batch->seq);

        values_encode_batch(&store->image, batch);
        return end_put(store, ENGINE_BATCHES, batch->seq, at);
}

static int put_answer(struct store *store, uint64_t seq, struct bytes answer) {
        size_t at = begin_put(store, ENGINE_ANSWERS, seq);

        values_encode_answer(&store->image, seq, answer);
        return end_put(store, ENGINE_ANSWERS, seq, at);
}

static int put_seen(struct store *store, const struct stored_seen *seen) {
        size_t at = begin_put(store, ENGINE_SEEN, seen->seq);

        values_encode_seen(&store->image, seen);
        return end_put(store, ENGINE_SEEN, seen->seq, at);
}

static int put_note(struct store *store, const struct stored_note *note) {
        size_t at = begin_put(store, ENGINE_NOTES, note->seq);

        values_encode_note(&store->image, note);
        return end_put(store, ENGINE_NOTES, note->seq, at);
}

static int apply(struct store *store, const struct change *change) {
        switch (change->type) {
        case CHANGE_PUT_MESSAGE:
                return put_message(store, &change->message);
        case CHANGE_EDIT_MESSAGE:
                return edit(store, change->message);
        case CHANGE_PUT_BATCH:
                return put_batch(store, change->batch);
        case CHANGE_PUT_ANSWER:
                return put_answer(store, change->seq, change->answer);
        case CHANGE_PUT_SEEN:
                return put_seen(store, &change->seen);
        case CHANGE_PUT_NOTE:
                return put_note(store, &change->note);
        case CHANGE_DELETE_MESSAGE:
                return drop(store, ENGINE_MESSAGES, change->seq);
        case CHANGE_DELETE_BATCH:
                return drop(store, ENGINE_BATCHES, change->seq);
        case CHANGE_DELETE_ANSWER:
                return drop(store, ENGINE_ANSWERS, change->seq);
        case CHANGE_DELETE_SEEN:
                return drop(store, ENGINE_SEEN, change->seq);
        case CHANGE_DELETE_NOTE:
                return drop(store, ENGINE_NOTES, change->seq);
        }
        return -EINVAL;
}

void store_reserve(struct store *store, uint64_t highest) {
        if (highest >= store->meta.reserved_seq)
                store->meta.reserved_seq = highest + SEQ_BLOCK;
}

/* The record at the end of the image becomes durable. */
static int write_record(struct store *store, size_t begin) {
        struct journal *journal = &store->journal;
        struct bytes record;
        int r;

        if (!journal_has_room(journal, begin, store->image.len - begin)) {
                r = journal_grow(journal);
                store->counts.n_grown += r == JOURNAL_GROWN;
                return r < 0 ? r : store_checkpoint(store, STORE_STAYS);
        }
        record = (struct bytes){store->image.data + begin, store->image.len - begin};
        r = journal_append(journal, begin, record);
        store->counts.n_records += r == 0;
        if (r == 0 && store->engine->ops->mark)
                store->engine->ops->mark(store->engine, journal->last);
        return r;
}

static int write_changes(struct store *store, const struct change *changes, size_t n) {
        size_t begin = store->image.len;
        int r = 0;

        record_begin(&store->image);
        for (size_t i = 0; i < n && r == 0; i++)
                r = apply(store, &changes[i]);
        if (r < 0)
                return r;
        record_end(&store->image, begin, store->meta.salt,
                   (struct record_name){journal_next(&store->journal), store->meta.commit});
        return write_record(store, begin);
}

int store_commit(struct store *store, const struct change *changes, size_t n) {
        struct values_meta before = store->meta;
        size_t begin = store->image.len;
        int r;

        if (n == 0)
                return 0;
        overlay_begin(&store->overlay);
        r = write_changes(store, changes, n);
        if (r < 0) {
                /* What is not on disk is not: the next try counts and reserves anew. */
                store->meta = before;
                store->image.len = begin;
                overlay_undo(&store->overlay);
        }
        return r;
}
