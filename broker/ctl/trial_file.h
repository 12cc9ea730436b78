/* A channel file, found by the name of its kind or by its path, read, and checked. What goes wrong is told on stderr
 * here. */
#pragma once

#include "common/bytes.h"
#include "common/config.h"
#include "common/yaml.h"

struct trial_file {
        char *kind;
        char *path; /* NULL = it is built in */
        struct buffer text;
        struct yaml_node *root;
};

void trial_file_done(struct trial_file *file);
#define CLEANUP_TRIAL_FILE CLEANUP(trial_file_done)

/* Is it a path, rather than the name of something? */
bool trial_file_is_path(const char *name);
bool trial_file_is_built_in(const char *kind);
/* A path, or the name of a kind: a built-in one, or one of `config`, which may be NULL. 0; -EINVAL. */
MUST_USE int trial_file_open(const char *name, const struct config *config, struct trial_file *ret);
/* Appends the first sentence of the comment that a file begins with; nothing when it begins otherwise. */
void trial_file_summary(struct bytes text, struct buffer *ret);

/* Reads a file of at most `max` bytes, or stdin for "-". 0; a negative errno. */
MUST_USE int trial_file_read(const char *path, size_t max, struct buffer *ret);
/* Reads lull.yaml for the kinds of channels in it: 0 and *ret; 0 and NULL when there is no such file and nobody named
 * one, in an option or in $LULL_CONFIG; -EINVAL. */
MUST_USE int trial_config_find(const char *path, struct config **ret);
