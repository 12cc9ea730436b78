#include "common/channel_check.h"
#include "common/channel_value.h"

#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

enum { RULES_MAX = 64, REASONS_MAX = 256, PARTS_MAX = 16 };

/* -- what it is ---------------------------------------------------------------------------------------------------- */

static void word_check(struct channel_check *check, const struct yaml_node *node) {
        const char *words[N_WIRE_WHAT + 1] = {0};

        for (int what = 0; what < WIRE_WHAT_UNKNOWN; what++)
                words[what] = wire_what_name((enum wire_what)what);
        channel_word_check(check, node, words);
}

static void choice_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"what", word_check, true}, {"when", channel_condition_check}, {"why", channel_pattern_check}, {0}};

        channel_map_check(check, node, keys);
}

static void what_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, RULES_MAX, choice_check);
        else
                word_check(check, node);
}

/* Can a rule say that an item is this? */
static bool may_be(const struct yaml_node *rule, const char *word) {
        const struct yaml_node *what = yaml_find(rule, "what");

        if (!what || what->kind != YAML_LIST)
                return strcmp(what && what->text ? what->text : "message", word) == 0;
        for (size_t i = 0; i < what->n; i++) {
                const char *its = yaml_find_text(&what->items[i], "what");

                if (its && strcmp(its, word) == 0)
                        return true;
        }
        return false;
}

/* {at: "", why: ...}, which holds whatever the item is. */
static bool holds_always(const struct yaml_node *condition) {
        const char *at = yaml_find_text(condition, "at");

        for (size_t i = 0; i < condition->n; i++)
                if (strcmp(condition->items[i].key, "at") != 0 && strcmp(condition->items[i].key, "why") != 0 &&
                    strcmp(condition->items[i].key, "warn") != 0)
                        return false;
        return at && !*at;
}

static bool ignores_all(const struct yaml_node *rule) {
        const struct yaml_node *ignore = yaml_find(rule, "ignore");

        for (size_t i = 0; ignore && ignore->kind == YAML_LIST && i < ignore->n; i++)
                if (ignore->items[i].kind == YAML_MAP && holds_always(&ignore->items[i]))
                        return true;
        return false;
}

static void needs_check(struct channel_check *check, const struct yaml_node *rule) {
        static const char *const needs[][2] = {
                {"edit", "id"}, {"delete", "id"}, {"shown", "id"}, {"shown", "number"}, {"alias", "aliases"}};

        if (ignores_all(rule))
                return;
        if (!yaml_find(rule, "thread"))
                channel_refuse(check, rule->line, "thread is missing: which conversation it is about");
        for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
                if (may_be(rule, needs[i][0]) && !yaml_find(rule, needs[i][1]))
                        channel_refuse(check, rule->line, "%s is missing, which %s needs", needs[i][1], needs[i][0]);
}

/* -- the other keys ------------------------------------------------------------------------------------------------ */

static void ignored_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"why", channel_pattern_check, true}, {"warn", channel_flag_check}, {0}};

        channel_condition_check_with(check, node, keys, false);
}

static void ignore_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, REASONS_MAX, ignored_check);
}

static void aliases_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIMIT_ALIASES_OF_ITEM, channel_name_check);
}

/* Names that {to.NAME} can say. */
static void part_name_check(struct channel_check *check, const struct yaml_node *node) {
        size_t len = strlen(node->key);

        if (len == 0 || strspn(node->key, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
                channel_refuse(check, node->line, "a part of `to` has a name of a-z, 0-9 and _");
}

static void to_check(struct channel_check *check, const struct yaml_node *node) {
        if (!channel_is_parts(node)) {
                channel_name_check(check, node);
                return;
        }
        if (node->n == 0 || node->n > PARTS_MAX)
                channel_refuse(check, node->line, "must be a value, or a map of 1 to %d of them", PARTS_MAX);
        for (size_t i = 0; i < node->n; i++) {
                size_t path = channel_path_push(check, node->items[i].key);

                part_name_check(check, &node->items[i]);
                channel_part_check(check, &node->items[i]);
                channel_path_pop(check, path);
        }
}

/* A pointer, or a map of names and pointers. */
static void data_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind != YAML_MAP) {
                channel_pointer_check(check, node);
                return;
        }
        for (size_t i = 0; i < node->n; i++) {
                size_t path = channel_path_push(check, node->items[i].key);

                channel_pointer_check(check, &node->items[i]);
                channel_path_pop(check, path);
        }
}

static void rule_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"items", channel_pointer_check},
                                                  {"when", channel_condition_check},
                                                  {"ignore", ignore_check},
                                                  {"what", what_check},
                                                  {"otherwise", channel_pattern_check},
                                                  {"thread", channel_name_check},
                                                  {"id", channel_name_check},
                                                  {"from", channel_name_check},
                                                  {"kind", channel_value_check},
                                                  {"text", channel_said_check},
                                                  {"at", channel_said_check},
                                                  {"aliases", aliases_check},
                                                  {"to", to_check},
                                                  {"url", channel_said_check},
                                                  {"number", channel_said_check},
                                                  {"why", channel_pattern_check},
                                                  {"data", data_check},
                                                  {0}};

        channel_map_check(check, node, keys);
        if (node->kind == YAML_MAP)
                needs_check(check, node);
}

void channel_read_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, RULES_MAX, rule_check);
}
