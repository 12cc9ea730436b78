/* What answers a batch: a small interface with a file behind it for each kind of lull.yaml.
 *
 * A handler says in answer->outcome what became of the batch, with what that tells of its provider (outcome.provider,
 * outcome.pause), and in answer->usage what it cost. */
#pragma once

#include "common/config.h"
#include "worker/call.h"
#include "worker/core/answer.h"
#include "worker/core/batch.h"
#include "worker/loop.h"

struct recall;

struct handler_question {
        const struct config_handler *config;
        const struct batch *batch; /* batch_encode_question() is the JSON for http and exec */
        struct bytes context; /* JSON of the lookup; empty = none */
        struct loop *loop;
        struct calls *calls;
        struct recall *recall; /* what is remembered of the thread; NULL = redis: none */
        bool (*may_send)(void *context); /* as call.h has it, with the context of ask() */
        /* What the provider calls this run or answer, as soon as it is known: for the run record. With the context of
         * ask(); the text is copied. It frees nothing. */
        void (*on_provider_id)(void *context, const char *id);
};

struct handler {
        /* Asks. 0: under way; `answer` is filled and on_answered called once, later, unless it is aborted first. 1:
         * it has been answered already, and there is no call. The question is copied, what it points to must live until
         * then; `answer` must be empty. */
        int (*ask)(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
                   void *context, void **ret_call);
        /* Ends a call that is under way; on_answered is not called any more. Never blocks. `is_unwanted`: nobody will
         * ask for this answer again, so what goes on at the provider may be ended too; else another run may have joined
         * it, or come to do so. *ret_spent is what it had cost until then, all 0 when nothing was sent. */
        void (*abort)(void *call, bool is_unwanted, struct handler_usage *ret_spent);
};

const struct handler *handler_get(enum config_handler_kind kind);

extern const struct handler handler_http, handler_exec, handler_echo, handler_openai, handler_langgraph;
