/* The event of a stream that came last, but for the text it brought: most that follow differ nowhere else, and need not
 * be read as JSON to know what they say. Pure.
 *
 * Nothing is guessed: an event is recognised only where every byte around its text is that of the one before, and
 * the text stands in it as it is, without an escape. Then it means what that one meant, with another text. */
#pragma once

#include "common/bytes.h"

/* { 0 } recognises nothing. */
struct stencil {
        struct buffer before, after; /* the bytes around the text, with its quotation marks */
};

void stencil_done(struct stencil *stencil);

/* `event`, a whole JSON object, brought `text` and nothing that would be different a second time. Where the text cannot
 * be told from the rest of it, nothing is recognised until the next one is set. */
void stencil_set(struct stencil *stencil, struct bytes event, struct bytes text);
/* Recognises nothing until the next one is set. */
void stencil_clear(struct stencil *stencil);

/* Is it the same event with another text? Then *ret is that, in the bytes of `event`. */
bool stencil_find(const struct stencil *stencil, struct bytes event, struct bytes *ret);
