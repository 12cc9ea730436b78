#include "broker/store/values.h"

#include "common/hash.h"
#include "common/memory.h"
#include "common/pack.h"
#include "common/wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Of a message: tenant, thread, edits; and last, so that it is easily found, the message as a RUN bears it. */
enum { MESSAGE_FIELDS = 4 };
/* Of ids that are one value, which one by itself has more of; and of each of them. */
enum { IDS_FIELDS = 2, ID_FIELDS = 4 };

static void push_le(uint8_t *at, uint64_t value, size_t n_bytes) {
        value = htole64(value);
        memcpy(at, &value, n_bytes);
}

static uint64_t read_le(const uint8_t *at, size_t n_bytes) {
        uint64_t value = 0;

        memcpy(&value, at, n_bytes);
        return le64toh(value);
}

static size_t begin(struct buffer *buffer) {
        size_t at = buffer->len;

        buffer_reserve(buffer, VALUES_HEAD);
        buffer->len += VALUES_HEAD;
        return at;
}

static void end(struct buffer *buffer, size_t at, uint64_t seq) {
        struct bytes payload = {buffer->data + at + VALUES_HEAD, buffer->len - at - VALUES_HEAD};

        push_le(buffer->data + at, buffer->len - at, 4);
        push_le(buffer->data + at + 4, hash_64(seq, payload), 8);
}

void values_encode_meta(struct buffer *buffer, const struct values_meta *meta) {
        size_t at = begin(buffer);

        pack_push_array(buffer, 9);
        pack_push_uint(buffer, meta->format);
        pack_push_uint(buffer, meta->epoch);
        pack_push_uint(buffer, meta->salt);
        pack_push_uint(buffer, meta->reserved_seq);
        pack_push_uint(buffer, meta->commit);
        pack_push_array(buffer, 2 * VALUES_TALLIES);
        for (int i = 0; i < VALUES_TALLIES; i++) {
                pack_push_uint(buffer, meta->tallies[i].n);
                pack_push_uint(buffer, meta->tallies[i].sum);
        }
        pack_push_uint(buffer, meta->journal);
        for (int i = 0; i < VALUES_JOURNALS; i++)
                pack_push_uint(buffer, meta->journal_bytes[i]);
        end(buffer, at, 0);
}

void values_encode_message(struct buffer *buffer, const struct stored_message *message) {
        size_t at = begin(buffer);

        pack_push_array(buffer, MESSAGE_FIELDS);
        pack_push_str(buffer, message->tenant);
        pack_push_str(buffer, message->thread);
        pack_push_uint(buffer, message->n_edits);
        wire_encode_run_message(
                buffer, &(struct wire_run_message){message->id, message->channel, message->body, message->accepted});
        end(buffer, at, message->seq);
}

void values_encode_batch(struct buffer *buffer, const struct stored_batch *batch) {
        size_t at = begin(buffer);

        pack_push_array(buffer, 14);
        pack_push_uint(buffer, batch->kind);
        pack_push_int(buffer, batch->at.ms);
        pack_push_uint(buffer, batch->attempts);
        pack_push_uint(buffer, batch->lost);
        pack_push_uint(buffer, batch->posted);
        pack_push_uint(buffer, batch->is_answered);
        pack_push_str(buffer, bytes_of(batch->code));
        pack_push_str(buffer, bytes_of(batch->why));
        pack_push_array(buffer, batch->n_seqs);
        for (uint32_t i = 0; i < batch->n_seqs; i++)
                pack_push_uint(buffer, batch->seqs[i]);
        pack_push_uint(buffer, batch->fence);
        pack_push_uint(buffer, batch->posting);
        pack_push_uint(buffer, batch->is_doubtful);
        pack_push_uint(buffer, batch->n_replies);
        pack_push_uint(buffer, batch->n_interrupts);
        end(buffer, at, batch->seq);
}

void values_encode_seen(struct buffer *buffer, const struct stored_seen *seen) {
        size_t at = begin(buffer);

        pack_push_array(buffer, 3);
        pack_push_int(buffer, seen->at.ms);
        pack_push_uint(buffer, seen->hash.low);
        pack_push_uint(buffer, seen->hash.high);
        end(buffer, at, seen->seq);
}

/* Times are near each other, so all but the first are said by what is between. */
void values_encode_ids(struct buffer *buffer, const struct values_ids *ids) {
        const struct stored_seen *first = &ids->items[__builtin_ctz(ids->has)];
        size_t at = begin(buffer);

        pack_push_array(buffer, IDS_FIELDS);
        pack_push_int(buffer, first->at.ms);
        pack_push_array(buffer, ID_FIELDS * (uint32_t)__builtin_popcount(ids->has));
        for (uint32_t left = ids->has; left > 0; left &= left - 1) {
                const struct stored_seen *item = &ids->items[__builtin_ctz(left)];

                pack_push_uint(buffer, item->seq - ids->first);
                pack_push_int(buffer, (int64_t)((uint64_t)item->at.ms - (uint64_t)first->at.ms));
                pack_push_uint(buffer, item->hash.low);
                pack_push_uint(buffer, item->hash.high);
        }
        end(buffer, at, ids->first);
}

void values_ids_put(struct values_ids *ids, const struct stored_seen *seen) {
        ids->items[seen->seq - ids->first] = *seen;
        ids->has |= UINT32_C(1) << (seen->seq - ids->first);
}

void values_encode_note(struct buffer *buffer, const struct stored_note *note) {
        size_t at = begin(buffer);

        pack_push_array(buffer, 7);
        pack_push_uint(buffer, note->kind);
        pack_push_bin(buffer, note->tenant);
        pack_push_bin(buffer, note->name);
        pack_push_bin(buffer, note->value);
        pack_push_int(buffer, note->at.ms);
        pack_push_int(buffer, note->until.ms);
        pack_push_uint(buffer, note->word);
        end(buffer, at, note->seq);
}

void values_encode_answer(struct buffer *buffer, uint64_t seq, struct bytes answer) {
        size_t at = begin(buffer);

        buffer_push(buffer, answer.data, answer.len);
        end(buffer, at, seq);
}

size_t values_length(struct bytes first_piece) {
        return first_piece.len < VALUES_HEAD ? 0 : (size_t)read_le(first_piece.data, 4);
}

uint64_t values_checksum(struct bytes first_piece) {
        return first_piece.len < VALUES_HEAD ? 0 : read_le((const uint8_t *)first_piece.data + 4, 8);
}

int values_open(uint64_t seq, struct bytes value, struct bytes *ret_payload) {
        const uint8_t *data = value.data;
        struct bytes payload;

        if (value.len < VALUES_HEAD || values_length(value) != value.len)
                return -EBADMSG;
        payload = (struct bytes){data + VALUES_HEAD, value.len - VALUES_HEAD};
        if (read_le(data + 4, 8) != hash_64(seq, payload))
                return -EBADMSG;
        *ret_payload = payload;
        return 0;
}

static int verdict(const struct pack_reader *reader, bool is_good) {
        return pack_is_good(reader) && is_good ? 0 : -EBADMSG;
}

int values_decode_meta(struct bytes payload, struct values_meta *ret) {
        struct pack_reader reader = pack_open(payload);
        uint32_t n = pack_pop_array(&reader);
        bool is_whole;

        *ret = (struct values_meta){0};
        ret->format = (uint32_t)pack_pop_uint(&reader);
        ret->epoch = (uint32_t)pack_pop_uint(&reader);
        ret->salt = pack_pop_uint(&reader);
        ret->reserved_seq = pack_pop_uint(&reader);
        if (ret->format < VALUES_FORMAT_OLDEST) /* which is refused */
                return verdict(&reader, n >= 4);
        ret->commit = pack_pop_uint(&reader);
        is_whole = n >= 6 && pack_pop_array(&reader) >= 2 * VALUES_TALLIES;
        for (int i = 0; i < VALUES_TALLIES && is_whole; i++) {
                ret->tallies[i].n = pack_pop_uint(&reader);
                ret->tallies[i].sum = pack_pop_uint(&reader);
        }
        ret->journal = is_whole && n > 6 ? pack_pop_uint(&reader) : 0; /* layout 2 had no journal */
        for (uint32_t i = 0; i < VALUES_JOURNALS; i++) /* and that of layout 3 had one file */
                ret->journal_bytes[i] = is_whole && n > 7 + i ? pack_pop_uint(&reader) : 0;
        return verdict(&reader, is_whole);
}

/* Up to layout 2. */
static int decode_former_message(uint32_t n, struct pack_reader *reader, struct stored_message *ret) {
        ret->accepted.ms = pack_pop_int(reader);
        ret->tenant = pack_pop_bytes(reader);
        ret->thread = pack_pop_bytes(reader);
        ret->id = pack_pop_optional(reader);
        ret->channel = pack_pop_optional(reader);
        ret->body = pack_pop_bytes(reader);
        ret->n_edits = n > 6 ? (uint32_t)pack_pop_uint(reader) : 0; /* one that was never edited has none */
        return verdict(reader, n >= 6 && ret->thread.len > 0);
}

int values_decode_message(uint64_t seq, struct bytes payload, struct stored_message *ret) {
        struct pack_reader reader = pack_open(payload);
        uint32_t n = pack_pop_array(&reader);
        struct wire_run_message message;

        ret->seq = seq;
        if (n != MESSAGE_FIELDS)
                return decode_former_message(n, &reader, ret);
        ret->tenant = pack_pop_bytes(&reader);
        ret->thread = pack_pop_bytes(&reader);
        ret->n_edits = (uint32_t)pack_pop_uint(&reader);
        if (wire_decode_run_message(&reader, &message) < 0)
                return -EBADMSG;
        ret->accepted = message.accepted;
        ret->id = message.id;
        ret->channel = message.channel;
        ret->body = message.body;
        return verdict(&reader, ret->thread.len > 0);
}

int values_find_run_message(struct bytes payload, struct bytes *ret) {
        struct pack_reader reader = pack_open(payload);

        if (pack_pop_array(&reader) != MESSAGE_FIELDS)
                return VALUES_OF_OLD;
        pack_pop_bytes(&reader);
        pack_pop_bytes(&reader);
        pack_pop_uint(&reader);
        *ret = (struct bytes){reader.at, reader.left};
        return verdict(&reader, reader.left > 0);
}

static void copy_text(char *to, size_t size, struct bytes from) {
        size_t len = from.len < size ? from.len : size - 1;

        memset(to, 0, size);
        memcpy(to, from.data ? from.data : "", len);
}

int values_decode_batch(uint64_t seq, struct bytes payload, struct stored_batch *ret, uint64_t **ret_seqs) {
        struct pack_reader reader = pack_open(payload);
        uint32_t n = pack_pop_array(&reader);
        uint64_t kind = pack_pop_uint(&reader);
        CLEANUP_FREE uint64_t *seqs = NULL;

        *ret = (struct stored_batch){.seq = seq, .kind = (enum stored_batch_kind)kind};
        ret->at.ms = pack_pop_int(&reader);
        ret->attempts = (uint32_t)pack_pop_uint(&reader);
        ret->lost = (uint32_t)pack_pop_uint(&reader);
        ret->posted = (uint32_t)pack_pop_uint(&reader);
        ret->is_answered = pack_pop_uint(&reader) == 1;
        copy_text(ret->code, sizeof ret->code, pack_pop_bytes(&reader));
        copy_text(ret->why, sizeof ret->why, pack_pop_bytes(&reader));
        ret->n_seqs = pack_pop_array(&reader);
        seqs = memory_new(ret->n_seqs, sizeof *seqs);
        for (uint32_t i = 0; i < ret->n_seqs; i++)
                seqs[i] = pack_pop_uint(&reader);
        ret->fence = n > 9 ? pack_pop_uint(&reader) : 0; /* layouts before it had none */
        ret->posting = n > 10 ? pack_pop_uint(&reader) : 0;
        /* Who wrote a record without it did not know whether the reply was out. */
        ret->is_doubtful = n > 11 ? pack_pop_uint(&reader) == 1 : ret->is_answered;
        ret->n_replies = n > 12 ? (uint32_t)pack_pop_uint(&reader) : 0;
        ret->n_interrupts = n > 13 ? (uint32_t)pack_pop_uint(&reader) : 0;
        if (verdict(&reader, n >= 9 && kind <= STORED_DEAD && (ret->n_seqs == 0 || seqs[0] == seq)) < 0)
                return -EBADMSG;
        ret->seqs = *ret_seqs = TAKE(seqs);
        return 0;
}

int values_decode_seen(uint64_t seq, struct bytes payload, struct stored_seen *ret) {
        struct pack_reader reader = pack_open(payload);
        uint32_t n = pack_pop_array(&reader);

        ret->seq = seq;
        ret->at.ms = pack_pop_int(&reader);
        ret->hash.low = pack_pop_uint(&reader);
        ret->hash.high = pack_pop_uint(&reader);
        return verdict(&reader, n >= 3);
}

static int decode_ids(struct pack_reader *reader, struct values_ids *ids) {
        int64_t first = pack_pop_int(reader);
        uint32_t n = pack_pop_array(reader);

        for (uint32_t i = 0; i < n / ID_FIELDS; i++) {
                struct stored_seen seen = {.seq = pack_pop_uint(reader)};

                seen.at.ms = (int64_t)((uint64_t)first + (uint64_t)pack_pop_int(reader));
                seen.hash.low = pack_pop_uint(reader);
                seen.hash.high = pack_pop_uint(reader);
                if (!pack_is_good(reader) || seen.seq >= VALUES_IDS || values_ids_has(ids, ids->first + seen.seq))
                        return -EBADMSG;
                seen.seq += ids->first;
                values_ids_put(ids, &seen);
        }
        return verdict(reader, n > 0 && n % ID_FIELDS == 0);
}

int values_decode_ids(uint64_t seq, struct bytes payload, struct values_ids *ids) {
        struct pack_reader reader = pack_open(payload);
        struct stored_seen seen;

        if (pack_pop_array(&reader) == IDS_FIELDS)
                return seq == ids->first ? decode_ids(&reader, ids) : -EBADMSG;
        if (values_decode_seen(seq, payload, &seen) < 0 || values_ids_has(ids, seq))
                return -EBADMSG;
        values_ids_put(ids, &seen);
        return 0;
}

int values_decode_note(uint64_t seq, struct bytes payload, struct stored_note *ret) {
        struct pack_reader reader = pack_open(payload);
        uint32_t n = pack_pop_array(&reader);
        uint64_t kind = pack_pop_uint(&reader);

        *ret = (struct stored_note){.seq = seq, .kind = (enum stored_note_kind)kind};
        ret->tenant = pack_pop_bytes(&reader);
        ret->name = pack_pop_bytes(&reader);
        ret->value = pack_pop_bytes(&reader);
        ret->at.ms = pack_pop_int(&reader);
        ret->until.ms = pack_pop_int(&reader);
        ret->word = n > 6 ? pack_pop_uint(&reader) : 0; /* older ones do not say */
        return verdict(&reader, n >= 6 && kind <= STORED_RECORD);
}
