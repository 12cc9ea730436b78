/* Answers a batch by running a program: the question as JSON on its stdin, the reply on its stdout (core/answer.h).
 * What its exit status means is in core/outcome.h; the first line of its stderr says why. The command is a list, no
 * shell is between; the program has the worker's folder, and a process group of its own that ends with it.
 *
 * Of the environment it has what a program needs to run at all, and nothing of what lull.yaml reads from ours: the
 * secrets of every tenant. A key of its own it reads from a file. Batch, tenant and thread are in the JSON.
 *
 * A run that is over before its program is (timeout, cancel, a lost lock, a worker that leaves) kills the group at once
 * and without a SIGTERM, before the thread's lock is let go: the next run's program must not find this one at work. */
#include "worker/handler.h"

#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

struct exec_call {
        struct loop_program *program;
        struct answer *answer;
        void (*on_answered)(void *context);
        void *context;
};

static const char *const environment[] = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", NULL};

static struct bytes first_line(struct bytes text) {
        const char *end = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;

        return end ? (struct bytes){text.data, (size_t)(end - (const char *)text.data)} : text;
}

static void on_end(void *context, const struct loop_program_end *end) {
        struct exec_call *call = context;
        struct outcome *outcome = &call->answer->outcome;

        if (end->is_too_large)
                outcome_init(outcome, WIRE_FAILED, "too_large", "the handler's program wrote more than %d bytes",
                             LIMIT_HANDLER_BYTES);
        else
                outcome_of_exit(end->status, end->signal, first_line(end->errors), outcome);
        if (outcome->kind == WIRE_DONE)
                answer_of_output(end->output, call->answer);
        call->answer->usage.n_calls = 1;
        call->on_answered(call->context);
        free(call);
}

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct exec_call *call = memory_new(1, sizeof *call);
        CLEANUP_BUFFER struct buffer json = {0};
        struct loop_program_start start = {
                .argv = question->config->command,
                .environment = environment,
                .output_max = LIMIT_HANDLER_BYTES,
        };
        int r;

        batch_encode_question(question->batch, &json);
        start.input = buffer_bytes(&json);
        *call = (struct exec_call){.answer = answer, .on_answered = on_answered, .context = context};
        r = loop_program_new(question->loop, &start, on_end, call, &call->program);
        if (r < 0) {
                outcome_init(&answer->outcome, WIRE_FAILED, "not_started",
                             "the handler's program %s could not be started: %s", start.argv[0], strerror(-r));
                free(call);
                return 1;
        }
        *ret_call = call;
        return 0;
}

static void abort_call(void *context, bool is_unwanted, struct handler_usage *ret_spent) {
        struct exec_call *call = context;

        *ret_spent = (struct handler_usage){.n_calls = 1};
        loop_program_free(call->program);
        free(call);
}

const struct handler handler_exec = {.ask = ask, .abort = abort_call};
