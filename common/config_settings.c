#include "common/config_settings.h"

#include "common/config_reader.h"
#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* What the broker itself uses of a tenant. The rest is read by other programs, from the file alone. */
static const char *const names[] = {
        "quiet",       "max_wait",           "max_messages", "max_bytes",      "concurrency",    "rate",
        "max_pending", "retry.attempts",     "retry.base",   "retry.factor",   "retry.cap",      "retry.jitter",
        "busy.base",   "busy.cap",           "busy.give_up", "on_new_message", "max_interrupts", "on_unknown",
        "typing_hold", "transcription_wait", "on_takeover",  "hold_for",       "on_resume",
};

_Static_assert(sizeof names / sizeof *names == CONFIG_N_SETTINGS, "each setting has a name");

const char *config_setting_name(int index) {
        ENSURE(index >= 0 && index < CONFIG_N_SETTINGS);
        return names[index];
}

static const struct config_key *key_of(int index) {
        const struct config_key *key = config_key_find(&config_tenant_section, config_setting_name(index));

        ENSURE(key);
        return key;
}

void config_settings_locate(const struct yaml_node *node, struct config_tenant *tenant) {
        for (int i = 0; i < CONFIG_N_SETTINGS; i++) {
                const char *dot = strchr(names[i], '.');
                CLEANUP_FREE char *section = dot ? memory_copy_text(names[i], (size_t)(dot - names[i])) : NULL;
                const struct yaml_node *value =
                        dot ? yaml_find(yaml_find(node, section), dot + 1) : yaml_find(node, names[i]);

                tenant->setting_lines[i] = value ? value->line : 0;
        }
}

/* -- which --------------------------------------------------------------------------------------------------------- */

static bool has_first_word(const char *key, const char *word) {
        size_t len = strlen(word);

        return strncmp(key, word, len) == 0 && (key[len] == '\0' || key[len] == '.');
}

/* A key of the file that is no setting: who reads it? */
static char *explain_elsewhere(const char *key) {
        static const char *const elsewhere[][2] = {
                {"handler", "the workers"}, {"channels", "ingest and the workers"},
                {"lock", "the workers"},    {"run_timeout", "the workers"},
                {"context", "the workers"},
        };

        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
                if (has_first_word(key, elsewhere[i][0]))
                        return memory_print("%s cannot be changed at run time: it is read by %s from lull.yaml; change "
                                            "it there and restart %s",
                                            elsewhere[i][0], elsewhere[i][1], elsewhere[i][1]);
        return NULL;
}

static char *explain_unknown(const char *key) {
        const char *list[CONFIG_N_SETTINGS + 1] = {0};
        CLEANUP_BUFFER struct buffer text = {0};
        const char *nearest;

        memcpy(list, names, sizeof names);
        nearest = config_nearest(key, list);
        buffer_print(&text, "there is no setting '%.*s'; ", LIMIT_NAME_LEN, key);
        if (nearest)
                buffer_print(&text, "did you mean '%s'?", nearest);
        for (int i = 0; !nearest && i < CONFIG_N_SETTINGS; i++)
                buffer_print(&text, "%s%s",
                             i == 0                      ? "there are "
                             : i + 1 < CONFIG_N_SETTINGS ? ", "
                                                         : " and ",
                             names[i]);
        return memory_copy_text(text.data, text.len);
}

int config_setting_index(const char *key, int *ret, char **ret_why) {
        for (int i = 0; i < CONFIG_N_SETTINGS; i++)
                if (strcmp(names[i], key) == 0)
                        return *ret = i, 0;
        *ret_why = explain_elsewhere(key);
        if (!*ret_why)
                *ret_why = explain_unknown(key);
        return -ENOENT;
}

/* -- values -------------------------------------------------------------------------------------------------------- */

char *config_setting_text(const struct config_tenant *tenant, int index) {
        return config_key_text(key_of(index), tenant);
}

/* 0, or the first thing that was found wrong. Ends the reading. */
static int end(struct config_reader *reader, char **ret_why) {
        int r = reader->n_errors > 0 ? -EINVAL : 0;

        if (r < 0)
                *ret_why = memory_copy_text(reader->errors[0].text, strlen(reader->errors[0].text));
        config_errors_done(reader);
        return r;
}

int config_setting_set(struct config_tenant *tenant, int index, const char *value, char **ret_why) {
        CLEANUP_FREE char *text = memory_copy_text(value, strlen(value));
        struct yaml_node node = {.kind = YAML_SCALAR, .text = text};
        struct config_reader reader = {.file = ""};
        struct config_tenant changed = *tenant;
        int r;

        /* A value of the file may name a variable or a file; one from afar must not make the broker read either. */
        if (strstr(value, "${")) {
                *ret_why = memory_print("%s: a setting is written as it is, without ${...}", names[index]);
                return -EINVAL;
        }
        if (!*value) {
                *ret_why = memory_print("%s: has no value; `unset` goes back to what lull.yaml says", names[index]);
                return -EINVAL;
        }
        config_path_push(&reader, names[index]);
        config_key_read(&reader, &node, key_of(index), &changed);
        r = end(&reader, ret_why);
        if (r == 0)
                *tenant = changed;
        return r;
}

int config_settings_check(const struct config_tenant *tenant, char **ret_why) {
        struct config_reader reader = {.file = ""};

        config_tenant_check(&reader, NULL, tenant);
        return end(&reader, ret_why);
}
