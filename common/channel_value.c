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

char *channel_template_text(const char *pattern, char *(*find)(void *context, const char *name), void *context,
                            const char *missing) {
        CLEANUP_BUFFER struct buffer text = {0};

        while (*pattern) {
                size_t len = strcspn(pattern, "{");

                buffer_push(&text, pattern, len);
                pattern += len;
                if (*pattern) {
                        CLEANUP_FREE char *name = name_pop(pattern, &pattern);
                        CLEANUP_FREE char *value = find(context, name);

                        if (!value && !missing)
                                return NULL;
                        buffer_push_text(&text, value ? value : missing);
                }
        }
        return memory_copy_text(text.data, text.len);
}

/* -- pointers ------------------------------------------------------------------------------------------------------ */

bool channel_is_pointer(const char *text) { return !*text || strchr("/^$@", *text); }

/* Splits a pointer of the file into where it begins and a JSON Pointer. */
static const char *pointer_resolve(const struct channel_place *place, const char *pointer, const json_t **ret_from) {
        *ret_from = *pointer == '^' ? place->outer : *pointer == '$' ? place->body : place->item;
        if (*pointer == '@')
                return channel_setting_find(place->channel, pointer + 1);
        return pointer + (*pointer == '^' || *pointer == '$');
}

json_t *channel_pointer_find(const struct channel_place *place, const char *pointer) {
        const json_t *from;
        const char *rest = pointer_resolve(place, pointer, &from);
        json_t *value = json_pointer_find(from, rest);

        return json_is_null(value) ? NULL : value;
}

void channel_pointer_find_all(const struct channel_place *place, const char *pointer, size_t max,
                              struct json_found *ret) {
        const json_t *from;
        const char *rest = pointer_resolve(place, pointer, &from);

        json_pointer_find_all(from, rest, max, ret);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static char *pointer_text(const struct channel_place *place, const char *pointer) {
        char *text = json_scalar_text(channel_pointer_find(place, pointer));

        if (text && *text)
                return text;
        free(text);
        return NULL;
}

/* {/pointer} or {setting} */
static char *placeholder_find(void *context, const char *name) {
        const struct channel_place *place = context;
        const char *setting;

        if (channel_is_pointer(name))
                return pointer_text(place, name);
        setting = channel_setting_find(place->channel, name);
        return setting ? memory_copy_text(setting, strlen(setting)) : NULL;
}

static char *scalar_text(const struct channel_place *place, const char *text) {
        if (channel_is_pointer(text))
                return pointer_text(place, text);
        return channel_template_text(text, placeholder_find, (void *)place, NULL);
}

/* {has: POINTER, then: VALUE} */
static char *choice_text(const struct channel_place *place, const struct yaml_node *choice) {
        if (!channel_pointer_find(place, yaml_find_text(choice, "has")))
                return NULL;
        return scalar_text(place, yaml_find_text(choice, "then"));
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

char *channel_why_text(const struct channel_place *place, const char *pattern) {
        return channel_template_text(pattern, placeholder_find, (void *)place, "(none)");
}

/* -- conditions ---------------------------------------------------------------------------------------------------- */

/* Is `text` the wanted value, or one of the wanted list? */
static bool is_among(const struct channel_place *place, const char *text, const struct yaml_node *wanted) {
        size_t n = wanted->kind == YAML_LIST ? wanted->n : 1;

        for (size_t i = 0; text && i < n; i++) {
                const struct yaml_node *one = wanted->kind == YAML_LIST ? &wanted->items[i] : wanted;
                CLEANUP_FREE char *value = channel_template_text(one->text, placeholder_find, (void *)place, NULL);

                if (value && strcmp(value, text) == 0)
                        return true;
        }
        return false;
}

bool channel_condition_holds(const struct channel_place *place, const struct yaml_node *condition) {
        const char *at = yaml_find_text(condition, "at");
        const struct yaml_node *is = yaml_find(condition, "is");
        const struct yaml_node *is_not = yaml_find(condition, "is_not");
        const struct yaml_node *and = yaml_find(condition, "and");
        CLEANUP_FREE char *text = NULL;

        ENSURE(at);
        text = pointer_text(place, at);
        if (is && !is_among(place, text, is))
                return false;
        if (is_not && is_among(place, text, is_not))
                return false;
        if (!is && !is_not && !channel_pointer_find(place, at))
                return false;
        return !and || channel_condition_holds(place, and);
}
