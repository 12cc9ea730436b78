#include "broker/settings.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What was set. */
struct change_note {
        uint64_t seq;
        char *tenant, *value;
        int index; /* of the setting */
        struct wall at;
};

struct settings {
        struct config *file, *old_file;
        /* As the file, but its tenants are copies with the changes on top; what they point to is the file's. */
        struct config *config, *old_config;
        struct change_note *notes;
        size_t n_notes, notes_cap;
};

/* -- what was set -------------------------------------------------------------------------------------------------- */

static void note_done(struct change_note *note) {
        free(note->tenant);
        free(note->value);
}

static struct change_note *find_note(const struct settings *settings, struct bytes tenant, int index) {
        for (size_t i = 0; i < settings->n_notes; i++)
                if (settings->notes[i].index == index && bytes_is_text(tenant, settings->notes[i].tenant))
                        return &settings->notes[i];
        return NULL;
}

static void push_note(struct settings *settings, struct change_note note) {
        if (settings->n_notes == settings->notes_cap) {
                settings->notes_cap = settings->notes_cap ? 2 * settings->notes_cap : 16;
                settings->notes = memory_resize(settings->notes, settings->notes_cap, sizeof *settings->notes);
        }
        settings->notes[settings->n_notes++] = note;
}

static void remove_note(struct settings *settings, struct change_note *note) {
        note_done(note);
        *note = settings->notes[--settings->n_notes];
}

void settings_load(struct settings *settings, const struct stored_note *note) {
        CLEANUP_FREE char *key = bytes_copy_text(note->name);
        CLEANUP_FREE char *why = NULL;
        int index;

        /* A key that this version does not know stays in the store, for the version that does. */
        if (note->kind == STORED_SETTING && config_setting_index(key, &index, &why) == 0)
                push_note(settings, (struct change_note){note->seq, bytes_copy_text(note->tenant),
                                                         bytes_copy_text(note->value), index, note->at});
}

/* -- what is in force ---------------------------------------------------------------------------------------------- */

/* One setting that is to be other than the notes say. */
struct setting_change {
        int index; /* -1 = none */
        const char *value; /* NULL = as in the file */
};

static const struct setting_change as_noted = {-1, NULL};

/* The tenant of the file with its changes on top: 0, or -EINVAL and *ret_why. */
static int build_tenant(const struct settings *settings, const struct config_tenant *file, struct setting_change change,
                        struct config_tenant *ret, char **ret_why) {
        struct config_tenant tenant = *file;
        int r = 0;

        /* The new value first: what is wrong with it is to be told, rather than what was wrong before. */
        if (change.value)
                r = config_setting_set(&tenant, change.index, change.value, ret_why);
        for (size_t i = 0; i < settings->n_notes && r == 0; i++) {
                const struct change_note *note = &settings->notes[i];

                if (note->index != change.index && strcmp(note->tenant, file->name) == 0)
                        r = config_setting_set(&tenant, note->index, note->value, ret_why);
        }
        if (r == 0)
                r = config_settings_check(&tenant, ret_why);
        if (r == 0)
                *ret = tenant;
        return r;
}

static bool is_possible(const struct settings *settings, const struct config_tenant *file) {
        CLEANUP_FREE char *why = NULL;
        struct config_tenant unused;

        return build_tenant(settings, file, as_noted, &unused, &why) == 0;
}

static struct config *shell_of(const struct config *file) {
        struct config *config = memory_new(1, sizeof *config);

        *config = *file;
        config->tenants = memory_new(file->n_tenants, sizeof *config->tenants);
        memcpy(config->tenants, file->tenants, file->n_tenants * sizeof *config->tenants);
        return config;
}

static struct config *shell_free(struct config *config) {
        if (config)
                free(config->tenants);
        free(config);
        return NULL;
}

static void change_one(struct settings *settings, struct config *config, const char *name) {
        const struct config_tenant *file = config_tenant_find(settings->file, bytes_of(name));
        CLEANUP_FREE char *why = NULL;
        struct config_tenant changed;

        /* A tenant may have left the file; it may come back. */
        if (file && build_tenant(settings, file, as_noted, &changed, &why) == 0)
                config->tenants[file - settings->file->tenants] = changed;
}

void settings_apply(struct settings *settings) {
        struct config *config = shell_of(settings->file);

        for (size_t i = 0; i < settings->n_notes; i++)
                change_one(settings, config, settings->notes[i].tenant);
        shell_free(settings->old_config);
        settings->old_config = settings->config;
        settings->config = config;
}

struct settings *settings_new(struct config *file) {
        struct settings *settings = memory_new(1, sizeof *settings);

        settings->file = file;
        settings_apply(settings);
        return settings;
}

struct settings *settings_free(struct settings *settings) {
        if (!settings)
                return NULL;
        for (size_t i = 0; i < settings->n_notes; i++)
                note_done(&settings->notes[i]);
        free(settings->notes);
        shell_free(settings->config);
        shell_free(settings->old_config);
        config_free(settings->file);
        config_free(settings->old_file);
        free(settings);
        return NULL;
}

const struct config *settings_config(const struct settings *settings) { return settings->config; }

void settings_set_file(struct settings *settings, struct config *file) {
        config_free(settings->old_file);
        settings->old_file = settings->file;
        settings->file = file;
        settings_apply(settings);
}

/* -- changes ------------------------------------------------------------------------------------------------------- */

static int refuse_tenant(struct bytes tenant, char **ret_why) {
        *ret_why = memory_print("the broker's lull.yaml has no tenant '%.*s'", BYTES_PRINT(tenant));
        return -ESRCH;
}

static void store_note(const struct change_note *note, struct bytes tenant, struct bytes value, struct effects *fx) {
        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = note->seq,
                .kind = STORED_SETTING,
                .tenant = tenant,
                .name = bytes_of(config_setting_name(note->index)),
                .value = value,
                .at = note->at,
        };
}

/* The note of a setting that is now `value`; a new one under `seq` when there was none. */
static struct change_note *take_note(struct settings *settings, const char *tenant, int index, const char *value,
                                     uint64_t seq) {
        struct change_note *note = find_note(settings, bytes_of(tenant), index);

        if (!note) {
                push_note(settings, (struct change_note){.seq = seq,
                                                         .tenant = memory_copy_text(tenant, strlen(tenant)),
                                                         .index = index});
                note = &settings->notes[settings->n_notes - 1];
        }
        free(note->value);
        note->value = memory_copy_text(value, strlen(value));
        return note;
}

int settings_set(struct settings *settings, struct bytes tenant, const char *key, struct bytes value, struct wall at,
                 uint64_t seq, struct effects *fx, char **ret_why) {
        const struct config_tenant *file = config_tenant_find(settings->file, tenant);
        CLEANUP_FREE char *text = bytes_copy_text(value);
        struct config_tenant unused;
        struct change_note *note;
        int index, r;

        if (!file)
                return refuse_tenant(tenant, ret_why);
        r = config_setting_index(key, &index, ret_why);
        if (r == 0)
                r = build_tenant(settings, file, (struct setting_change){index, text}, &unused, ret_why);
        if (r < 0)
                return r;
        note = take_note(settings, file->name, index, text, seq);
        note->at = at;
        store_note(note, bytes_of(file->name), value, fx);
        settings_apply(settings);
        return 0;
}

int settings_unset(struct settings *settings, struct bytes tenant, const char *key, struct effects *fx,
                   char **ret_why) {
        const struct config_tenant *file = config_tenant_find(settings->file, tenant);
        struct config_tenant unused;
        struct change_note *note;
        int index, r = config_setting_index(key, &index, ret_why);

        if (r < 0)
                return r;
        note = find_note(settings, tenant, index);
        if (!note)
                return file ? 0 : refuse_tenant(tenant, ret_why);
        /* A way out of what is impossible already must not be barred. A tenant that left the file has none to bar. */
        if (file && is_possible(settings, file))
                r = build_tenant(settings, file, (struct setting_change){index, NULL}, &unused, ret_why);
        if (r < 0)
                return r;
        effects_delete(fx, CHANGE_DELETE_NOTE, note->seq);
        remove_note(settings, note);
        settings_apply(settings);
        return 0;
}

/* -- views --------------------------------------------------------------------------------------------------------- */

void settings_view(const struct settings *settings, const struct config_tenant *tenant, int index,
                   struct settings_view *ret) {
        const struct config_tenant *file = config_tenant_find(settings->file, bytes_of(tenant->name));
        const struct change_note *note = find_note(settings, bytes_of(tenant->name), index);

        ENSURE(file);
        *ret = (struct settings_view){
                .key = config_setting_name(index),
                .value = config_setting_text(tenant, index),
                .at = note ? note->at : (struct wall){0},
                .set = note ? note->value : NULL,
                .line = file->setting_lines[index],
                .is_in_force = note && is_possible(settings, file),
        };
}

void settings_view_done(struct settings_view *view) { free(view->value); }

const char *settings_next_conflict(const struct settings *settings, uint32_t *cursor, char **ret_why) {
        while (*cursor < settings->file->n_tenants) {
                const struct config_tenant *file = &settings->file->tenants[(*cursor)++];
                struct config_tenant unused;

                if (build_tenant(settings, file, as_noted, &unused, ret_why) < 0)
                        return file->name;
        }
        return NULL;
}
