/* The settings in force: those of lull.yaml, and on top of them what was changed at run time.
 *
 * A change is a note in the store, under the tenant's name and the setting's key. It outlives the broker and goes on
 * top of whatever file is read next. Where the two do not go together (the file's max_wait is now shorter than the
 * quiet that was set), the change that conflicts is not in force, and the others are; what was set is kept, and comes
 * into force as soon as it can. */
#pragma once

#include "broker/core/effects.h"
#include "common/config.h"
#include "common/config_settings.h"

struct settings;

/* Takes the file over; nothing is changed yet. */
struct settings *settings_new(struct config *file);
struct settings *settings_free(struct settings *settings);

/* What is in force. It stays good until the second change after it was asked for: who borrowed it can be given the
 * next one while it still uses this. */
const struct config *settings_config(const struct settings *settings);

/* At the start: a note that the store holds. In force after settings_apply(). */
void settings_load(struct settings *settings, const struct stored_note *note);
void settings_apply(struct settings *settings);
/* Takes another reading of the file over, and puts the changes on top. */
void settings_set_file(struct settings *settings, struct config *file);

/* Both: 0; -ESRCH no such tenant, -ENOENT no such setting, -EINVAL a value that is wrong, by itself or beside the
 * others in force, and *ret_why (the caller frees). `seq` is a fresh one, in case it is needed; what is to be stored is
 * in `fx` and points to `value`. */
MUST_USE int settings_set(struct settings *settings, struct bytes tenant, const char *key, struct bytes value,
                          struct wall at, uint64_t seq, struct effects *fx, char **ret_why);
/* Back to what the file says. Setting what is not set is done, too. */
MUST_USE int settings_unset(struct settings *settings, struct bytes tenant, const char *key, struct effects *fx,
                            char **ret_why);

struct settings_view {
        const char *key;
        char *value; /* in force */
        struct wall at; /* when it was set; 0 = it was not */
        const char *set; /* to what, or NULL */
        int line; /* of the file; 0 = a default, or it was set */
        bool is_in_force; /* what was set */
};

/* One setting of a tenant that the file has, for settings_view_done(). */
void settings_view(const struct settings *settings, const struct config_tenant *tenant, int index,
                   struct settings_view *ret);
void settings_view_done(struct settings_view *view);

struct settings_conflict {
        const char *tenant, *key, *value; /* good until the next change */
        char *why; /* the caller frees */
};

/* The next change, from *cursor (begin with 0) on, that is not in force as it does not go together with the file, or
 * with what else was set; false when there are no more. */
bool settings_next_conflict(const struct settings *settings, uint32_t *cursor, struct settings_conflict *ret);
