/* Chat Completions: what is sent, and how the answer is read. Pure.
 *
 * It is always asked for as a stream, and a server that answers with one document is understood too. The answer has
 * ended with a finish_reason or with [DONE]. */
#pragma once

#include "worker/core/model.h"
#include "worker/core/prompt.h"

/* What a server does not take as we would like to send it. */
struct chat_ways {
        bool is_without_options; /* no stream_options: then it does not say what it cost */
        bool is_completion_tokens; /* the limit is max_completion_tokens */
};

/* Appends the request's body: the system prompt, what is known about the person, what was said before, the batch. */
void chat_encode(const struct prompt *prompt, struct chat_ways ways, struct buffer *body);
/* Does this refusal name one of these ways? Then *ways has it, and the request is worth sending once more. Only when
 * that is taken it is certain: what a refusal quotes may be a person's words. */
bool chat_is_other_way(const struct outcome_response *response, struct chat_ways *ways);

extern const struct model_api chat_api;
