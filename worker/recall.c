#include "worker/recall.h"

#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/wire.h"
#include "worker/scripts.h"

#include <inttypes.h>
#include <string.h>

struct recall {
        struct redis *redis;
        bool has_complained; /* since Redis could last say */
};

struct recall_request {
        struct recall *recall;
        struct redis_request *request;
        void (*on_turns)(void *context, const struct recall_turn *turns, size_t n, bool is_known);
        void (*on_found)(void *context, enum recall_found found, struct bytes id);
        void *context;
};

struct recall *recall_new(struct redis *redis) {
        struct recall *recall = memory_new(1, sizeof *recall);

        recall->redis = redis;
        return recall;
}

struct recall *recall_free(struct recall *recall) {
        free(recall);
        return NULL;
}

/* Once for each time that Redis cannot say, not for each thread. */
static void note(struct recall *recall, bool is_known) {
        if (!is_known && !recall->has_complained)
                log_warning("recall_unknown", LOG_TEXT("why", "Redis could not say what is remembered of a thread"));
        recall->has_complained = !is_known;
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

/* A script with one key, and what it is given; what of a request has a `recall` is waited for. */
static struct redis_request *eval(struct recall *recall, enum script script, const char *key,
                                  const struct bytes *arguments, int n_arguments,
                                  void (*on_end)(void *context, const struct redis_answer *answer), void *context) {
        struct redis_call call = {.script = script, .keys = {bytes_of(key)}, .n_keys = 1};

        for (; call.n_arguments < n_arguments; call.n_arguments++)
                call.arguments[call.n_arguments] = arguments[call.n_arguments];
        return redis_eval(recall->redis, &call, on_end, context);
}

static char *key_new(const char *tenant, const char *thread, const char *what) {
        return memory_print("lull:{%s/%s}:%s", tenant, thread, what);
}

static char *ms_new(struct span span) { return memory_print("%" PRId64, span_to_ms(span)); }

/* Asks, and keeps the request if it was sent. */
static struct recall_request *ask(struct recall_request request, enum script script, const char *key,
                                  const struct bytes *arguments, int n_arguments,
                                  void (*on_end)(void *context, const struct redis_answer *answer)) {
        struct recall_request *kept = memory_new(1, sizeof *kept);

        *kept = request;
        kept->request = eval(request.recall, script, key, arguments, n_arguments, on_end, kept);
        if (kept->request)
                return kept;
        note(request.recall, false);
        free(kept);
        return NULL;
}

struct recall_request *recall_request_free(struct recall_request *request) {
        if (!request)
                return NULL;
        redis_request_free(request->request);
        free(request);
        return NULL;
}

/* -- the history --------------------------------------------------------------------------------------------------- */

static void on_history(void *context, const struct redis_answer *answer) {
        CLEANUP_FREE struct recall_request *request = context;
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};
        bool is_known = answer->result == REDIS_ANSWERED && answer->text.data;

        note(request->recall, is_known);
        if (is_known)
                recall_turns_decode(answer->text, &turns);
        request->on_turns(request->context, turns.turns, turns.n, is_known);
}

struct recall_request *recall_history(struct recall *recall, const char *tenant, const char *thread, uint32_t turns_max,
                                      void (*on_turns)(void *context, const struct recall_turn *turns, size_t n,
                                                       bool is_known),
                                      void *context) {
        CLEANUP_FREE char *key = key_new(tenant, thread, "history");
        CLEANUP_FREE char *turns = memory_print("%" PRIu32, turns_max);
        CLEANUP_FREE char *bytes = memory_print("%d", LIMIT_HISTORY_BYTES);

        return ask((struct recall_request){.recall = recall, .on_turns = on_turns, .context = context},
                   SCRIPT_HISTORY_GET, key, (struct bytes[]){bytes_of(turns), bytes_of(bytes)}, 2, on_history);
}

void recall_push(struct recall *recall, const char *tenant, const char *thread, const char *batch,
                 const struct recall_turn *turn, uint32_t turns_max, struct span ttl) {
        CLEANUP_FREE char *key = key_new(tenant, thread, "history");
        CLEANUP_FREE char *head = memory_print("%zu", strlen(batch) + 1);
        CLEANUP_FREE char *turns = memory_print("%" PRIu32, turns_max);
        CLEANUP_FREE char *bytes = memory_print("%d", LIMIT_HISTORY_BYTES);
        CLEANUP_FREE char *ms = ms_new(ttl);
        CLEANUP_BUFFER struct buffer line = {0};

        recall_turns_encode(batch, turn, &line);
        if (!eval(recall, SCRIPT_HISTORY_PUSH, key,
                  (struct bytes[]){buffer_bytes(&line), bytes_of(head), bytes_of(turns), bytes_of(bytes), bytes_of(ms)},
                  5, NULL, NULL))
                note(recall, false);
}

/* -- the conversation ---------------------------------------------------------------------------------------------- */

static void on_conversation(void *context, const struct redis_answer *answer) {
        CLEANUP_FREE struct recall_request *request = context;
        bool is_known = answer->result == REDIS_ANSWERED;
        /* One that is empty or endless is not ours; to the provider it would be an error on each call. */
        bool is_found = answer->text.len > 0 && answer->text.len <= LIMIT_CONVERSATION_LEN;

        note(request->recall, is_known);
        if (!is_known)
                request->on_found(request->context, RECALL_UNKNOWN, BYTES_NONE);
        else
                request->on_found(request->context, is_found ? RECALL_FOUND : RECALL_NONE,
                                  is_found ? answer->text : BYTES_NONE);
}

struct recall_request *recall_conversation(struct recall *recall, const char *tenant, const char *thread,
                                           struct span ttl,
                                           void (*on_found)(void *context, enum recall_found found, struct bytes id),
                                           void *context) {
        CLEANUP_FREE char *key = key_new(tenant, thread, "conversation");
        CLEANUP_FREE char *ms = ms_new(ttl);

        return ask((struct recall_request){.recall = recall, .on_found = on_found, .context = context},
                   SCRIPT_CONVERSATION_GET, key, (struct bytes[]){bytes_of(ms)}, 1, on_conversation);
}

struct recall_request *
recall_keep_conversation(struct recall *recall, const char *tenant, const char *thread, struct bytes id,
                         struct span ttl, void (*on_found)(void *context, enum recall_found found, struct bytes id),
                         void *context) {
        CLEANUP_FREE char *key = key_new(tenant, thread, "conversation");
        CLEANUP_FREE char *ms = ms_new(ttl);
        CLEANUP_FREE char *len = memory_print("%d", LIMIT_CONVERSATION_LEN);

        return ask((struct recall_request){.recall = recall, .on_found = on_found, .context = context},
                   SCRIPT_CONVERSATION_KEEP, key, (struct bytes[]){id, bytes_of(ms), bytes_of(len)}, 3,
                   on_conversation);
}

void recall_forget_conversation(struct recall *recall, const char *tenant, const char *thread, struct bytes id) {
        CLEANUP_FREE char *key = key_new(tenant, thread, "conversation");

        eval(recall, SCRIPT_CONVERSATION_FORGET, key, (struct bytes[]){id}, 1, NULL, NULL);
}
