/* What is read back from the disk. The first byte says as which kind of value; the bytes are tried as a whole value,
 * whose checksum is then nearly always wrong, and as what follows a right one. */
#include "broker/store/values.h"

#include "common/hash.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

enum { SEQ = 7, IDS = 2 * VALUES_IDS, N_KINDS = 6 };

static int recode_meta(struct bytes payload, struct buffer *ret) {
        struct values_meta meta = {0};

        if (values_decode_meta(payload, &meta) < 0)
                return -EBADMSG;
        values_encode_meta(ret, &meta);
        return 0;
}

static int recode_message(struct bytes payload, struct buffer *ret) {
        struct stored_message message;

        if (values_decode_message(SEQ, payload, &message) < 0)
                return -EBADMSG;
        fuzz_check_within(message.tenant, payload);
        fuzz_check_within(message.thread, payload);
        fuzz_check_within(message.id, payload);
        fuzz_check_within(message.channel, payload);
        fuzz_check_within(message.body, payload);
        values_encode_message(ret, &message);
        return 0;
}

static int recode_batch(struct bytes payload, struct buffer *ret) {
        CLEANUP_FREE uint64_t *seqs = NULL;
        struct stored_batch batch;

        if (values_decode_batch(SEQ, payload, &batch, &seqs) < 0)
                return -EBADMSG;
        ENSURE(memchr(batch.code, 0, sizeof batch.code) && memchr(batch.why, 0, sizeof batch.why));
        values_encode_batch(ret, &batch);
        return 0;
}

/* One id, as in the journal, or those that are one value. */
static int recode_seen(struct bytes payload, struct buffer *ret) {
        struct values_ids ids = {.first = IDS};
        struct stored_seen seen;
        bool is_one = values_decode_seen(IDS, payload, &seen) == 0;

        if (values_decode_ids(IDS, payload, &ids) < 0) {
                ENSURE(!is_one);
                return -EBADMSG;
        }
        if (is_one)
                values_encode_seen(ret, &seen);
        else
                values_encode_ids(ret, &ids);
        return 0;
}

static int recode_note(struct bytes payload, struct buffer *ret) {
        struct stored_note note;

        if (values_decode_note(SEQ, payload, &note) < 0)
                return -EBADMSG;
        fuzz_check_within(note.tenant, payload);
        fuzz_check_within(note.name, payload);
        fuzz_check_within(note.value, payload);
        values_encode_note(ret, &note);
        return 0;
}

static int recode_answer(struct bytes payload, struct buffer *ret) {
        values_encode_answer(ret, SEQ, payload);
        return 0;
}

static int (*const kinds[N_KINDS])(struct bytes payload, struct buffer *ret) = {
        recode_meta, recode_message, recode_batch, recode_seen, recode_note, recode_answer};

static uint8_t kind;

/* Under which number such a value is written. */
static uint64_t seq_of_kind(void) { return kinds[kind] == recode_meta ? 0 : kinds[kind] == recode_seen ? IDS : SEQ; }

static int recode(struct bytes value, struct buffer *ret) {
        struct bytes payload;

        if (values_open(seq_of_kind(), value, &payload) < 0)
                return -EBADMSG;
        fuzz_check_within(payload, value);
        return kinds[kind](payload, ret);
}

/* The same checksum as values.c puts there, so that what follows it is reached. */
static void push_head(struct buffer *value, uint64_t seq, struct bytes payload) {
        uint64_t words[] = {VALUES_HEAD + payload.len, hash_64(seq, payload)};
        uint8_t head[VALUES_HEAD];

        for (size_t i = 0; i < sizeof head; i++)
                head[i] = (uint8_t)(i < 4 ? words[0] >> 8 * i : words[1] >> 8 * (i - 4));
        buffer_push(value, head, sizeof head);
        buffer_push(value, payload.data, payload.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        CLEANUP_BUFFER struct buffer value = {0};
        struct bytes bytes, payload;

        kind = input_pop_byte(&input) % N_KINDS;
        bytes = input_pop_rest(&input);
        fuzz_check_recode(recode, bytes);
        push_head(&value, seq_of_kind(), bytes);
        ENSURE(values_open(seq_of_kind(), buffer_bytes(&value), &payload) == 0);
        fuzz_check_recode(recode, buffer_bytes(&value));
        return 0;
}
