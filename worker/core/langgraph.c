#include "worker/core/langgraph.h"

#include "common/memory.h"
#include "common/sign.h"

#include <errno.h>
#include <string.h>

/* The name space of lull's threads; made once at random, and never to be changed. */
static const uint8_t name_space[] = {0x3f, 0x0b, 0x1e, 0x52, 0x9c, 0x6d, 0x4a, 0x87,
                                     0xb1, 0x24, 0x6e, 0xd9, 0x70, 0xc5, 0x8a, 0x13};

void langgraph_thread_id(const char *tenant, const char *thread, char ret[LANGGRAPH_ID_LEN + 1]) {
        static const char digits[] = "0123456789abcdef";
        CLEANUP_BUFFER struct buffer name = {0};
        uint8_t id[SIGN_SHA1_LEN];
        char *at = ret;

        buffer_push(&name, name_space, sizeof name_space);
        buffer_print(&name, "%s/%s", tenant, thread);
        sign_sha1(buffer_bytes(&name), id);
        id[6] = (uint8_t)((id[6] & 0x0f) | 0x50);
        id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *at++ = '-';
                *at++ = digits[id[i] >> 4];
                *at++ = digits[id[i] & 15];
        }
        *at = '\0';
}

/* -- what is sent -------------------------------------------------------------------------------------------------- */

void langgraph_encode_thread(const char *thread_id, struct buffer *body) {
        CLEANUP_JSON json_t *request = json_pack("{s:s, s:s}", "thread_id", thread_id, "if_exists", "do_nothing");

        json_encode(request, body);
}

static json_t *input_new(const struct prompt *prompt) {
        CLEANUP_BUFFER struct buffer context = {0};
        CLEANUP_FREE char *id = memory_print("lull-%s", prompt->first_id ? prompt->first_id : prompt->batch);
        json_t *messages = json_array(), *user = prompt_user_new(prompt);

        prompt_push_context(&context, prompt);
        if (context.len > 0) {
                json_t *known = prompt_message_new("system", buffer_bytes(&context));

                /* Each run's takes the place of the one before. */
                json_object_set_new(known, "id", json_string("lull-context"));
                json_array_append_new(messages, known);
        }
        json_object_set_new(user, "id", json_text_new(bytes_of(id)));
        json_array_append_new(messages, user);
        return json_pack("{s:o}", "messages", messages);
}

void langgraph_encode_run(const struct prompt *prompt, struct buffer *body) {
        CLEANUP_JSON json_t *request = json_object();

        json_object_set_new(request, "assistant_id", json_text_new(bytes_of(prompt->config->assistant)));
        json_object_set_new(request, "input", input_new(prompt));
        json_object_set_new(request, "metadata", json_pack("{s:s}", "lull_batch", prompt->batch));
        json_object_set_new(request, "multitask_strategy", json_string("reject"));
        json_encode(request, body);
}

/* -- runs ---------------------------------------------------------------------------------------------------------- */

static bool is_text(const json_t *object, const char *name, const char *expected) {
        const char *text = json_string_value(json_object_get(object, name));

        return text && strcmp(text, expected) == 0;
}

static bool is_active(const json_t *run) {
        return is_text(run, "status", "pending") || is_text(run, "status", "running");
}

/* It becomes part of a URL. */
static int copy_id(const json_t *run, char ret_id[LANGGRAPH_ID_LEN + 1]) {
        const char *id = json_string_value(json_object_get(run, "run_id"));

        if (!id || strlen(id) != LANGGRAPH_ID_LEN || strspn(id, "0123456789abcdefABCDEF-") != LANGGRAPH_ID_LEN)
                return -EBADMSG;
        memcpy(ret_id, id, LANGGRAPH_ID_LEN + 1);
        return 0;
}

static enum langgraph_found kind_of(const json_t *run, const char *batch) {
        const json_t *of = json_object_get(json_object_get(run, "metadata"), "lull_batch");

        if (json_is_string(of) && strcmp(json_string_value(of), batch) == 0)
                return is_active(run) || is_text(run, "status", "success") ? LANGGRAPH_OURS : LANGGRAPH_FREE;
        if (!is_active(run))
                return LANGGRAPH_FREE;
        return json_is_string(of) ? LANGGRAPH_OUTDATED : LANGGRAPH_BUSY;
}

int langgraph_find_run(struct bytes list, const char *batch, enum langgraph_found *ret_found,
                       char ret_id[LANGGRAPH_ID_LEN + 1]) {
        CLEANUP_JSON json_t *runs = NULL;
        CLEANUP_FREE char *why = NULL;
        enum langgraph_found found = LANGGRAPH_FREE;
        const json_t *it = NULL;
        size_t i;
        json_t *run;

        if (json_decode(list, &runs, &why) < 0 || !json_is_array(runs))
                return -EBADMSG;
        json_array_foreach(runs, i, run) {
                enum langgraph_found kind = kind_of(run, batch);

                /* In the order in which they are listed above: our own before all. */
                if (kind == LANGGRAPH_FREE || (found != LANGGRAPH_FREE && kind >= found))
                        continue;
                found = kind;
                it = run;
        }
        if ((found == LANGGRAPH_OURS || found == LANGGRAPH_OUTDATED) && copy_id(it, ret_id) < 0)
                return -EBADMSG;
        *ret_found = found;
        return 0;
}

bool langgraph_is_success(struct bytes body) {
        CLEANUP_JSON json_t *run = NULL;
        CLEANUP_FREE char *why = NULL;

        return json_decode(body, &run, &why) == 0 && is_text(run, "status", "success");
}

int langgraph_decode_run(struct bytes body, char ret_id[LANGGRAPH_ID_LEN + 1]) {
        CLEANUP_JSON json_t *run = NULL;
        CLEANUP_FREE char *why = NULL;

        return json_decode(body, &run, &why) < 0 ? -EBADMSG : copy_id(run, ret_id);
}

/* -- states -------------------------------------------------------------------------------------------------------- */

static bool is_said_by(const json_t *message, const char *type, const char *role) {
        return is_text(message, "type", type) || is_text(message, "role", role);
}

/* Index of the last message of the person; -1 when there is none. */
static long last_of_person(const json_t *messages) {
        long at = (long)json_array_size(messages) - 1;

        while (at >= 0 && !is_said_by(json_array_get(messages, (size_t)at), "human", "user"))
                at--;
        return at;
}

static void read_messages(struct model *model, const json_t *messages) {
        uint64_t tokens_in = 0, tokens_out = 0;

        for (long at = last_of_person(messages) + 1; at < (long)json_array_size(messages); at++) {
                const json_t *message = json_array_get(messages, (size_t)at);
                const json_t *content = json_object_get(message, "content");

                if (!is_said_by(message, "ai", "assistant"))
                        continue;
                /* What it says before it uses a tool is not the reply. */
                buffer_clear(&model->text);
                model_on_text(model, content);
                model->tokens_in = model->tokens_out = 0;
                model_on_usage(model, json_object_get(message, "usage_metadata"));
                tokens_in += model->tokens_in;
                tokens_out += model->tokens_out;
        }
        model->tokens_in = tokens_in;
        model->tokens_out = tokens_out;
}

static void on_document(struct model *model, const json_t *state) {
        const json_t *error = json_object_get(state, "__error__"), *messages = json_object_get(state, "messages");
        CLEANUP_JSON json_t *holder = json_object();

        if (error) {
                json_object_set(holder, "error", (json_t *)error);
                model_on_error(model, holder);
        } else if (json_is_array(messages)) {
                read_messages(model, messages);
                model_on_finish(model, MODEL_ENDED);
        } else {
                model_on_nonsense(model, "is no state with \"messages\"; has the assistant's graph such a list?");
        }
}

const struct model_api langgraph_api = {.on_document = on_document, .document_max = LIMIT_GRAPH_BYTES};
