/* YAML, read into a small tree that remembers where everything stood. The one door to libyaml.
 *
 * libyaml's own events are read rather than libcyaml, because libcyaml cannot load a map whose keys are not known in
 * advance (its issues 66 and 161), and `tenants:` and `channels:` are such maps; and rather than libyaml's documents,
 * because these are built whole before a limit could end them, in a time that grows with the square of nesting and of
 * anchors.
 *
 * Refused, with file and line: a key that stands twice in a map, a key that is not text, more than one document, tags
 * and %TAG, what is not UTF-8, nesting deeper than LIMIT_YAML_DEPTH, more than LIMIT_YAML_ANCHORS anchors, more than
 * LIMIT_YAML_NODES nodes after each alias was replaced by a copy of its anchor, an alias to its own parent. */
#pragma once

#include "common/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
        enum yaml_kind kind;
        int line, column; /* from 1; of the key, for what stands in a map */
        char *key; /* in a map, else NULL */
        char *text; /* a scalar's, never NULL there */
        bool is_quoted; /* a scalar in '' or "", or a block: text whatever it looks like */
        struct yaml_node *items; /* a list's members, or a map's values, in the order of the file */
        size_t n;
};

/* Reads one document. 0 and *ret (an empty text gives an empty map); -EBADMSG and *ret_error, "FILE:LINE: what is
 * wrong", which the caller frees. `file` only names the text. */
MUST_USE int yaml_decode(const char *file, struct bytes text, struct yaml_node **ret, char **ret_error);
/* NULL. (libyaml exports a yaml_free of its own.) */
struct yaml_node *yaml_node_free(struct yaml_node *node);
static inline void yaml_node_cleanup(struct yaml_node **node) { yaml_node_free(*node); }
#define CLEANUP_YAML CLEANUP(yaml_node_cleanup)

/* The value of a key; NULL when there is none or `map` is no map. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);
/* The text of a key's scalar; NULL when there is none. */
const char *yaml_find_text(const struct yaml_node *map, const char *key);
/* Is it a key without a value, `~` or `null`? */
bool yaml_is_null(const struct yaml_node *node);
/* "a text", "a list", "a map": for errors. */
const char *yaml_kind_text(const struct yaml_node *node);
