#include "broker/ctl/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* -- strangers' text ----------------------------------------------------------------------------------------------- */

/* The character at the front of `text` and how many bytes it takes; 1 and UINT32_MAX for a byte that is not UTF-8. */
static size_t pop_character(struct bytes text, uint32_t *ret_character) {
        const uint8_t *at = text.data;
        size_t len = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        uint32_t character = *at & (0xffU >> (len == 1 ? 1 : len + 1));

        *ret_character = UINT32_MAX;
        if (len > text.len || !bytes_is_utf8((struct bytes){at, len}))
                return 1;
        for (size_t i = 1; i < len; i++)
                character = character << 6 | (at[i] & 0x3fU);
        *ret_character = character;
        return len;
}

/* Controls act on the terminal; the bidirectional marks and U+2028 make one line look like another. */
static bool is_unsafe(uint32_t character) {
        if (character < 0x20 || (character >= 0x7f && character < 0xa0))
                return true;
        if (character == 0x200e || character == 0x200f || (character >= 0x2028 && character <= 0x202e))
                return true;
        return (character >= 0x2066 && character <= 0x2069) || character == 0xfeff || character == 0x061c;
}

static void push_visible(struct buffer *buffer, uint32_t character, uint8_t first) {
        if (character == '\n')
                buffer_push_text(buffer, "\\n");
        else if (character < 0x80 || character == UINT32_MAX)
                buffer_print(buffer, "\\x%02x", first);
        else
                buffer_print(buffer, "\\u%04x", character);
}

static void push_text(struct buffer *buffer, struct bytes text, bool has_lines) {
        while (text.len > 0) {
                const uint8_t *at = text.data;
                uint32_t character;
                size_t len = pop_character(text, &character);

                if (has_lines && (character == '\n' || character == '\t'))
                        buffer_push(buffer, at, 1);
                else if (character == UINT32_MAX || is_unsafe(character))
                        push_visible(buffer, character, *at);
                else
                        buffer_push(buffer, at, len);
                text = (struct bytes){at + len, text.len - len};
        }
}

void text_push_safe(struct buffer *buffer, struct bytes text) { push_text(buffer, text, false); }
void text_push_lines(struct buffer *buffer, struct bytes text) { push_text(buffer, text, true); }

/* Unicode's wide and zero-wide blocks, as far as chat names and texts have them: an alignment that is off by one is the
 * worst that a gap here does. The C library's wcwidth() would depend on the locale of whoever runs us. */
static size_t character_width(uint32_t character) {
        static const struct {
                uint32_t first, last;
                size_t width;
        } blocks[] = {
                {0x0300, 0x036f, 0},   {0x200b, 0x200d, 0},   {0x20d0, 0x20ff, 0},   {0xfe00, 0xfe0f, 0},
                {0x1100, 0x115f, 2},   {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
                {0xf900, 0xfaff, 2},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
                {0x1f3fb, 0x1f3ff, 0}, {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2},
                {0x20000, 0x3fffd, 2},
        };

        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
                if (character >= blocks[i].first && character <= blocks[i].last)
                        return blocks[i].width;
        return 1;
}

struct bytes text_clip(struct bytes text, size_t width) {
        struct bytes rest = text;
        size_t used = 0;

        while (rest.len > 0) {
                uint32_t character;
                size_t len = pop_character(rest, &character);

                used += character_width(character);
                if (used > width)
                        break;
                rest = (struct bytes){(const uint8_t *)rest.data + len, rest.len - len};
        }
        return (struct bytes){text.data, text.len - rest.len};
}

size_t text_width(struct bytes text) {
        size_t width = 0;

        while (text.len > 0) {
                uint32_t character;
                size_t len = pop_character(text, &character);

                width += character_width(character);
                text = (struct bytes){(const uint8_t *)text.data + len, text.len - len};
        }
        return width;
}

/* -- numbers ------------------------------------------------------------------------------------------------------- */

/* One digit behind the point while it says something: "0.4 ms", "1.2 s", but "1 s" and "12 s". */
static void push_short(struct buffer *buffer, int64_t thousandths, const char *unit) {
        long long tenths = (thousandths + 50) / 100;

        if (tenths < 100 && tenths % 10 != 0)
                buffer_print(buffer, "%lld.%lld %s", tenths / 10, tenths % 10, unit);
        else
                buffer_print(buffer, "%lld %s", (long long)(thousandths + 500) / 1000, unit);
}

void text_push_span(struct buffer *buffer, struct span span) {
        int64_t us = span.us, s;

        if (us < 0) {
                buffer_push_text(buffer, "-");
                us = -us;
        }
        s = us / 1000000;
        if (us < 100)
                buffer_print(buffer, "%lld us", (long long)us);
        else if (us < 999500)
                push_short(buffer, us, "ms");
        else if (s < 60)
                push_short(buffer, us / 1000, "s");
        else if (s < 3600)
                buffer_print(buffer, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
        else if (s < 86400)
                buffer_print(buffer, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
        else
                buffer_print(buffer, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void text_push_count(struct buffer *buffer, int64_t count) {
        char digits[24];
        size_t len = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)count);

        for (size_t i = 0; i < len; i++) {
                if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
                        buffer_push_text(buffer, ",");
                buffer_push(buffer, digits + i, 1);
        }
}

void text_push_size(struct buffer *buffer, int64_t n_bytes) {
        static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
        double value = (double)n_bytes / 1024;
        size_t i = 0;

        if (n_bytes < 1024) {
                buffer_print(buffer, "%lld B", (long long)n_bytes);
                return;
        }
        for (; value >= 1024 && i + 1 < sizeof units / sizeof *units; i++)
                value /= 1024;
        buffer_print(buffer, "%.1f %s", value, units[i]);
}

/* -- times --------------------------------------------------------------------------------------------------------- */

int text_decode_time(const char *text, struct wall *ret) {
        struct tm tm = {0};
        unsigned ms = 0;
        int at = 0;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
                   &tm.tm_sec, &at) != 6)
                return -EINVAL;
        text += at;
        if (*text == '.' && (sscanf(text, ".%3u%n", &ms, &at) != 1 || at != 4))
                return -EINVAL;
        if (*text == '.')
                text += at;
        if (strcmp(text, "Z") != 0)
                return -EINVAL;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        *ret = (struct wall){(int64_t)timegm(&tm) * 1000 + ms};
        return 0;
}

void text_push_when(struct buffer *buffer, const char *time, struct wall now) {
        struct wall at;
        int64_t ms;

        if (text_decode_time(time, &at) < 0) {
                text_push_safe(buffer, bytes_of(time));
                return;
        }
        ms = now.ms - at.ms;
        if (ms == 0)
                buffer_push_text(buffer, "now");
        if (ms < 0)
                buffer_push_text(buffer, "in ");
        if (ms != 0)
                text_push_span(buffer, span_ms(ms < 0 ? -ms : ms));
        if (ms > 0)
                buffer_push_text(buffer, " ago");
}
