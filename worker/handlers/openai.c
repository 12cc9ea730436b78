/* Answers a batch by a language model behind an API of OpenAI's shape: Chat Completions (any compatible server) or
 * Responses. What is sent and how it is read is in core/chat.h, core/responses.h and core/model.h.
 *
 *   api: chat        history (Redis) -> POST /chat/completions
 *   api: responses   conversation (Redis) -> [POST /conversations -> kept in Redis] -> POST /responses
 *
 * One of these is under way at a time. A conversation is made once for a thread; when two workers make one, the first
 * to be kept counts, and the other is deleted. One that the provider has forgotten is made anew, once in a run.
 *
 * The request that is paid for is sent on a connection of its own, which nothing repeats in silence. */
#include "worker/handlers/provider.h"

#include "common/ensure.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/core/chat.h"
#include "worker/core/responses.h"
#include "worker/handlers/ways.h"
#include "worker/recall.h"

struct openai_call {
        struct handler_question question;
        struct answer *answer;
        void (*on_answered)(void *context);
        void *context;
        struct call *call;
        struct recall_request *recall_request;
        struct model model;
        char *conversation; /* NULL = none, or not known yet */
        size_t request_len; /* of the request that is paid for */
        bool is_sent; /* that request, as far as we may know */
        bool is_id_told, is_made_anew;
        struct chat_ways ways; /* in which it is asked */
        bool is_asking, is_over; /* ask() has not returned; there is an answer */
};

#define CALL_FIELDS(self)                                                                                              \
        LOG_TEXT("tenant", (self)->question.batch->tenant), LOG_TEXT("thread", (self)->question.batch->thread),        \
                LOG_TEXT("batch", (self)->question.batch->id)

static void destroy(struct openai_call *self) {
        model_done(&self->model);
        free(self->conversation);
        free(self);
}

static void finish(struct openai_call *self) {
        void (*on_answered)(void *context) = self->on_answered;
        void *context = self->context;

        self->is_over = true;
        if (self->is_asking)
                return; /* ask() says so itself */
        destroy(self);
        on_answered(context);
}

/* `text` is where what the messages say is put; it must outlive the prompt. */
static struct prompt prompt_of(const struct openai_call *self, struct buffer *text) {
        batch_push_prompt(self->question.batch, text);
        return (struct prompt){
                .config = self->question.config,
                .batch = self->question.batch->id,
                .text = buffer_bytes(text),
                .context = self->question.context,
        };
}

/* -- the request that is paid for ---------------------------------------------------------------------------------- */

static void begin(struct openai_call *self);
static void make_conversation(struct openai_call *self);

static bool may_send(void *context) {
        struct openai_call *self = context;

        return self->question.may_send(self->context);
}

static bool may_send_paid(void *context) {
        struct openai_call *self = context;

        bool is_allowed = may_send(self);

        self->is_sent = self->is_sent || is_allowed;
        return is_allowed;
}

static bool on_data(void *context, struct bytes data) {
        struct openai_call *self = context;
        bool is_room = model_on_data(&self->model, data);

        if (!self->is_id_told && self->model.id[0] != '\0') {
                self->is_id_told = true;
                self->question.on_provider_id(self->context, self->model.id);
        }
        return is_room;
}

/* What was refused with a status has cost nothing. */
static struct handler_usage usage_of(const struct openai_call *self, long status) {
        struct handler_usage usage = {0};

        if (self->is_sent && (status == 0 || status == 200))
                usage = model_usage(&self->model, self->request_len);
        usage.n_calls = self->is_sent;
        return usage;
}

static bool is_responses(const struct openai_call *self) { return self->question.config->api == CONFIG_API_RESPONSES; }

/* Of the bodies that the batch may be asked with. It goes with what is in the body, not with how often it was asked, so
 * that the next attempt gives the same body the same. */
static uint32_t version_of(const struct openai_call *self) {
        if (is_responses(self))
                return self->is_made_anew ? 1 : 0;
        return (self->ways.is_without_options ? 1 : 0) + (self->ways.is_completion_tokens ? 2 : 0);
}

/* Is it a refusal after which the same is to be asked in another way? */
static bool is_asked_again(struct openai_call *self, const struct outcome_response *response) {
        if (is_responses(self)) {
                if (!self->conversation || self->is_made_anew || !responses_is_forgotten(response))
                        return false;
                log_warning("conversation_forgotten", CALL_FIELDS(self));
                recall_forget_conversation(self->question.recall, self->question.batch->tenant,
                                           self->question.batch->thread, bytes_of(self->conversation));
                self->is_made_anew = true;
                return true;
        }
        return chat_is_other_way(response, &self->ways);
}

static void on_end(void *context, const struct outcome_response *response) {
        struct openai_call *self = context;

        self->call = NULL;
        if (is_asked_again(self, response)) {
                self->is_sent = false;
                if (self->is_made_anew)
                        make_conversation(self);
                else
                        begin(self);
                return;
        }
        /* That another way is taken is certain only now: the words of a refusal may be a person's. */
        if (!is_responses(self) && response->transport == OUTCOME_ANSWERED && response->status == 200)
                ways_keep(self->question.config, self->ways);
        model_on_end(&self->model, response, self->answer);
        self->answer->usage = usage_of(self, response->status);
        finish(self);
}

static void ask_model(struct openai_call *self, const char *path, struct bytes body) {
        struct provider_request request = {
                .method = "POST",
                .path = path,
                .body = body,
                .version = version_of(self),
                .may_send = may_send_paid,
                .on_data = on_data,
        };

        self->request_len = body.len;
        self->call = provider_call(&self->question, &request, on_end, self);
}

/* -- chat ---------------------------------------------------------------------------------------------------------- */

static void ask_chat(struct openai_call *self, const struct recall_turn *turns, size_t n) {
        CLEANUP_BUFFER struct buffer body = {0}, text = {0};
        struct prompt prompt = prompt_of(self, &text);

        prompt.turns = turns;
        prompt.n_turns = n;
        chat_encode(&prompt, self->ways, &body);
        ask_model(self, "/chat/completions", buffer_bytes(&body));
}

/* Without its history a thread is answered less well, but answered. */
static void on_turns(void *context, const struct recall_turn *turns, size_t n, bool is_known) {
        struct openai_call *self = context;

        self->recall_request = NULL;
        /* The outage itself is told once, by recall.c. */
        if (!is_known)
                log_debug("history_unknown", CALL_FIELDS(self));
        ask_chat(self, turns, n);
}

static void begin_chat(struct openai_call *self) {
        const struct handler_question *question = &self->question;

        if (!question->recall || question->config->history.turns == 0) {
                ask_chat(self, NULL, 0);
                return;
        }
        self->recall_request = recall_history(question->recall, question->batch->tenant, question->batch->thread,
                                              question->config->history.turns, on_turns, self);
        if (!self->recall_request)
                on_turns(self, NULL, 0, false);
}

/* -- responses ----------------------------------------------------------------------------------------------------- */

static void ask_response(struct openai_call *self) {
        CLEANUP_BUFFER struct buffer body = {0}, text = {0};
        struct prompt prompt = prompt_of(self, &text);

        responses_encode(&prompt, self->conversation, &body);
        ask_model(self, "/responses", buffer_bytes(&body));
}

/* A second conversation would have forgotten what was said in the first: so without Redis there is no answer. */
static void fail_unknown(struct openai_call *self) {
        outcome_init(&self->answer->outcome, WIRE_FAILED, "redis_unreachable",
                     "Redis, which remembers the model's conversation of each thread, could not be asked");
        finish(self);
}

static void delete_conversation(struct openai_call *self, const char *id) {
        CLEANUP_FREE char *path = memory_print("/conversations/%s", id);

        provider_tell(&self->question, "DELETE", path);
}

static void on_kept(void *context, enum recall_found found, struct bytes id) {
        struct openai_call *self = context;
        CLEANUP_FREE char *made = TAKE(self->conversation);

        self->recall_request = NULL;
        if (found != RECALL_FOUND || !bytes_is_text(id, made))
                delete_conversation(self, made);
        if (found != RECALL_FOUND) {
                fail_unknown(self);
                return;
        }
        self->conversation = bytes_copy_text(id);
        ask_response(self);
}

static void keep_conversation(struct openai_call *self) {
        const struct handler_question *question = &self->question;

        self->recall_request = recall_keep_conversation(question->recall, question->batch->tenant,
                                                        question->batch->thread, bytes_of(self->conversation),
                                                        question->config->conversation_ttl, on_kept, self);
        if (!self->recall_request)
                on_kept(self, RECALL_UNKNOWN, BYTES_NONE);
}

static void on_made(void *context, const struct outcome_response *response) {
        struct openai_call *self = context;
        struct outcome *outcome = &self->answer->outcome;

        self->call = NULL;
        outcome_of_http(response, "the model", outcome);
        if (outcome->kind == WIRE_DONE)
                self->conversation = responses_conversation_id(response->body);
        if (self->conversation) {
                keep_conversation(self);
                return;
        }
        if (outcome->kind == WIRE_DONE)
                outcome_init(outcome, WIRE_FAILED, "bad_answer", "the model made a conversation without an id");
        else if (response->transport == OUTCOME_ANSWERED && response->status == 404)
                outcome_init(outcome, WIRE_FAILED_FOR_GOOD, "http_404",
                             "the model's API has no conversations (404): write conversation: {ttl: 0s} into the "
                             "handler, or api: chat");
        finish(self);
}

static void make_conversation(struct openai_call *self) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct provider_request request = {
                .method = "POST", .path = "/conversations", .is_repeatable = true, .may_send = may_send};

        free(TAKE(self->conversation));
        responses_encode_conversation(&body);
        request.body = buffer_bytes(&body);
        self->call = provider_call(&self->question, &request, on_made, self);
}

static void on_conversation(void *context, enum recall_found found, struct bytes id) {
        struct openai_call *self = context;

        self->recall_request = NULL;
        if (found == RECALL_UNKNOWN) {
                fail_unknown(self);
        } else if (found == RECALL_NONE) {
                make_conversation(self);
        } else {
                self->conversation = bytes_copy_text(id);
                ask_response(self);
        }
}

static void begin_response(struct openai_call *self) {
        const struct handler_question *question = &self->question;

        if (question->config->conversation_ttl.us == 0) {
                ask_response(self);
                return;
        }
        ENSURE(question->recall); /* the config is refused otherwise */
        self->recall_request = recall_conversation(question->recall, question->batch->tenant, question->batch->thread,
                                                   question->config->conversation_ttl, on_conversation, self);
        if (!self->recall_request)
                fail_unknown(self);
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

static void begin(struct openai_call *self) {
        model_done(&self->model);
        model_init(&self->model, is_responses(self) ? &responses_api : &chat_api);
        if (is_responses(self))
                begin_response(self);
        else
                begin_chat(self);
}

static int ask(const struct handler_question *question, struct answer *answer, void (*on_answered)(void *context),
               void *context, void **ret_call) {
        struct openai_call *self = memory_new(1, sizeof *self);

        *self = (struct openai_call){.question = *question,
                                     .answer = answer,
                                     .on_answered = on_answered,
                                     .context = context,
                                     .ways = ways_get(question->config),
                                     .is_asking = true};
        begin(self);
        self->is_asking = false;
        if (self->is_over) {
                destroy(self);
                return 1;
        }
        *ret_call = self;
        return 0;
}

static void abort_call(void *context, bool is_unwanted, struct handler_usage *ret_spent) {
        struct openai_call *self = context;

        *ret_spent = usage_of(self, 0);
        call_free(self->call);
        recall_request_free(self->recall_request);
        destroy(self);
}

const struct handler handler_openai = {.ask = ask, .abort = abort_call};
