/* A batch as a run brings it, and what a handler is told of it: the JSON of PROTOCOL.md, section 7, or what a model
 * is told. Pure.
 *
 * A batch is a copy: the frame it was read from need not live on. What only some handlers want, and want once, is
 * written when it is asked for. */
#pragma once

#include "common/wire.h"

struct batch {
        uint64_t fence;
        char id[WIRE_BATCH_LEN + 1];
        const char *tenant, *thread;
        const char *channel; /* of the last message that has one; NULL = nothing is posted */
        const char *from; /* who sent the last message that says so; NULL = none does */
        const char *to; /* where the reply goes, of the last message that says so; NULL = to the thread's name */
        const char *first_id; /* of the first message; NULL = it has none */
        const char *last_id; /* of the last message that has one and was not taken back; NULL = there is none */
        uint32_t attempt, n_messages;
        uint32_t n_deleted; /* of the messages: taken back by who wrote them, and no part of what is answered */
        bool is_record; /* the messages are only to be recorded: a person has answered them */
        struct buffer text; /* the texts that are not empty, a newline between them */
        struct buffer answer; /* of an earlier run, as on the wire; empty = there is none */
        uint32_t posted; /* replies of that answer */
        bool is_doubtful; /* reply number `posted` may be out already */
        bool is_silent; /* if that cannot be looked for, it is passed over; else it is posted again */
        struct buffer context; /* JSON of the lookup; empty = there is none */
        bool is_context_missing; /* it was looked up in vain */
        char *names; /* what the texts above point into */
        struct buffer messages; /* as on the wire */
};

/* 0 and *ret, which the caller frees; -EBADMSG when the frame is none: a fault of the broker. */
MUST_USE int batch_new(const struct wire_run *run, struct batch **ret);
struct batch *batch_free(struct batch *batch);

/* Keeps what was looked up, once: `json`, one JSON value; or that it is missing. */
void batch_set_context(struct batch *batch, struct bytes json, bool is_missing);
/* Appends the question as one line of JSON, with "context", and "context_missing" where it is. */
void batch_encode_question(const struct batch *batch, struct buffer *json);
/* Appends what a model is told of the messages (core/prompt.h); nothing when they say nothing. */
void batch_push_prompt(const struct batch *batch, struct buffer *text);

static inline void batch_cleanup(struct batch **batch) { batch_free(*batch); }
#define CLEANUP_BATCH CLEANUP(batch_cleanup)
