/* Bytes: a borrowed slice, and a buffer that grows. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed: whoever made it says how long it lives. data may be NULL when len is 0. Not NUL-terminated. */
struct bytes {
        const void *data;
        size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* For printf's "%.*s". */
#define BYTES_PRINT(b) (int)(b).len, (const char *)((b).data ? (b).data : "")

/* The text without its NUL; NULL gives none. The slice lives as long as the text. */
static inline struct bytes bytes_of(const char *text) { return text ? (struct bytes){text, strlen(text)} : BYTES_NONE; }
static inline bool bytes_is_equal(struct bytes a, struct bytes b) {
        return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool bytes_is_text(struct bytes a, const char *text) { return bytes_is_equal(a, bytes_of(text)); }
/* Is it well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool bytes_is_utf8(struct bytes a);
/* Is it that, without control characters? */
bool bytes_is_line(struct bytes a);
/* What a hexadecimal digit is worth; -1 when it is none. */
int bytes_hex_value(uint8_t character);
/* A NUL-terminated copy that the caller frees. A NUL inside cuts it short for whoever reads it as text. */
char *bytes_copy_text(struct bytes a);

/* A growing buffer. { 0 } is an empty one; buffer_done() frees it and leaves an empty one. */
struct buffer {
        uint8_t *data;
        size_t len, cap;
};

#define CLEANUP_BUFFER CLEANUP(buffer_done)

void buffer_done(struct buffer *buffer);
/* What buffer_reserve() does when there is no room yet. */
uint8_t *buffer_grow(struct buffer *buffer, size_t len);
/* Makes room for `len` more bytes behind buffer->len and returns where they begin, never NULL; does not move
 * buffer->len. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t len) {
        if (buffer->cap - buffer->len < len || !buffer->data)
                return buffer_grow(buffer, len);
        return buffer->data + buffer->len;
}
static inline void buffer_push(struct buffer *buffer, const void *data, size_t len) {
        if (len == 0)
                return;
        memcpy(buffer_reserve(buffer, len), data, len);
        buffer->len += len;
}
void buffer_push_text(struct buffer *buffer, const char *text);
/* In decimal. */
void buffer_push_number(struct buffer *buffer, uint64_t number);
void buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
/* A NUL behind the contents, not counted in len; returns the contents as text. Valid until the next push. */
char *buffer_text(struct buffer *buffer);
static inline struct bytes buffer_bytes(const struct buffer *buffer) {
        return (struct bytes){buffer->data, buffer->len};
}
static inline void buffer_clear(struct buffer *buffer) { buffer->len = 0; }
