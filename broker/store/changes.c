/* Changes, written as one: into a record of the journal, or, where neither of its files has room for it, into the
 * database with all that the journal still held. */
#include "broker/store/store_private.h"

#include "broker/store/record.h"

#include <errno.h>

/* Sequence numbers are reserved in blocks, so that a number is never used twice and yet costs no write of its own. */
enum { SEQ_BLOCK = 1 << 20 };

/* -- operations ---------------------------------------------------------------------------------------------------- */

static size_t begin_put(struct store *store, enum engine_table table, uint64_t seq) {
        return record_begin_put(&store->young->image, table, seq);
}

/* The value was encoded behind where it begins. */
static int end_put(struct store *store, enum engine_table table, uint64_t seq, size_t at) {
        size_t len = record_end_put(&store->young->image, at);

        overlay_put(&store->young->overlay, table, seq, at, (uint32_t)len);
        store_reserve(store, seq);
        return len > STORE_VALUE_BYTES_MAX ? -EFBIG : 0;
}

static int drop(struct store *store, enum engine_table table, uint64_t seq) {
        record_push_drop(&store->young->image, table, seq);
        overlay_drop(&store->young->overlay, table, seq);
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
        values_encode_message(&store->young->image, &message);
        return end_put(store, ENGINE_MESSAGES, message.seq, at);
}

/* -- commit -------------------------------------------------------------------------------------------------------- */

static int put_message(struct store *store, const struct stored_message *message) {
        size_t at = begin_put(store, ENGINE_MESSAGES, message->seq);

        values_encode_message(&store->young->image, message);
        return end_put(store, ENGINE_MESSAGES, message->seq, at);
}

static int put_batch(struct store *store, const struct stored_batch *batch) {
        size_t at = begin_put(store, ENGINE_BATCHES, batch->seq);

        values_encode_batch(&store->young->image, batch);
        return end_put(store, ENGINE_BATCHES, batch->seq, at);
}

static int put_answer(struct store *store, uint64_t seq, struct bytes answer) {
        size_t at = begin_put(store, ENGINE_ANSWERS, seq);

        values_encode_answer(&store->young->image, seq, answer);
        return end_put(store, ENGINE_ANSWERS, seq, at);
}

static int put_seen(struct store *store, const struct stored_seen *seen) {
        size_t at = begin_put(store, ENGINE_SEEN, seen->seq);

        values_encode_seen(&store->young->image, seen);
        return end_put(store, ENGINE_SEEN, seen->seq, at);
}

static int put_note(struct store *store, const struct stored_note *note) {
        size_t at = begin_put(store, ENGINE_NOTES, note->seq);

        values_encode_note(&store->young->image, note);
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

enum { NO_ROOM = 1 };

/* The record at the end of the image becomes durable. */
static int write_record(struct store *store, size_t begin) {
        struct volume *volume = store->young;
        struct bytes record = {volume->image.data + begin, volume->image.len - begin};
        int r;

        if (!journal_has_room(&volume->journal, begin, record.len))
                return NO_ROOM;
        store->tried = store->last + 1;
        r = journal_append(&volume->journal, begin, record);
        if (r < 0)
                return r;
        store->last = store->tried;
        store->counts.n_records++;
        return store->engine->ops->mark ? store->engine->ops->mark(store->engine, store->meta.commit, store->last) : 0;
}

/* It never was in the journal. */
static int write_through(struct store *store, size_t begin) { return store_checkpoint(store, CHECKPOINT_FULL); }

static int push_record(struct store *store, const struct change *changes, size_t n) {
        size_t begin = store->young->image.len;
        int r = 0;

        record_begin(&store->young->image);
        for (size_t i = 0; i < n && r == 0; i++)
                r = apply(store, &changes[i]);
        if (r == 0)
                record_end(&store->young->image, begin, store->meta.salt,
                           (struct record_name){store->last + 1, store->meta.commit});
        return r;
}

static int write_changes(struct store *store, const struct change *changes, size_t n,
                         int (*write)(struct store *store, size_t begin)) {
        struct volume *volume = store->young;
        uint64_t reserved = store->meta.reserved_seq;
        size_t begin = volume->image.len;
        int r;

        overlay_begin(&volume->overlay);
        r = push_record(store, changes, n);
        if (r == 0)
                r = write(store, begin);
        if (r != 0) {
                /* What is not on disk is not: the next try counts and reserves anew. */
                store->meta.reserved_seq = reserved;
                volume->image.len = begin;
                overlay_undo(&volume->overlay);
        }
        return r;
}

/* Commits go on in the journal's other file. A record that may be there, or not, must not be found in this one: then
 * the database is to say first that it is behind all of them. */
static int turn_over(struct store *store) {
        int r;

        if (store->tried > store->last)
                return store_checkpoint(store, CHECKPOINT_FULL);
        r = store_finish(store);
        if (r == 0)
                store_turn_over(store, CHECKPOINT_FULL);
        return r;
}

/* A checkpoint leaves out what the young file replaces. Nothing may be there then that is not durable: it would be gone
 * with the commit that comes to nothing. */
static int commit_through(struct store *store, const struct change *changes, size_t n) {
        int r = store_finish(store);

        return r == 0 ? write_changes(store, changes, n, write_through) : r;
}

int store_commit(struct store *store, const struct change *changes, size_t n) {
        int r;

        if (n == 0)
                return 0;
        r = store_tend(store);
        if (r == 0)
                r = write_changes(store, changes, n, write_record);
        if (r == NO_ROOM && store->young->image.len > 0) {
                r = turn_over(store);
                if (r == 0)
                        r = write_changes(store, changes, n, write_record);
        }
        return r == NO_ROOM ? commit_through(store, changes, n) : r;
}
