/* lull.yaml, read and checked: one file for all programs.
 *
 * A loaded config is complete: every key has its value or its default, every combination has been found possible. An
 * error is one message that names file, line, the key and what would be right. Times are spans, sizes bytes. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

/* The settings of a tenant that can be changed while the broker runs: config_settings.h. */
enum { CONFIG_N_SETTINGS = 23 };

enum config_handler_kind {
        CONFIG_HANDLER_HTTP,
        CONFIG_HANDLER_EXEC,
        CONFIG_HANDLER_ECHO,
        CONFIG_HANDLER_OPENAI,
        CONFIG_HANDLER_LANGGRAPH,
};

enum config_api { CONFIG_API_CHAT, CONFIG_API_RESPONSES };

struct config_handler {
        enum config_handler_kind kind;
        char *url; /* http: where to POST; openai, langgraph: the base that "/..." is added to */
        char *endpoint; /* of the url, which handlers of one provider share: "scheme://host:port", http: with its path;
                           NULL = no url */
        char *secret; /* http: "whsec_" and base64, or NULL = not signed */
        char **command; /* exec: argv, NULL at the end */
        bool is_private; /* a name may lead to a private range of addresses */
        char *proxy; /* NULL = none, whatever the environment says */
        /* openai, langgraph: */
        enum config_api api;
        char *key; /* of the provider's API, or NULL */
        char *model; /* openai */
        char *system; /* openai: the system prompt, or NULL */
        char *assistant; /* langgraph */
        double temperature; /* below 0 = not sent */
        uint32_t max_tokens; /* 0 = not sent */
        struct span first_byte, stall; /* longest wait for the first byte of an answer, and for the next; 0 = none */
        struct {
                uint32_t turns; /* remembered for `api: chat`; 0 = none */
                struct span ttl;
        } history;
        struct span conversation_ttl; /* api: responses; a conversation is remembered so long; 0 = there is none */
};

/* What happens to a message that arrives while its thread is being answered. */
enum config_on_new_message { CONFIG_ON_NEW_QUEUE, CONFIG_ON_NEW_INTERRUPT };

/* What happens to a reply of which nobody can tell whether it was posted. */
enum config_on_unknown { CONFIG_ON_UNKNOWN_REPEAT, CONFIG_ON_UNKNOWN_SILENCE };

/* What happens when a person of the team answers in a thread: it is held, or nothing. */
enum config_on_takeover { CONFIG_ON_TAKEOVER_HOLD, CONFIG_ON_TAKEOVER_IGNORE };

/* What becomes of the messages that wait when a hold of the platform ends: what came before the team's last word is
 * only recorded and the rest answered; all is answered; all is only recorded. */
enum config_on_resume { CONFIG_ON_RESUME_REST, CONFIG_ON_RESUME_ANSWER, CONFIG_ON_RESUME_RECORD };

/* A lookup before the handler is asked: GET url, with {tenant}, {thread} and {from} filled in. */
struct config_context {
        char *url; /* NULL = there is none */
        char *token; /* bearer token, or NULL */
        struct span cache, timeout; /* cache 0 = not cached */
        bool is_required; /* without it there is no answer: the run fails and is retried */
        bool is_private;
};

struct config_setting {
        char *key, *value;
        int line;
};

struct yaml_node;

/* A channel file of the operator's. In a loaded config it has no fault. */
struct config_channel_kind {
        char *name, *path;
        struct yaml_node *file;
};

/* A door of a tenant: `kind` names a channel file, which says what settings it takes. */
struct config_channel {
        char *name, *kind;
        const struct yaml_node *file; /* of the operator's kind, borrowed from the config; NULL = a built-in one */
        bool is_private; /* a name may lead to a private range of addresses */
        struct config_setting *settings;
        uint32_t n_settings;
        int line;
};

/* How many in which time; count 0 is no limit. */
struct config_rate {
        uint32_t count;
        struct span per;
};

/* How a provider that fails is spared: for each endpoint and key by itself. */
struct config_provider {
        uint32_t failures; /* in a row, of more than one thread, that open the breaker; 0 = it never opens */
        struct span pause, cap; /* before the next probe; doubled after each that fails, at most cap */
        struct config_rate drain; /* runs started after it has come back, at first; count 0 = as many as may */
};

struct config_tenant {
        char *name;
        struct span quiet, max_wait;
        uint32_t max_messages, max_bytes;
        struct span typing_hold; /* how long a sign of typing keeps a batch back; 0 = such signs are passed over */
        struct span transcription_wait; /* how long a voice message without text keeps its batch back; 0 = not */
        struct {
                uint32_t attempts;
                struct span base, cap;
                double factor, jitter; /* jitter 0.1: each delay is 0.9 to 1.1 of itself */
        } retry;
        struct {
                struct span base, cap, give_up;
        } busy;
        struct span lock_ttl;
        struct span run_timeout;
        uint32_t concurrency;
        struct config_rate rate; /* runs started */
        uint32_t max_pending; /* messages; 0 = no limit of its own */
        enum config_on_new_message on_new_message;
        uint32_t max_interrupts;
        enum config_on_unknown on_unknown;
        enum config_on_takeover on_takeover;
        struct span hold_for; /* after a person has answered; 0 = until it is resumed */
        enum config_on_resume on_resume;
        struct config_handler handler;
        struct config_context context;
        struct config_channel *channels;
        uint32_t n_channels;
        int line;
        int setting_lines[CONFIG_N_SETTINGS]; /* where each setting stands in the file; 0 = it has its default */
};

struct config {
        char *path;
        struct config_broker {
                char *ingest, *workers, *stats; /* ZeroMQ endpoints, as clients connect to them */
                /* As the broker binds them: broker.bind in place of the host. */
                char *bind_ingest, *bind_workers, *bind_stats;
                char *store; /* "lmdb:FOLDER" or "memory:" */
                struct span lease;
                bool is_insecure;
        } broker;
        char *redis; /* redis://[user:password@]host:port/db or redis+unix:///path?db=N; empty = no lock */
        struct {
                char *http; /* address:port */
                char *token; /* NULL = only loopback is served */
                struct span ack_timeout;
                char *spool; /* the folder for what comes in while the broker is away; NULL = none */
                uint64_t spool_bytes; /* what one process may have in it */
                uint32_t connections, connections_per_address; /* at once */
                bool is_port_shared; /* with other lull-ingests of the same user on this machine */
        } ingest;
        struct {
                uint32_t slots;
                struct span drain;
        } worker;
        struct {
                uint32_t message_bytes;
                uint64_t memory; /* of the broker's index, as it is estimated */
                uint64_t store_bytes; /* of the store's values */
                uint64_t free_bytes; /* of the store's file system that stay free */
                struct span dedupe_window;
                uint32_t dedupe_ids;
        } limits;
        struct config_provider provider;
        struct config_channel_kind *kinds; /* the operator's channel files, sorted by name */
        uint32_t n_kinds;
        struct config_tenant *tenants; /* sorted by name */
        uint32_t n_tenants;
};

/* Reads `path`; NULL means $LULL_CONFIG, else ./lull.yaml. 0 and *ret; else a negative errno and *ret_error, one or
 * more lines of "FILE:LINE: what is wrong; what would be right" without a newline at the end. The caller frees it. */
MUST_USE int config_load(const char *path, struct config **ret, char **ret_error);
struct config *config_free(struct config *config);
static inline void config_cleanup(struct config **config) { config_free(*config); }
#define CLEANUP_CONFIG CLEANUP(config_cleanup)

/* NULL when there is none of that name. */
const struct config_tenant *config_tenant_find(const struct config *config, struct bytes name);
const struct config_channel *config_channel_find(const struct config_tenant *tenant, struct bytes name);
/* NULL when the channel has no such setting. */
const char *config_setting_find(const struct config_channel *channel, const char *key);
