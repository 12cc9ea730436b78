#include "common/log.h"

#include "common/clock.h"
#include "common/ensure.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const char *program_name = "lull";
/* What stands behind the time in each line of a level, up to its event. */
static struct buffer heads[LOG_ERROR + 1];
static enum log_level lowest = LOG_INFO;
static struct buffer lines; /* that have not been written */
static bool is_holding;

void log_init(const char *program) {
        const char *wanted = getenv("LULL_LOG");

        program_name = program;
        for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
                buffer_clear(&heads[level]);
        for (size_t i = 0; wanted && i < sizeof level_names / sizeof *level_names; i++)
                if (strcmp(wanted, level_names[i]) == 0)
                        lowest = (enum log_level)i;
}

static bool is_plain(struct bytes text) {
        static const bool is_special[UINT8_MAX + 1] = {
                [0 ... ' '] = true, ['"'] = true, ['='] = true, ['\\'] = true, [0x7f ... UINT8_MAX] = true};
        const uint8_t *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (is_special[data[i]])
                        return false;
        return text.len > 0;
}

static void push_quoted(struct buffer *line, struct bytes text) {
        const uint8_t *data = text.data;
        bool is_utf8 = bytes_is_utf8(text);

        buffer_push_text(line, "\"");
        for (size_t i = 0; i < text.len; i++) {
                if (data[i] == '"' || data[i] == '\\')
                        buffer_print(line, "\\%c", data[i]);
                else if (data[i] == '\n')
                        buffer_push_text(line, "\\n");
                else if (data[i] < ' ' || data[i] == 0x7f || (data[i] > 0x7f && !is_utf8))
                        buffer_print(line, "\\x%02x", data[i]);
                else
                        buffer_push(line, data + i, 1);
        }
        buffer_push_text(line, "\"");
}

static void push_number(struct buffer *line, int64_t number) {
        if (number < 0)
                buffer_push_text(line, "-");
        buffer_push_number(line, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static void push_key(struct buffer *line, struct bytes key) {
        char *at = (char *)buffer_reserve(line, key.len + 2);

        at[0] = ' ';
        memcpy(at + 1, key.data, key.len);
        at[1 + key.len] = '=';
        line->len += key.len + 2;
}

static void push_field(struct buffer *line, const struct log_field *field) {
        push_key(line, field->key);
        if (field->kind == LOG_FIELD_NUMBER)
                push_number(line, field->number);
        else if (is_plain(field->text))
                buffer_push(line, field->text.data, field->text.len);
        else
                push_quoted(line, field->text);
}

static struct bytes head_of(enum log_level level) {
        struct buffer *head = &heads[level];

        if (head->len == 0)
                buffer_print(head, " level=%s program=%s event=", level_names[level], program_name);
        return buffer_bytes(head);
}

static void push_line(struct buffer *line, enum log_level level, const char *event, const struct log_field *fields) {
        struct bytes head = head_of(level);
        char text[CLOCK_TEXT_MAX];

        buffer_push(line, "ts=", 3);
        buffer_push_text(line, clock_text(clock_wall(), text));
        buffer_push(line, head.data, head.len);
        buffer_push_text(line, event);
        for (; fields->key.len > 0; fields++)
                push_field(line, fields);
        buffer_push(line, "\n", 1);
}

/* The first `len` bytes of them. */
static void write_lines(size_t len) {
        fwrite(lines.data, 1, len, stderr);
        lines.len -= len;
        memmove(lines.data, lines.data + len, lines.len);
}

/* Whole lines in each write, and no more than a pipe takes as one: lines of processes which share it do not mix. */
void log_line(enum log_level level, const char *event, const struct log_field *fields) {
        size_t before = lines.len;

        if (level < lowest)
                return;
        push_line(&lines, level, event, fields);
        if (before > 0 && lines.len > PIPE_BUF)
                write_lines(before);
        if (!is_holding || level > LOG_INFO || lines.len > PIPE_BUF)
                log_flush();
}

void log_hold(bool is_wanted) {
        is_holding = is_wanted;
        ensure_set_last_words(is_wanted ? log_flush : NULL);
        log_flush();
}

void log_flush(void) {
        if (lines.len > 0)
                write_lines(lines.len);
}
