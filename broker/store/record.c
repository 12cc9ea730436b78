#include "broker/store/record.h"

#include "broker/store/values.h"
#include "common/ensure.h"
#include "common/hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define MAGIC UINT64_C(0x6c6e726a6c6c756c) /* "lulljrnl" */

/* What the head holds, at eight bytes each. */
enum { WORD_CHECKSUM, WORD_MAGIC, WORD_STORE, WORD_NUMBER, WORD_LENGTH, WORD_BASE };

static void set_word(uint8_t *head, int word, uint64_t value) {
        value = htole64(value);
        memcpy(head + 8 * word, &value, sizeof value);
}

static uint64_t word_of(const uint8_t *head, int word) {
        uint64_t value;

        memcpy(&value, head + 8 * word, sizeof value);
        return le64toh(value);
}

/* The salt itself is not written down: with it one could make up records. */
static uint64_t store_of(uint64_t salt) { return hash_64(salt, bytes_of("journal")); }

static uint64_t checksum(struct bytes record, uint64_t salt, uint64_t number) {
        return hash_64(salt ^ number, (struct bytes){(const uint8_t *)record.data + 8, record.len - 8});
}

static size_t padded(size_t len) { return (len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN; }

/* -- encode -------------------------------------------------------------------------------------------------------- */

void record_begin(struct buffer *buffer) {
        ENSURE(buffer->len % RECORD_ALIGN == 0);
        memset(buffer_reserve(buffer, RECORD_HEAD), 0, RECORD_HEAD);
        buffer->len += RECORD_HEAD;
}

static void push_operation(struct buffer *buffer, enum engine_table table, bool is_drop, uint64_t seq) {
        uint8_t *at = buffer_reserve(buffer, RECORD_OPERATION);

        set_word(at, 0, (uint64_t)table | (uint64_t)is_drop << 8);
        set_word(at, 1, seq);
        buffer->len += RECORD_OPERATION;
}

size_t record_begin_put(struct buffer *buffer, enum engine_table table, uint64_t seq) {
        push_operation(buffer, table, false, seq);
        return buffer->len;
}

size_t record_end_put(struct buffer *buffer, size_t at) {
        uint8_t *operation = buffer->data + at - RECORD_OPERATION;
        size_t len = buffer->len - at;

        ENSURE(len <= UINT32_MAX);
        set_word(operation, 0, word_of(operation, 0) | (uint64_t)len << 32);
        return len;
}

void record_push_drop(struct buffer *buffer, enum engine_table table, uint64_t seq) {
        push_operation(buffer, table, true, seq);
}

void record_end(struct buffer *buffer, size_t begin, uint64_t salt, struct record_name name) {
        size_t len = buffer->len - begin, padding = padded(len) - len;
        uint8_t *head;

        memset(buffer_reserve(buffer, padding), 0, padding);
        buffer->len += padding;
        head = buffer->data + begin;
        set_word(head, WORD_MAGIC, MAGIC);
        set_word(head, WORD_STORE, store_of(salt));
        set_word(head, WORD_NUMBER, name.number);
        set_word(head, WORD_LENGTH, len);
        set_word(head, WORD_BASE, name.base);
        set_word(head, WORD_CHECKSUM, checksum((struct bytes){head, len}, salt, name.number));
}

/* -- decode -------------------------------------------------------------------------------------------------------- */

size_t record_find(struct bytes journal, size_t at, uint64_t salt, struct record_name *ret_name) {
        const uint8_t *head = (const uint8_t *)journal.data + at;
        uint64_t len, number;

        if (journal.len < RECORD_HEAD || at > journal.len - RECORD_HEAD || word_of(head, WORD_MAGIC) != MAGIC)
                return 0;
        len = word_of(head, WORD_LENGTH);
        number = word_of(head, WORD_NUMBER);
        if (len < RECORD_HEAD || len > journal.len - at || word_of(head, WORD_STORE) != store_of(salt) ||
            word_of(head, WORD_CHECKSUM) != checksum((struct bytes){head, (size_t)len}, salt, number))
                return 0;
        *ret_name = (struct record_name){number, word_of(head, WORD_BASE)};
        return padded((size_t)len);
}

bool record_is_foreign(struct bytes journal, uint64_t salt) {
        return journal.len >= RECORD_HEAD && word_of(journal.data, WORD_MAGIC) == MAGIC &&
               word_of(journal.data, WORD_STORE) != store_of(salt);
}

int record_next(struct bytes record, size_t *at, struct record_operation *ret) {
        const uint8_t *data = record.data;
        uint64_t len = word_of(data, WORD_LENGTH), word;

        if (*at == len)
                return 0;
        if (len - *at < RECORD_OPERATION)
                return -EBADMSG;
        word = word_of(data + *at, 0);
        *ret = (struct record_operation){(enum engine_table)(word & 0xff), word >> 8 & 1, word_of(data + *at, 1)};
        ret->at = *at + RECORD_OPERATION;
        ret->value = (struct bytes){data + ret->at, (size_t)(word >> 32)};
        *at = ret->at + ret->value.len;
        if (ret->table == ENGINE_META || ret->table >= ENGINE_N_TABLES || word >> 9 & 0x7fffff ||
            ret->value.len > len - ret->at)
                return -EBADMSG;
        return values_length(ret->value) == (ret->is_drop ? 0 : ret->value.len) &&
                               (ret->is_drop == (ret->value.len == 0))
                       ? 1
                       : -EBADMSG;
}
