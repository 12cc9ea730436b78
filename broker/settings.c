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
        size_t n_behind = (size_t)(&settings->notes[--settings->n_notes] - note);

        note_done(note);
        /* Their order stays that of the store. */
        memmove(note, note + 1, n_behind * sizeof *note);
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

_Static_assert(CONFIG_N_SETTINGS <= 32, "a set of settings is a uint32_t");

static bool is_of(const struct change_note *note, const struct config_tenant *file) {
        return strcmp(note->tenant, file->name) == 0;
}

/* One setting more, if it goes together with what the tenant has: 0, else -EINVAL and *ret_why, and nothing changes. */
static int put(struct config_tenant *tenant, int index, const char *value, char **ret_why) {
        struct config_tenant changed = *tenant;
        int r = config_setting_set(&changed, index, value, ret_why);

        if (r == 0)
                r = config_settings_check(&changed, ret_why);
        if (r == 0)
                *tenant = changed;
        return r;
}

/* Puts what can be put of what is not in `set` yet; what is then in it. */
static uint32_t put_others(const struct settings *settings, const struct config_tenant *file, uint32_t set,
                           struct config_tenant *tenant) {
        for (size_t i = 0; i < settings->n_notes; i++) {
                const struct change_note *note = &settings->notes[i];
                CLEANUP_FREE char *why = NULL;

                if (!(set & 1U << note->index) && is_of(note, file) && put(tenant, note->index, note->value, &why) == 0)
                        set |= 1U << note->index;
        }
        return set;
}

/* The tenant of the file with its changes on top, and which of them are in force. One may make way for another (a
 * longer max_wait for a longer quiet), so they are tried until none goes any more. The result hangs on nothing but the
 * file and the notes: a restart comes to the same. */
static uint32_t build_tenant(const struct settings *settings, const struct config_tenant *file,
                             struct config_tenant *ret) {
        uint32_t set = 0, before;

        *ret = *file;
        do {
                before = set;
                set = put_others(settings, file, before, ret);
        } while (set != before);
        return set;
}

/* Would the changes in force go together if setting `index` were `value`, NULL = as in the file? What is not in force
 * has no say. 0, or -EINVAL and *ret_why. */
static int check_change(const struct settings *settings, const struct config_tenant *file, int index, const char *value,
                        char **ret_why) {
        struct config_tenant tenant;
        uint32_t set = build_tenant(settings, file, &tenant) & ~(1U << index);
        int r = 0;

        tenant = *file;
        /* The new value first: what is wrong with it is to be told. */
        if (value)
                r = config_setting_set(&tenant, index, value, ret_why);
        for (size_t i = 0; i < settings->n_notes && r == 0; i++) {
                const struct change_note *note = &settings->notes[i];

                if (set & 1U << note->index && is_of(note, file))
                        r = config_setting_set(&tenant, note->index, note->value, ret_why);
        }
        return r == 0 ? config_settings_check(&tenant, ret_why) : r;
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

        /* A tenant may have left the file; it may come back. */
        if (file)
                build_tenant(settings, file, &config->tenants[file - settings->file->tenants]);
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
        struct change_note *note;
        int index, r;

        if (!file)
                return refuse_tenant(tenant, ret_why);
        r = config_setting_index(key, &index, ret_why);
        if (r == 0)
                r = check_change(settings, file, index, text, ret_why);
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
        struct change_note *note;
        int index, r = config_setting_index(key, &index, ret_why);

        if (r < 0)
                return r;
        note = find_note(settings, tenant, index);
        if (!note)
                return file ? 0 : refuse_tenant(tenant, ret_why);
        /* Of a tenant that left the file nothing is in force. */
        if (file)
                r = check_change(settings, file, index, NULL, ret_why);
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
        struct config_tenant unused;

        ENSURE(file);
        *ret = (struct settings_view){
                .key = config_setting_name(index),
                .value = config_setting_text(tenant, index),
                .at = note ? note->at : (struct wall){0},
                .set = note ? note->value : NULL,
                .line = file->setting_lines[index],
                .is_in_force = note && build_tenant(settings, file, &unused) & 1U << index,
        };
}

void settings_view_done(struct settings_view *view) { free(view->value); }

bool settings_next_conflict(const struct settings *settings, uint32_t *cursor, struct settings_conflict *ret) {
        while (*cursor < settings->n_notes) {
                const struct change_note *note = &settings->notes[(*cursor)++];
                const struct config_tenant *file = config_tenant_find(settings->file, bytes_of(note->tenant));
                struct config_tenant tenant;

                if (!file || build_tenant(settings, file, &tenant) & 1U << note->index)
                        continue;
                *ret = (struct settings_conflict){
                        .tenant = note->tenant, .key = config_setting_name(note->index), .value = note->value};
                if (put(&tenant, note->index, note->value, &ret->why) == 0)
                        UNREACHABLE("a change is not in force though it goes together with all that is");
                return true;
        }
        return false;
}
