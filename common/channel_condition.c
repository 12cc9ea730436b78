#include "common/channel_value.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

/* One text, or a list of which one is enough. */
static size_t count(const struct yaml_node *wanted) { return wanted->kind == YAML_LIST ? wanted->n : 1; }

static const struct yaml_node *one_of(const struct yaml_node *wanted, size_t i) {
        return wanted->kind == YAML_LIST ? &wanted->items[i] : wanted;
}

static bool is_same(const char *text, const char *wanted) { return strcmp(text, wanted) == 0; }

static bool is_begun_by(const char *text, const char *wanted) { return strncmp(text, wanted, strlen(wanted)) == 0; }

static bool is_ended_by(const char *text, const char *wanted) {
        size_t len = strlen(text), n = strlen(wanted);

        return len >= n && strcmp(text + len - n, wanted) == 0;
}

/* Does `text` compare with what is wanted, or with one of it? */
static bool is_among(const struct channel_place *place, const char *text, const struct yaml_node *wanted,
                     bool (*compare)(const char *text, const char *wanted)) {
        for (size_t i = 0; text && i < count(wanted); i++) {
                CLEANUP_FREE char *value = channel_pattern_text(place, one_of(wanted, i)->text);

                if (value && compare(text, value))
                        return true;
        }
        return false;
}

static bool has_length(const char *text, const struct yaml_node *wanted) {
        return text && channel_text_length(bytes_of(text), CHANNEL_CHARACTERS) == strtoul(wanted->text, NULL, 10);
}

/* What `at` names, or the value of a setting. */
static char *subject_text(const struct channel_place *place, const char *at, const char *setting) {
        const char *value = at ? NULL : channel_setting_find(place->channel, setting);

        if (at)
                return channel_pointer_text(place, at);
        return value ? memory_copy_text(value, strlen(value)) : NULL;
}

/* An empty text says nothing: some platforms send one where others leave the key out. */
static bool is_there(const json_t *found) { return found && !(json_is_string(found) && !*json_string_value(found)); }

/* `at` or `setting` with its words. */
static bool place_holds(const struct channel_place *place, const struct yaml_node *condition, const char *at,
                        const char *setting) {
        static const struct {
                const char *word;
                bool (*compare)(const char *text, const char *wanted);
                bool is_meant;
        } words[] = {{"is", is_same, true},
                     {"is_not", is_same, false},
                     {"begins", is_begun_by, true},
                     {"ends", is_ended_by, true}};
        CLEANUP_FREE char *text = subject_text(place, at, setting);
        const struct yaml_node *length = yaml_find(condition, "length");
        bool has_words = length;

        if (length && !has_length(text, length))
                return false;

        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                const struct yaml_node *wanted = yaml_find(condition, words[i].word);

                if (wanted && is_among(place, text, wanted, words[i].compare) != words[i].is_meant)
                        return false;
                has_words = has_words || wanted;
        }
        return has_words ||
               (at ? is_there(channel_pointer_find(place, at)) : channel_setting_is_on(place->channel, setting));
}

static bool any_holds(const struct channel_place *place, const struct yaml_node *conditions) {
        for (size_t i = 0; i < count(conditions); i++)
                if (channel_condition_holds(place, one_of(conditions, i)))
                        return true;
        return false;
}

static bool all_hold(const struct channel_place *place, const struct yaml_node *conditions) {
        for (size_t i = 0; i < count(conditions); i++)
                if (!channel_condition_holds(place, one_of(conditions, i)))
                        return false;
        return true;
}

bool channel_condition_holds(const struct channel_place *place, const struct yaml_node *condition) {
        const char *at = yaml_find_text(condition, "at"), *setting = yaml_find_text(condition, "setting");
        const struct yaml_node *and = yaml_find(condition, "and"), *any = yaml_find(condition, "any");
        const struct yaml_node *negated = yaml_find(condition, "not");

        if ((at || setting) && !place_holds(place, condition, at, setting))
                return false;
        if (any && !any_holds(place, any))
                return false;
        if (negated && channel_condition_holds(place, negated))
                return false;
        return !and || all_hold(place, and);
}
