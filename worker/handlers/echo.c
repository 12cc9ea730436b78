/* Answers a batch with its own texts: for trying lull out, and for its tests. */
#include "worker/handler.h"

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        answer_of_text(buffer_bytes(&question->batch->text), answer);
        answer->usage.n_calls = 1;
        return 1;
}

static void abort_call(void *call, bool is_unwanted, struct handler_usage *ret_spent) {
        *ret_spent = (struct handler_usage){0};
}

const struct handler handler_echo = {.ask = ask, .abort = abort_call};
