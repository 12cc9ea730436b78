#include "worker/core/model.h"

#include "common/limits.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char who[] = "the model";

enum { BYTES_PER_TOKEN = 4 };

void model_init(struct model *model, const struct model_api *api) { *model = (struct model){.api = api}; }

void model_done(struct model *model) {
        sse_done(&model->sse);
        stencil_done(&model->stencil);
        buffer_done(&model->document);
        buffer_done(&model->text);
        buffer_done(&model->refusal);
}

/* -- what the APIs say --------------------------------------------------------------------------------------------- */

static void fail(struct model *model, const char *code, const char *why) {
        if (model->end != MODEL_OPEN)
                return;
        model->end = MODEL_FAILED;
        outcome_init(&model->fault, WIRE_FAILED, code, "%s's answer %s", who, why);
        model->fault.provider = WIRE_PROVIDER_WELL;
}

static void push(struct model *model, struct buffer *target, struct bytes text) {
        if (text.len == 0 || model->end != MODEL_OPEN)
                return;
        if (text.len > LIMIT_ANSWER_BYTES - target->len) {
                fail(model, "too_large", "is longer than an answer may be");
                return;
        }
        buffer_push(target, text.data, text.len);
}

/* Nothing, when it is no string. */
static struct bytes text_of(const json_t *text) {
        return (struct bytes){json_string_value(text), json_string_length(text)};
}

static void push_piece(struct model *model, struct bytes text) {
        push(model, &model->text, text);
        model->n_pieces += text.len > 0;
}

void model_on_text(struct model *model, const json_t *content) {
        size_t i;
        json_t *part;

        if (json_is_string(content)) {
                push_piece(model, text_of(content));
                return;
        }
        json_array_foreach(content, i, part)
                push(model, &model->text, text_of(json_is_string(part) ? part : json_object_get(part, "text")));
}

void model_on_refusal(struct model *model, const json_t *text) { push(model, &model->refusal, text_of(text)); }

void model_on_id(struct model *model, const json_t *id) {
        if (model->id[0] == '\0' && json_string_length(id) <= MODEL_ID_LEN_MAX && json_is_string(id))
                snprintf(model->id, sizeof model->id, "%s", json_string_value(id));
}

/* False when there is no such number. */
static bool read_tokens(const json_t *usage, const char *name, uint64_t *ret) {
        const json_t *value = json_object_get(usage, name);

        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
                return false;
        *ret = (uint64_t)json_integer_value(value);
        return true;
}

void model_on_usage(struct model *model, const json_t *usage) {
        bool has_in = read_tokens(usage, "prompt_tokens", &model->tokens_in) ||
                      read_tokens(usage, "input_tokens", &model->tokens_in);
        bool has_out = read_tokens(usage, "completion_tokens", &model->tokens_out) ||
                       read_tokens(usage, "output_tokens", &model->tokens_out);

        model->has_usage = model->has_usage || has_in || has_out;
}

void model_on_finish(struct model *model, enum model_end end) {
        if (model->end == MODEL_OPEN)
                model->end = end;
}

bool model_is_locked(struct bytes error) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *why = NULL;
        const char *const places[] = {"/error/code", "/code", "/response/error/code"};

        if (json_decode(error, &root, &why) < 0)
                return false;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                const char *code = json_string_value(json_pointer_find(root, places[i]));

                if (code && strcmp(code, "conversation_locked") == 0)
                        return true;
        }
        return false;
}

void model_on_error(struct model *model, const json_t *error) {
        CLEANUP_BUFFER struct buffer text = {0};

        if (model->end != MODEL_OPEN)
                return;
        json_encode(error, &text);
        model->end = MODEL_FAILED;
        outcome_of_error(buffer_bytes(&text), who, &model->fault);
        model->is_locked = model_is_locked(buffer_bytes(&text));
}

void model_on_nonsense(struct model *model, const char *why) { fail(model, "bad_answer", why); }

/* -- what comes ---------------------------------------------------------------------------------------------------- */

/* The lines of a stream begin with a field's name, a colon or a byte order mark; no JSON begins so. */
static enum model_shape shape_of(struct bytes data) {
        const unsigned char *at = data.data;

        for (size_t i = 0; i < data.len; i++)
                if (!isspace(at[i]))
                        return strchr("deir:\xef", at[i]) ? MODEL_STREAM : MODEL_DOCUMENT;
        return MODEL_UNSEEN;
}

static void read_event(struct model *model, struct bytes data, bool is_whole) {
        CLEANUP_JSON json_t *event = NULL;
        CLEANUP_FREE char *error = NULL;

        if (json_decode(data, &event, &error) == 0 && json_is_object(event))
                model->api->on_event(model, event);
        else if (is_whole)
                model_on_nonsense(model, "holds an event that is no JSON object");
}

/* If it brings a piece of text, and nothing else that counts, another like it does just that. */
static void read_new_event(struct model *model, struct bytes data, bool is_whole) {
        size_t text_len = model->text.len, refusal_len = model->refusal.len;
        uint32_t n_pieces = model->n_pieces;
        bool is_piece;

        stencil_clear(&model->stencil);
        read_event(model, data, is_whole);
        is_piece = model->n_pieces > n_pieces && model->refusal.len == refusal_len && model->end == MODEL_OPEN;
        if (is_piece && model->api->has_pieces)
                stencil_set(&model->stencil, data,
                            (struct bytes){model->text.data + text_len, model->text.len - text_len});
}

static void on_event(struct model *model, struct bytes data, bool is_whole) {
        struct bytes piece;

        if (data.len == 0 || model->end == MODEL_FAILED)
                return;
        if (stencil_find(&model->stencil, data, &piece)) {
                push_piece(model, piece);
        } else if (!bytes_is_text(data, "[DONE]")) {
                read_new_event(model, data, is_whole);
        } else if (model->api->has_done_mark) {
                model_on_finish(model, MODEL_ENDED);
        }
}

static bool push_stream(struct model *model, struct bytes data) {
        struct sse_event event;
        int r;

        if (!model->api->on_event)
                return false;
        while ((r = sse_pop(&model->sse, &data, &event)) > 0)
                on_event(model, event.data, true);
        return r == 0;
}

bool model_on_data(struct model *model, struct bytes data) {
        bool is_room = true;

        if (model->shape == MODEL_UNSEEN)
                model->shape = shape_of(data);
        if (model->shape == MODEL_STREAM && model->document.len > 0) {
                is_room = push_stream(model, buffer_bytes(&model->document)); /* the white space before it */
                buffer_done(&model->document);
        }
        if (model->shape == MODEL_STREAM)
                return is_room && push_stream(model, data);
        if (data.len >
            (model->api->document_max > 0 ? model->api->document_max : LIMIT_HANDLER_BYTES) - model->document.len)
                return false;
        buffer_push(&model->document, data.data, data.len);
        return true;
}

/* -- what became of it --------------------------------------------------------------------------------------------- */

static void read_document(struct model *model) {
        CLEANUP_JSON json_t *document = NULL;
        CLEANUP_FREE char *error = NULL;

        if (json_decode(buffer_bytes(&model->document), &document, &error) < 0)
                model_on_nonsense(model, "is no JSON, or not all of it came");
        else
                model->api->on_document(model, document);
}

static void read_rest(struct model *model) {
        struct sse_event event;

        if (model->shape == MODEL_DOCUMENT)
                read_document(model);
        else if (model->shape == MODEL_STREAM && sse_pop_last(&model->sse, &event) > 0)
                on_event(model, event.data, false);
}

static struct bytes trimmed(const struct buffer *text) {
        size_t from = 0, to = text->len;

        while (to > 0 && isspace(text->data[to - 1]))
                to--;
        while (from < to && isspace(text->data[from]))
                from++;
        return (struct bytes){text->data + from, to - from};
}

static void refuse(const struct model *model, struct outcome *ret) {
        if (model->refusal.len > 0)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "refused", "%s refused to answer: %.*s", who,
                             BYTES_PRINT(trimmed(&model->refusal)));
        else
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "refused", "%s's answer was held back by its content filter",
                             who);
}

static void say(const struct model *model, struct answer *answer) {
        struct bytes text = model->text.len > 0 ? trimmed(&model->text) : BYTES_NONE;

        /* What the filter left of an answer is no answer; and a refusal says so itself. */
        if (model->end == MODEL_FILTERED || (text.len == 0 && model->refusal.len > 0))
                refuse(model, &answer->outcome);
        else if (text.len > 0)
                answer_of_text(text, answer);
        else
                outcome_init(&answer->outcome, WIRE_FAILED, "empty_answer", "%s answered without a text", who);
        answer->outcome.provider = WIRE_PROVIDER_WELL;
}

/* A connection that broke before anything came is no truncated answer: nothing says that it was one. */
static void break_off(const struct model *model, const struct outcome_response *response, struct outcome *ret) {
        bool is_broken = response->transport == OUTCOME_BROKEN && model->shape != MODEL_UNSEEN;

        if (response->transport != OUTCOME_ANSWERED && !is_broken) {
                outcome_of_http(response, who, ret);
                /* A key that is refused is refused for everybody who has it. */
                if (ret->status == 401)
                        ret->provider = WIRE_PROVIDER_UNPAID;
                return;
        }
        outcome_init(ret, WIRE_FAILED, "truncated", "%s's answer broke off: what came of it is not used", who);
        ret->status = response->status;
        ret->provider = WIRE_PROVIDER_DOWN;
}

void model_on_end(struct model *model, const struct outcome_response *response, struct answer *answer) {
        if (response->transport == OUTCOME_ANSWERED) {
                outcome_of_http(response, who, &answer->outcome);
                answer->is_locked = model_is_locked(response->body);
                if (answer->outcome.kind != WIRE_DONE)
                        return;
                read_rest(model);
        }
        answer->is_locked = model->is_locked;
        if (model->end == MODEL_FAILED)
                answer->outcome = model->fault;
        else if (model->end == MODEL_OPEN)
                break_off(model, response, &answer->outcome);
        else
                say(model, answer);
        /* They come with answers that are well, too, and with errors in the middle of one. */
        outcome_on_headers(&answer->outcome, response);
}

struct handler_usage model_usage(const struct model *model, size_t request_len) {
        if (model->has_usage)
                return (struct handler_usage){.tokens_in = model->tokens_in, .tokens_out = model->tokens_out};
        return (struct handler_usage){
                .tokens_in = request_len / BYTES_PER_TOKEN, .tokens_out = model->n_pieces, .is_estimate = true};
}
