#include "common/channel_check.h"
#include "common/channel_posting.h"
#include "common/channel_value.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- settings ------------------------------------------------------------------------------------------------------ */

static void form_check(struct channel_check *check, const struct yaml_node *node) {
        channel_word_check(check, node, channel_forms());
}

static void choices_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIMIT_SETTINGS, channel_any_text_check);
}

static bool has_name(const char *const *names, const char *name) {
        for (; *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return false;
}

/* A setting called "thread" would be hidden by the reply's own. */
static void name_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const taken[] = {"kind", "private", NULL};
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
        size_t len = strlen(node->key);

        if (has_name(channel_words(), node->key) || has_name(taken, node->key))
                channel_refuse(check, node->line, "every channel has a '%s' of its own; give the setting another name",
                               node->key);
        else if (len == 0 || len > LIMIT_NAME_LEN || strspn(node->key, letters) != len)
                channel_refuse(check, node->line, "a setting's name has 1 to %d of a-z, 0-9 and _", LIMIT_NAME_LEN);
}

static void default_check(struct channel_check *check, const struct yaml_node *node) {
        const char *form = yaml_find_text(node, "form"), *fallback = yaml_find_text(node, "default");
        const struct yaml_node *choices = yaml_find(node, "one_of");
        const char *fault = form && !has_name(channel_forms(), form) ? NULL : channel_form_fault(form, fallback);
        bool is_choice = !choices || choices->kind != YAML_LIST;

        for (size_t i = 0; !is_choice && i < choices->n; i++)
                is_choice = choices->items[i].kind == YAML_SCALAR && strcmp(choices->items[i].text, fallback) == 0;
        if (fault)
                channel_refuse(check, node->line, "default %s", fault);
        if (!is_choice)
                channel_refuse(check, node->line, "default is none of one_of");
        if (yaml_find(node, "required"))
                channel_refuse(check, node->line, "has a default, so it cannot be required; remove one of them");
}

static void setting_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"what", channel_any_text_check, true},
                                                  {"form", form_check},
                                                  {"one_of", choices_check},
                                                  {"required", channel_flag_check},
                                                  {"secret", channel_flag_check},
                                                  {"default", channel_any_text_check},
                                                  {0}};
        size_t path = channel_path_push(check, node->key);

        name_check(check, node);
        channel_map_check(check, node, keys);
        if (yaml_find_text(node, "default"))
                default_check(check, node);
        channel_path_pop(check, path);
}

void channel_settings_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind != YAML_MAP || node->n >= LIMIT_SETTINGS) {
                channel_refuse(check, node->line,
                               "must be a map of fewer than %d settings, each with its name as the "
                               "key",
                               LIMIT_SETTINGS);
                return;
        }
        for (size_t i = 0; i < node->n; i++)
                setting_check(check, &node->items[i]);
}

/* -- the file ------------------------------------------------------------------------------------------------------ */

static void body_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const bodies[] = {"json", "form", NULL};

        channel_word_check(check, node, bodies);
}

static void status_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 200, 299);
}

/* It becomes a header. */
static void type_check(struct channel_check *check, const struct yaml_node *node) {
        channel_any_text_check(check, node);
        if (node->kind == YAML_SCALAR && channel_has_control(node->text))
                channel_refuse(check, node->line, "has a control character in it");
}

static void respond_body_check(struct channel_check *check, const struct yaml_node *node) {
        channel_text_check(check, node);
}

static void respond_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"status", status_check}, {"type", type_check}, {"body", respond_body_check}, {0}};

        channel_map_check(check, node, keys);
}

static void setting_each_check(struct channel_check *check, const struct yaml_node *node) {
        channel_setting_check(check, node);
}

static void names_of_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIMIT_SETTINGS, setting_each_check);
}

static void names_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"of", names_of_check, true}, {"unless", setting_each_check}, {0}};

        channel_map_check(check, node, keys);
}

static void otherwise_check(struct channel_check *check, const struct yaml_node *node) {
        channel_pattern_check(check, node);
}

static const struct channel_key file_keys[] = {{"settings", channel_settings_check, true},
                                               {"names", names_check},
                                               {"proof", channel_proofs_check, true},
                                               {"challenge", channel_challenge_check},
                                               {"body", body_check},
                                               {"expect", channel_pointer_check},
                                               {"each", channel_pointer_check},
                                               {"strict", channel_flag_check},
                                               {"read", channel_read_check, true},
                                               {"otherwise", otherwise_check},
                                               {"respond", respond_check},
                                               {"post", channel_post_check},
                                               {"answer", channel_answer_check},
                                               {"read_back", channel_read_back_check},
                                               {"typing", channel_typing_check},
                                               {0}};

/* What can be shown or asked only where a reply can be posted. */
static void together_check(struct channel_check *check, const struct yaml_node *root) {
        static const char *const followers[] = {"answer", "read_back", "typing"};

        for (size_t i = 0; i < sizeof followers / sizeof *followers; i++) {
                const struct yaml_node *node = yaml_find(root, followers[i]);

                if (node && !yaml_find(root, "post"))
                        channel_refuse(check, node->line, "%s is there, but no post: nothing is ever posted",
                                       followers[i]);
        }
}

static int fault_compare(const struct channel_fault *a, const struct channel_fault *b) { return a->line - b->line; }

/* By line, and of one line as they were found. */
static void faults_sort(struct channel_faults *faults) {
        for (size_t i = 1; i < faults->n; i++)
                for (size_t k = i; k > 0 && fault_compare(&faults->items[k - 1], &faults->items[k]) > 0; k--) {
                        struct channel_fault fault = faults->items[k];

                        faults->items[k] = faults->items[k - 1];
                        faults->items[k - 1] = fault;
                }
}

void channel_file_faults_find(const struct yaml_node *root, struct channel_faults *ret) {
        struct channel_check check = {.root = root, .faults = ret, .scope = CHANNEL_SCOPE_READ};

        *ret = (struct channel_faults){0};
        check.settings = yaml_find(root, "settings");
        channel_map_check(&check, root, file_keys);
        together_check(&check, root);
        faults_sort(ret);
        buffer_done(&check.path);
}

static char *faults_text(const char *file, const struct channel_faults *faults) {
        struct buffer text = {0};
        size_t shown = faults->n < LIMIT_CONFIG_ERRORS ? faults->n : LIMIT_CONFIG_ERRORS;

        for (size_t i = 0; i < shown; i++)
                buffer_print(&text, "%s%s:%d: %s", i ? "\n" : "", file, faults->items[i].line, faults->items[i].text);
        if (shown < faults->n)
                buffer_print(&text, "\n%s: %zu more, not shown", file, faults->n - shown);
        return buffer_text(&text);
}

int channel_file_decode(const char *file, struct bytes text, struct yaml_node **ret, char **ret_error) {
        CLEANUP_YAML struct yaml_node *root = NULL;
        CLEANUP(channel_faults_done) struct channel_faults faults = {0};
        int r = yaml_decode(file, text, &root, ret_error);

        if (r != 0)
                return r;
        channel_file_faults_find(root, &faults);
        if (faults.n > 0) {
                *ret_error = faults_text(file, &faults);
                return -EBADMSG;
        }
        *ret = TAKE(root);
        return 0;
}

int channel_file_check(const char *file, struct bytes text, char **ret_error) {
        CLEANUP_YAML struct yaml_node *root = NULL;

        return channel_file_decode(file, text, &root, ret_error);
}
