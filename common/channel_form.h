/* Bodies of the type application/x-www-form-urlencoded: names and values with "&" and "=" between them, "+" for a blank
 * and "%2B" for a plus. Pure. What is decoded is no longer than the body; at most LIMIT_FORM_FIELDS fields. */
#pragma once

#include "common/bytes.h"
#include "common/json.h"

struct channel_field {
        struct bytes name, value; /* decoded; they live as long as the form */
};

struct channel_form {
        struct channel_field *fields;
        size_t n;
        uint8_t *memory;
};

/* Reads a body. 0 and *ret, the fields in their order; -EBADMSG and *ret_error (the caller frees): an escape that is
 * none, a NUL, or too many fields. The error has nothing of the body in it but a number. */
MUST_USE int channel_form_decode(struct bytes body, struct channel_form *ret, char **ret_error);
void channel_form_done(struct channel_form *form);

/* The same as an object of texts, of a name that stands twice the first. */
MUST_USE int channel_form_json(struct bytes body, json_t **ret, char **ret_error);

/* The fields of an object of scalars, as a body; what is no scalar is left out. */
void channel_form_encode(const json_t *object, struct buffer *ret);

/* Appends a text of which everything but letters, digits, "-", "_", "." and "~", and what `plain` has, is escaped. */
void channel_escape_push(struct buffer *ret, const char *text, const char *plain);
