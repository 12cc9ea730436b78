/* Refused messages of one request: which, and why. */
#pragma once

#include "common/bytes.h"

#include <stdint.h>

struct refusal {
        uint32_t index; /* the message's place in its request, as whoever sent it counts */
        char *code, *why;
};

/* { 0 } is an empty list; refusals_done() frees it and leaves one. */
struct refusals {
        struct refusal *items;
        uint32_t n, cap;
};

void refusals_done(struct refusals *refusals);
#define CLEANUP_REFUSALS CLEANUP(refusals_done)

/* Copies code and why. */
void refusals_push(struct refusals *refusals, uint32_t index, struct bytes code, struct bytes why);
/* Moves everything of `from` into `into`, which is then in the order of the indices. */
void refusals_merge(struct refusals *into, struct refusals *from);
