/* Answers to requests that cannot be fulfilled: RFC 9457 problem details, in JSON. */
#pragma once

#include "common/json.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"

struct problem {
        unsigned status; /* of HTTP */
        const char *code; /* one word for machines */
        const char *detail; /* a sentence for people: what is wrong, and what to do */
};

/* The standard's name of a status, such as "Not Found"; "Error" for one that lull does not send. */
const char *problem_title(unsigned status);
/* The problem as JSON that the caller owns, and may add members to. */
json_t *problem_to_json(const struct problem *problem);
/* The same, appended to `body`. */
void problem_encode(const struct problem *problem, struct buffer *body);
