#include "common/channel_check.h"
#include "common/channel_posting.h"
#include "common/config_reader.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "common/sign.h"

#include <stdlib.h>
#include <string.h>

struct checking {
        const struct config_channel *config;
        const struct yaml_node *file, *settings;
        struct channel_faults *faults;
};

/* Takes `text` over. */
static void fault_push(struct checking *checking, int line, const char *key, char *text) {
        struct channel_faults *faults = checking->faults;

        faults->items = memory_resize(faults->items, faults->n + 1, sizeof *faults->items);
        faults->items[faults->n++] = (struct channel_fault){line, key, text};
}

static void kind_check(struct checking *checking, const char *const *kinds) {
        const char *nearest = config_nearest(checking->config->kind, kinds);
        CLEANUP_FREE char *names = channel_names_text(kinds, "and");

        if (nearest)
                fault_push(checking, checking->config->line, "kind",
                           memory_print("'%s' is unknown; did you mean '%s'?", checking->config->kind, nearest));
        else
                fault_push(checking, checking->config->line, "kind",
                           memory_print("'%s' is unknown; this version of lull has %s", checking->config->kind, names));
}

static void unknown_check(struct checking *checking, const struct config_setting *setting) {
        const char *names[LIMIT_SETTINGS + 1] = {0};
        CLEANUP_FREE char *list = NULL;
        const char *nearest;

        ENSURE(checking->settings->n < LIMIT_SETTINGS);
        for (size_t i = 0; i < checking->settings->n; i++)
                names[i] = checking->settings->items[i].key;
        nearest = config_nearest(setting->key, names);
        list = channel_names_text(names, "and");
        fault_push(checking, setting->line, NULL,
                   nearest ? memory_print("unknown key '%s'; did you mean '%s'?", setting->key, nearest)
                           : memory_print("unknown key '%s'; a %s channel takes %s", setting->key,
                                          checking->config->kind, list));
}

/* -- forms --------------------------------------------------------------------------------------------------------- */

static const char *text_fault(const char *value) { return NULL; }
static const char *whsec_fault(const char *value) {
        return sign_is_secret(value) ? NULL
                                     : "is not \"whsec_\" and the base64 of 24 to 64 bytes; make one with: "
                                       "echo whsec_$(openssl rand -base64 32)";
}
static const char *number_fault(const char *value) {
        return strspn(value, "0123456789") == strlen(value) ? NULL : "must be a whole number";
}
static const char *flag_fault(const char *value) {
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? NULL : "must be true or false";
}
static const char *pointer_fault(const char *value) {
        return json_pointer_is_valid(value) ? NULL : "is no JSON Pointer; write it such as '/message/text'";
}

static const struct form {
        const char *name;
        const char *(*fault)(const char *value);
} forms[] = {{"text", text_fault}, {"url", config_url_fault}, {"number", number_fault},
             {"flag", flag_fault}, {"whsec", whsec_fault},    {"pointer", pointer_fault}};

const char *const *channel_forms(void) {
        static const char *names[sizeof forms / sizeof *forms + 1];

        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
                names[i] = forms[i].name;
        return names;
}

const char *channel_form_fault(const char *name, const char *value) {
        const struct form *form = NULL;

        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
                if (strcmp(forms[i].name, name ? name : "text") == 0)
                        form = &forms[i];
        ENSURE(form);
        return form->fault(value);
}

/* One of the values the file lists, if it lists any. */
static void choice_check(struct checking *checking, const struct config_setting *setting,
                         const struct yaml_node *choices) {
        const char *names[LIMIT_SETTINGS + 1] = {0};
        CLEANUP_FREE char *list = NULL;

        for (size_t i = 0; choices && i < choices->n; i++) {
                names[i] = choices->items[i].text;
                if (strcmp(names[i], setting->value) == 0)
                        return;
        }
        list = channel_names_text(names, "and");
        if (choices)
                fault_push(checking, setting->line, setting->key, memory_print("must be one of %s", list));
}

/* A secret of blanks is one that anybody guesses, or a variable that was never filled. */
static const char *secret_fault(const struct yaml_node *rule, const char *value) {
        const char *secret = yaml_find_text(rule, "secret");

        if (!secret || strcmp(secret, "true") != 0 || value[strspn(value, " \t")])
                return NULL;
        return "is a secret, and blank; give it its value";
}

/* The address that a signature is over, copied as it stands from where it is explained. */
static const char *example_fault(const struct checking *checking, const struct config_setting *setting) {
        static const char *const words[] = {"YOUR-HOST", "/hooks/TENANT", "/CHANNEL"};
        const struct yaml_node *proofs = yaml_find(checking->file, "proof");
        bool is_signed = false;

        for (size_t i = 0; proofs && i < proofs->n; i++) {
                const char *url = yaml_find_text(&proofs->items[i], "url");

                is_signed = is_signed || (url && strcmp(url, setting->key) == 0);
        }
        for (size_t i = 0; is_signed && i < sizeof words / sizeof *words; i++)
                if (strstr(setting->value, words[i]))
                        return "is the example as it stands; write the webhook's URL exactly as the platform has it";
        return NULL;
}

static void setting_check(struct checking *checking, const struct config_setting *setting) {
        const struct yaml_node *rule = yaml_find(checking->settings, setting->key);
        const char *fault;

        if (!rule) {
                unknown_check(checking, setting);
                return;
        }
        fault = channel_has_control(setting->value) ? "has a control character in it; it must be one line of text"
                                                    : channel_form_fault(yaml_find_text(rule, "form"), setting->value);
        if (!fault)
                fault = secret_fault(rule, setting->value);
        if (!fault)
                fault = example_fault(checking, setting);
        if (fault)
                fault_push(checking, setting->line, setting->key, memory_print("%s", fault));
        choice_check(checking, setting, yaml_find(rule, "one_of"));
}

static void required_check(struct checking *checking, const struct yaml_node *rule) {
        const char *required = yaml_find_text(rule, "required");

        if (required && strcmp(required, "true") == 0 && !config_setting_find(checking->config, rule->key))
                fault_push(checking, checking->config->line, NULL,
                           memory_print("a %s channel needs %s (%s)", checking->config->kind, rule->key,
                                        yaml_find_text(rule, "what")));
}

/* -- proofs -------------------------------------------------------------------------------------------------------- */

/* What a proof needs beside its secret: the address that is signed. */
static void url_check(struct checking *checking, const struct channel *channel, const struct yaml_node *proof) {
        const char *url = yaml_find_text(proof, "url");

        if (url && !channel_setting_find(channel, url))
                fault_push(checking, checking->config->line, NULL,
                           memory_print("%s needs %s (%s)", yaml_find_text(proof, "setting"), url,
                                        yaml_find_text(yaml_find(checking->settings, url), "what")));
}

/* A webhook must prove where it is from, unless the operator says in so many words that it need not. */
static void proofs_check(struct checking *checking) {
        const struct channel channel = {checking->config, checking->file};
        const struct yaml_node *proofs = yaml_find(checking->file, "proof");
        CLEANUP_BUFFER struct buffer names = {0};
        const char *given = NULL, *open = NULL;

        for (size_t i = 0; i < proofs->n; i++) {
                const char *key = yaml_find_text(&proofs->items[i], "setting");
                bool is_none = strcmp(yaml_find_text(&proofs->items[i], "scheme"), "none") == 0;

                buffer_print(&names, "%s%s%s",
                             i == 0               ? ""
                             : i + 1 == proofs->n ? " or "
                                                  : ", ",
                             key, is_none ? ": true" : "");
                if (!channel_setting_is_on(&channel, key))
                        continue;
                *(is_none ? &open : &given) = key;
                url_check(checking, &channel, &proofs->items[i]);
        }
        if (!given && !open)
                fault_push(checking, checking->config->line, NULL,
                           memory_print("anyone could send to this channel; give it %s", buffer_text(&names)));
        if (given && open)
                fault_push(checking, checking->config->line, NULL,
                           memory_print("%s and %s: true contradict each other; remove one", given, open));
}

void channel_faults_find(const struct config_channel *config, const char *const *kinds, struct channel_faults *ret) {
        struct checking checking = {.config = config, .file = channel_file_of(config), .faults = ret};

        *ret = (struct channel_faults){0};
        if (!checking.file) {
                kind_check(&checking, kinds);
                return;
        }
        checking.settings = yaml_find(checking.file, "settings");
        for (uint32_t i = 0; i < config->n_settings; i++)
                setting_check(&checking, &config->settings[i]);
        for (size_t i = 0; i < checking.settings->n; i++)
                required_check(&checking, &checking.settings->items[i]);
        proofs_check(&checking);
}

void channel_faults_done(struct channel_faults *faults) {
        for (size_t i = 0; i < faults->n; i++)
                free(faults->items[i].text);
        free(faults->items);
        *faults = (struct channel_faults){0};
}
