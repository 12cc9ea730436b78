/* What the broker answered, looked at by JSON Pointer. A key that is missing or of another type is not an error:
 * an older broker does not know it yet, and it shows as "-". Pure. */
#pragma once

#include "common/json.h"
#include "common/time.h"

/* A text, borrowed from `answer`; NULL when there is none. */
const char *answer_text_find(const json_t *answer, const char *pointer);
/* A number of any kind: 0 and *ret, 1 when there is none. */
MUST_USE int answer_number_find(const json_t *answer, const char *pointer, double *ret);
/* Is it there, whatever it is, and not null? */
bool answer_has(const json_t *answer, const char *pointer);

/* Each appends what the pointer names, or "-". */
void answer_push_text(struct buffer *buffer, const json_t *answer, const char *pointer);
void answer_push_count(struct buffer *buffer, const json_t *answer, const char *pointer);
void answer_push_ms(struct buffer *buffer, const json_t *answer, const char *pointer);
void answer_push_size(struct buffer *buffer, const json_t *answer, const char *pointer);
void answer_push_when(struct buffer *buffer, const json_t *answer, const char *pointer, struct wall now);
