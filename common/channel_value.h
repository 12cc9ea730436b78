/* Values made out of a webhook's body and a channel's settings, as the channel file says. Pure. */
#pragma once

#include "common/channel_file.h"

/* Where a pointer of the file begins: "/..." at the item, "^..." at what `each` found, "$..." at the body, "@name" is
 * the pointer that stands in a setting, at the item. */
struct channel_place {
        const struct channel *channel;
        const json_t *body, *outer, *item;
};

/* Replaces each {name} of a pattern by what `find` answers, which is freed here. Where it answers NULL, `missing`
 * stands in; when that is NULL too, so is the result. The caller frees. */
char *channel_template_text(const char *pattern, char *(*find)(void *context, const char *name), void *context,
                            const char *missing);

/* Is it a pointer, or a pattern? */
bool channel_is_pointer(const char *text);
/* What a pointer of the file names; NULL when there is nothing, or null. */
json_t *channel_pointer_find(const struct channel_place *place, const char *pointer);
/* The first `max` of what it names; the caller frees ret->items. */
void channel_pointer_find_all(const struct channel_place *place, const char *pointer, size_t max,
                              struct json_found *ret);

/* The text of a value: a pointer, a pattern, or a list of which the first that is there and not empty counts. NULL
 * when there is none. The caller frees. */
char *channel_value_text(const struct channel_place *place, const struct yaml_node *value);
/* A sentence for people out of a pattern. The caller frees. */
char *channel_why_text(const struct channel_place *place, const char *pattern);
/* Does a condition {at, is, is_not, and} hold? */
bool channel_condition_holds(const struct channel_place *place, const struct yaml_node *condition);
