/* One logfmt line a transition, on stderr: "ts=... level=info event=run_started tenant=acme ...".
 *
 * Only a program's shell logs. The keys are the same everywhere: tenant, thread, batch, fence, worker, code, why. Never
 * a message's text, a secret, or a URL with its query string. Values are quoted and escaped where they need it, so a
 * stranger's bytes cannot forge a line. */
#pragma once

#include "common/bytes.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
        struct bytes key; /* none ends the list */
        enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER } kind;
        struct bytes text;
        int64_t number;
};

/* A key is a text in quotes, whose length the compiler knows. */
#define LOG_KEY(key) ((struct bytes){"" key, sizeof(key) - 1})
#define LOG_TEXT(key, value) ((struct log_field){LOG_KEY(key), LOG_FIELD_TEXT, bytes_of(value), 0})
#define LOG_BYTES(key, value) ((struct log_field){LOG_KEY(key), LOG_FIELD_TEXT, (value), 0})
#define LOG_NUMBER(key, value) ((struct log_field){LOG_KEY(key), LOG_FIELD_NUMBER, BYTES_NONE, (int64_t)(value)})

#define log_debug(event, ...) log_line(LOG_DEBUG, event, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){{0}}})
#define log_info(event, ...) log_line(LOG_INFO, event, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){{0}}})
#define log_warning(event, ...) log_line(LOG_WARNING, event, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){{0}}})
#define log_error(event, ...) log_line(LOG_ERROR, event, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){{0}}})

/* `program` stands in every line; the level is taken from $LULL_LOG (debug, info, warning, error), info if it is unset.
 */
void log_init(const char *program);
void log_line(enum log_level level, const char *event, const struct log_field *fields);
/* For a program that logs a lot: lines of LOG_INFO and below wait for log_flush(), for the next one that is more, or
 * until some thousand bytes of them wait. A program that is killed takes with it those that wait. */
void log_hold(bool is_wanted);
/* Writes what waits. To be called before the program sleeps. */
void log_flush(void);
