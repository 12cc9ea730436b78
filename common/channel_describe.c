#include "common/channel.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/memory.h"

static void text_set(json_t *object, const char *key, const char *text) {
        if (text)
                json_object_set_new(object, key, json_text_new(bytes_of(text)));
}

/* What is JSON already; a text that is none stays a text. */
static void json_set(json_t *object, const char *key, const char *text, bool is_object_only) {
        CLEANUP_FREE char *error = NULL;
        json_t *value = NULL;

        if (!text)
                return;
        if (json_decode(bytes_of(text), &value, &error) == 0 && (json_is_object(value) || !is_object_only)) {
                json_object_set_new(object, key, value);
                return;
        }
        json_decref(value);
        text_set(object, key, text);
}

static void aliases_set(json_t *object, const struct channel_event *event) {
        json_t *aliases = json_array();

        for (uint32_t i = 0; i < event->n_aliases; i++)
                json_array_append_new(aliases, json_text_new(bytes_of(event->aliases[i])));
        if (event->n_aliases > 0)
                json_object_set_new(object, "aliases", aliases);
        else
                json_decref(aliases);
}

static void at_set(json_t *object, const struct channel_event *event) {
        char at[CLOCK_TEXT_MAX];

        if (event->at.ms == 0)
                return;
        clock_text(event->at, at);
        text_set(object, "at", at);
}

/* Of an event that is no message it is empty, or the reason, which is there already. */
static bool has_kind(const struct channel_event *event) { return event->kind && *event->kind && !event->why; }

char *channel_event_text(const struct channel_event *event) {
        CLEANUP_JSON json_t *object = json_object();

        text_set(object, "what", event->is_ignored ? "ignored" : wire_what_name(event->what));
        text_set(object, "why", event->why);
        if (event->is_ignored)
                return json_encode_text(object);
        text_set(object, "thread", event->thread);
        aliases_set(object, event);
        text_set(object, "id", event->id);
        if (event->what == WIRE_WHAT_SHOWN)
                json_object_set_new(object, "number", json_integer(event->number));
        text_set(object, "from", event->from);
        json_set(object, "to", event->to, true);
        text_set(object, "kind", has_kind(event) ? event->kind : NULL);
        text_set(object, "text", event->text);
        text_set(object, "url", event->url);
        at_set(object, event);
        json_set(object, "data", event->data, false);
        return json_encode_text(object);
}
