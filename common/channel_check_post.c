#include "common/channel_check.h"
#include "common/channel_posting.h"

#include "common/limits.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIST_MAX = 64, PAGES_MAX = 100, REFRESH_MAX = 3600, LONGEST_MAX = LIMIT_ANSWER_BYTES, ESCAPES_MAX = 32 };

/* Judges patterns as those of another place. */
static void scoped_check(struct channel_check *check, const struct yaml_node *node, enum channel_scope scope,
                         void (*judge)(struct channel_check *check, const struct yaml_node *node)) {
        enum channel_scope before = check->scope;

        check->scope = scope;
        judge(check, node);
        check->scope = before;
}

static void pattern_check(struct channel_check *check, const struct yaml_node *node) {
        scoped_check(check, node, CHANNEL_SCOPE_REPLY, channel_pattern_check);
}

static void setting_name_check(struct channel_check *check, const struct yaml_node *node) {
        (void)!channel_setting_check(check, node);
}

/* -- addresses ----------------------------------------------------------------------------------------------------- */

/* How much of an address is its host, which nothing that comes from a webhook may have a part in; 0 = that is not
 * clear. */
static size_t host_len(const struct channel_check *check, const char *url) {
        size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
        size_t len = scheme ? scheme + strcspn(url + scheme, "/?{") : strcspn(url, "}") + 1;
        CLEANUP_FREE char *name = NULL;

        if (scheme)
                return len > scheme && url[len] == '/' ? len : 0;
        if (*url != '{' || len > strlen(url))
                return 0;
        name = memory_copy_text(url + 1, len - 2);
        return channel_setting_is(yaml_find(check->settings, name), "url") && yaml_find(check->settings, name) &&
                               (!url[len] || url[len] == '/' || url[len] == '?')
                       ? len
                       : 0;
}

static void url_check(struct channel_check *check, const struct yaml_node *node) {
        if (!channel_text_check(check, node))
                return;
        if (host_len(check, node->text) == 0)
                channel_refuse(check, node->line,
                               "must begin with a setting of the form url and a slash, such as {url}/send, or with "
                               "https://HOST/");
        for (const char *at = node->text; *at; at++)
                if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || *at == '#') {
                        channel_refuse(check, node->line, "has a blank, a '#' or a letter that no address has");
                        break;
                }
        pattern_check(check, node);
}

/* -- headers ------------------------------------------------------------------------------------------------------- */

static void pair_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, 2, pattern_check);
        if (node->kind == YAML_LIST && node->n == 1)
                channel_refuse(check, node->line, "must be a list of two, the user and the password");
}

/* A line break in it would begin a header of its own. */
static void header_one_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"basic", pair_check, true}, {0}};

        if (node->kind == YAML_MAP)
                channel_map_check(check, node, keys);
        else
                pattern_check(check, node);
        if (node->kind == YAML_SCALAR && channel_has_control(node->text))
                channel_refuse(check, node->line, "has a control character in it");
}

/* Those that come out of the request itself: a second one would contradict it. */
static bool is_own_header(const char *name) {
        static const char *const own[] = {"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection"};

        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
                if (strcasecmp(own[i], name) == 0)
                        return true;
        return false;
}

static void header_check(struct channel_check *check, const struct yaml_node *node) {
        struct yaml_node name = {.kind = YAML_SCALAR, .line = node->line, .text = node->key};
        size_t path = channel_path_push(check, node->key);

        channel_header_check(check, &name);
        if (is_own_header(node->key))
                channel_refuse(check, node->line, "lull itself sets this header; remove it");
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, header_one_check);
        else
                header_one_check(check, node);
        channel_path_pop(check, path);
}

static void headers_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind != YAML_MAP)
                channel_refuse(check, node->line, "must be a map of headers");
        for (size_t i = 0; node->kind == YAML_MAP && i < node->n; i++)
                header_check(check, &node->items[i]);
}

/* -- bodies -------------------------------------------------------------------------------------------------------- */

/* As scalar_json() reads it: "{#name}" is a number. */
static void body_scalar_check(struct channel_check *check, const struct yaml_node *node) {
        CLEANUP_FREE char *plain = NULL;
        struct yaml_node pattern = *node;

        if (strncmp(node->text, "{#", 2) == 0)
                plain = memory_print("{%s", node->text + 2);
        if (plain)
                pattern.text = plain;
        pattern_check(check, &pattern);
}

/* A key may be a pattern, too. */
static void body_key_check(struct channel_check *check, const struct yaml_node *node) {
        struct yaml_node pattern = {.kind = YAML_SCALAR, .line = node->line, .text = node->key};

        pattern_check(check, &pattern);
}

static void body_node_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_SCALAR)
                body_scalar_check(check, node);
        for (size_t i = 0; node->kind != YAML_SCALAR && i < node->n; i++) {
                if (node->kind == YAML_MAP)
                        body_key_check(check, &node->items[i]);
                body_node_check(check, &node->items[i]);
        }
}

static void body_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_MAP)
                body_node_check(check, node);
        else
                channel_refuse(check, node->line, "must be a map: what the body has in it");
}

static void form_fields_check(struct channel_check *check, const struct yaml_node *body) {
        for (size_t i = 0; body && body->kind == YAML_MAP && i < body->n; i++)
                if (body->items[i].kind != YAML_SCALAR)
                        channel_refuse(check, body->items[i].line, "a field of a form is one text; this is %s",
                                       yaml_kind_text(&body->items[i]));
}

static bool has_reply(const struct yaml_node *node) {
        if (!node || node->kind == YAML_SCALAR)
                return node && strstr(node->text, "{reply}");
        for (size_t i = 0; i < node->n; i++)
                if (has_reply(&node->items[i]))
                        return true;
        return false;
}

/* A text of the reply, and what stands for it: neither is a pattern. */
static void escape_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind != YAML_MAP || node->n == 0 || node->n > ESCAPES_MAX) {
                channel_refuse(check, node->line,
                               "must be a map of 1 to %d texts and what stands for each, such as {\"<\": \"&lt;\"}",
                               ESCAPES_MAX);
                return;
        }
        for (size_t i = 0; i < node->n; i++) {
                size_t path = channel_path_push(check, node->items[i].key);

                if (!*node->items[i].key)
                        channel_refuse(check, node->items[i].line, "an empty text stands everywhere; name a text");
                channel_any_text_check(check, &node->items[i]);
                channel_path_pop(check, path);
        }
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

static void variant_form_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const forms[] = {"phone", "any", NULL};

        channel_word_check(check, node, forms);
}

static void variant_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"value", pattern_check, true}, {"form", variant_form_check, true}, {"body", body_check, true}, {0}};

        channel_map_check(check, node, keys);
}

static void variants_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIST_MAX, variant_check);
}

static void sign_scheme_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const schemes[] = {"standard-webhooks", NULL};

        channel_word_check(check, node, schemes);
}

static void sign_setting_check(struct channel_check *check, const struct yaml_node *node) {
        const struct yaml_node *setting = channel_setting_check(check, node);

        if (setting && !channel_setting_is(setting, "whsec"))
                channel_refuse(check, node->line, "'%s' must be of the form whsec", node->text);
}

static void sign_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"scheme", sign_scheme_check, true},
                                                  {"setting", sign_setting_check, true},
                                                  {"id", pattern_check, true},
                                                  {0}};

        channel_map_check(check, node, keys);
}

static void longest_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 1, LONGEST_MAX);
}

void channel_post_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"setting", setting_name_check},
                                                  {"longest", longest_check},
                                                  {"longest_utf16", longest_check},
                                                  {"escape", escape_check},
                                                  {"url", url_check, true},
                                                  {"headers", headers_check},
                                                  {"form", channel_flag_check},
                                                  {"body", body_check, true},
                                                  {"variants", variants_check},
                                                  {"sign", sign_check},
                                                  {0}};
        const char *form = yaml_find_text(node, "form");

        channel_map_check(check, node, keys);
        if (yaml_find(node, "longest") && yaml_find(node, "longest_utf16"))
                channel_refuse(check, node->line, "has longest and longest_utf16; remove one of them");
        if (form && strcmp(form, "true") == 0)
                form_fields_check(check, yaml_find(node, "body"));
        if (yaml_find(node, "body") && !has_reply(yaml_find(node, "body")) && !has_reply(yaml_find(node, "variants")))
                channel_refuse(check, node->line, "has no {reply} in its body, so nothing would be said");
}

/* -- what the answer means ----------------------------------------------------------------------------------------- */

static void status_one_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 100, 599);
}

static void status_check(struct channel_check *check, const struct yaml_node *node) {
        if (node->kind == YAML_LIST)
                channel_list_check(check, node, LIST_MAX, status_one_check);
        else
                status_one_check(check, node);
}

static void means_word_check(struct channel_check *check, const struct yaml_node *node) {
        static const char *const words[] = {"posted", "again", "never", "unknown", NULL};

        channel_word_check(check, node, words);
}

static void meaning_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"status", status_check}, {"text", channel_any_text_check}, {"means", means_word_check, true}, {0}};

        channel_condition_check_with(check, node, keys, yaml_find(node, "status") || yaml_find(node, "text"));
}

static void meanings_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIST_MAX, meaning_check);
}

void channel_answer_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"means", meanings_check}, {"why", channel_value_check}, {"retry_after", channel_pointer_check}, {0}};

        channel_map_check(check, node, keys);
}

/* -- reading back, and the typing sign ----------------------------------------------------------------------------- */

static void items_check(struct channel_check *check, const struct yaml_node *node) {
        if (channel_text_check(check, node) && (!json_pointer_is_valid(node->text) || strchr(node->text, '*')))
                channel_refuse(check, node->line, "is no pointer to one array; write it such as /payload");
}

static void ours_one_check(struct channel_check *check, const struct yaml_node *node) {
        scoped_check(check, node, CHANNEL_SCOPE_BOTH, channel_condition_check);
}

static void ours_check(struct channel_check *check, const struct yaml_node *node) {
        channel_list_check(check, node, LIST_MAX, ours_one_check);
}

static void older_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {
                {"query", channel_any_text_check, true}, {"value", channel_name_check, true}, {0}};

        channel_map_check(check, node, keys);
}

static void pages_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 1, PAGES_MAX);
}

void channel_read_back_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"url", url_check, true},
                                                  {"headers", headers_check},
                                                  {"items", items_check, true},
                                                  {"is", ours_check, true},
                                                  {"message", channel_name_check, true},
                                                  {"older", older_check, true},
                                                  {"pages", pages_check, true},
                                                  {0}};

        channel_map_check(check, node, keys);
}

static void sign_on_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"url", url_check, true},
                                                  {"headers", headers_check},
                                                  {"form", channel_flag_check},
                                                  {"body", body_check},
                                                  {0}};

        channel_map_check(check, node, keys);
}

static void refresh_check(struct channel_check *check, const struct yaml_node *node) {
        channel_number_check(check, node, 1, REFRESH_MAX);
}

void channel_typing_check(struct channel_check *check, const struct yaml_node *node) {
        static const struct channel_key keys[] = {{"setting", setting_name_check},  {"needs", pattern_check},
                                                  {"refresh", refresh_check, true}, {"on", sign_on_check, true},
                                                  {"off", sign_on_check},           {0}};

        channel_map_check(check, node, keys);
}
