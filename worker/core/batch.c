#include "worker/core/batch.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/json.h"
#include "common/memory.h"
#include "worker/core/prompt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The kind of a message that was taken back. */
#define KIND_DELETED "deleted"

static json_t *text_or_null(struct bytes text) { return text.len > 0 ? json_text_new(text) : json_null(); }

/* Data is JSON by contract; what is not goes to the handler as the text it is. */
static json_t *data_new(struct bytes data) {
        CLEANUP_FREE char *error = NULL;
        json_t *value;

        if (data.len == 0)
                return json_null();
        return json_decode(data, &value, &error) == 0 ? value : json_text_new(data);
}

static json_t *message_new(const struct wire_run_message *message, const struct wire_body *body) {
        json_t *object = json_object();
        char at[CLOCK_TEXT_MAX];

        clock_text(body->at.ms != 0 ? body->at : message->accepted, at);
        json_object_set_new(object, "id", text_or_null(message->id));
        json_object_set_new(object, "at", json_string(at));
        json_object_set_new(object, "from", text_or_null(body->from));
        json_object_set_new(object, "kind", body->kind.len > 0 ? json_text_new(body->kind) : json_string("text"));
        json_object_set_new(object, "text", text_or_null(body->text));
        json_object_set_new(object, "url", text_or_null(body->url));
        json_object_set_new(object, "data", data_new(body->data));
        return object;
}

/* A later message's value takes the place of an earlier one's. */
static void keep_last(char **place, struct bytes value) {
        if (value.len == 0)
                return;
        free(*place);
        *place = bytes_copy_text(value);
}

/* What a message says to whoever answers. */
static void push_said(struct batch *batch, const struct wire_body *body) {
        prompt_push_message(&batch->prompt, body);
        if (body->text.len == 0)
                return;
        if (batch->text.len > 0)
                buffer_push_text(&batch->text, "\n");
        buffer_push(&batch->text, body->text.data, body->text.len);
}

/* One that was taken back still tells where the reply goes, and nothing else. */
static void read_message(const struct wire_run_message *message, const struct wire_body *body, struct batch *batch) {
        bool is_deleted = bytes_is_text(body->kind, KIND_DELETED);

        keep_last(&batch->channel, message->channel);
        keep_last(&batch->from, body->from);
        keep_last(&batch->to, body->to);
        if (is_deleted) {
                batch->n_deleted++;
                return;
        }
        keep_last(&batch->last_id, message->id);
        push_said(batch, body);
}

static int read_messages(const struct wire_run *run, struct batch *batch, json_t *messages) {
        struct wire_run reader = *run;
        struct wire_run_message message;
        struct wire_body body;

        for (uint32_t i = 0; i < run->n_messages; i++) {
                if (wire_run_next(&reader, &message) < 0 || wire_decode_body(message.body, &body) < 0)
                        return -EBADMSG;
                json_array_append_new(messages, message_new(&message, &body));
                if (i == 0)
                        keep_last(&batch->first_id, message.id);
                read_message(&message, &body, batch);
        }
        return 0;
}

/* How a question ends before anything was looked up. */
#define NO_CONTEXT "null}"

static void write_question(struct batch *batch, json_t *messages) {
        CLEANUP_JSON json_t *question = json_object();
        char fence[24];

        snprintf(fence, sizeof fence, "%" PRIu64, batch->fence);
        json_object_set_new(question, "batch", json_string(batch->id));
        json_object_set_new(question, "tenant", json_text_new(bytes_of(batch->tenant)));
        json_object_set_new(question, "thread", json_text_new(bytes_of(batch->thread)));
        json_object_set_new(question, "channel", json_text_or_null(batch->channel));
        json_object_set_new(question, "attempt", json_integer(batch->attempt));
        if (batch->is_record)
                json_object_set_new(question, "record", json_true());
        /* As text: JavaScript has no whole numbers beyond 53 bits. */
        json_object_set_new(question, "fence", json_string(fence));
        json_object_set(question, "messages", messages);
        json_object_set_new(question, "text", json_text_new(buffer_bytes(&batch->text)));
        /* Last, so that batch_set_context() finds it. */
        json_object_set_new(question, "context", json_null());
        json_encode(question, &batch->question);
}

int batch_new(const struct wire_run *run, struct batch **ret) {
        CLEANUP_BATCH struct batch *batch = memory_new(1, sizeof *batch);
        CLEANUP_JSON json_t *messages = json_array();
        int r;

        if (run->batch.len != WIRE_BATCH_LEN)
                return -EBADMSG;
        memcpy(batch->id, run->batch.data, WIRE_BATCH_LEN);
        batch->fence = run->fence;
        batch->tenant = bytes_copy_text(run->tenant);
        batch->thread = bytes_copy_text(run->thread);
        batch->attempt = run->attempt;
        batch->n_messages = run->n_messages;
        batch->posted = run->posted;
        batch->is_doubtful = run->is_doubtful;
        batch->is_silent = run->is_silent;
        batch->is_record = run->is_record;
        buffer_push(&batch->answer, run->answer.data, run->answer.len);
        r = read_messages(run, batch, messages);
        if (r < 0)
                return r;
        if (batch->answer.len == 0)
                write_question(batch, messages);
        *ret = TAKE(batch);
        return 0;
}

void batch_set_context(struct batch *batch, struct bytes json, bool is_missing) {
        struct buffer *question = &batch->question;

        ENSURE(question->len > strlen(NO_CONTEXT) && batch->context.len == 0);
        question->len -= strlen(NO_CONTEXT);
        if (is_missing) {
                buffer_push_text(question, "null,\"context_missing\":true}");
                return;
        }
        buffer_push(&batch->context, json.data, json.len);
        buffer_push(question, json.data, json.len);
        buffer_push_text(question, "}");
}

struct batch *batch_free(struct batch *batch) {
        if (!batch)
                return NULL;
        free(batch->tenant);
        free(batch->thread);
        free(batch->channel);
        free(batch->from);
        free(batch->to);
        free(batch->first_id);
        free(batch->last_id);
        buffer_done(&batch->text);
        buffer_done(&batch->prompt);
        buffer_done(&batch->question);
        buffer_done(&batch->answer);
        buffer_done(&batch->context);
        free(batch);
        return NULL;
}
