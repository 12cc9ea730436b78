#include "ingest/core/verb.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "ingest/core/problem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The keys that a body may have. */
enum { KEY_WHY = 1, KEY_FOR = 2, KEY_PAUSED = 4 };

static const struct {
        const char *name;
        unsigned keys;
} verbs[] = {
        [VERB_TYPING] = {"typing", KEY_PAUSED}, [VERB_HOLD] = {"hold", KEY_WHY | KEY_FOR},
        [VERB_RESUME] = {"resume", 0},          [VERB_FLUSH] = {"flush", 0},
        [VERB_CANCEL] = {"cancel", KEY_WHY},
};

enum { N_VERBS = sizeof verbs / sizeof *verbs, SEGMENT_TENANT = 2, SEGMENT_THREAD, SEGMENT_VERB, N_SEGMENTS };

enum verb verb_of(const struct path *path) {
        if (path->n != N_SEGMENTS || !bytes_is_text(path->segments[0], "v1") ||
            !bytes_is_text(path->segments[1], "threads"))
                return VERB_NONE;
        for (int i = VERB_TYPING; i < N_VERBS; i++)
                if (bytes_is_text(path->segments[SEGMENT_VERB], verbs[i].name))
                        return (enum verb)i;
        return VERB_NONE;
}

struct bytes verb_tenant(const struct path *path) {
        return path->segments[SEGMENT_TENANT];
}
struct bytes verb_thread(const struct path *path) {
        return path->segments[SEGMENT_THREAD];
}

/* -- what is asked ------------------------------------------------------------------------------------------------- */

static int refuse(char **ret_error, const char *why) {
        *ret_error = memory_print("%s", why);
        return -EBADMSG;
}

static int read_why(const json_t *value, struct verb_options *options, char **ret_error) {
        if (!json_is_string(value) || json_string_length(value) > LIMIT_WHY_LEN)
                return refuse(ret_error, "\"why\" is a text of at most 400 bytes");
        options->why = json_string_value(value);
        return 0;
}

static int64_t ms_of_unit(const char *unit) {
        static const struct {
                const char *name;
                int64_t ms;
        } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
                if (strcmp(units[i].name, unit) == 0)
                        return units[i].ms;
        return 0;
}

static int read_for(const json_t *value, struct verb_options *options, char **ret_error) {
        static const int64_t max = INT64_C(1000) * LIMIT_HOLD_S;
        const char *text = json_is_string(value) ? json_string_value(value) : "";
        size_t n_digits = strspn(text, "0123456789");
        int64_t number = n_digits > 0 ? strtoll(text, NULL, 10) : 0, unit = ms_of_unit(text + n_digits);

        if (number < 1 || unit == 0 || number > max / unit)
                return refuse(ret_error, "\"for\" is a length of time from 1ms to 366d, such as \"30m\", \"2h\" or "
                                         "\"7d\"; without it a hold has no end");
        options->for_ms = number * unit;
        return 0;
}

static int read_paused(const json_t *value, struct verb_options *options, char **ret_error) {
        if (!json_is_boolean(value))
                return refuse(ret_error, "\"paused\" is true or false");
        options->is_paused = json_is_true(value);
        return 0;
}

static int read_key(enum verb verb, const char *name, const json_t *value, struct verb_options *options,
                    char **ret_error) {
        static const struct {
                const char *name;
                unsigned key;
                int (*read)(const json_t *value, struct verb_options *options, char **ret_error);
        } keys[] = {{"why", KEY_WHY, read_why}, {"for", KEY_FOR, read_for}, {"paused", KEY_PAUSED, read_paused}};

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if ((verbs[verb].keys & keys[i].key) && strcmp(keys[i].name, name) == 0)
                        return keys[i].read(value, options, ret_error);
        *ret_error = memory_print("\"%s\" takes no \"%.64s\"", verbs[verb].name, name);
        return -EBADMSG;
}

static bool is_blank(struct bytes text) {
        const char *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (!strchr(" \t\r\n", data[i]) || data[i] == '\0')
                        return false;
        return true;
}

int verb_options_decode(enum verb verb, struct bytes body, struct verb_options *ret, char **ret_error) {
        CLEANUP_VERB_OPTIONS struct verb_options options = {0};
        const char *name;
        json_t *value;
        int r = 0;

        if (!is_blank(body))
                r = json_decode(body, &options.json, ret_error);
        if (r == 0 && options.json && !json_is_object(options.json))
                r = refuse(ret_error, "the body is a JSON object, or nothing");
        if (r < 0)
                return r;
        json_object_foreach(options.json, name, value) {
                r = read_key(verb, name, value, &options, ret_error);
                if (r < 0)
                        return r;
        }
        *ret = options;
        options.json = NULL;
        return 0;
}

void verb_options_done(struct verb_options *options) {
        json_decref(options->json);
        *options = (struct verb_options){0};
}

json_t *verb_to_question(enum verb verb, const struct path *path, const struct verb_options *options) {
        json_t *question = json_object();

        json_object_set_new(question, "cmd", json_string(verbs[verb].name));
        json_object_set_new(question, "tenant", json_text_new(verb_tenant(path)));
        json_object_set_new(question, "thread", json_text_new(verb_thread(path)));
        if (options->why)
                json_object_set_new(question, "why", json_text_new(bytes_of(options->why)));
        if (options->for_ms > 0)
                json_object_set_new(question, "for_ms", json_integer(options->for_ms));
        return question;
}

/* -- what comes of it ---------------------------------------------------------------------------------------------- */

unsigned verb_status(const char *code) {
        static const struct {
                const char *code;
                unsigned status;
        } statuses[] = {
                {"unknown_tenant", 404}, {"not_found", 404},      {"busy", 409},      {"held", 409},
                {"too_large", 413},      {"too_many_holds", 429}, {"disk_full", 507},
        };

        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
                if (strcmp(statuses[i].code, code) == 0)
                        return statuses[i].status;
        return 400;
}

static const char *text_of(const json_t *json, const char *key, const char *otherwise) {
        const json_t *text = json_object_get(json, key);

        return json_is_string(text) ? json_string_value(text) : otherwise;
}

unsigned verb_reply(json_t *answer, struct buffer *body) {
        const json_t *error = json_object_get(answer, "error");
        const char *code = text_of(error, "code", "refused");

        json_object_del(answer, "request"); /* which is ours, not the client's */
        if (error) {
                problem_encode(&(struct problem){verb_status(code), code, text_of(error, "why", "the broker refused")},
                               body);
                return verb_status(code);
        }
        json_encode(answer, body);
        buffer_push_text(body, "\n");
        return 200;
}
