#include "common/channel_check.h"
#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
        LIST_MAX = 256, /* members of a list of values, conditions or texts */
        LENGTH_MAX = LIMIT_MESSAGE_ID_LEN, /* what is compared by its length is an id */
};

/* -- pointers ------------------------------------------------------------------------------------------------------ */

/* What is wrong with a pointer, as a sentence's end; NULL = nothing. The caller frees. */
static char *pointer_fault(const struct channel_check *check, const char *text) {
        const struct yaml_node *setting;

        if (*text == '@') {
                setting = yaml_find(check->settings, text + 1);
                if (!setting || !channel_setting_is(setting, "pointer"))
                        return memory_print("'%.*s' names no setting of the form pointer; write that under settings, "
                                            "or a pointer such as /message/text",
                                            LIMIT_NAME_LEN, text);
                return NULL;
        }
        if (json_pointer_is_valid(text + (*text == '^' || *text == '$')))
                return NULL;
        return memory_print("'%.*s' is no pointer; write it such as /message/text", LIMIT_NAME_LEN, text);
}

void channel_pointer_check(struct channel_check *check, const struct yaml_node *node) {
        CLEANUP_FREE char *fault = channel_text_check(check, node) ? pointer_fault(check, node->text) : NULL;

        if (fault)
                channel_refuse(check, node->line, "%s", fault);
}

/* -- patterns ------------------------------------------------------------------------------------------------------ */

static bool is_word(const char *name) {
        for (const char *const *word = channel_words(); *word; word++)
                if (strcmp(*word, name) == 0)
                        return true;
        return strncmp(name, "to.", 3) == 0 && name[3];
}

/* Does a rule say a `to` with that part? */
static bool is_part_given(const struct channel_check *check, const char *part) {
        const struct yaml_node *rules = yaml_find(check->root, "read");

        if (!rules || rules->kind != YAML_LIST)
                return true; /* which is told for itself */
        for (size_t i = 0; i < rules->n; i++) {
                const struct yaml_node *to = yaml_find(&rules->items[i], "to");

                if (channel_is_parts(to) && yaml_find(to, part))
                        return true;
        }
        return false;
}

/* A word of a reply that can never be filled in. The caller frees. */
static char *word_fault(const struct channel_check *check, const char *word) {
        const char *part = strncmp(word, "to.", 3) == 0 ? word + 3 : NULL;

        if (!part || is_part_given(check, part))
                return NULL;
        return memory_print("{%.*s} is filled in by no rule of read; give one a `to` with a part %.*s, such as "
                            "to: {%.*s: /%.*s}",
                            LIMIT_NAME_LEN, word, LIMIT_NAME_LEN, part, LIMIT_NAME_LEN, part, LIMIT_NAME_LEN, part);
}

/* What may stand between braces. */
static void name_check(struct channel_check *check, int line, const char *name) {
        bool is_of_reply = check->scope & CHANNEL_SCOPE_REPLY && is_word(name);
        CLEANUP_FREE char *fault = NULL;

        if (*name && channel_is_pointer(name)) {
                fault = check->scope & CHANNEL_SCOPE_READ
                                ? pointer_fault(check, name)
                                : memory_print("{%.*s} is a pointer, and there is no webhook here to point into",
                                               LIMIT_NAME_LEN, name);
        } else if (is_of_reply) {
                fault = word_fault(check, name);
        } else if (!yaml_find(check->settings, name)) {
                CLEANUP_FREE char *words = channel_names_text(channel_words(), "and");

                fault = memory_print("{%.*s} is no setting%s%s; write it under settings", LIMIT_NAME_LEN, name,
                                     check->scope & CHANNEL_SCOPE_REPLY ? ", nor one of " : " and no pointer",
                                     check->scope & CHANNEL_SCOPE_REPLY ? words : "");
        }
        if (fault)
                channel_refuse(check, line, "%s", fault);
}

static void names_check(struct channel_check *check, int line, char *names) {
        char *rest = names, *name;

        while ((name = strsep(&rest, "|")))
                name_check(check, line, name);
}

void channel_pattern_check(struct channel_check *check, const struct yaml_node *node) {
        const char *at;

        if (!channel_text_check(check, node))
                return;
        for (at = node->text; (at = strpbrk(at, "{}"));) {
                const char *end = *at == '{' ? strpbrk(at + 1, "{}") : NULL;
                CLEANUP_FREE char *names = NULL;

                if (!end || *end != '}') {
                        channel_refuse(check, node->line,
                                       "has a '%c' without its other half; braces stand around a name, as in {thread}",
                                       *at);
                        return;
                }
                names = memory_copy_text(at + 1, (size_t)(end - at) - 1);
                names_check(check, node->line, names);
                at = end + 1;
        }
}

/* -- conditions ---------------------------------------------------------------------------------------------------- */

static void pattern_or_list_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, channel_pattern_check);
        else
                channel_pattern_check(check, node);
}

static void conditions_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIST_MAX, channel_condition_check);
}

static void condition_or_list_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                conditions_check(check, node);
        else
                channel_condition_check(check, node);
}

static void length_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 1, LENGTH_MAX);
}

static void setting_check(struct channel_check *check, const struct yaml_node *node) {
        (void)!channel_setting_check(check, node);
}

static const struct channel_key condition_keys[] = {
        {"setting", setting_check},        {"at", channel_pointer_check},     {"is", pattern_or_list_check},
        {"is_not", pattern_or_list_check}, {"begins", pattern_or_list_check}, {"ends", pattern_or_list_check},
        {"length", length_check},          {"and", condition_or_list_check},  {"any", conditions_check},
        {"not", channel_condition_check}};
enum { N_CONDITION_KEYS = sizeof condition_keys / sizeof *condition_keys, OTHERS_MAX = 4 };

static bool has_word(const struct yaml_node *node) {
        return yaml_find(node, "is") || yaml_find(node, "is_not") || yaml_find(node, "begins") ||
               yaml_find(node, "ends") || yaml_find(node, "length");
}

void channel_condition_check_with(struct channel_check *check, const struct yaml_node *node,
                                  const struct channel_key *others, bool is_enough) {
        struct channel_key keys[N_CONDITION_KEYS + OTHERS_MAX + 1] = {0};
        size_t n = N_CONDITION_KEYS;

        memcpy(keys, condition_keys, sizeof condition_keys);
        for (; others && others->name; others++) {
                ENSURE(n < N_CONDITION_KEYS + OTHERS_MAX);
                keys[n++] = *others;
        }
        channel_map_check(check, node, keys);
        if (yaml_find(node, "at") && yaml_find(node, "setting"))
                channel_refuse(check, node->line, "has at and setting; it can look at only one of them");
        if (node->kind != YAML_MAP || yaml_find(node, "at") || yaml_find(node, "setting"))
                return;
        if (has_word(node))
                channel_refuse(check, node->line, "says how something is, but not what; add at: POINTER");
        else if (!is_enough && !yaml_find(node, "any") && !yaml_find(node, "not"))
                channel_refuse(check, node->line, "is no condition; write at: POINTER, setting: NAME, any: or not:");
}

void channel_condition_check(struct channel_check *check, const struct yaml_node *node) {
        channel_condition_check_with(check, node, NULL, false);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static void mark_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, channel_any_text_check);
        else
                channel_any_text_check(check, node);
}

static void choice_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key has_keys[] = {
                {"has", channel_pointer_check, true}, {"then", channel_value_check, true}, {0}};
        static const struct channel_key others[] = {
                {"then", channel_value_check}, {"after", mark_check}, {"before", mark_check}, {0}};
        bool has_part = yaml_find(node, "after") || yaml_find(node, "before");

        if (yaml_find(node, "has")) {
                channel_map_check(check, node, has_keys);
                return;
        }
        channel_condition_check_with(check, node, others, false);
        if (yaml_find(node, "then") && has_part)
                channel_refuse(check, node->line, "has then beside after or before; it can be only one of them");
        if (!yaml_find(node, "then") && !yaml_find(node, "at"))
                channel_refuse(check, node->line, "then is missing: the value when the condition holds");
}

void channel_value_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, channel_value_check);
        else if (node->kind == YAML_MAP)
                choice_check(check, node);
        else if (channel_is_pointer(node->text))
                channel_pointer_check(check, node);
        else
                channel_pattern_check(check, node);
}
