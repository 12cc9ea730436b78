#include "common/channel_read.h"

#include "common/ensure.h"
#include "common/item_at.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- times and data ------------------------------------------------------------------------------------------------ */

/* Digits are Unix time: below this in seconds (it is the year 5138), from it on in milliseconds (it is 1973). */
#define SECONDS_MAX INT64_C(100000000000)

static struct wall time_of_number(double number) {
        struct wall at = {0};

        if (number < 0 || number > 1e15)
                return at;
        if (item_at_of_number((int64_t)(number < (double)SECONDS_MAX ? number * 1000 : number), &at) != 0)
                at.ms = 0;
        return at;
}

/* 0 when it says no time. */
static struct wall time_of_text(const char *text) {
        struct wall at = {0};
        char *end;

        /* "1753659002" and Slack's "1753659002.000200", but no "1e9" or "inf". */
        if (*text && strspn(text, "0123456789.") == strlen(text)) {
                double number = strtod(text, &end);

                return *end ? at : time_of_number(number);
        }
        if (item_at_of_text(bytes_of(text), &at) != 0)
                at.ms = 0;
        return at;
}

static struct wall time_find(const struct channel_place *place, const struct yaml_node *value) {
        CLEANUP_FREE char *text = channel_value_text(place, value);

        return text ? time_of_text(text) : (struct wall){0};
}

static char *data_encode(const struct channel_place *place, const json_t *data) {
        char *text = json_encode_text(data);

        channel_work_take(place, strlen(text));
        return text;
}

/* What a pointer names, as it is; or a map of pointers, as an object of those that name something. */
static char *data_text(const struct channel_place *place, const struct yaml_node *value) {
        CLEANUP_JSON json_t *data = NULL;

        if (!value)
                return NULL;
        if (value->kind == YAML_SCALAR) {
                data = json_incref(channel_pointer_find(place, value->text));
                return data ? data_encode(place, data) : NULL;
        }
        data = json_object();
        for (size_t i = 0; i < value->n; i++)
                json_object_set(data, value->items[i].key, channel_pointer_find(place, value->items[i].text));
        return json_object_size(data) ? data_encode(place, data) : NULL;
}

/* A value that is there but cannot be taken would be lost without a word. */
static int strict_check(struct channel_reading *reading, const struct yaml_node *rule, const char *key, bool is_read) {
        const struct yaml_node *value = yaml_find(rule, key);
        const char *pointer = value && value->kind == YAML_SCALAR ? value->text : NULL;
        bool is_time = strcmp(key, "at") == 0, is_needed = strcmp(key, "thread") == 0;
        const json_t *found;

        if (!reading->is_strict || is_read || !pointer || !channel_is_pointer(pointer))
                return 0;
        found = channel_pointer_find(&reading->place, pointer);
        if (!is_needed && (!found || (!is_time && json_is_string(found))))
                return 0;
        reading->error =
                memory_print("message %zu: %s %s", reading->events->n, channel_pointer_shown(&reading->place, pointer),
                             is_needed ? "is missing; it must name the conversation"
                             : is_time ? "is no time; write RFC 3339 or Unix time"
                                       : "must be text");
        return -EBADMSG;
}

/* -- names --------------------------------------------------------------------------------------------------------- */

static const char *value_keep(struct channel_reading *reading, const struct yaml_node *rule, const char *key) {
        return channel_text_keep(reading->events, channel_value_text(&reading->place, yaml_find(rule, key)));
}

static bool has_alias(const struct channel_event *event, const char *alias) {
        for (uint32_t i = 0; i < event->n_aliases; i++)
                if (strcmp(event->aliases[i], alias) == 0)
                        return true;
        return event->thread && strcmp(event->thread, alias) == 0;
}

/* Takes `alias` over. */
static void alias_add(struct channel_reading *reading, struct channel_event *event, char *alias) {
        if (!alias || !*alias || has_alias(event, alias) || event->n_aliases == LIMIT_ALIASES_OF_ITEM)
                free(alias);
        else
                event->aliases[event->n_aliases++] = channel_text_keep(reading->events, alias);
}

/* Of a pointer each that it names, of any other value the one. */
static void aliases_read(struct channel_reading *reading, const struct yaml_node *values, struct channel_event *event) {
        for (size_t i = 0; values && i < values->n; i++) {
                const struct yaml_node *value = &values->items[i];
                struct json_found found;

                if (value->kind != YAML_SCALAR || !channel_is_pointer(value->text)) {
                        alias_add(reading, event, channel_value_text(&reading->place, value));
                        continue;
                }
                channel_pointer_find_all(&reading->place, value->text, LIMIT_ALIASES_OF_ITEM + 1, &found);
                for (size_t k = 0; k < found.n; k++)
                        alias_add(reading, event, json_scalar_text(found.items[k]));
                free(found.items);
        }
}

/* A value; or a map of parts, as an object of those that are there. A text that looks like such an object is none. */
static char *to_text(const struct channel_place *place, const struct yaml_node *to) {
        CLEANUP_JSON json_t *parts = NULL;

        if (!channel_is_parts(to)) {
                char *text = channel_value_text(place, to);

                if (!text || *text != '{')
                        return text;
                free(text);
                return NULL;
        }
        parts = json_object();
        for (size_t i = 0; i < to->n; i++) {
                CLEANUP_FREE char *text = channel_value_text(place, &to->items[i]);

                if (text)
                        json_object_set_new(parts, to->items[i].key, json_text_new(bytes_of(text)));
        }
        return json_object_size(parts) ? json_encode_text(parts) : NULL;
}

/* -- what it is ---------------------------------------------------------------------------------------------------- */

/* What a rule makes of the item. */
struct verdict {
        enum wire_what what;
        const char *why; /* a pattern, or NULL */
};

static enum wire_what what_get(const char *name) {
        enum wire_what what = WIRE_WHAT_MESSAGE;

        ENSURE(!name || wire_what_of_name(bytes_of(name), &what) == 0);
        return what;
}

/* 0; 1 when the rule lists what it may be and it is none of that. */
static int verdict_find(const struct channel_place *place, const struct yaml_node *rule, struct verdict *ret) {
        const struct yaml_node *what = yaml_find(rule, "what");
        const char *why = yaml_find_text(rule, "why");

        if (!what || what->kind == YAML_SCALAR) {
                *ret = (struct verdict){what_get(what ? what->text : NULL), why};
                return 0;
        }
        for (size_t i = 0; i < what->n; i++) {
                const struct yaml_node *when = yaml_find(&what->items[i], "when");
                const char *its_why = yaml_find_text(&what->items[i], "why");

                if (when && !channel_condition_holds(place, when))
                        continue;
                *ret = (struct verdict){what_get(yaml_find_text(&what->items[i], "what")), its_why ? its_why : why};
                return 0;
        }
        return 1;
}

/* What people read about it stands where a message has its kind: the broker shows it as it is. */
static const char *kind_find(struct channel_reading *reading, const struct yaml_node *rule,
                             const struct channel_event *event) {
        const char *kind = NULL;

        if (event->what == WIRE_WHAT_DELETE)
                return "deleted";
        if (event->what == WIRE_WHAT_MESSAGE || event->what == WIRE_WHAT_EDIT) {
                kind = value_keep(reading, rule, "kind");
                return kind ? kind : "text";
        }
        return event->why ? event->why : "";
}

/* A whole number that a reply can have. */
static bool number_decode(const char *text, uint32_t *ret) {
        if (!text || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
                return false;
        *ret = (uint32_t)strtoul(text, NULL, 10);
        return *ret < LIMIT_REPLIES;
}

/* What an event cannot do without; NULL when it has that. */
static const char *lack_find(const struct channel_event *event, bool has_number) {
        bool is_of_message = event->what == WIRE_WHAT_EDIT || event->what == WIRE_WHAT_DELETE;

        if (!event->thread)
                return "no conversation";
        if (is_of_message && !event->id)
                return "no message";
        if (event->what == WIRE_WHAT_ALIAS && event->n_aliases == 0)
                return "no other name";
        return event->what == WIRE_WHAT_SHOWN && (!event->id || !has_number) ? "no reply of ours" : NULL;
}

static void lack_push(struct channel_reading *reading, enum wire_what what, const char *lack) {
        struct channel_event *event = channel_event_push(reading->events);
        bool is_message = what == WIRE_WHAT_MESSAGE;

        event->is_ignored = true;
        event->kind = "ignored";
        event->why =
                channel_text_keep(reading->events, memory_print("%s that names %s",
                                                                is_message ? "a message" : wire_what_name(what), lack));
}

/* -- one item ------------------------------------------------------------------------------------------------------ */

static int strict_checks(struct channel_reading *reading, const struct yaml_node *rule,
                         const struct channel_event *event) {
        const struct {
                const char *key;
                bool is_read;
        } values[] = {{"thread", event->thread}, {"id", event->id},   {"from", event->from},    {"text", event->text},
                      {"to", event->to},         {"url", event->url}, {"at", event->at.ms != 0}};

        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
                if (strict_check(reading, rule, values[i].key, values[i].is_read) != 0)
                        return -EBADMSG;
        return 0;
}

static int event_read(struct channel_reading *reading, const struct yaml_node *rule, const struct verdict *verdict) {
        bool has_why = verdict->what == WIRE_WHAT_PERSON || verdict->what == WIRE_WHAT_CLOSED;
        struct channel_event event = {.what = verdict->what};
        const char *lack;
        bool has_number;

        if (has_why && verdict->why)
                event.why = channel_text_keep(reading->events, channel_pattern_text(&reading->place, verdict->why));
        event.kind = kind_find(reading, rule, &event);
        event.id = value_keep(reading, rule, "id");
        event.thread = value_keep(reading, rule, "thread");
        event.from = value_keep(reading, rule, "from");
        event.text = value_keep(reading, rule, "text");
        event.url = value_keep(reading, rule, "url");
        event.to = channel_text_keep(reading->events, to_text(&reading->place, yaml_find(rule, "to")));
        event.data = channel_text_keep(reading->events, data_text(&reading->place, yaml_find(rule, "data")));
        event.at = time_find(&reading->place, yaml_find(rule, "at"));
        aliases_read(reading, yaml_find(rule, "aliases"), &event);
        has_number = number_decode(value_keep(reading, rule, "number"), &event.number);
        if (strict_checks(reading, rule, &event) != 0)
                return -EBADMSG;
        lack = lack_find(&event, has_number);
        if (lack)
                lack_push(reading, event.what, lack);
        else
                *channel_event_push(reading->events) = event;
        return 0;
}

static bool is_true(const struct yaml_node *node, const char *key) {
        const char *text = yaml_find_text(node, key);

        return text && strcmp(text, "true") == 0;
}

int channel_item_read(struct channel_reading *reading, const struct yaml_node *rule) {
        const struct yaml_node *ignore = yaml_find(rule, "ignore");
        const char *otherwise = yaml_find_text(rule, "otherwise");
        struct verdict verdict;

        for (size_t i = 0; ignore && i < ignore->n; i++) {
                if (!channel_condition_holds(&reading->place, &ignore->items[i]))
                        continue;
                channel_ignored_push(reading, yaml_find_text(&ignore->items[i], "why"));
                reading->events->items[reading->events->n - 1].is_warning = is_true(&ignore->items[i], "warn");
                return 0;
        }
        if (verdict_find(&reading->place, rule, &verdict) == 0)
                return event_read(reading, rule, &verdict);
        channel_otherwise_push(reading, otherwise);
        return 0;
}
