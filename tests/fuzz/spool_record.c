/* What is read back from a spool. The first byte is the number that the record lies under; the rest is tried as a whole
 * record, whose checksum is then nearly always wrong, and as the item behind a right one, which also becomes a line of
 * refused.ndjson. */
#include "tests/fuzz/fuzz.h"

#include "common/item.h"
#include "ingest/core/spool_line.h"
#include "ingest/core/spool_record.h"

#include <errno.h>

/* The line is one line, and JSON. */
static void check_line(const struct wire_message *message) {
        CLEANUP_BUFFER struct buffer line = {0};
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;

        spool_line_encode(&line, message);
        ENSURE(line.len > 0 && line.data[line.len - 1] == '\n');
        line.len--;
        for (size_t i = 0; i < line.len; i++)
                ENSURE(line.data[i] >= ' ');
        ENSURE(json_decode(buffer_bytes(&line), &json, &error) == 0 && json_is_object(json));
}

static bool check_record(struct spool_key key, struct bytes record) {
        struct wire_message message;
        struct bytes item;

        if (spool_record_decode(key, record, &item, &message) < 0)
                return false;
        ENSURE(spool_record_len(record) == record.len);
        fuzz_check_within(item, record);
        fuzz_check_within(message.tenant, item);
        fuzz_check_within(message.thread, item);
        fuzz_check_within(message.id, item);
        fuzz_check_within(message.channel, item);
        fuzz_check_within(message.body, item);
        check_line(&message);
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_BUFFER struct buffer record = {0};
        struct wire_message message;
        struct pack_reader reader;
        struct bytes item, whole;
        struct spool_key key = {0};
        bool is_item;

        if (len < 1)
                return 0;
        key.number = data[0];
        item = (struct bytes){data + 1, len - 1};
        check_record(key, item);
        reader = pack_open(item);
        is_item = spool_item_next(&reader, &whole, &message) == 0 && whole.len == item.len;
        spool_record_encode(&record, key, item);
        ENSURE(check_record(key, buffer_bytes(&record)) == is_item);
        return 0;
}
