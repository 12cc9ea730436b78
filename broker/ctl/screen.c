#include "broker/ctl/screen.h"

#include "broker/ctl/text.h"
#include "common/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static void write_all(const void *data, size_t len) {
        if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0)
                return;
        if (errno != EPIPE)
                fprintf(stderr, "lull: cannot write to stdout: %s\n", strerror(errno));
        exit(1);
}

void screen_print(struct buffer *text) {
        write_all(text->data, text->len);
        buffer_clear(text);
}

void screen_print_json(const json_t *value) {
        /* Fifteen digits: a number comes out as it was written, 1.791 and not 1.7909999999999999. */
        size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) |
                       (screen_is_terminal() ? JSON_ENSURE_ASCII : 0);
        CLEANUP_FREE char *text = json_dumps(value, flags);
        CLEANUP_BUFFER struct buffer line = {0};

        buffer_print(&line, "%s\n", text);
        screen_print(&line);
}

__attribute__((format(printf, 1, 0), nonnull(1))) static char *print_text(const char *format, va_list arguments) {
        va_list copy;
        size_t size;
        char *text;

        va_copy(copy, arguments);
        size = (size_t)vsnprintf(NULL, 0, format, copy) + 1;
        va_end(copy);
        text = memory_new(size, 1);
        vsnprintf(text, size, format, arguments);
        return text;
}

static void print_stderr(const char *before, const char *text, const char *after) {
        CLEANUP_BUFFER struct buffer line = {0};

        buffer_push_text(&line, before);
        text_push_lines(&line, bytes_of(text));
        buffer_push_text(&line, after);
        fwrite(line.data, 1, line.len, stderr);
        fflush(stderr);
}

/* Wipes a progress line, so that what follows stands alone. */
static const char *wiped(void) { return isatty(STDERR_FILENO) ? "\r\033[K" : ""; }

void screen_error(const char *format, ...) {
        CLEANUP_FREE char *before = memory_print("%slull: ", wiped());
        CLEANUP_FREE char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        text = print_text(format, arguments);
        va_end(arguments);
        print_stderr(before, text, "\n");
}

void screen_progress(const char *format, ...) {
        CLEANUP_FREE char *text = NULL;
        va_list arguments;

        if (!isatty(STDERR_FILENO))
                return;
        va_start(arguments, format);
        text = print_text(format, arguments);
        va_end(arguments);
        print_stderr(wiped(), text, "");
}

bool screen_is_terminal(void) { return isatty(STDOUT_FILENO); }
bool screen_has_person(void) { return isatty(STDIN_FILENO); }

size_t screen_width(void) {
        struct winsize size = {0};

        if (!screen_is_terminal())
                return 0;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
                return 0;
        return size.ws_col;
}

void screen_clear(void) {
        if (screen_is_terminal())
                write_all("\033[H\033[J", 6);
        else
                write_all("\n", 1);
}

bool screen_is_confirmed(const char *question) {
        char answer[8];

        if (!screen_has_person())
                return false;
        fprintf(stderr, "%s [y/N] ", question);
        fflush(stderr);
        if (!fgets(answer, sizeof answer, stdin))
                return false;
        return answer[0] == 'y' || answer[0] == 'Y';
}
