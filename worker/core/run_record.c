#include "worker/core/run_record.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/limits.h"

/* What a provider says may be of any length. */
static void push_text(struct buffer *json, const char *name, const char *text) {
        struct bytes value = bytes_of(text);

        if (value.len > LIMIT_CONVERSATION_LEN)
                value.len = LIMIT_CONVERSATION_LEN;
        if (!text)
                return;
        buffer_push_text(json, name);
        json_push_text(value, json);
}

void run_record_encode(const struct run_record *record, struct buffer *text) {
        char since[CLOCK_TEXT_MAX];

        /* As text: a fence has 64 bits, more than most readers of JSON keep of a number. */
        buffer_push_text(text, "{\"run\":\"");
        buffer_push_number(text, record->fence);
        buffer_push_text(text, "\"");
        push_text(text, ",\"batch\":", record->batch);
        push_text(text, ",\"worker\":", record->worker);
        push_text(text, ",\"since\":", clock_text(record->since, since));
        push_text(text, ",\"provider\":", record->provider);
        push_text(text, ",\"provider_id\":", record->provider_id);
        buffer_push_text(text, "}");
}
