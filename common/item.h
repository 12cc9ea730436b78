/* One item as producers write it in JSON: a message, {tenant, thread, id?, channel?, text?, data?, from?, at?, kind?,
 * url?, to?, aliases?}, or an event, which has `what` and of these what it needs. The message API, NDJSON on stdin and
 * `lull send` read the same form, with this module.
 *
 * It is pure. What it lets through is within limits.h, so a frame made of it is never broken for the broker; whether
 * the tenant and the channel exist is for the broker to say. A key it does not know is refused: dropped without a
 * word, it would be a lost thing. */
#pragma once

#include "common/json.h"
#include "common/wire.h"

struct item {
        struct bytes tenant, thread, id, channel; /* id and channel may be empty */
        struct wire_body body;
        enum wire_what what;
        uint32_t n_aliases;
        struct bytes aliases[LIMIT_ALIASES_OF_ITEM];
        json_t *json; /* what all of them point into */
        char *data, *to; /* but these two */
};

/* Why there is no message. The code is one of PROTOCOL.md's for a refused message, or `bad_json` (not JSON), or
 * `bad_message` (JSON, but not of the form above). */
struct item_fault {
        const char *code; /* static */
        char *why; /* a sentence that names the key; the caller frees */
};

/* Reads an object, which the item then shares. 0 and *ret, for item_done(); -EBADMSG and *ret_fault. */
MUST_USE int item_decode(json_t *json, struct item *ret, struct item_fault *ret_fault);
/* The same for a line of NDJSON, without its newline. `line` is its number, from 1, with which a fault then begins. */
MUST_USE int item_decode_line(struct bytes text, uint64_t line, struct item *ret, struct item_fault *ret_fault);
void item_done(struct item *item);

/* The item as it goes to the broker. Its body is encoded into `body`, which must live as long as the message. */
struct wire_message item_to_message(const struct item *item, struct buffer *body);

/* Are the names of an item, and the length of its body, such that the broker can be asked? 0; -EBADMSG and
 * *ret_fault. `body_len_max` is limits.message_bytes. */
MUST_USE int item_check(const struct wire_message *message, uint32_t body_len_max, struct item_fault *ret_fault);
