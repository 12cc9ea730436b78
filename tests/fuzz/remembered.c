/* What Redis remembers of a thread, as anybody may have written it; and the URL of a lookup, which strangers' names go
 * into. The first byte says which. */
#include "worker/core/context_url.h"
#include "worker/core/recall_turns.h"

#include "common/limits.h"
#include "common/memory.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* What is read and written again is read as the same. */
static void check_turn(const struct recall_turn *turn) {
        CLEANUP_BUFFER struct buffer line = {0};
        CLEANUP_RECALL_TURNS struct recall_turns again = {0};

        recall_turns_encode("b", turn, &line);
        ENSURE(line.len < LIMIT_HISTORY_BYTES && !memchr(line.data, '\n', line.len));
        recall_turns_decode(buffer_bytes(&line), &again);
        ENSURE(again.n == 1 && again.turns[0].user.len <= LIMIT_HISTORY_TEXT_BYTES);
        ENSURE(turn->user.len > LIMIT_HISTORY_TEXT_BYTES || bytes_is_equal(again.turns[0].user, turn->user));
        ENSURE(turn->assistant.len > LIMIT_HISTORY_TEXT_BYTES ||
               bytes_is_equal(again.turns[0].assistant, turn->assistant));
}

static void read_turns(struct bytes lines) {
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        recall_turns_decode(lines, &turns);
        for (size_t i = 0; i < turns.n; i++)
                check_turn(&turns.turns[i]);
}

/* Any bytes as a person's text: what is written can be read. */
static void write_turn(struct bytes text) {
        CLEANUP_BUFFER struct buffer line = {0};
        CLEANUP_RECALL_TURNS struct recall_turns turns = {0};

        recall_turns_encode("b", &(struct recall_turn){text, BYTES_NONE}, &line);
        recall_turns_decode(buffer_bytes(&line), &turns);
        ENSURE(turns.n == 1 && bytes_is_utf8(turns.turns[0].user));
}

/* A name stays where it is put: no other host, folder, query or line. */
static void fill_in(const char *name) {
        static const char before[] = "http://crm/a/", after[] = "/b?c=d";
        CLEANUP_BUFFER struct buffer url = {0};
        const char *text;
        size_t len;

        if (context_url_encode("http://crm/a/{thread}/b?c=d", &(struct context_about){"t", name, NULL}, &url) < 0) {
                ENSURE(strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
                return;
        }
        text = buffer_text(&url);
        len = url.len - strlen(before) - strlen(after);
        ENSURE(strncmp(text, before, strlen(before)) == 0 && strcmp(text + url.len - strlen(after), after) == 0);
        ENSURE(strcspn(text + strlen(before), "/?#&=@: \r\n\t\\") >= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_FREE char *name = memory_copy_text(len > 0 ? data + 1 : data, len > 0 ? len - 1 : 0);
        struct bytes rest = {len > 0 ? data + 1 : data, len > 0 ? len - 1 : 0};

        if (len > 0 && data[0] % 3 == 0)
                read_turns(rest);
        else if (len > 0 && data[0] % 3 == 1)
                write_turn(rest);
        else
                fill_in(name);
        return 0;
}
