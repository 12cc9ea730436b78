#include "common/log.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const char *program_name = "lull";
static enum log_level lowest = LOG_INFO;

void log_init(const char *program) {
        const char *wanted = getenv("LULL_LOG");

        program_name = program;
        for (size_t i = 0; wanted && i < sizeof level_names / sizeof *level_names; i++)
                if (strcmp(wanted, level_names[i]) == 0)
                        lowest = (enum log_level)i;
}

static bool is_plain(struct bytes text) {
        const uint8_t *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (data[i] <= ' ' || data[i] == '"' || data[i] == '=' || data[i] == '\\' || data[i] >= 0x7f)
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

void log_line(enum log_level level, const char *event, const struct log_field *fields) {
        CLEANUP_BUFFER struct buffer line = {0};
        char text[CLOCK_TEXT_MAX];

        if (level < lowest)
                return;
        buffer_print(&line, "ts=%s level=%s program=%s event=%s", clock_text(clock_now().wall, text),
                     level_names[level], program_name, event);
        for (; fields->key; fields++) {
                buffer_print(&line, " %s=", fields->key);
                if (fields->kind == LOG_FIELD_NUMBER)
                        buffer_print(&line, "%lld", (long long)fields->number);
                else if (is_plain(fields->text))
                        buffer_push(&line, fields->text.data, fields->text.len);
                else
                        push_quoted(&line, fields->text);
        }
        buffer_push_text(&line, "\n");
        /* One write a line, so that lines of processes which share a terminal do not mix. */
        fwrite(line.data, 1, line.len, stderr);
}
