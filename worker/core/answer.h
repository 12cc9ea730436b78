/* What a handler says, read: {"reply": "..."} or {"replies": ["...", "..."]}, or plain text. Pure.
 *
 * An answer has at most LIMIT_REPLIES replies and LIMIT_ANSWER_BYTES of text. Empty replies and null are nothing to
 * say. */
#pragma once

#include "common/bytes.h"
#include "worker/core/outcome.h"

/* What asking has cost. `n_calls` is requests for an answer that were sent; a lookup beside them is none. */
struct handler_usage {
        uint64_t tokens_in, tokens_out;
        uint32_t n_calls;
        bool is_estimate; /* the provider did not say how many tokens */
};

struct answer {
        struct outcome outcome;
        struct handler_usage usage;
        bool is_locked; /* the provider said that its conversation is in use elsewhere */
        struct buffer replies; /* done: as wire_encode_answer() writes them */
        uint32_t n_replies;
};

/* Frees the replies and leaves an answer that says nothing. */
void answer_done(struct answer *answer);

/* Reads a JSON answer. The outcome is done, or failed with code bad_answer and a why that says what was found instead.
 * `answer` must be empty or done with. */
void answer_of_json(struct bytes text, struct answer *answer);
/* What a program wrote on stdout: JSON if it begins with '{', otherwise one reply; white space around it is not part
 * of it. */
void answer_of_output(struct bytes text, struct answer *answer);
/* One reply; none when it is empty. */
void answer_of_text(struct bytes text, struct answer *answer);
/* Nothing to say. */
void answer_of_nothing(struct answer *answer);
