#include "common/channel_check.h"
#include "common/channel_value.h"

#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

enum { LIST_MAX = 256 };

/* Does a text name something of the item? */
static bool has_pointer(const char *text) {
        bool is_inside = false;

        if (channel_is_pointer(text))
                return true;
        for (; *text; text++) {
                is_inside = *text == '{' || (is_inside && *text != '}');
                if (is_inside && strchr("{|", *text) && text[1] && strchr("/^$@", text[1]))
                        return true;
        }
        return false;
}

/* A slash that was left out is the likely slip. */
static void same_refuse(struct channel_check *check, const struct yaml_node *node) {
        bool is_slip = !strpbrk(node->text, "{} ");

        channel_refuse(check, node->line, "'%.*s' is the same for every message; %s%.*s%s", LIMIT_NAME_LEN, node->text,
                       is_slip ? "did you mean '/" : "name something of it, such as /message/id",
                       is_slip ? LIMIT_NAME_LEN : 0, node->text, is_slip ? "'?" : "");
}

/* -- names: whichever of its texts a value takes ------------------------------------------------------------------- */

static void named_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *then = yaml_find(node, "then");
        size_t path = check->path.len;

        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, named_check);
        else if (node->kind == YAML_SCALAR && !has_pointer(node->text))
                same_refuse(check, node);
        if (!then)
                return;
        channel_path_push(check, then->key);
        named_check(check, then);
        channel_path_pop(check, path);
}

/* A part may be a word of which a condition decides, such as what kind of chat it is. */
static void part_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, part_check);
        else if (node->kind == YAML_SCALAR)
                named_check(check, node);
}

/* What is no value at all has been told already. */
static void sound_check(struct channel_check *check, const struct yaml_node *node,
                        void (*judge)(struct channel_check *check, const struct yaml_node *node)) {
        size_t n = check->faults->n;

        channel_value_check(check, node);
        if (check->faults->n == n)
                judge(check, node);
}

void channel_name_check(struct channel_check *check, const struct yaml_node *node) {
        sound_check(check, node, named_check);
}

void channel_part_check(struct channel_check *check, const struct yaml_node *node) {
        sound_check(check, node, part_check);
}

/* -- what is said: some text of the value -------------------------------------------------------------------------- */

/* NULL when something of it depends on the item; else a text that does not. */
static const struct yaml_node *same_find(const struct yaml_node *node) {
        const struct yaml_node *same = NULL;

        if (node->kind == YAML_SCALAR)
                return has_pointer(node->text) ? NULL : node;
        for (size_t i = 0; node->kind == YAML_LIST && i < node->n; i++) {
                same = same_find(&node->items[i]);
                if (!same)
                        return NULL;
        }
        return same;
}

static void said_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *same = same_find(node);

        if (same)
                same_refuse(check, same);
}

void channel_said_check(struct channel_check *check, const struct yaml_node *node) {
        sound_check(check, node, said_check);
}
