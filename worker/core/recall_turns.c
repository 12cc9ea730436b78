#include "worker/core/recall_turns.h"

#include "common/json.h"
#include "common/limits.h"
#include "common/memory.h"
#include "common/wire.h"

#include <string.h>

/* The beginning of a text, not cut within a character of UTF-8. */
static struct bytes clip(struct bytes text) {
        const uint8_t *data = text.data;
        size_t len = LIMIT_HISTORY_TEXT_BYTES;

        if (text.len <= len)
                return text;
        while (len > 0 && (data[len] & 0xc0) == 0x80)
                len--;
        return (struct bytes){data, len};
}

void recall_turns_encode(const char *batch, const struct recall_turn *turn, struct buffer *line) {
        CLEANUP_JSON json_t *object = json_object();

        json_object_set_new(object, "user", json_text_new(clip(turn->user)));
        json_object_set_new(object, "assistant", json_text_new(clip(turn->assistant)));
        buffer_print(line, "%s ", batch);
        json_encode(object, line);
}

/* A copy of the text behind *to, which moves on. */
static struct bytes copy(const json_t *text, char **to) {
        struct bytes ret = {*to, json_string_length(text)};

        if (ret.len > 0)
                memcpy(*to, json_string_value(text), ret.len);
        *to += ret.len;
        return ret;
}

static void decode_line(struct bytes line, struct recall_turns *ret, char **to) {
        const char *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL, *begin = line.data;
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *turn = NULL;
        const json_t *user, *assistant;

        if (!space || json_decode((struct bytes){space + 1, (size_t)(begin + line.len - space - 1)}, &turn, &error) < 0)
                return;
        user = json_object_get(turn, "user");
        assistant = json_object_get(turn, "assistant");
        if (json_is_string(user) && json_is_string(assistant))
                ret->turns[ret->n++] = (struct recall_turn){copy(user, to), copy(assistant, to)};
}

static size_t count_lines(struct bytes lines) {
        const char *text = lines.data;
        size_t n = 1;

        for (size_t i = 0; i < lines.len; i++)
                n += text[i] == '\n';
        return n;
}

void recall_turns_decode(struct bytes lines, struct recall_turns *ret) {
        const char *at = lines.data, *end = at + lines.len;
        char *to;

        /* A text is never longer than the JSON it stands in. */
        *ret = (struct recall_turns){.turns = memory_new(count_lines(lines), sizeof *ret->turns)};
        to = ret->texts = memory_new(lines.len + 1, 1);
        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at)), *line_end = newline ? newline : end;

                decode_line((struct bytes){at, (size_t)(line_end - at)}, ret, &to);
                at = line_end + 1;
        }
}

void recall_turns_done(struct recall_turns *turns) {
        free(turns->turns);
        free(turns->texts);
        *turns = (struct recall_turns){0};
}
