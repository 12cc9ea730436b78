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

/* Of a batch that are copied, each with its NUL; and the empty one that a frame may send for the first two. */
enum { N_NAMES = 8 };

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* What was read of the messages, before it is copied: the value of the last one that has it. */
struct names {
        struct bytes channel, from, to, first_id, last_id;
};

static void keep_last(struct bytes *place, struct bytes value) {
        if (value.len > 0)
                *place = value;
}

static bool is_deleted(const struct wire_body *body) { return bytes_is_text(body->kind, KIND_DELETED); }

static void push_text(struct batch *batch, const struct wire_body *body) {
        if (body->text.len == 0)
                return;
        if (batch->text.len > 0)
                buffer_push_text(&batch->text, "\n");
        buffer_push(&batch->text, body->text.data, body->text.len);
}

/* One that was taken back still tells where the reply goes, and nothing else. */
static void read_message(const struct wire_run_message *message, const struct wire_body *body, struct batch *batch,
                         struct names *names) {
        keep_last(&names->channel, message->channel);
        keep_last(&names->from, body->from);
        keep_last(&names->to, body->to);
        if (is_deleted(body)) {
                batch->n_deleted++;
                return;
        }
        keep_last(&names->last_id, message->id);
        push_text(batch, body);
}

static int read_messages(const struct wire_run *run, struct batch *batch, struct names *names) {
        struct wire_run reader = *run;
        struct wire_run_message message;
        struct wire_body body;

        /* Their texts are nearly all that there is: room for them at once, rather than a little more for each. */
        if (run->n_messages > 1)
                buffer_reserve(&batch->text, run->messages.left);
        for (uint32_t i = 0; i < run->n_messages; i++) {
                if (wire_run_next(&reader, &message) < 0 || wire_decode_body(message.body, &body) < 0)
                        return -EBADMSG;
                if (i == 0)
                        names->first_id = message.id;
                read_message(&message, &body, batch, names);
        }
        buffer_push(&batch->messages, run->messages.at, run->messages.left - reader.messages.left);
        return 0;
}

/* They were read before. */
static void pop_message(struct wire_run *reader, struct wire_run_message *ret, struct wire_body *ret_body) {
        ENSURE(wire_run_next(reader, ret) == 0 && wire_decode_body(ret->body, ret_body) == 0);
}

static struct wire_run open_messages(const struct batch *batch) {
        return (struct wire_run){.n_messages = batch->n_messages,
                                 .messages = pack_open(buffer_bytes(&batch->messages))};
}

/* -- what a handler is told ---------------------------------------------------------------------------------------- */

static void push_text_or_null(struct bytes text, struct buffer *json) {
        if (text.len > 0)
                json_push_text(text, json);
        else
                buffer_push_text(json, "null");
}

/* Data is JSON by contract; what is not goes to the handler as the text it is. */
static void push_data(struct bytes data, struct buffer *json) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *value = NULL;

        if (data.len > 0 && json_decode(data, &value, &error) == 0)
                json_encode(value, json);
        else
                push_text_or_null(data, json);
}

static void push_message(const struct wire_run_message *message, const struct wire_body *body, struct buffer *json) {
        char at[CLOCK_TEXT_MAX];

        buffer_push_text(json, "{\"id\":");
        push_text_or_null(message->id, json);
        buffer_push_text(json, ",\"at\":\"");
        buffer_push_text(json, clock_text(body->at.ms != 0 ? body->at : message->accepted, at));
        buffer_push_text(json, "\",\"from\":");
        push_text_or_null(body->from, json);
        buffer_push_text(json, ",\"kind\":");
        push_text_or_null(body->kind.len > 0 ? body->kind : bytes_of("text"), json);
        buffer_push_text(json, ",\"text\":");
        push_text_or_null(body->text, json);
        buffer_push_text(json, ",\"url\":");
        push_text_or_null(body->url, json);
        buffer_push_text(json, ",\"data\":");
        push_data(body->data, json);
        buffer_push_text(json, "}");
}

static void push_messages(const struct batch *batch, struct buffer *json) {
        struct wire_run reader = open_messages(batch);
        struct wire_run_message message;
        struct wire_body body;

        for (uint32_t i = 0; i < batch->n_messages; i++) {
                pop_message(&reader, &message, &body);
                buffer_push_text(json, i == 0 ? "[" : ",");
                push_message(&message, &body, json);
        }
        buffer_push_text(json, batch->n_messages == 0 ? "[]" : "]");
}

void batch_encode_question(const struct batch *batch, struct buffer *json) {
        buffer_push_text(json, "{\"batch\":");
        json_push_text(bytes_of(batch->id), json);
        buffer_push_text(json, ",\"tenant\":");
        json_push_text(bytes_of(batch->tenant), json);
        buffer_push_text(json, ",\"thread\":");
        json_push_text(bytes_of(batch->thread), json);
        buffer_push_text(json, ",\"channel\":");
        push_text_or_null(bytes_of(batch->channel), json);
        buffer_print(json, ",\"attempt\":%" PRIu32 "%s", batch->attempt, batch->is_record ? ",\"record\":true" : "");
        /* As text: JavaScript has no whole numbers beyond 53 bits. */
        buffer_print(json, ",\"fence\":\"%" PRIu64 "\",\"messages\":", batch->fence);
        push_messages(batch, json);
        buffer_push_text(json, ",\"text\":");
        json_push_text(buffer_bytes(&batch->text), json);
        buffer_push_text(json, ",\"context\":");
        if (batch->context.len > 0)
                buffer_push(json, batch->context.data, batch->context.len);
        else
                buffer_push_text(json, batch->is_context_missing ? "null,\"context_missing\":true" : "null");
        buffer_push_text(json, "}");
}

void batch_push_prompt(const struct batch *batch, struct buffer *text) {
        struct wire_run reader = open_messages(batch);
        struct wire_run_message message;
        struct wire_body body;

        for (uint32_t i = 0; i < batch->n_messages; i++) {
                pop_message(&reader, &message, &body);
                if (!is_deleted(&body))
                        prompt_push_message(text, &body);
        }
}

void batch_set_context(struct batch *batch, struct bytes json, bool is_missing) {
        ENSURE(batch->context.len == 0 && !batch->is_context_missing);
        batch->is_context_missing = is_missing;
        if (!is_missing)
                buffer_push(&batch->context, json.data, json.len);
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

/* NULL where there is none. */
static const char *put_name(char **place, struct bytes name) {
        char *text = *place;

        if (name.len == 0)
                return NULL;
        memcpy(text, name.data, name.len);
        text[name.len] = '\0';
        *place += name.len + 1;
        return text;
}

/* One piece of memory for all of them. */
static void copy_names(const struct wire_run *run, const struct names *names, struct batch *batch) {
        size_t len = run->tenant.len + run->thread.len + names->channel.len + names->from.len + names->to.len +
                     names->first_id.len + names->last_id.len + N_NAMES;
        char *place = memory_new(len, 1);

        batch->names = place++;
        batch->tenant = run->tenant.len > 0 ? put_name(&place, run->tenant) : batch->names;
        batch->thread = run->thread.len > 0 ? put_name(&place, run->thread) : batch->names;
        batch->channel = put_name(&place, names->channel);
        batch->from = put_name(&place, names->from);
        batch->to = put_name(&place, names->to);
        batch->first_id = put_name(&place, names->first_id);
        batch->last_id = put_name(&place, names->last_id);
}

int batch_new(const struct wire_run *run, struct batch **ret) {
        CLEANUP_BATCH struct batch *batch = memory_new(1, sizeof *batch);
        struct names names = {0};
        int r;

        if (run->batch.len != WIRE_BATCH_LEN)
                return -EBADMSG;
        memcpy(batch->id, run->batch.data, WIRE_BATCH_LEN);
        batch->fence = run->fence;
        batch->attempt = run->attempt;
        batch->n_messages = run->n_messages;
        batch->posted = run->posted;
        batch->is_doubtful = run->is_doubtful;
        batch->is_silent = run->is_silent;
        batch->is_record = run->is_record;
        buffer_push(&batch->answer, run->answer.data, run->answer.len);
        r = read_messages(run, batch, &names);
        if (r < 0)
                return r;
        copy_names(run, &names, batch);
        *ret = TAKE(batch);
        return 0;
}

struct batch *batch_free(struct batch *batch) {
        if (!batch)
                return NULL;
        free(batch->names);
        buffer_done(&batch->messages);
        buffer_done(&batch->text);
        buffer_done(&batch->answer);
        buffer_done(&batch->context);
        free(batch);
        return NULL;
}
