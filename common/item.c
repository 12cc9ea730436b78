#include "common/item.h"

#include "common/item_at.h"
#include "common/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define KNOWN_KEYS "tenant, thread, id, channel, text, data, from, at, kind, url, to, aliases, what"
/* What may be said here: of its own replies only a channel can say that they are shown. */
#define KNOWN_WHATS "message, typing, paused, person, closed, resume, edit, delete, alias"
/* The kind of a message that was taken back. */
#define KIND_DELETED "deleted"

/* Takes `why`. */
static int refuse(const char *code, char *why, struct item_fault *ret_fault) {
        *ret_fault = (struct item_fault){code, why};
        return -EBADMSG;
}

static int refuse_message(char *why, struct item_fault *ret_fault) { return refuse("bad_message", why, ret_fault); }

static bool is_printable(struct bytes text) {
        const uint8_t *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (data[i] < ' ' || data[i] == 0x7f)
                        return false;
        return bytes_is_utf8(text);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static struct bytes text_of(const json_t *value) {
        return (struct bytes){json_string_value(value), json_string_length(value)};
}

static int decode_at(const json_t *value, struct item *item, struct item_fault *ret_fault) {
        struct wall *ret = &item->body.at;

        if (json_is_integer(value) && item_at_of_number(json_integer_value(value), ret) == 0)
                return 0;
        if (json_is_string(value) && item_at_of_text(text_of(value), ret) == 0)
                return 0;
        return refuse_message(
                memory_print("at is neither a time such as \"2026-11-21T10:00:00Z\" nor Unix milliseconds "
                             "such as 1795255200000"),
                ret_fault);
}

/* Where the text of `key` goes; NULL when it is no key with a text. */
static struct bytes *find_text(struct item *item, const char *key) {
        const struct {
                const char *key;
                struct bytes *text;
        } places[] = {
                {"tenant", &item->tenant},   {"thread", &item->thread},  {"id", &item->id},
                {"channel", &item->channel}, {"text", &item->body.text}, {"from", &item->body.from},
                {"kind", &item->body.kind},  {"url", &item->body.url},
        };

        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
                if (strcmp(places[i].key, key) == 0)
                        return places[i].text;
        return NULL;
}

static int decode_text(const char *key, const json_t *value, struct bytes *ret, struct item_fault *ret_fault) {
        if (!json_is_string(value))
                return refuse_message(memory_print("%s must be a string in quotes", key), ret_fault);
        *ret = text_of(value);
        return 0;
}

static int decode_data(const json_t *value, struct item *item, struct item_fault *ret_fault) {
        (void)ret_fault; /* any JSON will do */
        free(item->data);
        item->data = json_encode_text(value);
        item->body.data = bytes_of(item->data);
        return 0;
}

static bool is_object_of_texts(const json_t *value) {
        const char *key;
        json_t *part;

        json_object_foreach((json_t *)value, key, part) {
                if (!json_is_string(part))
                        return false;
        }
        return json_is_object(value) && json_object_size(value) > 0;
}

/* A name, or the parts of one. */
static int decode_to(const json_t *value, struct item *item, struct item_fault *ret_fault) {
        if (!json_is_string(value) && !is_object_of_texts(value))
                return refuse_message(memory_print("to is neither a name in quotes nor an object of texts, such as "
                                                   "{\"chat\":\"-100\",\"topic\":\"42\"}"),
                                      ret_fault);
        free(item->to);
        item->to = json_is_object(value) ? json_encode_text(value) : NULL;
        item->body.to = item->to ? bytes_of(item->to) : text_of(value);
        if (item->body.to.len > LIMIT_TO_LEN)
                return refuse_message(memory_print("to is longer than %d bytes", LIMIT_TO_LEN), ret_fault);
        return 0;
}

static int decode_aliases(const json_t *value, struct item *item, struct item_fault *ret_fault) {
        size_t n = json_array_size(value);

        if (!json_is_array(value) || n > LIMIT_ALIASES_OF_ITEM)
                return refuse_message(
                        memory_print("aliases must be a list of at most %d names in quotes", LIMIT_ALIASES_OF_ITEM),
                        ret_fault);
        for (size_t i = 0; i < n; i++) {
                int r = decode_text("each of the aliases", json_array_get(value, i), &item->aliases[i], ret_fault);

                if (r < 0)
                        return r;
                if (item->aliases[i].len > LIMIT_THREAD_LEN || !is_printable(item->aliases[i]))
                        return refuse("bad_thread",
                                      memory_print("each of the aliases must have at most %d bytes and no control "
                                                   "characters",
                                                   LIMIT_THREAD_LEN),
                                      ret_fault);
        }
        item->n_aliases = (uint32_t)n;
        return 0;
}

static int decode_what(const json_t *value, struct item *item, struct item_fault *ret_fault) {
        if (json_is_string(value) && wire_what_of_name(text_of(value), &item->what) == 0 &&
            item->what != WIRE_WHAT_SHOWN)
                return 0;
        return refuse_message(memory_print("what must be one of " KNOWN_WHATS), ret_fault);
}

/* The keys whose value is not just a text. */
static const struct decoder {
        const char *key;
        int (*decode)(const json_t *value, struct item *item, struct item_fault *ret_fault);
} decoders[] = {
        {"at", decode_at}, {"data", decode_data}, {"to", decode_to}, {"aliases", decode_aliases}, {"what", decode_what},
};

static const struct decoder *find_decoder(const char *key) {
        for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
                if (strcmp(decoders[i].key, key) == 0)
                        return &decoders[i];
        return NULL;
}

static int decode_key(const char *key, const json_t *value, struct item *item, struct item_fault *ret_fault) {
        struct bytes *text = find_text(item, key);
        const struct decoder *decoder = find_decoder(key);

        if (!text && !decoder)
                return refuse_message(memory_print("unknown key \"%.64s\"; a message has " KNOWN_KEYS, key), ret_fault);
        if (json_is_null(value))
                return 0;
        return text ? decode_text(key, value, text, ret_fault) : decoder->decode(value, item, ret_fault);
}

/* Has an event what it needs, and a message that is taken back nothing else? */
static int check_event(struct item *item, struct item_fault *ret_fault) {
        struct wire_body *body = &item->body;
        const char *name = wire_what_name(item->what);

        if ((item->what == WIRE_WHAT_EDIT || item->what == WIRE_WHAT_DELETE) && item->id.len == 0)
                return refuse("bad_id", memory_print("id is missing: it says which message the %s is of", name),
                              ret_fault);
        if (item->what == WIRE_WHAT_ALIAS && item->n_aliases == 0)
                return refuse_message(memory_print("aliases is missing: it says what else the thread is called"),
                                      ret_fault);
        if (item->what != WIRE_WHAT_DELETE)
                return 0;
        if (body->text.len > 0 || body->data.len > 0 || body->kind.len > 0 || body->url.len > 0)
                return refuse_message(memory_print("a delete takes no text, data, kind or url"), ret_fault);
        body->kind = bytes_of(KIND_DELETED);
        return 0;
}

static int decode_keys(json_t *json, struct item *item, struct item_fault *ret_fault) {
        const char *key;
        json_t *value;
        int r;

        json_object_foreach(json, key, value) {
                r = decode_key(key, value, item, ret_fault);
                if (r < 0)
                        return r;
        }
        if (item->tenant.len == 0)
                return refuse_message(memory_print("tenant is missing"), ret_fault);
        if (item->thread.len == 0)
                return refuse("bad_thread", memory_print("thread is missing"), ret_fault);
        if (item->body.from.len > LIMIT_SENDER_LEN)
                return refuse_message(memory_print("from is longer than %d bytes", LIMIT_SENDER_LEN), ret_fault);
        if (item->body.kind.len > LIMIT_NAME_LEN)
                return refuse_message(memory_print("kind is longer than %d bytes", LIMIT_NAME_LEN), ret_fault);
        if (item->body.url.len > LIMIT_URL_LEN)
                return refuse_message(memory_print("url is longer than %d bytes", LIMIT_URL_LEN), ret_fault);
        return check_event(item, ret_fault);
}

int item_decode(json_t *json, struct item *ret, struct item_fault *ret_fault) {
        struct item item = {.json = json_incref(json)};
        int r;

        if (!json_is_object(json))
                r = refuse_message(
                        memory_print("a message is a JSON object, such as {\"tenant\":\"acme\",\"thread\":\"1\","
                                     "\"text\":\"Hi\"}"),
                        ret_fault);
        else
                r = decode_keys(json, &item, ret_fault);
        if (r < 0)
                item_done(&item);
        else
                *ret = item;
        return r;
}

/* Says which line it was; of one that is not JSON, the column is known too: "line 1, column 7: ..." by then. */
static void add_line(struct item_fault *fault, uint64_t line) {
        const char *first_line = "line 1, ";
        CLEANUP_FREE char *why = fault->why;

        if (strncmp(why, first_line, strlen(first_line)) == 0)
                fault->why = memory_print("line %" PRIu64 ", %s", line, why + strlen(first_line));
        else
                fault->why = memory_print("line %" PRIu64 ": %s", line, why);
}

int item_decode_line(struct bytes text, uint64_t line, struct item *ret, struct item_fault *ret_fault) {
        CLEANUP_JSON json_t *json = NULL;
        char *error;
        int r;

        r = json_decode(text, &json, &error);
        if (r < 0)
                r = refuse("bad_json", error, ret_fault);
        else
                r = item_decode(json, ret, ret_fault);
        if (r < 0)
                add_line(ret_fault, line);
        return r;
}

void item_done(struct item *item) {
        json_decref(item->json);
        free(item->data);
        free(item->to);
        *item = (struct item){0};
}

struct wire_message item_to_message(const struct item *item, struct buffer *body) {
        struct wire_message message = {
                .tenant = item->tenant,
                .thread = item->thread,
                .id = item->id,
                .channel = item->channel,
                .what = item->what,
                .n_aliases = item->n_aliases,
        };

        buffer_clear(body);
        wire_encode_body(body, &item->body);
        message.body = buffer_bytes(body);
        memcpy(message.aliases, item->aliases, sizeof message.aliases);
        return message;
}

/* -- checking ------------------------------------------------------------------------------------------------------ */

int item_check(const struct wire_message *message, uint32_t body_len_max, struct item_fault *ret_fault) {
        if (message->tenant.len == 0 || message->tenant.len > LIMIT_NAME_LEN || !is_printable(message->tenant))
                return refuse("unknown_tenant", memory_print("no tenant has such a name"), ret_fault);
        if (message->thread.len == 0 || message->thread.len > LIMIT_THREAD_LEN || !is_printable(message->thread))
                return refuse(
                        "bad_thread",
                        memory_print("thread must have 1 to %d bytes and no control characters", LIMIT_THREAD_LEN),
                        ret_fault);
        if (message->id.len > LIMIT_MESSAGE_ID_LEN || !is_printable(message->id))
                return refuse(
                        "bad_id",
                        memory_print("id must have at most %d bytes and no control characters", LIMIT_MESSAGE_ID_LEN),
                        ret_fault);
        if (message->channel.len > LIMIT_NAME_LEN || !is_printable(message->channel))
                return refuse("unknown_channel", memory_print("no channel has such a name"), ret_fault);
        if (message->body.len > body_len_max)
                return refuse("too_large",
                              memory_print("the message has %zu bytes, limits.message_bytes allows %" PRIu32,
                                           message->body.len, body_len_max),
                              ret_fault);
        return 0;
}
