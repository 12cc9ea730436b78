/* What a model is told about a batch, whatever the API: its texts, who the person is, and what was said before. Pure.
 *
 * A message that is more than text is described: "[image] https://..." and its caption. A model cannot see what it is
 * not told of, and with the address a tool of its own can look. */
#pragma once

#include "common/bytes.h"
#include "common/config.h"
#include "common/json.h"
#include "common/wire.h"
#include "worker/core/recall_turns.h"

/* Borrowed, all of it. */
struct prompt {
        const struct config_handler *config;
        const char *batch; /* its id */
        const char *first_id; /* of its first message, or NULL */
        struct bytes text; /* of the batch: prompt_push_message() for each message */
        struct bytes context; /* what is known about the person, as JSON; empty = nothing */
        const struct recall_turn *turns; /* what was said before, the oldest first */
        size_t n_turns;
};

/* Appends what a message says, on a line of its own; nothing for one that says nothing. */
void prompt_push_message(struct buffer *text, const struct wire_body *body);

/* {"role", "content"}. */
json_t *prompt_message_new(const char *role, struct bytes content);
/* The batch as the person's one message. A batch that says nothing is "[empty message]": APIs refuse empty ones. */
json_t *prompt_user_new(const struct prompt *prompt);
/* Appends "What is known about the person: JSON"; nothing when nothing is known. */
void prompt_push_context(struct buffer *text, const struct prompt *prompt);
