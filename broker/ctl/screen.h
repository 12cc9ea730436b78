/* What the person at the other end sees: stdout for answers, stderr for errors and progress. */
#pragma once

#include "common/bytes.h"
#include "common/json.h"

/* Prints to stdout and empties the buffer. A reader that has gone away ends the program, as it does any filter. */
void screen_print(struct buffer *text);
/* One value on one line. On a terminal what is not ASCII is escaped, so that a stranger's text cannot steer it. */
void screen_print_json(const json_t *value);
/* "lull: ..." on stderr, with control characters made visible. The format is without a newline. */
void screen_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool screen_is_terminal(void);
/* Columns of the terminal; 0 when stdout is none. */
size_t screen_width(void);
/* Clears the terminal and begins at its top; prints an empty line when stdout is none. */
void screen_clear(void);

/* A line on stderr that the next one overwrites; nothing where stderr is no terminal. An empty text takes it away. */
void screen_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Asks on the terminal, with "[y/N]" behind the question. True for yes; false too when stdin is no terminal. */
bool screen_is_confirmed(const char *question);
/* Is there a person at stdin who could be asked? */
bool screen_has_person(void);
