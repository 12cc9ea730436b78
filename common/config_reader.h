/* What the files config*.c share: one reading of lull.yaml, its errors, and the tables of keys. Everything here is
 * pure: what ${NAME} and ${file:...} stand for is asked of a world that config.c, or a test, provides. */
#pragma once

#include "common/config.h"
#include "common/limits.h"
#include "common/memory.h"
#include "common/yaml.h"

struct config_world {
        /* The value of an environment variable, or NULL. */
        const char *(*find_variable)(void *context, const char *name);
        /* Appends a file's contents; 0, -EFBIG when it is over `max` bytes, or what the system said. */
        int (*read_file)(void *context, const char *path, size_t max, struct buffer *ret);
        void *context;
        /* Calls `on_name` for each name in a folder; 0, or what the system said. NULL = there are no folders. */
        int (*read_folder)(void *context, const char *path, void (*on_name)(void *names, const char *name),
                           void *names);
};

struct config_error {
        int line;
        char *text;
        bool is_elsewhere; /* the text says itself in which file, and line, it is */
};

/* Errors are gathered, so that one reading names as many as a person mends at once; values that were wrong keep their
 * defaults meanwhile. */
struct config_reader {
        const char *file;
        const struct config_world *world;
        struct buffer path; /* where the reading is: "tenants.acme.retry" */
        struct config_error errors[LIMIT_CONFIG_ERRORS]; /* the first ones, by line */
        size_t n_errors; /* of all */
        char *bind; /* broker.bind, until the endpoints are made of it */
        bool has_no_redis; /* `redis: none` */
        const struct config *config; /* whose kinds of channels are known */
};

/* Reads and checks a text: config_load() without the disk. The same answers. */
MUST_USE int config_decode(const char *file, struct bytes text, const struct config_world *world, struct config **ret,
                           char **ret_error);

/* -- config_errors.c ----------------------------------------------------------------------------------------------- */

/* Steps into a key, and back to what the step returned. */
size_t config_path_push(struct config_reader *reader, const char *key);
void config_path_pop(struct config_reader *reader, size_t len);
/* Notes "PATH: ..." for a line; config_refuse_at() notes the same of PATH.key. printf's arguments; they must not hold
 * a secret. */
#define config_refuse(reader, line, ...) config_refuse_text(reader, line, memory_print(__VA_ARGS__))
#define config_refuse_at(reader, key, line, ...) config_refuse_text_at(reader, key, line, memory_print(__VA_ARGS__))
/* Both take `text` over. */
void config_refuse_text(struct config_reader *reader, int line, char *text);
void config_refuse_text_at(struct config_reader *reader, const char *key, int line, char *text);
/* Notes what is wrong in another file, because of `line` in this one. `text` has its own "FILE:LINE: " and is taken
 * over. */
void config_refuse_elsewhere(struct config_reader *reader, int line, char *text);
/* Notes that a map has a key it should not: `names` (NULL at the end) are the ones it may have, `planned` those that a
 * later version takes. */
void config_refuse_key(struct config_reader *reader, const struct yaml_node *node, const char *const *names,
                       const char *const *planned);
/* The first of the noted errors and how many more there are, as config_load() answers them. */
char *config_errors_text(struct config_reader *reader);
void config_errors_done(struct config_reader *reader);
/* Which of `names` (NULL at the end) was probably meant; NULL when none is near. */
const char *config_nearest(const char *word, const char *const *names);

/* -- config_values.c ----------------------------------------------------------------------------------------------- */

/* Each: 0 and *ret; -EINVAL and *ret_why, which says what is wrong and what would be right without repeating the
 * value. */
int config_span_decode(const char *text, int64_t *ret_us, char **ret_why);
int config_size_decode(const char *text, int64_t *ret_bytes, char **ret_why);
int config_count_decode(const char *text, int64_t *ret, char **ret_why);
int config_flag_decode(const char *text, int64_t *ret, char **ret_why);
int config_ratio_decode(const char *text, int64_t *ret_thousandths, char **ret_why);
int config_rate_decode(const char *text, struct config_rate *ret, char **ret_why);
/* The same back, for a sentence about bounds; the caller frees. */
char *config_span_text(int64_t us);
char *config_size_text(int64_t bytes);
char *config_count_text(int64_t count);
char *config_ratio_text(int64_t thousandths);
char *config_rate_text(const struct config_rate *rate);

/* -- config_expand.c ----------------------------------------------------------------------------------------------- */

/* A scalar with its ${...} replaced, which the caller frees; "$${" stands for "${" itself. -EINVAL when it is no
 * scalar or something is not set, which has been noted. */
MUST_USE int config_text_get(struct config_reader *reader, const struct yaml_node *node, char **ret);

/* -- config_schema.c ----------------------------------------------------------------------------------------------- */

enum config_kind {
        CONFIG_SPAN, /* struct span; bounds in microseconds */
        CONFIG_SIZE, /* uint32_t; bounds in bytes */
        CONFIG_SPACE, /* uint64_t; the same, for what may be over 4 GiB */
        CONFIG_COUNT, /* uint32_t */
        CONFIG_RATIO, /* double; bounds in thousandths */
        CONFIG_FLAG, /* bool */
        CONFIG_RATE, /* struct config_rate */
        CONFIG_CHOICE, /* an enum; one of `choices` */
        CONFIG_TEXT, /* char *, not empty */
        CONFIG_LINE, /* the same, of UTF-8 without control characters: it goes into headers */
        CONFIG_URL, /* the same, in which config_url_fault() finds none */
        CONFIG_SECTION, /* keys of their own, in the same struct */
        CONFIG_CUSTOM, /* `read` does it */
};

struct config_section;

struct config_key {
        const char *name; /* NULL ends the table */
        enum config_kind kind;
        size_t offset; /* in the struct that the section fills */
        int64_t fallback, min, max;
        const char *text; /* the fallback of a text, or of a CONFIG_RATE, as it would be written; NULL = none */
        const char *const *choices; /* in the order of the enum, NULL at the end */
        const char *planned; /* a value of later versions; NULL = none */
        const struct config_section *section;
        /* `node` is NULL when the key is not there; the path names the key already. */
        void (*read)(struct config_reader *reader, const struct yaml_node *node, void *target);
};

struct config_section {
        const struct config_key *keys;
        const char *const *planned; /* keys of later versions, NULL at the end; or NULL */
};

/* Fills `target` from a map, or with the defaults when `node` is NULL. */
void config_section_read(struct config_reader *reader, const struct yaml_node *node,
                         const struct config_section *section, void *target);
extern const struct config_section config_root;
/* The key of a dotted name such as "retry.base"; NULL when the section has none. */
const struct config_key *config_key_find(const struct config_section *section, const char *name);
/* One key of a section whose target is `target`. */
void config_key_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key,
                     void *target);
/* What the field of a key holds, as it would be written in the file; the caller frees. Not for a text, a section or a
 * custom key. */
char *config_key_text(const struct config_key *key, const void *target);

/* -- config_tenant.c ----------------------------------------------------------------------------------------------- */

/* CONFIG_CUSTOM readers; the target is the struct config. */
void config_tenants_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_tenant_done(struct config_tenant *tenant);
extern const struct config_section config_tenant_section;
/* Refuses what does not go together in a tenant, under the lines of `node`, which may be NULL. */
void config_tenant_check(struct config_reader *reader, const struct yaml_node *node,
                         const struct config_tenant *tenant);
/* Is it a name for a tenant or a channel? When not, that is noted. */
bool config_name_is_valid(struct config_reader *reader, const struct yaml_node *node);

/* -- config_settings.c --------------------------------------------------------------------------------------------- */

/* Notes in which line of the tenant's map each of its settings stands. */
void config_settings_locate(const struct yaml_node *node, struct config_tenant *tenant);

/* -- config_handler.c, config_context.c, config_channels.c: custom readers; the target is the tenant --------------- */

void config_handler_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_handler_done(struct config_handler *handler);
void config_context_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_context_done(struct config_context *context);
/* Reads channel_files; the target is the struct config. */
void config_kinds_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_kind_done(struct config_channel_kind *kind);
void config_channels_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_channel_done(struct config_channel *channel);

/* -- config_models.c ----------------------------------------------------------------------------------------------- */

/* Completes an openai or langgraph handler that was read from `node` without an error, and refuses what does not go
 * together in it. */
void config_model_check(struct config_reader *reader, const struct yaml_node *node, const struct config_tenant *tenant,
                        struct config_handler *handler);
/* Refuses a wait of `map` that is longer than what ends the run anyway. One that was not written down may be. */
void config_wait_check(struct config_reader *reader, const struct yaml_node *map, const char *key, struct span wait,
                       const struct config_tenant *tenant);

/* -- config_address.c ---------------------------------------------------------------------------------------------- */

/* Custom readers whose target is the struct config. The first reads broker.bind. */
void config_bind_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_redis_read(struct config_reader *reader, const struct yaml_node *node, void *target);
void config_listen_read(struct config_reader *reader, const struct yaml_node *node, void *target);
/* Checks the broker's endpoints and store, once `broker` was read from `root` without an error, against what was
 * bound. */
void config_broker_check(struct config_reader *reader, const struct yaml_node *root, struct config *config);

/* -- config_url.c -------------------------------------------------------------------------------------------------- */

/* NULL when `url` is http:// or https:// with a host, without a user, blanks and control characters; else what is wrong
 * with it. */
const char *config_url_fault(const char *url);
/* "scheme://host:port" in lower case, and the path as it is if `has_path`; NULL when there is a fault in the URL. The
 * caller frees. */
char *config_url_endpoint(const char *url, bool has_path);
