/* What the files channel_check*.c share: is a channel file complete and without a fault? After that nothing in it can
 * surprise whoever applies it. Pure; at most CHANNEL_FAULTS_MAX faults are kept. */
#pragma once

#include "common/channel_file.h"

enum { CHANNEL_FAULTS_MAX = 100 };

/* What the patterns of a place may name beside settings: parts of a webhook, the words of a reply, or both. */
enum channel_scope { CHANNEL_SCOPE_READ = 1, CHANNEL_SCOPE_REPLY = 2, CHANNEL_SCOPE_BOTH = 3 };

/* One check of one file. */
struct channel_check {
        const struct yaml_node *root, *settings;
        struct channel_faults *faults;
        struct buffer path; /* where it is: "read[2].ignore[1]" */
        enum channel_scope scope;
};

/* A key that a map may have. `check` judges its value, which is there and not null. */
struct channel_key {
        const char *name; /* NULL ends the list */
        void (*check)(struct channel_check *check, const struct yaml_node *node);
        bool is_needed;
};

/* -- channel_check_parts.c ----------------------------------------------------------------------------------------- */

/* Notes "PATH: ..." for a line; printf's arguments. */
#define channel_refuse(check, line, ...) channel_refuse_text(check, line, memory_print(__VA_ARGS__))
/* Takes `text` over. */
void channel_refuse_text(struct channel_check *check, int line, char *text);
/* "a, b and c", or with another last word; the caller frees. */
char *channel_names_text(const char *const *names, const char *last);

/* A map that has no other keys, and all those that it needs. */
void channel_map_check(struct channel_check *check, const struct yaml_node *node, const struct channel_key *keys);
/* A list of 1 to `max`, each as `each` judges it. */
void channel_list_check(struct channel_check *check, const struct yaml_node *node, size_t max,
                        void (*each)(struct channel_check *check, const struct yaml_node *node));
/* Into a key, and back to what was there. */
size_t channel_path_push(struct channel_check *check, const char *key);
void channel_path_pop(struct channel_check *check, size_t len);

/* One text, not a list or a map. False, and noted, when it is not. */
bool channel_text_check(struct channel_check *check, const struct yaml_node *node);
/* The same, in the form of a `check`. */
void channel_any_text_check(struct channel_check *check, const struct yaml_node *node);
void channel_flag_check(struct channel_check *check, const struct yaml_node *node);
/* A whole number from `min` to `max`. */
void channel_number_check(struct channel_check *check, const struct yaml_node *node, unsigned long min,
                          unsigned long max);
/* One of the words. */
void channel_word_check(struct channel_check *check, const struct yaml_node *node, const char *const *words);
/* The name of a setting. NULL, and noted, when there is none of that name; else what the file says of it. */
const struct yaml_node *channel_setting_check(struct channel_check *check, const struct yaml_node *node);
/* Is the setting of that form? */
bool channel_setting_is(const struct yaml_node *setting, const char *form);

/* The name of a header. */
void channel_header_check(struct channel_check *check, const struct yaml_node *node);

/* -- channel_settings.c -------------------------------------------------------------------------------------------- */

/* The forms of settings, NULL at the end. */
const char *const *channel_forms(void);
/* What is wrong with a value of that form (NULL = text), as a sentence's end; NULL = nothing. */
const char *channel_form_fault(const char *name, const char *value);

/* -- channel_check_values.c ---------------------------------------------------------------------------------------- */

void channel_pointer_check(struct channel_check *check, const struct yaml_node *node);
void channel_pattern_check(struct channel_check *check, const struct yaml_node *node);
void channel_value_check(struct channel_check *check, const struct yaml_node *node);
void channel_condition_check(struct channel_check *check, const struct yaml_node *node);
/* A condition that has other keys, too; `is_enough`: one of those may stand without a condition. */
void channel_condition_check_with(struct channel_check *check, const struct yaml_node *node,
                                  const struct channel_key *others, bool is_enough);

/* -- channel_check_names.c ----------------------------------------------------------------------------------------- */

/* A value that must not be the same for every item, whichever of its texts it takes: else all people would be one, or
 * all messages after the first duplicates. */
void channel_name_check(struct channel_check *check, const struct yaml_node *node);
/* The same of a part of `to`, which may have a fixed word behind `then`. */
void channel_part_check(struct channel_check *check, const struct yaml_node *node);
/* A value of which some text must depend on the item. */
void channel_said_check(struct channel_check *check, const struct yaml_node *node);

/* -- the sections; each in the form of a `check` ------------------------------------------------------------------- */

void channel_proofs_check(struct channel_check *check, const struct yaml_node *node);
void channel_challenge_check(struct channel_check *check, const struct yaml_node *node);
void channel_settings_check(struct channel_check *check, const struct yaml_node *node);
void channel_read_check(struct channel_check *check, const struct yaml_node *node);
void channel_post_check(struct channel_check *check, const struct yaml_node *node);
void channel_answer_check(struct channel_check *check, const struct yaml_node *node);
void channel_read_back_check(struct channel_check *check, const struct yaml_node *node);
void channel_typing_check(struct channel_check *check, const struct yaml_node *node);
