#include "broker/ctl/run_record.h"

#include "broker/ctl/answer.h"
#include "broker/ctl/redis.h"
#include "common/config.h"
#include "common/memory.h"

#include <string.h>

/* -- asking -------------------------------------------------------------------------------------------------------- */

static json_t *decode(const struct buffer *text, char **ret_error) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *record = NULL;

        if (json_decode(buffer_bytes(text), &record, &error) == 0 && json_is_object(record))
                return TAKE(record);
        *ret_error = memory_print("what Redis has there is not a record of lull's");
        return NULL;
}

static void ask(json_t *answer, const char *url, const char *tenant, const char *thread) {
        CLEANUP_FREE char *key = memory_print("lull:{%s/%s}:run", tenant, thread);
        CLEANUP_FREE char *error = NULL;
        CLEANUP_BUFFER struct buffer text = {0};
        json_t *record = NULL;

        if (redis_get(url, key, &text, &error) == 0)
                record = decode(&text, &error);
        if (error)
                json_object_set_new(answer, "run_record_error", json_text_new(bytes_of(error)));
        else
                json_object_set_new(answer, "run_record", record ? record : json_null());
}

json_t *run_record_new(const struct options *options, const char *tenant, const char *thread) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;
        json_t *answer = json_object();

        if (config_load(options->config, &config, &error) < 0) {
                CLEANUP_FREE char *why = memory_print("%s (--config names another file)", error);

                json_object_set_new(answer, "run_record_error", json_text_new(bytes_of(why)));
                return answer;
        }
        if (*config->redis)
                ask(answer, config->redis, tenant, thread);
        return answer;
}

/* -- showing ------------------------------------------------------------------------------------------------------- */

static void push_part(struct buffer *text, const json_t *record, const char *before, const char *pointer) {
        if (!answer_has(record, pointer))
                return;
        buffer_push_text(text, before);
        answer_push_text(text, record, pointer);
}

/* Is it of the run that the broker speaks of? */
static bool is_current(const json_t *answer, const json_t *record) {
        CLEANUP_FREE char *fence = json_scalar_text(json_object_get(answer, "fence"));
        const char *run = answer_text_find(record, "/run");

        return fence && run && strcmp(fence, run) == 0;
}

void run_record_push(struct buffer *text, const json_t *answer, struct wall now) {
        const json_t *record = json_object_get(answer, "run_record");

        if (answer_has(answer, "/run_record_error")) {
                buffer_print(text, "  %-13s not known: ", "run record");
                answer_push_text(text, answer, "/run_record_error");
                buffer_push_text(text, "\n");
        }
        if (!json_is_object(record))
                return;
        buffer_print(text, "  %-13s ", "run record");
        push_part(text, record, "fence ", "/run");
        buffer_push_text(text, ", since ");
        answer_push_when(text, record, "/since", now);
        push_part(text, record, ", worker ", "/worker");
        push_part(text, record, ", asks ", "/provider");
        push_part(text, record, ", which calls it ", "/provider_id");
        if (!is_current(answer, record))
                buffer_push_text(text, "; left by a run that is over, and soon gone");
        buffer_push_text(text, "\n");
}
