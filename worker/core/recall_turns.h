/* Turns of a thread as they stand in Redis: a batch's id, a space, and one line of JSON with "user" and "assistant".
 * Pure. */
#pragma once

#include "common/bytes.h"

/* What a person said, as one batch, and what was answered. UTF-8. */
struct recall_turn {
        struct bytes user, assistant;
};

/* Appends one turn without a newline; each text is cut to LIMIT_HISTORY_TEXT_BYTES, between two characters. What is
 * not UTF-8 becomes U+FFFD. */
void recall_turns_encode(const char *batch, const struct recall_turn *turn, struct buffer *line);

struct recall_turns {
        struct recall_turn *turns; /* into `texts` */
        size_t n;
        char *texts;
};

/* Reads lines, the oldest first. A line that is no turn is passed over: somebody else may have written it. The caller
 * frees with recall_turns_done(). */
void recall_turns_decode(struct bytes lines, struct recall_turns *ret);
void recall_turns_done(struct recall_turns *turns);
#define CLEANUP_RECALL_TURNS CLEANUP(recall_turns_done)
