#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a status means where the channel file has nothing to say. A server that fails may have done its work before,
 * and what stands before one may have stopped waiting for it; only these say that nothing was done. */
static enum channel_posted status_outcome(const struct channel *channel, long status) {
        if (status >= 200 && status < 300)
                return CHANNEL_POSTED;
        /* A 503 says so too, though some proxies give it when the server behind them hung up in the middle: to look
         * costs little where it can be done, and elsewhere every post of an overloaded server would be in doubt. */
        if (status == 503 && channel_has_read_back(channel))
                return CHANNEL_POST_UNKNOWN;
        if (status == 425 || status == 429 || status == 503)
                return CHANNEL_POST_AGAIN;
        return status == 408 || status >= 500 ? CHANNEL_POST_UNKNOWN : CHANNEL_POST_NEVER;
}

static enum channel_posted outcome_decode(const char *name) {
        static const char *const names[] = {
                [CHANNEL_POSTED] = "posted",
                [CHANNEL_POST_AGAIN] = "again",
                [CHANNEL_POST_NEVER] = "never",
                [CHANNEL_POST_UNKNOWN] = "unknown",
        };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(names[i], name) == 0)
                        return (enum channel_posted)i;
        UNREACHABLE("a channel file says posted, again, never or unknown");
}

static bool body_has(struct bytes body, const char *text) {
        return body.len > 0 && memmem(body.data, body.len, text, strlen(text));
}

/* One status, or a list of them. */
static bool is_status(const struct yaml_node *wanted, long status) {
        if (wanted->kind == YAML_SCALAR)
                return strtol(wanted->text, NULL, 10) == status;
        for (size_t i = 0; i < wanted->n; i++)
                if (strtol(wanted->items[i].text, NULL, 10) == status)
                        return true;
        return false;
}

/* A rule {status, text, means} with the words of a condition holds when all it names does. */
static bool rule_holds(const struct channel_place *place, long status, struct bytes body,
                       const struct yaml_node *rule) {
        const struct yaml_node *wanted = yaml_find(rule, "status");
        const char *text = yaml_find_text(rule, "text");
        bool looks =
                yaml_find(rule, "at") || yaml_find(rule, "any") || yaml_find(rule, "not") || yaml_find(rule, "and");

        if (wanted && !is_status(wanted, status))
                return false;
        if (text && !body_has(body, text))
                return false;
        return !looks || (place->body && channel_condition_holds(place, rule));
}

/* On one line, and never in the middle of a character. */
static void why_write(char *why, long status, const char *what) {
        size_t len;

        snprintf(why, LIMIT_WHY_LEN, what ? "HTTP %ld: %s" : "HTTP %ld", status, what);
        for (char *at = why; *at; at++)
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                        *at = ' ';
        for (len = strlen(why); len > 0 && !bytes_is_utf8((struct bytes){why, len}); len--)
                why[len - 1] = 0;
}

enum channel_posted channel_post_outcome(const struct channel *channel, long http_status, struct bytes body,
                                         char *why) {
        const struct yaml_node *answer = yaml_find(channel->file, "answer");
        const struct yaml_node *rules = yaml_find(answer, "means");
        struct channel_place place = {.channel = channel};
        enum channel_posted outcome = status_outcome(channel, http_status);
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        CLEANUP_FREE char *what = NULL;

        if (json_decode(body, &json, &error) == 0)
                place.body = place.outer = place.item = json;
        for (size_t i = 0; rules && i < rules->n; i++) {
                if (!rule_holds(&place, http_status, body, &rules->items[i]))
                        continue;
                outcome = outcome_decode(yaml_find_text(&rules->items[i], "means"));
                break;
        }
        if (outcome == CHANNEL_POSTED)
                return outcome;
        what = json ? channel_value_text(&place, yaml_find(answer, "why")) : NULL;
        why_write(why, http_status, what);
        return outcome;
}

struct span channel_post_retry_after(const struct channel *channel, struct bytes body) {
        const char *pointer = yaml_find_text(yaml_find(channel->file, "answer"), "retry_after");
        struct channel_place place = {.channel = channel};
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        const json_t *found;
        double seconds = 0;

        if (!pointer || json_decode(body, &json, &error) != 0)
                return span_us(0);
        place.body = place.outer = place.item = json;
        found = channel_pointer_find(&place, pointer);
        if (json_is_number(found))
                seconds = json_number_value(found);
        else if (json_is_string(found) && strspn(json_string_value(found), "0123456789.") == json_string_length(found))
                seconds = strtod(json_string_value(found), NULL);
        if (seconds >= LIMIT_RETRY_AFTER_MAX_S)
                return span_s(LIMIT_RETRY_AFTER_MAX_S);
        return span_us(seconds > 0 ? (int64_t)(seconds * 1e6) : 0);
}
