#include "broker/ctl/trial_settings.h"

#include "common/cleanup.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

/* 32 bytes of nothing: what has the form of such a secret, and is none. */
#define NO_WHSEC "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static bool is_true(const struct yaml_node *rule, const char *key) {
        const char *text = yaml_find_text(rule, key);

        return text && strcmp(text, "true") == 0;
}

static bool is_form(const struct yaml_node *rule, const char *form) {
        const char *text = yaml_find_text(rule, "form");

        return strcmp(text ? text : "text", form) == 0;
}

void trial_settings_put(struct config_channel *settings, const char *key, const char *value) {
        for (uint32_t i = 0; i < settings->n_settings; i++) {
                struct config_setting *setting = &settings->settings[i];

                if (strcmp(setting->key, key) != 0)
                        continue;
                free(setting->value);
                setting->value = memory_print("%s", value);
                return;
        }
        settings->settings = memory_resize(settings->settings, settings->n_settings + 1, sizeof *settings->settings);
        settings->settings[settings->n_settings++] =
                (struct config_setting){memory_print("%s", key), memory_print("%s", value), 0};
}

/* -- stand-ins ----------------------------------------------------------------------------------------------------- */

static const char *stand_in_of(const struct yaml_node *rule) {
        const struct yaml_node *choices = yaml_find(rule, "one_of");

        if (choices && choices->n > 0 && choices->items[0].text)
                return choices->items[0].text;
        if (is_form(rule, "url"))
                return "https://example.com";
        if (is_form(rule, "number"))
                return "1";
        if (is_form(rule, "flag"))
                return "true";
        if (is_form(rule, "whsec"))
                return NO_WHSEC;
        if (is_form(rule, "pointer"))
                return "";
        return is_true(rule, "secret") ? TRIAL_SECRET : rule->key;
}

/* Its own value, or its default. */
static bool has_value(const struct yaml_node *rule, const struct config_channel *settings) {
        return config_setting_find(settings, rule->key) || yaml_find_text(rule, "default");
}

/* If `key` names a setting of the file that has no value, it gets one. */
static void stand_in(const struct yaml_node *file, const char *key, struct config_channel *settings) {
        const struct yaml_node *rule = key ? yaml_find(yaml_find(file, "settings"), key) : NULL;

        if (rule && !has_value(rule, settings))
                trial_settings_put(settings, key, stand_in_of(rule));
}

/* -- proofs -------------------------------------------------------------------------------------------------------- */

/* Is it switched on by what was given? A flag is when it is true. */
static bool is_given(const struct yaml_node *file, const struct yaml_node *proof,
                     const struct config_channel *settings) {
        const char *key = yaml_find_text(proof, "setting");
        const char *value = key ? config_setting_find(settings, key) : NULL;
        const struct yaml_node *rule = key ? yaml_find(yaml_find(file, "settings"), key) : NULL;

        return value && !(rule && is_form(rule, "flag") && strcmp(value, "true") != 0);
}

/* The first that proves something; else one that lets everything in. */
static const struct yaml_node *proof_find(const struct yaml_node *proofs) {
        for (size_t i = 0; proofs && i < proofs->n; i++) {
                const char *scheme = yaml_find_text(&proofs->items[i], "scheme");

                if (scheme && strcmp(scheme, "none") != 0)
                        return &proofs->items[i];
        }
        return proofs && proofs->n > 0 ? &proofs->items[0] : NULL;
}

/* A proof may name more settings than the one that switches it on. */
static void proof_complete(const struct yaml_node *file, const struct yaml_node *proof,
                           struct config_channel *settings) {
        const char *key = yaml_find_text(proof, "setting");
        const struct yaml_node *rule = key ? yaml_find(yaml_find(file, "settings"), key) : NULL;

        if (rule && is_form(rule, "flag"))
                trial_settings_put(settings, key, "true");
        for (size_t i = 0; proof && i < proof->n; i++)
                stand_in(file, proof->items[i].text, settings);
}

static bool proofs_complete(const struct yaml_node *file, struct config_channel *settings) {
        const struct yaml_node *proofs = yaml_find(file, "proof");
        bool is_any_given = false;

        for (size_t i = 0; proofs && i < proofs->n; i++)
                if (is_given(file, &proofs->items[i], settings)) {
                        proof_complete(file, &proofs->items[i], settings);
                        is_any_given = true;
                }
        if (!is_any_given)
                proof_complete(file, proof_find(proofs), settings);
        return !is_any_given;
}

/* -- all of them --------------------------------------------------------------------------------------------------- */

bool trial_settings_complete(const struct yaml_node *file, struct config_channel *settings) {
        const struct yaml_node *rules = yaml_find(file, "settings");
        bool is_stand_in = proofs_complete(file, settings);

        for (size_t i = 0; rules && i < rules->n; i++)
                if (is_true(&rules->items[i], "required"))
                        stand_in(file, rules->items[i].key, settings);
        stand_in(file, yaml_find_text(yaml_find(file, "post"), "setting"), settings);
        return is_stand_in;
}

static void waive(struct yaml_node *condition, const char *pattern) {
        const char *at = yaml_find_text(condition, "at");

        for (size_t i = 0; i < condition->n; i++) {
                struct yaml_node *node = &condition->items[i];

                waive(node, pattern);
                if (!at || !node->key || strcmp(node->key, "is_not") != 0 || !node->text ||
                    strcmp(node->text, pattern) != 0)
                        continue;
                free(node->text);
                node->text = memory_print("{%s}", at);
        }
}

void trial_settings_waive(struct yaml_node *file, const char *key) {
        CLEANUP_FREE char *pattern = memory_print("{%s}", key);

        waive(file, pattern);
}

void trial_settings_mask(const struct yaml_node *file, struct config_channel *settings) {
        const struct yaml_node *rules = yaml_find(file, "settings");

        for (uint32_t i = 0; i < settings->n_settings; i++) {
                const char *key = settings->settings[i].key;
                const struct yaml_node *rule = yaml_find(rules, key);

                if (rule && is_true(rule, "secret"))
                        trial_settings_put(settings, key, is_form(rule, "whsec") ? NO_WHSEC : TRIAL_SECRET);
        }
}
