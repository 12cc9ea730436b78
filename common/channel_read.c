#include "common/channel_read.h"

#include "common/channel_form.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the texts of events live in, and how many events there is room for. */
struct texts {
        char **items;
        size_t n, cap, n_events_cap;
};

const char *channel_text_keep(struct channel_events *events, char *text) {
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

struct channel_event *channel_event_push(struct channel_events *events) {
        struct texts *texts = events->memory;

        if (events->n == texts->n_events_cap) {
                texts->n_events_cap = texts->n_events_cap ? 2 * texts->n_events_cap : 4;
                events->items = memory_resize(events->items, texts->n_events_cap, sizeof *events->items);
        }
        events->items[events->n] = (struct channel_event){.kind = "text"};
        return &events->items[events->n++];
}

void channel_ignored_push(struct channel_reading *reading, const char *pattern) {
        struct channel_event *event = channel_event_push(reading->events);

        event->is_ignored = true;
        event->kind = "ignored";
        event->why = channel_text_keep(reading->events, channel_why_text(&reading->place, pattern));
}

void channel_otherwise_push(struct channel_reading *reading, const char *pattern) {
        if (!pattern)
                pattern = yaml_find_text(reading->place.channel->file, "otherwise");
        channel_ignored_push(reading, pattern ? pattern : "nothing that this channel reads");
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

const char *channel_pointer_shown(const struct channel_place *place, const char *pointer) {
        const char *given = *pointer == '@' ? channel_setting_find(place->channel, pointer + 1) : NULL;

        return given ? given : pointer;
}

/* -- the items ----------------------------------------------------------------------------------------------------- */

/* What a pointer names, unless it is more than a body may have: then nothing of it is read. */
static int find_parts(struct channel_reading *reading, const char *pointer, struct json_found *ret) {
        channel_pointer_find_all(&reading->place, pointer, LIMIT_FRAME_MESSAGES + 1, ret);
        if (reading->events->n + ret->n <= LIMIT_FRAME_MESSAGES)
                return 0;
        free(ret->items);
        reading->error = memory_print("a webhook has at most %d messages and other parts; send the rest in another",
                                      LIMIT_FRAME_MESSAGES);
        return -E2BIG;
}

static const char *items_of(const struct yaml_node *rule) {
        const char *items = yaml_find_text(rule, "items");

        return items ? items : "";
}

/* The first rule from `from` on, with the same items, that takes the item; NULL when none does. */
static const struct yaml_node *taker_find(const struct channel_reading *reading, const struct yaml_node *rules,
                                          size_t from) {
        for (size_t i = from; i < rules->n; i++) {
                const struct yaml_node *when = yaml_find(&rules->items[i], "when");

                if (strcmp(items_of(&rules->items[i]), items_of(&rules->items[from])) == 0 &&
                    (!when || channel_condition_holds(&reading->place, when)))
                        return &rules->items[i];
        }
        return NULL;
}

static int item_read(struct channel_reading *reading, const struct yaml_node *rules, size_t from) {
        const struct yaml_node *rule = taker_find(reading, rules, from);

        if (rule)
                return channel_item_read(reading, rule);
        channel_otherwise_push(reading, NULL);
        return 0;
}

/* The items of rule `from`, by it and by the later rules with the same items. */
static int items_read(struct channel_reading *reading, const struct yaml_node *rules, size_t from) {
        struct json_found found;
        int r;

        reading->place.item = reading->place.outer;
        r = find_parts(reading, items_of(&rules->items[from]), &found);
        if (r != 0)
                return r;
        for (size_t i = 0; i < found.n && r == 0 && reading->work > 0; i++) {
                reading->place.item = found.items[i];
                r = item_read(reading, rules, from);
        }
        free(found.items);
        return r;
}

/* Have the items of rule `at` been read with those of a rule before it? */
static bool is_read(const struct yaml_node *rules, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (strcmp(items_of(&rules->items[i]), items_of(&rules->items[at])) == 0)
                        return true;
        return false;
}

/* -- the whole body ------------------------------------------------------------------------------------------------ */

static int outer_read(struct channel_reading *reading, const json_t *outer) {
        const struct yaml_node *rules = yaml_find(reading->place.channel->file, "read");
        const char *otherwise = yaml_find_text(reading->place.channel->file, "otherwise");
        size_t n = reading->events->n;

        reading->place.outer = outer;
        for (size_t i = 0; i < rules->n; i++) {
                int r = is_read(rules, i) ? 0 : items_read(reading, rules, i);

                if (r != 0)
                        return r;
        }
        reading->place.item = outer;
        if (reading->events->n == n && otherwise)
                channel_ignored_push(reading, otherwise);
        return 0;
}

static int parts_read(struct channel_reading *reading) {
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
        for (size_t i = 0; i < found.n && r == 0 && reading->work > 0; i++)
                r = outer_read(reading, found.items[i]);
        free(found.items);
        if (r == 0 && reading->events->n == 0 && !reading->is_strict && yaml_find_text(file, "otherwise")) {
                reading->place.item = reading->place.outer = reading->place.body;
                channel_otherwise_push(reading, NULL);
        }
        if (r == 0 && reading->events->n == 0) {
                reading->error = memory_print("there is nothing at %s",
                                              each ? channel_pointer_shown(&reading->place, each) : "/");
                r = -EBADMSG;
        }
        return r;
}

static int body_read(struct channel_reading *reading, const json_t *body) {
        const char *strict = yaml_find_text(reading->place.channel->file, "strict");

        reading->place.body = reading->place.outer = reading->place.item = body;
        reading->is_strict = strict && strcmp(strict, "true") == 0;
        reading->events->challenge = channel_text_keep(reading->events, channel_challenge_text(&reading->place));
        return reading->events->challenge ? 0 : parts_read(reading);
}

static int body_decode(const struct channel *channel, struct bytes body, json_t **ret, char **ret_error) {
        const char *form = yaml_find_text(channel->file, "body");

        if (form && strcmp(form, "form") == 0)
                return channel_form_json(body, ret, ret_error);
        return json_decode(body, ret, ret_error);
}

/* Whatever was found or missed is only a part of it. */
static int refuse_work(struct channel_reading *reading) {
        free(reading->error);
        reading->error =
                memory_print("this webhook takes too much work to read, as the channel file of %s looks at a lot "
                             "for each of its parts; send fewer of them in one",
                             reading->place.channel->config->kind);
        return -E2BIG;
}

int channel_read(const struct channel *channel, struct bytes body, struct channel_events *ret, char **ret_error) {
        struct channel_events events = {.memory = memory_new(1, sizeof(struct texts))};
        struct channel_reading reading = {.place.channel = channel, .events = &events, .work = LIMIT_CHANNEL_WORK};
        CLEANUP_JSON json_t *json = NULL;
        int r;

        reading.place.work = &reading.work;
        r = body_decode(channel, body, &json, &reading.error);
        if (r == 0)
                r = body_read(&reading, json);
        if (reading.work == 0)
                r = refuse_work(&reading);
        if (r != 0) {
                channel_events_done(&events);
                *ret_error = reading.error;
                return r;
        }
        *ret = events;
        return 0;
}
