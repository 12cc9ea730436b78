#include "ingest/core/spool_line.h"

#include "common/ensure.h"
#include "common/json.h"

static void set(json_t *object, const char *key, json_t *value) {
        ENSURE(json_object_set_new(object, key, value) == 0);
}

static void set_text(json_t *object, const char *key, struct bytes text) {
        if (text.len > 0)
                set(object, key, json_text_new(text));
}

/* JSON text as the value it is. */
static void set_json(json_t *object, const char *key, struct bytes text) {
        char *error = NULL;
        json_t *value;

        if (text.len == 0)
                return;
        if (json_decode(text, &value, &error) == 0) {
                set(object, key, value);
                return;
        }
        free(error);
        set(object, key, json_text_new(text));
}

static void set_body(json_t *object, struct bytes bytes) {
        struct wire_body body;
        const char *to;

        if (wire_decode_body(bytes, &body) < 0)
                return;
        if (body.at.ms > 0)
                set(object, "at", json_integer(body.at.ms));
        set_text(object, "from", body.from);
        set_text(object, "kind", body.kind);
        set_text(object, "text", body.text);
        set_json(object, "data", body.data);
        set_text(object, "url", body.url);
        to = body.to.data;
        if (body.to.len > 0 && to[0] == '{')
                set_json(object, "to", body.to);
        else
                set_text(object, "to", body.to);
}

static void set_aliases(json_t *object, const struct wire_message *message) {
        json_t *list;

        if (message->n_aliases == 0)
                return;
        list = json_array();
        for (uint32_t i = 0; i < message->n_aliases; i++)
                ENSURE(json_array_append_new(list, json_text_new(message->aliases[i])) == 0);
        set(object, "aliases", list);
}

void spool_line_encode(struct buffer *ret, const struct wire_message *message) {
        CLEANUP_JSON json_t *object = json_object();

        set_text(object, "tenant", message->tenant);
        set_text(object, "thread", message->thread);
        set_text(object, "id", message->id);
        set_text(object, "channel", message->channel);
        if (message->what != WIRE_WHAT_MESSAGE)
                set(object, "what", json_text_new(bytes_of(wire_what_name(message->what))));
        set_body(object, message->body);
        set_aliases(object, message);
        json_encode(object, ret);
        buffer_push_text(ret, "\n");
}
