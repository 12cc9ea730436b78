#include "common/channel_check.h"

#include "common/channel_proof.h"
#include "common/channel_value.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
        PROOFS_MAX = 16,
        /* A day: what is older is no late delivery but somebody's recording. */
        TOLERANCE_MAX = 24 * 60 * 60,
};

/* -- keys ---------------------------------------------------------------------------------------------------------- */

static void tolerance_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 1, TOLERANCE_MAX);
}

static void scheme_check(struct channel_check *check, const struct yaml_node *node) {
        channel_word_check(check, node, channel_schemes());
}

static void encoding_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const encodings[] = {"hex", "base64", NULL};

        channel_word_check(check, node, encodings);
}

/* A secret that stands in the file is everybody's. */
static void secret_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting = channel_setting_check(check, node);

        if (setting && channel_setting_is(setting, "flag"))
                channel_refuse(check, node->line, "'%s' is a flag, which anyone can guess; a proof needs a secret",
                               node->text);
        if (yaml_find(setting, "default"))
                channel_refuse(check, node->line, "'%s' has a default, which anyone can read; a proof needs a secret",
                               node->text);
}

static void whsec_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting = channel_setting_check(check, node);

        if (setting && !channel_setting_is(setting, "whsec"))
                channel_refuse(check, node->line, "'%s' must be of the form whsec, as Standard Webhooks has it",
                               node->text);
        if (setting)
                secret_check(check, node);
}

static void open_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting = channel_setting_check(check, node);
        const char *fallback = yaml_find_text(setting, "default");

        if (setting && !channel_setting_is(setting, "flag"))
                channel_refuse(check, node->line, "'%s' must be of the form flag", node->text);
        if (fallback && strcmp(fallback, "true") == 0)
                channel_refuse(check, node->line,
                               "'%s' is on by default, so anyone could send; only the operator may say that",
                               node->text);
}

static void url_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting = channel_setting_check(check, node);

        if (setting && !channel_setting_is(setting, "url"))
                channel_refuse(check, node->line, "'%s' must be of the form url", node->text);
}

/* Made of {timestamp} and {body}; what has no body in it would be a token. */
static void content_check(struct channel_check *check, const struct yaml_node *node) {
        if (!channel_text_check(check, node))
                return;
        if (!strstr(node->text, "{body}"))
                channel_refuse(check, node->line, "has no {body} in it, so the body would not be signed");
        for (const char *at = node->text; (at = strchr(at, '{')); at++)
                if (strncmp(at, "{body}", 6) != 0 && strncmp(at, "{timestamp}", 11) != 0)
                        channel_refuse(check, node->line, "is made of {timestamp} and {body} only");
}

/* -- schemes ------------------------------------------------------------------------------------------------------- */

static const struct channel_key token_keys[] = {{"scheme", scheme_check, true},    {"setting", secret_check, true},
                                                {"header", channel_header_check},  {"prefix", channel_any_text_check},
                                                {"query", channel_any_text_check}, {0}};
static const struct channel_key hmac_keys[] = {
        {"scheme", scheme_check, true},     {"setting", secret_check, true},     {"header", channel_header_check, true},
        {"prefix", channel_any_text_check}, {"timestamp", channel_header_check}, {"content", content_check, true},
        {"encoding", encoding_check},       {"tolerance", tolerance_check},      {0}};
static const struct channel_key url_keys[] = {{"scheme", scheme_check, true},
                                              {"setting", secret_check, true},
                                              {"header", channel_header_check, true},
                                              {"url", url_check, true},
                                              {0}};
static const struct channel_key jwt_keys[] = {
        {"scheme", scheme_check, true},         {"setting", secret_check, true},
        {"header", channel_header_check, true}, {"prefix", channel_any_text_check},
        {"tolerance", tolerance_check, true},   {0}};
static const struct channel_key standard_keys[] = {
        {"scheme", scheme_check, true}, {"setting", whsec_check, true}, {"tolerance", tolerance_check, true}, {0}};
static const struct channel_key none_keys[] = {{"scheme", scheme_check, true}, {"setting", open_check, true}, {0}};

/* In the order of channel_schemes(). */
static const struct channel_key *const keys_of_schemes[] = {token_keys, hmac_keys,     url_keys,
                                                            jwt_keys,   standard_keys, none_keys};

static const struct channel_key *keys_find(const char *scheme) {
        for (size_t i = 0; scheme && channel_schemes()[i]; i++)
                if (strcmp(channel_schemes()[i], scheme) == 0)
                        return keys_of_schemes[i];
        return NULL;
}

static void token_check(struct channel_check *check, const struct yaml_node *node) {
        if (!yaml_find(node, "header") == !yaml_find(node, "query"))
                channel_refuse(check, node->line, "needs header or query, and not both: where the token is shown");
        if (yaml_find(node, "query") && yaml_find(node, "prefix"))
                channel_refuse(check, node->line, "has a prefix, which only a header can have");
}

static void hmac_check(struct channel_check *check, const struct yaml_node *node) {
        const char *content = yaml_find_text(node, "content");
        bool is_dated = yaml_find(node, "timestamp");

        if (!is_dated != !yaml_find(node, "tolerance"))
                channel_refuse(check, node->line, "needs timestamp and tolerance, or neither of them");
        if (content && is_dated != (strstr(content, "{timestamp}") != NULL))
                channel_refuse(check, node->line,
                               "needs timestamp, and {timestamp} in content, or neither: a time that is not signed "
                               "proves nothing");
}

static void proof_check(struct channel_check *check, const struct yaml_node *node) {
        const char *scheme = yaml_find_text(node, "scheme");
        const struct channel_key *keys = keys_find(scheme);

        if (!keys) {
                CLEANUP_FREE char *names = channel_names_text(channel_schemes(), "or");

                channel_refuse(check, node->line, "needs a scheme, which is %s", names);
                return;
        }
        channel_map_check(check, node, keys);
        if (keys == token_keys)
                token_check(check, node);
        if (keys == hmac_keys)
                hmac_check(check, node);
}

void channel_proofs_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, PROOFS_MAX, proof_check);
}

/* -- the platform's question --------------------------------------------------------------------------------------- */

static void arguments_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind != YAML_MAP || node->n == 0) {
                channel_refuse(check, node->line, "must be a map of query arguments and their values");
                return;
        }
        for (size_t i = 0; i < node->n; i++)
                channel_text_check(check, &node->items[i]);
}

void channel_challenge_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key get_keys[] = {{"when", arguments_check, true},
                                                      {"token", channel_any_text_check, true},
                                                      {"setting", secret_check, true},
                                                      {"answer", channel_any_text_check, true},
                                                      {0}};
        static const struct channel_key post_keys[] = {
                {"when", channel_condition_check, true}, {"answer", channel_value_check, true}, {0}};

        channel_map_check(check, node, yaml_find(node, "token") || yaml_find(node, "setting") ? get_keys : post_keys);
}
