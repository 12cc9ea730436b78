/* Answers a batch by a run of an assistant on a LangGraph Agent Server. What is sent and how it is read is in
 * core/langgraph.h.
 *
 *   POST /threads                    the thread is there
 *   GET  /threads/T/runs             is one under way, or is this batch answered already?
 *   POST /threads/T/runs             a run, unless there is one of this batch
 *   GET  /threads/T/runs/R/join      waits for its end
 *   GET  /threads/T/runs/R           did it succeed?
 *
 * The run is made by one call and waited for by another, not by runs/wait in one: so its id is known, and in the run
 * record, before the waiting begins, and it lives on when this worker dies. Whoever gets the batch then joins it, and
 * nothing is paid twice. A run that is not wanted any more (interrupt, cancel) is cancelled with what it has done, as
 * its messages come again in the next batch. It goes on when ours has only timed out or been handed back, since the
 * next attempt at the batch joins it, and when the thread's lock or lease is not certainly ours: somebody else may have
 * joined it already. */
#include "worker/handlers/provider.h"

#include "common/limits.h"
#include "common/memory.h"
#include "worker/core/langgraph.h"

#include <stdio.h>

static const char who[] = "LangGraph";

enum { PATH_MAX_LEN = 160 };

struct langgraph_call {
        struct handler_question question;
        struct answer *answer;
        void (*on_answered)(void *context);
        void *context;
        struct call *call;
        struct model model; /* the thread's state */
        char thread[LANGGRAPH_ID_LEN + 1];
        char run[LANGGRAPH_ID_LEN + 1]; /* empty = not known */
        size_t request_len; /* of the request that makes the run */
        bool is_sent; /* that request, as far as we may know */
};

static void destroy(struct langgraph_call *self) {
        model_done(&self->model);
        free(self);
}

static struct handler_usage usage_of(const struct langgraph_call *self) {
        struct handler_usage usage = {0};

        /* A run that was only joined was counted by whoever made it; if that one died, by nobody. */
        if (self->is_sent)
                usage = model_usage(&self->model, self->request_len);
        usage.n_calls = self->is_sent;
        return usage;
}

static void finish(struct langgraph_call *self) {
        void (*on_answered)(void *context) = self->on_answered;
        void *context = self->context;

        self->answer->usage = usage_of(self);
        destroy(self);
        on_answered(context);
}

static bool may_send(void *context) {
        struct langgraph_call *self = context;

        return self->question.may_send(self->context);
}

static bool may_send_paid(void *context) {
        struct langgraph_call *self = context;
        bool is_allowed = may_send(self);

        self->is_sent = self->is_sent || is_allowed;
        return is_allowed;
}

/* A call to /threads/THREAD/runs, to the run itself if it is known, and `rest`; `body_max` as call.h has it. */
static void get(struct langgraph_call *self, const char *rest, size_t body_max,
                void (*on_end)(void *context, const struct outcome_response *response)) {
        char path[PATH_MAX_LEN];
        struct provider_request request = {
                .method = "GET", .path = path, .is_repeatable = true, .body_max = body_max, .may_send = may_send};

        snprintf(path, sizeof path, "/threads/%s/runs%s%s%s", self->thread, self->run[0] ? "/" : "", self->run, rest);
        self->call = provider_call(&self->question, &request, on_end, self);
}

/* True when it is over: it failed, and the outcome says how. */
static bool is_failed(struct langgraph_call *self, const struct outcome_response *response) {
        self->call = NULL;
        outcome_of_http(response, who, &self->answer->outcome);
        if (self->answer->outcome.kind == WIRE_DONE)
                return false;
        finish(self);
        return true;
}

static void fail(struct langgraph_call *self, const char *code, const char *why) {
        outcome_init(&self->answer->outcome, WIRE_FAILED, code, "%s %s", who, why);
        self->answer->outcome.provider = WIRE_PROVIDER_WELL;
        finish(self);
}

/* -- the end of a run ---------------------------------------------------------------------------------------------- */

static void on_status(void *context, const struct outcome_response *response) {
        struct langgraph_call *self = context;
        struct outcome *outcome = &self->answer->outcome;

        if (is_failed(self, response))
                return;
        model_on_end(&self->model, response, self->answer);
        /* The state may hold what it had said until it failed. */
        if (!langgraph_is_success(response->body) && (outcome->kind == WIRE_DONE || self->model.end == MODEL_ENDED)) {
                answer_done(self->answer);
                fail(self, "run_failed", "ended the run without success");
                return;
        }
        finish(self);
}

/* A thread's state comes with the thread, too. It only grows, so another attempt would end so as well. True when it is
 * over, likewise. */
static bool is_too_large(struct langgraph_call *self, const struct outcome_response *response) {
        if (response->transport != OUTCOME_TOO_LARGE)
                return false;
        self->call = NULL;
        outcome_init(&self->answer->outcome, WIRE_FAILED_FOR_GOOD, "too_large",
                     "%s's state of this thread is over %d MiB: let the graph return less of its state, or prune its "
                     "messages",
                     who, LIMIT_GRAPH_BYTES / (1024 * 1024));
        self->answer->outcome.provider = WIRE_PROVIDER_WELL;
        finish(self);
        return true;
}

static void on_state(void *context, const struct outcome_response *response) {
        struct langgraph_call *self = context;

        if (is_too_large(self, response) || is_failed(self, response))
                return;
        if (model_on_data(&self->model, response->body))
                get(self, "", 0, on_status);
        else
                fail(self, "bad_answer", "answered with a state that is no JSON");
}

static void join(struct langgraph_call *self) {
        self->question.on_provider_id(self->context, self->run);
        get(self, "/join", LIMIT_GRAPH_BYTES, on_state);
}

/* -- the beginning ------------------------------------------------------------------------------------------------- */

static void on_run(void *context, const struct outcome_response *response) {
        struct langgraph_call *self = context;

        if (is_failed(self, response))
                return;
        if (langgraph_decode_run(response->body, self->run) < 0)
                fail(self, "bad_answer", "made a run without an id");
        else
                join(self);
}

static void make_run(struct langgraph_call *self) {
        CLEANUP_BUFFER struct buffer body = {0}, text = {0};
        char path[PATH_MAX_LEN];
        struct provider_request request = {.method = "POST", .path = path, .may_send = may_send_paid};
        struct prompt prompt = {
                .config = self->question.config,
                .batch = self->question.batch->id,
                .first_id = self->question.batch->first_id,
                .context = self->question.context,
        };

        batch_push_prompt(self->question.batch, &text);
        prompt.text = buffer_bytes(&text);
        langgraph_encode_run(&prompt, &body);
        request.body = buffer_bytes(&body);
        self->request_len = body.len;
        snprintf(path, sizeof path, "/threads/%s/runs", self->thread);
        self->call = provider_call(&self->question, &request, on_run, self);
}

static void cancel_run(struct langgraph_call *self) {
        char path[PATH_MAX_LEN];

        snprintf(path, sizeof path, "/threads/%s/runs/%s/cancel?action=rollback", self->thread, self->run);
        provider_tell(&self->question, "POST", path);
}

static void wait_for_thread(struct langgraph_call *self) {
        outcome_init(&self->answer->outcome, WIRE_BUSY, "provider_busy", "%s still works on another run of this thread",
                     who);
        self->answer->outcome.provider = WIRE_PROVIDER_WELL;
        finish(self);
}

static void on_runs(void *context, const struct outcome_response *response) {
        struct langgraph_call *self = context;
        enum langgraph_found found;

        if (is_failed(self, response))
                return;
        if (langgraph_find_run(response->body, self->question.batch->id, &found, self->run) < 0) {
                fail(self, "bad_answer", "answered with something that is no list of runs");
                return;
        }
        switch (found) {
        case LANGGRAPH_FREE:
                make_run(self);
                break;
        case LANGGRAPH_OURS:
                join(self);
                break;
        case LANGGRAPH_OUTDATED:
                cancel_run(self);
                wait_for_thread(self);
                break;
        case LANGGRAPH_BUSY:
                wait_for_thread(self);
                break;
        }
}

static void on_thread(void *context, const struct outcome_response *response) {
        struct langgraph_call *self = context;
        char query[32];

        if (is_too_large(self, response) || is_failed(self, response))
                return;
        snprintf(query, sizeof query, "?limit=%d", LANGGRAPH_RUNS_MAX);
        get(self, query, 0, on_runs);
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct langgraph_call *self = memory_new(1, sizeof *self);
        CLEANUP_BUFFER struct buffer body = {0};
        struct provider_request request = {
                .method = "POST",
                .path = "/threads",
                .is_repeatable = true,
                .body_max = LIMIT_GRAPH_BYTES,
                .may_send = may_send,
        };

        *self = (struct langgraph_call){
                .question = *question, .answer = answer, .on_answered = on_answered, .context = context};
        model_init(&self->model, &langgraph_api);
        langgraph_thread_id(question->batch->tenant, question->batch->thread, self->thread);
        langgraph_encode_thread(self->thread, &body);
        request.body = buffer_bytes(&body);
        self->call = provider_call(question, &request, on_thread, self);
        *ret_call = self;
        return 0;
}

static void abort_call(void *context, bool is_unwanted, struct handler_usage *ret_spent) {
        struct langgraph_call *self = context;

        *ret_spent = usage_of(self);
        call_free(self->call);
        if (is_unwanted && self->run[0] && may_send(self))
                cancel_run(self);
        destroy(self);
}

const struct handler handler_langgraph = {.ask = ask, .abort = abort_call};
