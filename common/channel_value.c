#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

/* What stands between the braces at `at`; *ret_end is behind them. */
static char *name_pop(const char *at, const char **ret_end) {
        const char *end = strchr(at, '}');

        ENSURE(end);
        *ret_end = end + 1;
        return memory_copy_text(at + 1, (size_t)(end - at) - 1);
}

/* The first of "a|b" that is there. */
static char *alternatives_find(char *names, char *(*find)(void *context, const char *name), void *context) {
        char *rest = names, *name;

        while ((name = strsep(&rest, "|"))) {
                char *value = find(context, name);

                if (value)
                        return value;
        }
        return NULL;
}

char *channel_template_text(const char *pattern, char *(*find)(void *context, const char *name), void *context,
                            const char *missing) {
        CLEANUP_BUFFER struct buffer text = {0};

        while (*pattern) {
                size_t len = strcspn(pattern, "{");

                buffer_push(&text, pattern, len);
                pattern += len;
                if (*pattern) {
                        CLEANUP_FREE char *name = name_pop(pattern, &pattern);
                        CLEANUP_FREE char *value = alternatives_find(name, find, context);

                        if (!value && !missing)
                                return NULL;
                        buffer_push_text(&text, value ? value : missing);
                }
        }
        return memory_copy_text(text.data, text.len);
}

/* -- pointers ------------------------------------------------------------------------------------------------------ */

bool channel_is_pointer(const char *text) { return !*text || strchr("/^$@", *text); }

/* Splits a pointer of the file into where it begins and a JSON Pointer; NULL when it is in a setting that is not
 * given. */
static const char *pointer_resolve(const struct channel_place *place, const char *pointer, const json_t **ret_from) {
        *ret_from = *pointer == '^' ? place->outer : *pointer == '$' ? place->body : place->item;
        if (*pointer == '@')
                return channel_setting_find(place->channel, pointer + 1);
        return pointer + (*pointer == '^' || *pointer == '$');
}

void channel_work_take(const struct channel_place *place, size_t amount) {
        if (place->work)
                *place->work -= amount < *place->work ? amount : *place->work;
}

/* How many values may still be looked at. */
static size_t steps_left(const struct channel_place *place) {
        return place->work ? *place->work / CHANNEL_STEP : SIZE_MAX;
}

static void steps_take(const struct channel_place *place, size_t before, size_t left) {
        channel_work_take(place, left == 0 ? SIZE_MAX : (before - left) * CHANNEL_STEP);
}

json_t *channel_pointer_find(const struct channel_place *place, const char *pointer) {
        const json_t *from;
        const char *rest = pointer_resolve(place, pointer, &from);
        size_t before = steps_left(place), left = before;
        json_t *value = rest ? json_pointer_find_within(from, rest, &left) : NULL;

        steps_take(place, before, left);
        return json_is_null(value) ? NULL : value;
}

void channel_pointer_find_all(const struct channel_place *place, const char *pointer, size_t max,
                              struct json_found *ret) {
        const json_t *from;
        const char *rest = pointer_resolve(place, pointer, &from);
        size_t before = steps_left(place), left = before;

        *ret = (struct json_found){0};
        if (rest)
                json_pointer_find_all_within(from, rest, max, &left, ret);
        steps_take(place, before, left);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

/* A number with a fraction too, which times are: with all the digits that it has for sure. */
static char *scalar_of(const json_t *value) {
        return json_is_real(value) ? memory_print("%.16g", json_real_value(value)) : json_scalar_text(value);
}

char *channel_pointer_text(const struct channel_place *place, const char *pointer) {
        char *text = scalar_of(channel_pointer_find(place, pointer));

        channel_work_take(place, text ? strlen(text) : 0);
        if (text && *text)
                return text;
        free(text);
        return NULL;
}

/* {/pointer}, {setting} or, where there is a reply, one of its words. */
static char *placeholder_find(void *context, const char *name) {
        const struct channel_place *place = context;
        const char *setting;

        if (channel_is_pointer(name))
                return channel_pointer_text(place, name);
        if (place->reply)
                return channel_word_find(place->channel, place->reply, name);
        setting = channel_setting_find(place->channel, name);
        return setting ? memory_copy_text(setting, strlen(setting)) : NULL;
}

char *channel_pattern_text(const struct channel_place *place, const char *pattern) {
        char *text = channel_template_text(pattern, placeholder_find, (void *)place, NULL);

        if (text && *text)
                return text;
        free(text);
        return NULL;
}

static char *scalar_text(const struct channel_place *place, const char *text) {
        return channel_is_pointer(text) ? channel_pointer_text(place, text) : channel_pattern_text(place, text);
}

/* What a list or a single text says, one after the other. */
static const char *text_of_list(const struct yaml_node *node, size_t i) {
        if (node->kind == YAML_SCALAR)
                return i == 0 ? node->text : NULL;
        return i < node->n ? node->items[i].text : NULL;
}

/* The part of `text` behind all of `after` and before the first `before`; NULL when one of them is not there. */
static char *part_text(const char *text, const struct yaml_node *after, const struct yaml_node *before) {
        size_t len = strlen(text);
        const char *mark;

        for (size_t i = 0; after && (mark = text_of_list(after, i)); i++) {
                const char *found = memmem(text, len, mark, strlen(mark));

                if (!found)
                        return NULL;
                len -= (size_t)(found - text) + strlen(mark);
                text = found + strlen(mark);
        }
        for (size_t i = 0; before && (mark = text_of_list(before, i)); i++) {
                const char *found = memmem(text, len, mark, strlen(mark));

                if (!found)
                        return NULL;
                len = (size_t)(found - text);
        }
        return len ? memory_copy_text(text, len) : NULL;
}

/* {has, then}, or a condition with `then`, `after` or `before`. */
static char *choice_text(const struct channel_place *place, const struct yaml_node *choice) {
        const char *has = yaml_find_text(choice, "has"), *at = yaml_find_text(choice, "at");
        const struct yaml_node *then = yaml_find(choice, "then");
        CLEANUP_FREE char *text = NULL;

        if (has)
                return channel_pointer_find(place, has) ? channel_value_text(place, then) : NULL;
        if (!channel_condition_holds(place, choice))
                return NULL;
        if (then)
                return channel_value_text(place, then);
        text = at ? channel_pointer_text(place, at) : NULL;
        return text ? part_text(text, yaml_find(choice, "after"), yaml_find(choice, "before")) : NULL;
}

char *channel_value_text(const struct channel_place *place, const struct yaml_node *value) {
        if (!value)
                return NULL;
        if (value->kind == YAML_SCALAR)
                return scalar_text(place, value->text);
        if (value->kind == YAML_MAP)
                return choice_text(place, value);
        for (size_t i = 0; i < value->n; i++) {
                char *text = channel_value_text(place, &value->items[i]);

                if (text)
                        return text;
        }
        return NULL;
}

bool channel_is_parts(const struct yaml_node *to) {
        return to && to->kind == YAML_MAP && !yaml_find(to, "at") && !yaml_find(to, "has") && !yaml_find(to, "then");
}

char *channel_why_text(const struct channel_place *place, const char *pattern) {
        return channel_template_text(pattern, placeholder_find, (void *)place, "(none)");
}
