#include "worker/core/run_record.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/limits.h"

#include <inttypes.h>
#include <stdio.h>

/* What a provider says may be of any length. */
static void set_text(json_t *object, const char *key, const char *text) {
        struct bytes value = bytes_of(text);

        if (value.len > LIMIT_CONVERSATION_LEN)
                value.len = LIMIT_CONVERSATION_LEN;
        if (text)
                json_object_set_new(object, key, json_text_new(value));
}

void run_record_encode(const struct run_record *record, struct buffer *text) {
        CLEANUP_JSON json_t *object = json_object();
        char fence[24], since[CLOCK_TEXT_MAX];

        /* As text: a fence has 64 bits, more than most readers of JSON keep of a number. */
        snprintf(fence, sizeof fence, "%" PRIu64, record->fence);
        set_text(object, "run", fence);
        set_text(object, "batch", record->batch);
        set_text(object, "worker", record->worker);
        set_text(object, "since", clock_text(record->since, since));
        set_text(object, "provider", record->provider);
        set_text(object, "provider_id", record->provider_id);
        json_encode(object, text);
}
