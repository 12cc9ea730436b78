/* The head of an HTTP request, as far as it decides where the request ends. Where two programs disagree on that, the
 * rest of it becomes a request of its own, with the rights of whoever it was forwarded for. So what could be read in
 * two ways is not read at all, even where the HTTP library would.
 *
 * Fed with the target and each field in turn; { 0 } is the beginning. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct head {
        uint32_t n_fields, n_lengths, n_codings;
        bool is_chunked, has_bad_target, has_bad_field;
        uint64_t length; /* of the body, when Content-Length tells it */
};

/* The target as it came: any byte but control characters and space. */
void head_push_target(struct head *head, const char *target);
/* One field. A name is letters, digits and a few signs (RFC 9110, token): "Content-Length " is none, nor is one to
 * which a folded line was joined. A value has no control characters but tabs. `value` may be NULL. */
void head_push_field(struct head *head, const char *name, const char *value);
/* What is wrong, as a sentence for people; NULL when nothing is. */
const char *head_fault_find(const struct head *head);
