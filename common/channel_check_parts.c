#include "common/channel_check.h"

#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

/* -- faults -------------------------------------------------------------------------------------------------------- */

void channel_refuse_text(struct channel_check *check, int line, char *text) {
        struct channel_faults *faults = check->faults;
        CLEANUP_FREE char *what = text;
        const char *path = buffer_text(&check->path);

        if (faults->n == CHANNEL_FAULTS_MAX)
                return;
        faults->items = memory_resize(faults->items, faults->n + 1, sizeof *faults->items);
        faults->items[faults->n++] =
                (struct channel_fault){line, NULL, memory_print("%s%s%s", path, *path ? ": " : "", what)};
}

size_t channel_path_push(struct channel_check *check, const char *key) {
        size_t len = check->path.len;

        buffer_print(&check->path, "%s%.*s", len ? "." : "", LIMIT_NAME_LEN, key);
        return len;
}

void channel_path_pop(struct channel_check *check, size_t len) { check->path.len = len; }

char *channel_names_text(const char *const *names, const char *last) {
        struct buffer text = {0};

        for (size_t i = 0; names[i]; i++) {
                if (i > 0 && names[i + 1])
                        buffer_push_text(&text, ", ");
                else if (i > 0)
                        buffer_print(&text, " %s ", last);
                buffer_push_text(&text, names[i]);
        }
        return buffer_text(&text);
}

/* -- maps and lists ------------------------------------------------------------------------------------------------ */

enum { KEYS_MAX = 32 };

static void names_of(const struct channel_key *keys, const char **ret) {
        size_t n = 0;

        for (; keys[n].name; n++)
                ret[n] = keys[n].name;
        ret[n] = NULL;
}

static void unknown_check(struct channel_check *check, const struct yaml_node *node, const struct channel_key *keys) {
        const char *names[KEYS_MAX + 1];
        CLEANUP_FREE char *list = NULL;
        const char *nearest;

        names_of(keys, names);
        nearest = config_nearest(node->key, names);
        list = channel_names_text(names, "and");
        if (nearest)
                channel_refuse(check, node->line, "unknown key '%.*s'; did you mean '%s'?", LIMIT_NAME_LEN, node->key,
                               nearest);
        else
                channel_refuse(check, node->line, "unknown key '%.*s'; the keys there are %s", LIMIT_NAME_LEN,
                               node->key, list);
}

static const struct channel_key *key_find(const struct channel_key *keys, const char *name) {
        for (; keys->name; keys++)
                if (strcmp(keys->name, name) == 0)
                        return keys;
        return NULL;
}

static void member_check(struct channel_check *check, const struct yaml_node *node, const struct channel_key *key) {
        size_t path = channel_path_push(check, node->key);

        if (yaml_is_null(node))
                channel_refuse(check, node->line, "has no value; give it one, or remove the key");
        else
                key->check(check, node);
        channel_path_pop(check, path);
}

void channel_map_check(struct channel_check *check, const struct yaml_node *node, const struct channel_key *keys) {
        const char *names[KEYS_MAX + 1];
        CLEANUP_FREE char *list = NULL;

        if (node->kind != YAML_MAP) {
                names_of(keys, names);
                list = channel_names_text(names, "and");
                channel_refuse(check, node->line, "must be a map; its keys are %s", list);
                return;
        }
        for (size_t i = 0; i < node->n; i++) {
                const struct channel_key *key = key_find(keys, node->items[i].key);

                if (key)
                        member_check(check, &node->items[i], key);
                else
                        unknown_check(check, &node->items[i], keys);
        }
        for (; keys->name; keys++)
                if (keys->is_needed && !yaml_find(node, keys->name))
                        channel_refuse(check, node->line, "%s is missing", keys->name);
}

void channel_list_check(struct channel_check *check, const struct yaml_node *node, size_t max,
                        void (*each)(struct channel_check *check, const struct yaml_node *node)) {
        if (node->kind != YAML_LIST || node->n == 0 || node->n > max) {
                channel_refuse(check, node->line, "must be a list of 1 to %zu", max);
                return;
        }
        for (size_t i = 0; i < node->n; i++) {
                size_t path = check->path.len;

                buffer_print(&check->path, "[%zu]", i + 1);
                if (yaml_is_null(&node->items[i]))
                        channel_refuse(check, node->items[i].line, "has no value; give it one, or remove it");
                else
                        each(check, &node->items[i]);
                channel_path_pop(check, path);
        }
}

/* -- texts --------------------------------------------------------------------------------------------------------- */

bool channel_text_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_SCALAR && !yaml_is_null(node))
                return true;
        if (node->kind == YAML_SCALAR)
                channel_refuse(check, node->line, "has no value; give it one, or write \"\" for an empty text");
        else
                channel_refuse(check, node->line, "must be one text; this is %s", yaml_kind_text(node));
        return false;
}

void channel_any_text_check(struct channel_check *check, const struct yaml_node *node) {
        if (channel_text_check(check, node) && !*node->text)
                channel_refuse(check, node->line, "is empty; give it a value, or remove the key");
}

void channel_flag_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const flags[] = {"true", "false", NULL};

        channel_word_check(check, node, flags);
}

void channel_number_check(struct channel_check *check, const struct yaml_node *node, unsigned long min,
                          unsigned long max) {
        size_t len = node->kind == YAML_SCALAR ? strlen(node->text) : 0;
        bool is_number = len > 0 && len <= 9 && strspn(node->text, "0123456789") == len;
        unsigned long number = is_number ? strtoul(node->text, NULL, 10) : 0;

        if (!is_number || number < min || number > max)
                channel_refuse(check, node->line, "must be a whole number from %lu to %lu", min, max);
}

void channel_word_check(struct channel_check *check, const struct yaml_node *node, const char *const *words) {
        CLEANUP_FREE char *list = channel_names_text(words, "or");

        for (size_t i = 0; words[i] && node->kind == YAML_SCALAR; i++)
                if (strcmp(words[i], node->text) == 0)
                        return;
        channel_refuse(check, node->line, "must be %s", list);
}

void channel_header_check(struct channel_check *check, const struct yaml_node *node) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t len;

        if (!channel_text_check(check, node))
                return;
        len = strlen(node->text);
        if (len == 0 || strspn(node->text, letters) != len)
                channel_refuse(check, node->line, "a header's name has letters, digits, '-' and '_'");
}

/* -- settings ------------------------------------------------------------------------------------------------------ */

const struct yaml_node *channel_setting_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting;

        if (!channel_text_check(check, node))
                return NULL;
        setting = yaml_find(check->settings, node->text);
        if (!setting)
                channel_refuse(check, node->line, "there is no setting '%.*s'; write it under settings", LIMIT_NAME_LEN,
                               node->text);
        return setting;
}

bool channel_setting_is(const struct yaml_node *setting, const char *form) {
        const char *its = yaml_find_text(setting, "form");

        return strcmp(its ? its : "text", form) == 0;
}
