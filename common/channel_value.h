/* Values made out of a webhook's body and a channel's settings, as the channel file says. Pure. */
#pragma once

#include "common/channel_file.h"

/* Where a pointer of the file begins: "/..." at the item, "^..." at what `each` found, "$..." at the body, "@name" is
 * the pointer that stands in a setting, at the item. */
struct channel_place {
        const struct channel *channel;
        const json_t *body, *outer, *item;
        const struct channel_reply *reply; /* its words may stand in patterns, too; NULL = none */
        /* How much more may be done for this body: a value looked at costs CHANNEL_STEP, a text as much as it has
         * bytes. At 0 nothing is found any more. NULL = without a limit. */
        size_t *work;
};
enum { CHANNEL_STEP = 8 };

/* Takes from the work that may be done, as far as it goes. */
void channel_work_take(const struct channel_place *place, size_t amount);

/* What a word of a reply, or else a setting, stands for; NULL when it is nothing. The caller frees. */
char *channel_word_find(const struct channel *channel, const struct channel_reply *reply, const char *name);
/* The words of a reply, NULL at the end: no setting may have the name of one. */
const char *const *channel_words(void);

/* Replaces each {name} of a pattern by what `find` answers, which is freed here; of {a|b} by the first that is there.
 * Where there is none, `missing` stands in; when that is NULL too, so is the result. The caller frees. */
char *channel_template_text(const char *pattern, char *(*find)(void *context, const char *name), void *context,
                            const char *missing);

/* Is it a pointer, or a pattern? */
bool channel_is_pointer(const char *text);
/* What a pointer of the file names; NULL when there is nothing, or null. */
json_t *channel_pointer_find(const struct channel_place *place, const char *pointer);
/* The text of it; NULL when there is none, or an empty one. The caller frees. */
char *channel_pointer_text(const struct channel_place *place, const char *pointer);
/* The first `max` of what it names; the caller frees ret->items. */
void channel_pointer_find_all(const struct channel_place *place, const char *pointer, size_t max,
                              struct json_found *ret);

/* A pattern filled in; NULL when a part is missing, or all of it is empty. The caller frees. */
char *channel_pattern_text(const struct channel_place *place, const char *pattern);
/* The text of a value, as the README says them; NULL when there is none, or an empty one. The caller frees. */
char *channel_value_text(const struct channel_place *place, const struct yaml_node *value);
/* Is a `to` a map of parts, and no value? */
bool channel_is_parts(const struct yaml_node *to);
/* A sentence for people out of a pattern. The caller frees. */
char *channel_why_text(const struct channel_place *place, const char *pattern);
/* Does a condition hold? */
bool channel_condition_holds(const struct channel_place *place, const struct yaml_node *condition);
