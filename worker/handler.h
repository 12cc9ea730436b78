/* What answers a batch: a small interface with a file behind it for each kind of lull.yaml. */
#pragma once

#include "common/config.h"
#include "worker/call.h"
#include "worker/core/answer.h"
#include "worker/core/batch.h"
#include "worker/loop.h"

struct handler_question {
        const struct config_handler *config;
        const struct batch *batch;
        struct loop *loop;
        struct calls *calls;
        bool (*may_send)(void *context); /* as call.h has it, with the context of ask() */
};

struct handler {
        /* Asks. 0: under way; `answer` is filled and on_answered called once, later, unless it is aborted first. 1:
         * it has been answered already, and there is no call. The question must live until then, `answer` must be
         * empty. */
        int (*ask)(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
                   void *context, void **ret_call);
        /* Ends a call that is under way; on_answered is not called any more. Never blocks. */
        void (*abort)(void *call);
};

const struct handler *handler_get(enum config_handler_kind kind);

extern const struct handler handler_http, handler_exec, handler_echo;
