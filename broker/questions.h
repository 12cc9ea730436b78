/* The stats socket: questions in JSON, each answered after the commit of its turn. PROTOCOL.md, section 6. */
#pragma once

#include "broker/loop.h"
#include "broker/verb_answers.h"
#include "common/json.h"

struct question {
        struct address from;
        json_t *json; /* NULL = no JSON object */
        char *fault; /* why not */
        struct core_dead_view dead; /* dead_retry, dead_drop: which */
        char batch[WIRE_BATCH_LEN + 1];
        bool is_change; /* it changes something: `result` says how that went */
        int result;
        json_t *settings; /* the answer to a question about settings; or NULL */
        bool is_verb; /* and so does this */
        struct verb_change verb;
};

/* Reads a frame, which need not be a question. */
void question_init(struct question *question, const struct frame *frame);
void question_done(struct question *question);
/* If it changes something, the core is stepped; nothing is said yet. */
void question_step(struct question *question, struct loop *loop);
void question_answer(const struct question *question, struct loop *loop);
/* Answers a frame at once, with an error. */
void question_refuse(const struct frame *frame, struct loop *loop, const char *code, const char *why);

/* A worker's uuid as text, in memory that the next call uses again. */
const char *questions_uuid(const void *uuid);

/* -- answers.c, thread_answers.c: one for each command; each returns what the caller owns
 * -------------------------------- */

json_t *answer_stats(struct loop *loop);
json_t *answer_error(const char *code, const char *why);
/* NULL stands for a missing argument. */
json_t *answer_why(struct loop *loop, struct bytes tenant, struct bytes thread);
json_t *answer_threads(struct loop *loop, const char *state, const char *tenant, uint32_t limit);
json_t *answer_dead(struct loop *loop, const char *tenant, uint32_t limit);
json_t *answer_dead_show(struct loop *loop, struct bytes batch);
json_t *answer_time(struct wall at);
/* What becomes of the messages that wait when a hold ends: "answer" or "record"; null without a tenant. */
json_t *answer_policy(const struct config_tenant *tenant, enum hold_kind kind);
