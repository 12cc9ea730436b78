/* What producers say: MESSAGES and EVENTS, their items, the body of an item; and what became of them: ACK. */
#include "common/wire_private.h"

#include "common/ensure.h"

enum {
        /* What each had before lull/1.2, and has now. */
        ITEM_FIELDS_PLAIN = 5,
        ITEM_FIELDS = 8,
        BODY_FIELDS_PLAIN = 5,
        BODY_FIELDS = 7,
};

static const char *const what_names[N_WIRE_WHAT] = {
        [WIRE_WHAT_MESSAGE] = "message", [WIRE_WHAT_TYPING] = "typing",   [WIRE_WHAT_PAUSED] = "paused",
        [WIRE_WHAT_PERSON] = "person",   [WIRE_WHAT_CLOSED] = "closed",   [WIRE_WHAT_RESUME] = "resume",
        [WIRE_WHAT_EDIT] = "edit",       [WIRE_WHAT_DELETE] = "delete",   [WIRE_WHAT_ALIAS] = "alias",
        [WIRE_WHAT_SHOWN] = "shown",     [WIRE_WHAT_UNKNOWN] = "unknown",
};

const char *wire_what_name(enum wire_what what) { return what_names[what]; }

int wire_what_of_name(struct bytes name, enum wire_what *ret) {
        for (int what = 0; what < WIRE_WHAT_UNKNOWN; what++)
                if (bytes_is_text(name, what_names[what]))
                        return *ret = (enum wire_what)what, 0;
        return -EBADMSG;
}

int wire_decode_messages(struct bytes body, uint64_t *ret_request, uint32_t *ret_n, struct pack_reader *ret_reader) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        uint64_t request = pack_pop_uint(&reader);
        uint32_t n = pack_pop_array(&reader);

        if (wire_verdict(&reader, n_fields >= 2 && n <= LIMIT_FRAME_MESSAGES) < 0)
                return -EBADMSG;
        *ret_request = request;
        *ret_n = n;
        *ret_reader = reader;
        return 0;
}

static void pop_aliases(struct pack_reader *reader, struct wire_message *message) {
        message->n_aliases = pack_pop_array(reader);
        if (message->n_aliases > LIMIT_ALIASES_OF_ITEM)
                reader->is_bad = true, message->n_aliases = 0;
        for (uint32_t i = 0; i < message->n_aliases; i++)
                message->aliases[i] = pack_pop_bytes(reader);
}

/* What lull/1.2 added. A plain message says none of it. */
static void pop_item_end(struct pack_reader *reader, uint32_t n_fields, struct wire_message *message) {
        uint64_t what;

        if (n_fields <= ITEM_FIELDS_PLAIN)
                return;
        what = pack_pop_uint(reader);
        message->what = what < WIRE_WHAT_UNKNOWN ? (enum wire_what)what : WIRE_WHAT_UNKNOWN;
        pop_aliases(reader, message);
        message->number = wire_pop_u32(reader);
        pack_pop_rest(reader, n_fields, ITEM_FIELDS);
}

/* What every item says. The aliases' places are left as they are: most items have none. */
static void pop_message(struct pack_reader *reader, struct wire_message *message) {
        message->tenant = pack_pop_bytes(reader);
        message->thread = pack_pop_bytes(reader);
        message->id = pack_pop_optional(reader);
        message->channel = pack_pop_optional(reader);
        message->body = pack_pop_bytes(reader);
        message->what = WIRE_WHAT_MESSAGE;
        message->number = message->n_aliases = 0;
}

int wire_message_next(struct pack_reader *reader, struct wire_message *ret) {
        uint32_t n_fields = pack_pop_array(reader);

        pop_message(reader, ret);
        pop_item_end(reader, n_fields, ret);
        return wire_verdict(reader, n_fields >= ITEM_FIELDS_PLAIN);
}

int wire_plain_next(struct pack_reader *reader, struct wire_message *ret) {
        uint32_t n_fields = pack_pop_array(reader);

        pop_message(reader, ret);
        pack_pop_rest(reader, n_fields, ITEM_FIELDS_PLAIN);
        return wire_verdict(reader, true);
}

/* Most fields of a body are empty. */
static bool is_text(struct bytes bytes) { return bytes.len == 0 || bytes_is_utf8(bytes); }

int wire_decode_body(struct bytes bytes, struct wire_body *ret) {
        struct pack_reader reader = pack_open(bytes);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_body body = {0};
        bool is_good;

        body.at.ms = pack_pop_nil(&reader) ? 0 : pack_pop_int(&reader);
        body.from = pack_pop_optional(&reader);
        body.kind = pack_pop_optional(&reader);
        body.text = pack_pop_optional(&reader);
        body.data = pack_pop_optional(&reader);
        if (n_fields > BODY_FIELDS_PLAIN)
                body.to = pack_pop_optional(&reader);
        if (n_fields > BODY_FIELDS_PLAIN + 1)
                body.url = pack_pop_optional(&reader);
        pack_pop_rest(&reader, n_fields, n_fields < BODY_FIELDS ? n_fields : BODY_FIELDS);
        is_good = n_fields >= BODY_FIELDS_PLAIN && is_text(body.from) && is_text(body.kind) && is_text(body.text) &&
                  is_text(body.data) && is_text(body.to) && is_text(body.url);
        if (wire_verdict(&reader, is_good && !pack_has_more(&reader)) < 0)
                return -EBADMSG;
        *ret = body;
        return 0;
}

int wire_decode_ack(struct bytes body, struct wire_ack *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_ack ack;

        ack.request = pack_pop_uint(&reader);
        ack.n_accepted = wire_pop_u32(&reader);
        ack.n_duplicates = pack_pop_array(&reader);
        ack.duplicates = reader;
        pack_skip(&reader, ack.n_duplicates);
        ack.n_refusals = pack_pop_array(&reader);
        ack.refusals = reader;
        if (wire_verdict(&reader, n_fields >= 4) < 0)
                return -EBADMSG;
        *ret = ack;
        return 0;
}

int wire_refusal_next(struct pack_reader *reader, struct wire_refusal *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        struct wire_refusal refusal;

        refusal.index = wire_pop_u32(reader);
        refusal.code = pack_pop_bytes(reader);
        refusal.why = pack_pop_bytes(reader);
        pack_pop_rest(reader, n_fields, 3);
        if (wire_verdict(reader, true) < 0)
                return -EBADMSG;
        *ret = refusal;
        return 0;
}

bool wire_is_passing(struct bytes code) {
        return bytes_is_text(code, "store_full") || bytes_is_text(code, "broker_full") ||
               bytes_is_text(code, "tenant_full");
}

bool wire_is_plain(const struct wire_message *message) {
        return message->what == WIRE_WHAT_MESSAGE && message->n_aliases == 0;
}

static void push_head(struct buffer *buffer, enum wire_type type, uint64_t request, uint32_t n) {
        wire_push_type(buffer, type);
        pack_push_array(buffer, 2);
        pack_push_uint(buffer, request);
        pack_push_array(buffer, n);
}

void wire_encode_messages(struct buffer *buffer, uint64_t request, uint32_t n) {
        push_head(buffer, WIRE_MESSAGES, request, n);
}

void wire_encode_events(struct buffer *buffer, uint64_t request, uint32_t n) {
        push_head(buffer, WIRE_EVENTS, request, n);
}

static void push_item_end(struct buffer *buffer, const struct wire_message *message) {
        pack_push_uint(buffer, message->what);
        pack_push_array(buffer, message->n_aliases);
        for (uint32_t i = 0; i < message->n_aliases; i++)
                pack_push_str(buffer, message->aliases[i]);
        pack_push_uint(buffer, message->number);
}

void wire_encode_message(struct buffer *buffer, const struct wire_message *message) {
        bool is_plain = wire_is_plain(message);

        ENSURE(message->n_aliases <= LIMIT_ALIASES_OF_ITEM);
        pack_push_array(buffer, is_plain ? ITEM_FIELDS_PLAIN : ITEM_FIELDS);
        pack_push_str(buffer, message->tenant);
        pack_push_str(buffer, message->thread);
        pack_push_optional(buffer, message->id);
        pack_push_optional(buffer, message->channel);
        pack_push_bin(buffer, message->body);
        if (!is_plain)
                push_item_end(buffer, message);
}

void wire_encode_body(struct buffer *buffer, const struct wire_body *body) {
        bool is_plain = body->to.len == 0 && body->url.len == 0;

        pack_push_array(buffer, is_plain ? BODY_FIELDS_PLAIN : BODY_FIELDS);
        if (body->at.ms > 0)
                pack_push_uint(buffer, (uint64_t)body->at.ms);
        else
                pack_push_nil(buffer);
        pack_push_optional(buffer, body->from);
        pack_push_optional(buffer, body->kind);
        pack_push_optional(buffer, body->text);
        pack_push_optional(buffer, body->data);
        if (is_plain)
                return;
        pack_push_optional(buffer, body->to);
        pack_push_optional(buffer, body->url);
}

void wire_encode_ack(struct buffer *buffer, uint64_t request, uint32_t n_accepted, const uint32_t *duplicates,
                     uint32_t n_duplicates, const struct wire_refusal *refusals, uint32_t n_refusals) {
        wire_push_type(buffer, WIRE_ACK);
        pack_push_array(buffer, 4);
        pack_push_uint(buffer, request);
        pack_push_uint(buffer, n_accepted);
        pack_push_array(buffer, n_duplicates);
        for (uint32_t i = 0; i < n_duplicates; i++)
                pack_push_uint(buffer, duplicates[i]);
        pack_push_array(buffer, n_refusals);
        for (uint32_t i = 0; i < n_refusals; i++) {
                pack_push_array(buffer, 3);
                pack_push_uint(buffer, refusals[i].index);
                pack_push_str(buffer, refusals[i].code);
                pack_push_str(buffer, refusals[i].why);
        }
}
