#include "worker/core/split.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/wire.h"

#include <string.h>

/* Characters that a cut moves back at most so as not to part an emoji: the longest known has ten. */
enum { CLUSTER_MAX = 32 };

/* -- characters ---------------------------------------------------------------------------------------------------- */

static bool is_middle(uint8_t byte) { return (byte & 0xc0) == 0x80; }

static uint32_t char_at(const uint8_t *at) {
        if (*at < 0x80)
                return *at;
        if (*at < 0xe0)
                return (uint32_t)(*at & 0x1f) << 6 | (at[1] & 0x3f);
        if (*at < 0xf0)
                return (uint32_t)(*at & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
        return (uint32_t)(*at & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 | (uint32_t)(at[2] & 0x3f) << 6 |
               (at[3] & 0x3f);
}

/* Where the character before `at` begins; `at` is not 0. */
static size_t step_back(const uint8_t *data, size_t at) {
        do
                at--;
        while (at > 0 && is_middle(data[at]));
        return at;
}

enum { ZERO_WIDTH_JOINER = 0x200d };

/* Is it seen as part of the character before it? */
static bool is_joined(uint32_t c) {
        return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x20d0 && c <= 0x20ff) ||
               (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0020 && c <= 0xe007f) ||
               c == ZERO_WIDTH_JOINER;
}

/* Two of them are a flag. */
static bool is_flag_letter(uint32_t c) { return c >= 0x1f1e6 && c <= 0x1f1ff; }

static bool is_inside_flag(const uint8_t *data, size_t at) {
        uint32_t n = 0;

        if (!is_flag_letter(char_at(data + at)))
                return false;
        while (at > 0 && n < CLUSTER_MAX && is_flag_letter(char_at(data + step_back(data, at)))) {
                at = step_back(data, at);
                n++;
        }
        return n % 2 == 1;
}

/* Would a cut at `at`, where a character begins, part what is seen as one? */
static bool is_inside(const uint8_t *data, size_t at) {
        return is_joined(char_at(data + at)) || char_at(data + step_back(data, at)) == ZERO_WIDTH_JOINER ||
               is_inside_flag(data, at);
}

/* How many bytes of the text fit: one character at least. */
static size_t find_room(struct bytes text, struct split_limit limit) {
        const uint8_t *data = text.data;
        size_t n_units = 0, at = 0;

        while (at < text.len) {
                size_t end = at + 1;

                while (end < text.len && is_middle(data[end]))
                        end++;
                n_units += limit.unit == CHANNEL_UTF16 && data[at] >= 0xf0 ? 2 : 1;
                if (n_units > limit.longest && at > 0)
                        return at;
                at = end;
        }
        return at;
}

/* -- places -------------------------------------------------------------------------------------------------------- */

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

/* Does the text up to `at` end a sentence? Where no space follows a sentence, the character itself says so. */
static bool is_sentence_end(const uint8_t *data, size_t at) {
        static const uint32_t wide[] = {0x3002, 0xff01, 0xff1f};
        uint32_t last = char_at(data + step_back(data, at));

        for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
                if (last == wide[i])
                        return true;
        if (!is_space(data[at - 1]) || at < 2)
                return false;
        last = char_at(data + step_back(data, at - 1));
        return last == '.' || last == '!' || last == '?' || last == 0x2026;
}

static bool is_place(const uint8_t *data, size_t at, enum split_place place) {
        switch (place) {
        case SPLIT_PARAGRAPH:
                return at >= 2 && data[at - 1] == '\n' && data[at - 2] == '\n';
        case SPLIT_LINE:
                return data[at - 1] == '\n';
        case SPLIT_SENTENCE:
                return is_sentence_end(data, at);
        case SPLIT_WORD:
                return is_space(data[at - 1]);
        case SPLIT_CHARACTER:
                return !is_inside(data, at);
        }
        UNREACHABLE("every place is listed");
}

/* The last place of its kind in front of `from` and behind `to`; 0 when there is none. */
static size_t find_place(const uint8_t *data, size_t from, size_t to, enum split_place place) {
        for (size_t at = from; at > to; at = step_back(data, at))
                if (is_place(data, at, place))
                        return at;
        return 0;
}

/* Where to cut a text of which `room` bytes fit. A part that is cut behind a sentence or more is at least half full. */
static size_t find_cut(const uint8_t *data, size_t room, enum split_place best) {
        size_t at, near = room;

        for (int place = (int)best; place < SPLIT_CHARACTER; place++) {
                at = find_place(data, room, place < SPLIT_WORD ? room / 2 : 0, (enum split_place)place);
                if (at > 0)
                        return at;
        }
        for (int i = 0; i < CLUSTER_MAX && near > 0; i++)
                near = step_back(data, near);
        at = find_place(data, room, near, SPLIT_CHARACTER);
        return at > 0 ? at : room;
}

/* -- parts --------------------------------------------------------------------------------------------------------- */

static bool is_blank(struct bytes text) {
        const uint8_t *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (!is_space(data[i]))
                        return false;
        return true;
}

uint32_t split_text(struct bytes text, struct split_limit limit, enum split_place best, struct bytes *ret_parts,
                    uint32_t n_max) {
        size_t room = limit.longest > 0 ? find_room(text, limit) : text.len;
        bool is_whole = room == text.len;
        uint32_t n = 0;

        while (text.len > 0) {
                struct bytes part = {text.data, room < text.len ? find_cut(text.data, room, best) : text.len};

                if (is_whole || !is_blank(part)) {
                        if (n == n_max)
                                return n_max + 1;
                        ret_parts[n++] = part;
                }
                text = (struct bytes){(const uint8_t *)text.data + part.len, text.len - part.len};
                room = limit.longest > 0 ? find_room(text, limit) : text.len;
        }
        return n;
}

/* The parts of all the replies; LIMIT_REPLIES + 1 for more than that. */
static uint32_t split_replies(const struct bytes *replies, uint32_t n_replies, struct split_limit limit,
                              enum split_place best, struct bytes *ret_parts) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < n_replies && n <= LIMIT_REPLIES; i++)
                n += split_text(replies[i], limit, best, ret_parts + n, LIMIT_REPLIES - n);
        return n;
}

static bool is_within(const struct bytes *replies, uint32_t n, struct split_limit limit) {
        for (uint32_t i = 0; i < n; i++)
                if (limit.longest > 0 && channel_text_length(replies[i], limit.unit) > limit.longest)
                        return false;
        return true;
}

/* That its provider is well is true all the same. */
static void refuse(struct answer *answer, struct split_limit limit) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED_FOR_GOOD, "too_long",
                     "cut to the %zu characters that the channel takes, the answer comes to more than %d replies: let "
                     "the handler say less",
                     limit.longest, LIMIT_REPLIES);
        outcome.provider = answer->outcome.provider;
        outcome.pause = answer->outcome.pause;
        answer->outcome = outcome;
}

void split_answer(struct answer *answer, struct split_limit limit) {
        static const enum split_place tries[] = {SPLIT_PARAGRAPH, SPLIT_WORD, SPLIT_CHARACTER};
        struct bytes replies[LIMIT_REPLIES], parts[LIMIT_REPLIES];
        CLEANUP_BUFFER struct buffer whole = {0};
        uint32_t n_replies, n = LIMIT_REPLIES + 1;

        if (answer->outcome.kind != WIRE_DONE || answer->n_replies == 0)
                return;
        if (wire_decode_answer(buffer_bytes(&answer->replies), replies, &n_replies) < 0)
                UNREACHABLE("an answer that is done was encoded by us");
        if (is_within(replies, n_replies, limit))
                return;
        for (size_t i = 0; i < sizeof tries / sizeof *tries && n > LIMIT_REPLIES; i++)
                n = split_replies(replies, n_replies, limit, tries[i], parts);
        if (n > LIMIT_REPLIES) {
                refuse(answer, limit);
                return;
        }
        whole = answer->replies;
        answer->replies = (struct buffer){0};
        wire_encode_answer(&answer->replies, parts, n);
        answer->n_replies = n;
}
