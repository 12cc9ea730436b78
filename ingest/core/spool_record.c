#include "ingest/core/spool_record.h"

#include "common/hash.h"

#include <errno.h>
#include <string.h>

/* The checksum, and the length of the item behind it, both in little endian. */
enum { SUM_LEN = 8, HEAD_LEN = 12 };
/* The longest item there can be: it went through a frame. */
enum { ITEM_MAX = LIMIT_FRAME_BYTES };

static uint64_t checksum(struct spool_key key, struct bytes item) {
        const uint64_t place[] = {key.lane, key.number, item.len};

        return hash_64(hash_64(1, (struct bytes){place, sizeof place}), item);
}

static void push_number(struct buffer *buffer, uint64_t number, int len) {
        uint8_t *bytes = buffer_reserve(buffer, (size_t)len);

        for (int i = 0; i < len; i++)
                bytes[i] = (uint8_t)(number >> (8 * i));
        buffer->len += (size_t)len;
}

static uint64_t read_number(const uint8_t *bytes, int len) {
        uint64_t number = 0;

        for (int i = 0; i < len; i++)
                number |= (uint64_t)bytes[i] << (8 * i);
        return number;
}

void spool_record_encode(struct buffer *ret, struct spool_key key, struct bytes item) {
        push_number(ret, checksum(key, item), SUM_LEN);
        push_number(ret, item.len, HEAD_LEN - SUM_LEN);
        buffer_push(ret, item.data, item.len);
}

size_t spool_record_len(struct bytes beginning) {
        uint64_t len;

        if (beginning.len < HEAD_LEN)
                return 0;
        len = read_number((const uint8_t *)beginning.data + SUM_LEN, HEAD_LEN - SUM_LEN);
        return len == 0 || len > ITEM_MAX ? 0 : HEAD_LEN + (size_t)len;
}

int spool_record_decode(struct spool_key key, struct bytes record, struct bytes *ret_item,
                        struct wire_message *ret_message) {
        struct bytes item = {(const uint8_t *)record.data + HEAD_LEN, record.len - HEAD_LEN}, whole;
        struct pack_reader reader;

        if (record.len == 0 || spool_record_len(record) != record.len)
                return -EBADMSG;
        if (read_number(record.data, SUM_LEN) != checksum(key, item))
                return -EBADMSG;
        reader = pack_open(item);
        if (spool_item_next(&reader, &whole, ret_message) < 0 || whole.len != item.len)
                return -EBADMSG;
        *ret_item = item;
        return 0;
}

uint64_t spool_record_sum(struct bytes record) { return record.len < HEAD_LEN ? 0 : read_number(record.data, SUM_LEN); }

int spool_item_next(struct pack_reader *reader, struct bytes *ret_item, struct wire_message *ret_message) {
        const char *begin = reader->at;

        if (wire_message_next(reader, ret_message) < 0)
                return -EBADMSG;
        *ret_item = (struct bytes){begin, (size_t)(reader->at - begin)};
        return 0;
}
