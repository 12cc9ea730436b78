#include "common/bytes.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <stdarg.h>
#include <stdio.h>

enum { BUFFER_FIRST = 256, DELETE = 0x7f };

/* Bytes are looked at eight at a time, in one number. */
#define EIGHT sizeof(uint64_t)
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many bytes the sequence at `at` takes; 0 if it is not well-formed. Table 3-7 of the Unicode standard. */
static size_t utf8_sequence(const uint8_t *at, size_t left) {
        uint8_t first = at[0];
        uint8_t low = 0x80, high = 0xbf;
        size_t len;

        if (first < 0x80)
                return 1;
        if (first < 0xc2 || first > 0xf4)
                return 0;
        len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (first == 0xe0)
                low = 0xa0;
        if (first == 0xed)
                high = 0x9f;
        if (first == 0xf0)
                low = 0x90;
        if (first == 0xf4)
                high = 0x8f;
        if (left < len || at[1] < low || at[1] > high)
                return 0;
        for (size_t i = 2; i < len; i++)
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
        return len;
}

static bool is_ascii(uint64_t eight) { return !(eight & EACH(0x80)); }

/* Neither beyond ASCII nor a control character. Taking 0x20 from a byte below it borrows, and so does taking 1 from one
 * that is 0, as DELETE is here: both leave the high bit set. That a borrow reaches the next byte too does no harm, as
 * one of the eight is no good then anyway. */
static bool is_plain(uint64_t eight) {
        uint64_t without_delete = eight ^ EACH(DELETE);

        return is_ascii(eight | (eight - EACH(' ')) | (without_delete - EACH(1)));
}

static uint64_t load_eight(const uint8_t *at) {
        uint64_t eight;

        memcpy(&eight, at, sizeof eight);
        return eight;
}

/* How many bytes at the front are so, eight at a time: most of what is written is plain, and all of it is looked at. */
static inline size_t count(const uint8_t *data, size_t len, bool (*is_so)(uint64_t)) {
        size_t n = 0;

        for (; n + EIGHT <= len && is_so(load_eight(data + n)); n += EIGHT)
                ;
        /* The last ones together with some before them, rather than one by one. */
        if (len >= EIGHT && len - n < EIGHT && is_so(load_eight(data + len - EIGHT)))
                n = len;
        return n;
}

/* The same for texts, which are long: four times eight at once. */
static size_t count_ascii(const uint8_t *data, size_t len) {
        size_t n = 0;

        for (; n + 4 * EIGHT <= len; n += 4 * EIGHT)
                if (!is_ascii(load_eight(data + n) | load_eight(data + n + EIGHT) | load_eight(data + n + 2 * EIGHT) |
                              load_eight(data + n + 3 * EIGHT)))
                        break;
        return n;
}

bool bytes_is_utf8(struct bytes a) {
        const uint8_t *data = a.data;

        for (size_t i = count_ascii(data, a.len); i < a.len;) {
                size_t len = count(data + i, a.len - i, is_ascii);

                if (len == 0)
                        len = utf8_sequence(data + i, a.len - i);
                if (len == 0)
                        return false;
                i += len;
        }
        return true;
}

bool bytes_is_line(struct bytes a) {
        const uint8_t *data = a.data;
        size_t n = count(data, a.len, is_plain);
        uint8_t any = 0;

        for (size_t i = n; i < a.len; i++) {
                if (data[i] < ' ' || data[i] == DELETE)
                        return false;
                any |= data[i];
        }
        return any < 0x80 || bytes_is_utf8((struct bytes){data + n, a.len - n});
}

int bytes_hex_value(uint8_t character) {
        if (character >= '0' && character <= '9')
                return character - '0';
        character |= 0x20; /* to lower case */
        return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

char *bytes_copy_text(struct bytes a) { return memory_copy_text(a.data, a.len); }

void buffer_done(struct buffer *buffer) {
        free(buffer->data);
        *buffer = (struct buffer){0};
}

uint8_t *buffer_grow(struct buffer *buffer, size_t len) {
        size_t cap = buffer->cap ? buffer->cap : BUFFER_FIRST;

        ENSURE(len < SIZE_MAX / 4 && buffer->len < SIZE_MAX / 4);
        while (cap - buffer->len < len)
                cap *= 2;
        buffer->data = memory_resize(buffer->data, cap, 1);
        buffer->cap = cap;
        return buffer->data + buffer->len;
}

void buffer_push_text(struct buffer *buffer, const char *text) { buffer_push(buffer, text, strlen(text)); }

void buffer_push_number(struct buffer *buffer, uint64_t number) {
        char digits[20];
        size_t at = sizeof digits;

        do
                digits[--at] = (char)('0' + number % 10);
        while (number /= 10);
        buffer_push(buffer, digits + at, sizeof digits - at);
}

void buffer_print(struct buffer *buffer, const char *format, ...) {
        va_list arguments, again;
        int len;

        va_start(arguments, format);
        va_copy(again, arguments);
        len = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        ENSURE(len >= 0);
        vsnprintf((char *)buffer_reserve(buffer, (size_t)len + 1), (size_t)len + 1, format, again);
        va_end(again);
        buffer->len += (size_t)len;
}

char *buffer_text(struct buffer *buffer) {
        *buffer_reserve(buffer, 1) = 0;
        return (char *)buffer->data;
}
