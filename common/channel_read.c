#include "common/channel_value.h"

#include "common/item_at.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One reading of one body. */
struct reading {
        struct channel_place place;
        struct channel_events *events;
        bool is_strict;
        char *error;
};

/* What the texts of events live in, and how many events there is room for. */
struct texts {
        char **items;
        size_t n, cap, n_events_cap;
};

/* Takes `text` over for as long as the events live. */
static const char *text_keep(struct channel_events *events, char *text) {
        struct texts *texts = events->memory;

        if (!text)
                return NULL;
        if (texts->n == texts->cap) {
                texts->cap = texts->cap ? 2 * texts->cap : 8;
                texts->items = memory_resize(texts->items, texts->cap, sizeof *texts->items);
        }
        texts->items[texts->n++] = text;
        return text;
}

static struct channel_event *event_push(struct channel_events *events) {
        struct texts *texts = events->memory;

        if (events->n == texts->n_events_cap) {
                texts->n_events_cap = texts->n_events_cap ? 2 * texts->n_events_cap : 4;
                events->items = memory_resize(events->items, texts->n_events_cap, sizeof *events->items);
        }
        events->items[events->n] = (struct channel_event){.kind = "text"};
        return &events->items[events->n++];
}

static void ignored_push(struct reading *reading, const char *pattern) {
        struct channel_event *event = event_push(reading->events);

        event->is_ignored = true;
        event->kind = "ignored";
        event->why = text_keep(reading->events, channel_why_text(&reading->place, pattern));
}

void channel_events_done(struct channel_events *events) {
        struct texts *texts = events->memory;

        for (size_t i = 0; texts && i < texts->n; i++)
                free(texts->items[i]);
        if (texts)
                free(texts->items);
        free(texts);
        free(events->items);
        *events = (struct channel_events){0};
}

/* -- one message --------------------------------------------------------------------------------------------------- */

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
        const json_t *number;

        if (text)
                return time_of_text(text);
        number = value && value->kind == YAML_SCALAR ? channel_pointer_find(place, value->text) : NULL;
        return json_is_real(number) ? time_of_number(json_real_value(number)) : (struct wall){0};
}

/* What a pointer names, as it is; or a map of pointers, as an object of those that name something. */
static char *data_text(const struct channel_place *place, const struct yaml_node *value) {
        CLEANUP_JSON json_t *data = NULL;

        if (!value)
                return NULL;
        if (value->kind == YAML_SCALAR) {
                data = json_incref(channel_pointer_find(place, value->text));
                return data ? json_encode_text(data) : NULL;
        }
        data = json_object();
        for (size_t i = 0; i < value->n; i++)
                json_object_set(data, value->items[i].key, channel_pointer_find(place, value->items[i].text));
        return json_object_size(data) ? json_encode_text(data) : NULL;
}

/* The pointer as the sender of the webhook knows it. */
static const char *pointer_shown(const struct channel_place *place, const char *pointer) {
        return *pointer == '@' ? channel_setting_find(place->channel, pointer + 1) : pointer;
}

/* A value that is there but cannot be taken would be lost without a word. */
static int strict_check(struct reading *reading, const struct yaml_node *rule, const char *key, bool is_read) {
        const struct yaml_node *value = yaml_find(rule, key);
        const char *pointer = value && value->kind == YAML_SCALAR ? value->text : NULL;
        bool is_time = strcmp(key, "at") == 0, is_needed = strcmp(key, "thread") == 0;
        const json_t *found;

        if (!reading->is_strict || is_read || !pointer || !channel_is_pointer(pointer))
                return 0;
        found = channel_pointer_find(&reading->place, pointer);
        if (!is_needed && (!found || (!is_time && json_is_string(found))))
                return 0;
        reading->error = memory_print("message %zu: %s %s", reading->events->n, pointer_shown(&reading->place, pointer),
                                      is_needed ? "is missing; it must name the conversation"
                                      : is_time ? "is no time; write RFC 3339 or Unix time"
                                                : "must be text");
        return -EBADMSG;
}

static const char *value_keep(struct reading *reading, const struct yaml_node *rule, const char *key) {
        return text_keep(reading->events, channel_value_text(&reading->place, yaml_find(rule, key)));
}

static int message_read(struct reading *reading, const struct yaml_node *rule) {
        struct channel_event event = {.kind = value_keep(reading, rule, "kind")};

        event.id = value_keep(reading, rule, "id");
        event.thread = value_keep(reading, rule, "thread");
        event.from = value_keep(reading, rule, "from");
        event.text = value_keep(reading, rule, "text");
        event.data = text_keep(reading->events, data_text(&reading->place, yaml_find(rule, "data")));
        event.at = time_find(&reading->place, yaml_find(rule, "at"));
        if (strict_check(reading, rule, "thread", event.thread) != 0 ||
            strict_check(reading, rule, "id", event.id) != 0 || strict_check(reading, rule, "from", event.from) != 0 ||
            strict_check(reading, rule, "text", event.text) != 0 ||
            strict_check(reading, rule, "at", event.at.ms != 0) != 0)
                return -EBADMSG;
        if (!event.thread) {
                ignored_push(reading, "a message that names no conversation");
                return 0;
        }
        if (!event.kind)
                event.kind = "text";
        *event_push(reading->events) = event;
        return 0;
}

/* -- the whole body ------------------------------------------------------------------------------------------------ */

/* What a pointer names, unless it is more than a body may have: then nothing of it is read. */
static int find_parts(struct reading *reading, const char *pointer, struct json_found *ret) {
        channel_pointer_find_all(&reading->place, pointer, LIMIT_FRAME_MESSAGES + 1, ret);
        if (reading->events->n + ret->n <= LIMIT_FRAME_MESSAGES)
                return 0;
        free(ret->items);
        reading->error = memory_print("a webhook has at most %d messages and other parts; send the rest in another",
                                      LIMIT_FRAME_MESSAGES);
        return -E2BIG;
}

static int item_read(struct reading *reading, const struct yaml_node *rule) {
        const struct yaml_node *ignore = yaml_find(rule, "ignore");

        for (size_t i = 0; ignore && i < ignore->n; i++) {
                if (!channel_condition_holds(&reading->place, &ignore->items[i]))
                        continue;
                ignored_push(reading, yaml_find_text(&ignore->items[i], "why"));
                return 0;
        }
        return message_read(reading, rule);
}

static int rule_read(struct reading *reading, const struct yaml_node *rule) {
        const char *pointer = yaml_find_text(rule, "items");
        struct json_found found;
        int r;

        reading->place.item = reading->place.outer;
        r = find_parts(reading, pointer ? pointer : "", &found);
        if (r != 0)
                return r;
        for (size_t i = 0; i < found.n && r == 0; i++) {
                reading->place.item = found.items[i];
                r = item_read(reading, rule);
        }
        free(found.items);
        return r;
}

static int outer_read(struct reading *reading, const json_t *outer) {
        const struct yaml_node *rules = yaml_find(reading->place.channel->file, "read");
        const char *otherwise = yaml_find_text(reading->place.channel->file, "otherwise");
        size_t n = reading->events->n;
        int r;

        reading->place.outer = outer;
        for (size_t i = 0; i < rules->n; i++) {
                r = rule_read(reading, &rules->items[i]);
                if (r != 0)
                        return r;
        }
        reading->place.item = outer;
        if (reading->events->n == n && otherwise)
                ignored_push(reading, otherwise);
        return 0;
}

static int body_read(struct reading *reading) {
        const struct yaml_node *file = reading->place.channel->file;
        const char *expect = yaml_find_text(file, "expect"), *each = yaml_find_text(file, "each");
        struct json_found found;
        int r;

        if (expect && !channel_pointer_find(&reading->place, expect)) {
                reading->error = memory_print("there is no %s here; is this from %s?", expect,
                                              reading->place.channel->config->kind);
                return -EBADMSG;
        }
        r = find_parts(reading, each ? each : "", &found);
        if (r != 0)
                return r;
        for (size_t i = 0; i < found.n && r == 0; i++)
                r = outer_read(reading, found.items[i]);
        free(found.items);
        if (r == 0 && reading->events->n == 0) {
                reading->error =
                        memory_print("there is nothing at %s", each ? pointer_shown(&reading->place, each) : "/");
                r = -EBADMSG;
        }
        return r;
}

int channel_read(const struct channel *channel, struct bytes body, struct channel_events *ret, char **ret_error) {
        struct channel_events events = {.memory = memory_new(1, sizeof(struct texts))};
        struct reading reading = {.place.channel = channel, .events = &events};
        CLEANUP_JSON json_t *json = NULL;
        const char *strict = yaml_find_text(channel->file, "strict");
        int r;

        r = json_decode(body, &json, &reading.error);
        if (r == 0) {
                reading.place.body = reading.place.item = json;
                reading.is_strict = strict && strcmp(strict, "true") == 0;
                r = body_read(&reading);
        }
        if (r != 0) {
                channel_events_done(&events);
                *ret_error = reading.error;
                return r;
        }
        *ret = events;
        return 0;
}
