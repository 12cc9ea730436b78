/* The Responses API, and the Conversations it remembers threads in: what is sent, and how the answer is read. Pure.
 *
 * It is always asked for as a stream. The answer has ended with response.completed or response.incomplete; a stream
 * has no [DONE]. Instructions are not carried over from one response to the next, so they are sent each time; what is
 * known about the person stands there too, as an item of the input would stay in the conversation for ever. */
#pragma once

#include "worker/core/model.h"
#include "worker/core/prompt.h"

/* Fewer are refused by the API. */
enum { RESPONSES_TOKENS_MIN = 16 };

/* Appends the request's body; `conversation` may be NULL. */
void responses_encode(const struct prompt *prompt, const char *conversation, struct buffer *body);
/* Does this refusal say that there is no such conversation (any more)? */
bool responses_is_forgotten(const struct outcome_response *response);

/* Appends the body that asks for a new conversation. */
void responses_encode_conversation(struct buffer *body);
/* Its id, which the caller frees; NULL when the answer says none that could be part of a URL. */
char *responses_conversation_id(struct bytes body);

extern const struct model_api responses_api;
