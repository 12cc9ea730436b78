/* A language model's answer, put together from what comes: a stream of events or one document. Pure.
 *
 * Which API it is decides how events and documents are read (chat.h, responses.h, langgraph.h); what becomes of the
 * answer is the same for all:
 *
 *   what came                                        outcome           code
 *   -----------------------------------------------  ----------------  ------------
 *   an end and a text                                done
 *   cut off at the limit of tokens, with a text      done
 *   refused, or filtered, without a text             failed for good   refused
 *   an end without a text                            failed            empty_answer
 *   no end: it broke off                             failed            truncated
 *   an error inside a 200                            as outcome_of_error() says
 *   something that is no JSON, or none of the API    failed            bad_answer
 *   a text over LIMIT_ANSWER_BYTES                   failed            too_large
 *   anything else                                    as outcome_of_http() says
 *
 * What broke off is never an answer, however much of it there is. White space around the text is not part of it. */
#pragma once

#include "common/json.h"
#include "worker/core/answer.h"
#include "worker/core/sse.h"
#include "worker/core/stencil.h"

struct model;

struct model_api {
        /* Both call the functions at the end of this file. `event` is an object; NULL = there are no streams. */
        void (*on_event)(struct model *model, const json_t *event);
        void (*on_document)(struct model *model, const json_t *document);
        size_t document_max; /* 0 = LIMIT_HANDLER_BYTES */
        bool has_done_mark; /* the event [DONE] ends a stream; else it means nothing */
        bool has_pieces; /* an event that brings a text does nothing with it but model_on_text() */
};

enum model_shape { MODEL_UNSEEN, MODEL_STREAM, MODEL_DOCUMENT };
enum model_end { MODEL_OPEN, MODEL_ENDED, MODEL_CUT_OFF, MODEL_FILTERED, MODEL_FAILED };

/* The longest that is kept of what a provider calls an answer; the longest seen has 60 characters. */
enum { MODEL_ID_LEN_MAX = 128 };

struct model {
        const struct model_api *api;
        enum model_shape shape;
        struct sse sse;
        struct stencil stencil; /* of the event before */
        struct buffer document;
        struct buffer text, refusal;
        char id[MODEL_ID_LEN_MAX + 1]; /* what the provider calls the answer; empty = not said yet */
        uint64_t tokens_in, tokens_out;
        uint32_t n_pieces; /* of text that came in a stream */
        bool has_usage; /* the tokens are the provider's own count */
        bool is_locked; /* the provider said that the conversation is in use elsewhere */
        enum model_end end;
        struct outcome fault; /* why it failed */
};

void model_init(struct model *model, const struct model_api *api);
void model_done(struct model *model);

/* The next bytes of a 200. False when there are too many of them. */
bool model_on_data(struct model *model, struct bytes data);
/* That was all: fills the outcome, the replies and is_locked of `answer`, which must be empty. */
void model_on_end(struct model *model, const struct outcome_response *response, struct answer *answer);

/* What it has cost until now. Where the provider has not said it is an estimate: four bytes of the request are a token,
 * and so is each piece of a stream. */
struct handler_usage model_usage(const struct model *model, size_t request_len);

/* Does an error say that the conversation is in use elsewhere? */
bool model_is_locked(struct bytes error);

/* -- for the APIs -------------------------------------------------------------------------------------------------- */

/* A piece of the answer: a text, or a list of parts of which those are taken that have a text. Nothing for others. */
void model_on_text(struct model *model, const json_t *content);
void model_on_refusal(struct model *model, const json_t *text);
/* The first that is said counts. */
void model_on_id(struct model *model, const json_t *id);
/* {"prompt_tokens", "completion_tokens"} or {"input_tokens", "output_tokens"}; the last that is said counts. */
void model_on_usage(struct model *model, const json_t *usage);
/* How it ended; the first that is said counts, so what comes behind the end changes nothing. */
void model_on_finish(struct model *model, enum model_end end);
/* An error inside a 200, in any of the shapes that outcome_of_error() knows; likewise. */
void model_on_error(struct model *model, const json_t *error);
/* It is none of the API; `why` follows "the model's answer ". */
void model_on_nonsense(struct model *model, const char *why);
