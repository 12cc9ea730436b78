#include "broker/questions.h"

#include "broker/settings_answers.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *questions_uuid(const void *uuid) {
        static char text[2 * WIRE_UUID_LEN + 1];

        for (int i = 0; i < WIRE_UUID_LEN; i++)
                snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)uuid)[i]);
        return text;
}

void question_init(struct question *question, const struct frame *frame) {
        *question = (struct question){.from = frame->from};
        if (frame->data.len > LIMIT_QUESTION_BYTES)
                question->fault = memory_print("a question is at most %d bytes", LIMIT_QUESTION_BYTES);
        else if (json_decode(frame->data, &question->json, &question->fault) < 0)
                question->json = NULL;
}

void question_done(struct question *question) {
        json_decref(question->json);
        json_decref(question->settings);
        free(question->fault);
        *question = (struct question){0};
}

static const char *text_of(const struct question *question, const char *key) {
        return json_string_value(json_object_get(question->json, key));
}

/* With its length: a thread's name may be anything that is text. */
static struct bytes bytes_of_key(const struct question *question, const char *key) {
        const json_t *value = json_object_get(question->json, key);

        return (struct bytes){json_string_value(value), json_string_length(value)};
}

static bool is_command(const struct question *question, const char *name) {
        const char *command = text_of(question, "cmd");

        return command && strcmp(command, name) == 0;
}

void question_step(struct question *question, struct loop *loop) {
        struct event event = {.type = EVENT_DEAD_RETRY};

        question->settings = settings_step(question->json, loop);
        question->is_verb = verb_step(&question->verb, question->json, loop);
        if (is_command(question, "dead_drop"))
                event.type = EVENT_DEAD_DROP;
        else if (!is_command(question, "dead_retry"))
                return;
        question->is_change = true;
        question->result = -ENOENT;
        if (!core_dead_find(loop->core, bytes_of_key(question, "batch"), &question->dead))
                return;
        memcpy(question->batch, question->dead.batch, sizeof question->batch);
        event.dead.seq = question->dead.seq;
        event.dead.ret_result = &question->result;
        core_step(loop->core, loop->now, &event, &loop->fx);
        if (question->result == 0)
                log_info(event.type == EVENT_DEAD_DROP ? "dead_dropped" : "dead_retried",
                         LOG_TEXT("batch", question->batch));
}

static json_t *answer_change(const struct question *question) {
        bool is_drop = is_command(question, "dead_drop");

        if (question->result == -ENOENT)
                return answer_error("not_found",
                                    "there is no dead letter of that batch id; `lull dead list` shows those there are");
        if (question->result == -EBUSY)
                return answer_error("busy", "its thread has a batch that must end first: it runs, or its stored "
                                            "answer is not posted yet");
        return json_pack("{s:i,s:s}", is_drop ? "dropped" : "retried", 1, "batch", question->batch);
}

/* What is wrong with the arguments, whoever they are for; NULL when nothing is. */
static const char *find_fault(const struct question *question) {
        static const char *const texts[] = {"tenant", "thread", "state", "batch"};
        const json_t *limit = json_object_get(question->json, "limit");

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                const json_t *text = json_object_get(question->json, texts[i]);

                if (text && !json_is_string(text))
                        return "\"tenant\", \"thread\", \"state\" and \"batch\" are texts";
        }
        if (limit && json_integer_value(limit) <= 0)
                return "\"limit\" is a whole number from 1";
        return NULL;
}

/* An empty list would say that nothing is there, when it is the name that is wrong. */
static bool is_list_of_nobody(const struct question *question, const struct loop *loop) {
        bool is_list = is_command(question, "threads") || is_command(question, "dead") || is_command(question, "holds");

        return is_list && text_of(question, "tenant") && !core_has_tenant(loop->core, bytes_of_key(question, "tenant"));
}

static uint32_t limit_of(const struct question *question) {
        json_int_t limit = json_integer_value(json_object_get(question->json, "limit"));

        return limit > 0 && limit < LIMIT_LISTING ? (uint32_t)limit : LIMIT_LISTING;
}

static json_t *answer_of(const struct question *question, struct loop *loop) {
        if (!json_is_object(question->json) || !text_of(question, "cmd"))
                return answer_error("bad_request",
                                    question->fault ? question->fault : "a question is a JSON object with a \"cmd\"");
        if (find_fault(question))
                return answer_error("bad_request", find_fault(question));
        if (is_list_of_nobody(question, loop))
                return answer_error("unknown_tenant", "the broker's lull.yaml has no tenant of that name");
        if (question->settings)
                return json_incref(question->settings);
        if (question->is_verb)
                return answer_verb(&question->verb);
        if (question->is_change)
                return answer_change(question);
        if (is_command(question, "stats"))
                return answer_stats(loop);
        if (is_command(question, "why"))
                return answer_why(loop, bytes_of_key(question, "tenant"), bytes_of_key(question, "thread"));
        if (is_command(question, "threads"))
                return answer_threads(loop, text_of(question, "state"), text_of(question, "tenant"),
                                      limit_of(question));
        if (is_command(question, "dead"))
                return answer_dead(loop, text_of(question, "tenant"), limit_of(question));
        if (is_command(question, "holds"))
                return answer_holds(loop, text_of(question, "tenant"), limit_of(question));
        if (is_command(question, "dead_show"))
                return answer_dead_show(loop, bytes_of_key(question, "batch"));
        return answer_error("unknown_command",
                            "the commands are stats, why, threads, hold, resume, flush, cancel, holds, settings, "
                            "settings_set, settings_unset, dead, "
                            "dead_show, dead_retry and dead_drop");
}

/* What fits no frame is said to be so: who asked would wait for ever. */
static void encode_too_large(struct buffer *frame, json_t *request) {
        CLEANUP_JSON json_t *answer = answer_error("too_large", "the answer is over 4 MiB: ask for less (\"limit\")");

        if (request)
                json_object_set(answer, "request", request);
        buffer_clear(frame);
        json_encode(answer, frame);
}

static void send_answer(const struct question *question, struct loop *loop, json_t *answer) {
        CLEANUP_BUFFER struct buffer frame = {0};
        json_t *request = json_object_get(question->json, "request");

        if (request)
                json_object_set(answer, "request", request);
        json_encode(answer, &frame);
        if (frame.len > LIMIT_FRAME_BYTES)
                encode_too_large(&frame, request);
        if (sockets_send(loop->sockets, SOCKET_STATS, &question->from, buffer_bytes(&frame)) != 0)
                log_debug("not_delivered", LOG_NUMBER("bytes", frame.len));
}

void question_answer(const struct question *question, struct loop *loop) {
        CLEANUP_JSON json_t *answer = answer_of(question, loop);

        send_answer(question, loop, answer);
}

void question_refuse(const struct frame *frame, struct loop *loop, const char *code, const char *why) {
        CLEANUP_JSON json_t *answer = answer_error(code, why);
        struct question question;

        question_init(&question, frame);
        send_answer(&question, loop, answer);
        question_done(&question);
}
