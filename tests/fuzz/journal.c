/* What a start finds in the journal. The first byte says whether the rest is the file, or what follows a record's head:
 * then it gets the right one, so that its operations are reached. */
#include "broker/store/record.h"

#include "tests/fuzz/fuzz.h"

#include <errno.h>

enum { SALT = 7 };

static const struct record_name written = {.number = 3, .base = 5};

/* Encodes a record's operations again. */
static int recode_record(struct bytes record, struct buffer *ret) {
        struct record_operation operation;
        size_t at = RECORD_HEAD, begin = ret->len;
        int r;

        record_begin(ret);
        while ((r = record_next(record, &at, &operation)) > 0) {
                if (operation.is_drop) {
                        record_push_drop(ret, operation.table, operation.seq);
                        continue;
                }
                fuzz_check_within(operation.value, record);
                ENSURE((const uint8_t *)record.data + operation.at == operation.value.data);
                size_t value = record_begin_put(ret, operation.table, operation.seq);

                buffer_push(ret, operation.value.data, operation.value.len);
                ENSURE(record_end_put(ret, value) == operation.value.len);
        }
        record_end(ret, begin, SALT, written);
        return r;
}

/* As a start reads it: record by record, and then what lies behind them. */
static int recode_file(struct bytes file, struct buffer *ret) {
        struct record_name name;
        size_t at = 0, len;
        int r = 0;

        (void)record_is_foreign(file, SALT);
        while (r == 0 && (len = record_find(file, at, SALT, &name)) > 0) {
                r = recode_record((struct bytes){(const uint8_t *)file.data + at, len}, ret);
                at += len;
        }
        for (; at < file.len; at += RECORD_ALIGN)
                (void)record_find(file, at, SALT, &name);
        return r < 0 || ret->len == 0 ? -EBADMSG : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        CLEANUP_BUFFER struct buffer record = {0};
        bool is_file = input_pop_byte(&input) % 2 == 0;
        struct bytes bytes = input_pop_rest(&input);
        struct record_name name;

        if (is_file) {
                fuzz_check_recode(recode_file, bytes);
                return 0;
        }
        record_begin(&record);
        buffer_push(&record, bytes.data, bytes.len);
        record_end(&record, 0, SALT, written);
        ENSURE(record_find(buffer_bytes(&record), 0, SALT, &name) == record.len && name.number == written.number &&
               name.base == written.base);
        fuzz_check_recode(recode_file, buffer_bytes(&record));
        return 0;
}
