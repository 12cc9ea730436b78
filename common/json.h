/* JSON: reading with the position of an error, JSON Pointer, writing. The one door to jansson: this header alone
 * includes it, and whoever includes this header may use jansson's json_t and json_* calls as they are; to wrap each of
 * them would only give them second names.
 *
 * jansson takes its memory from common/memory.h as soon as this module is linked, so none of its calls fails for want
 * of it. What can still fail: text that is not UTF-8 (see json_text_new) and numbers that are not finite. */
#pragma once

#include "common/bytes.h"

#include <jansson.h>

#include <stdbool.h>

static inline void json_cleanup(json_t **value) { json_decref(*value); }
#define CLEANUP_JSON CLEANUP(json_cleanup)

/* Reads one JSON value of any type. 0 and *ret, which the caller owns; -EBADMSG and *ret_error (the caller frees),
 * such as "line 3, column 7: '}' expected near ']'". Of a key that stands twice the last one counts, as platforms send
 * such; a number beyond 64 bits and the character U+0000 are refused. */
MUST_USE int json_decode(struct bytes text, json_t **ret, char **ret_error);

/* Appends the value, on one line without spaces; json_encode_text() gives the same as text that the caller frees. */
void json_encode(const json_t *value, struct buffer *text);
char *json_encode_text(const json_t *value);

/* A string of a stranger's bytes: what is not UTF-8 becomes U+FFFD, each NUL too. Never NULL, as json_stringn() can
 * be. */
json_t *json_text_new(struct bytes text);
/* The same, or null for a NULL. */
json_t *json_text_or_null(const char *text);
/* Appends what json_text_new() makes, encoded: for who writes JSON without making values of it first. */
void json_push_text(struct bytes text, struct buffer *json);

/* A string as it is; a whole number, true or false as JSON writes them; NULL for anything else. The caller frees. */
char *json_scalar_text(const json_t *value);

/* Is it a JSON Pointer (RFC 6901): empty, or "/" before each step, "~" only as "~0" and "~1"? A step "*" means each
 * member of an array or object; "*?" each member of an array, and what is no array itself. */
bool json_pointer_is_valid(const char *pointer);
/* What the pointer names, borrowed from `root`; NULL when there is nothing. Of several the first. */
json_t *json_pointer_find(const json_t *root, const char *pointer);

/* The first `max` of all that a pointer with "*" names, in the order of the document, borrowed from `root`. The caller
 * frees items. */
struct json_found {
        json_t **items;
        size_t n, cap;
};
void json_pointer_find_all(const json_t *root, const char *pointer, size_t max, struct json_found *ret);

/* The same two, looking at no more than *steps values; those looked at are taken from it. At 0 the search has ended,
 * whatever it may have missed. */
json_t *json_pointer_find_within(const json_t *root, const char *pointer, size_t *steps);
void json_pointer_find_all_within(const json_t *root, const char *pointer, size_t max, size_t *steps,
                                  struct json_found *ret);
