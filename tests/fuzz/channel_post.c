/* What is posted to a platform, the typing sign with it, and what the platform answers. The first byte chooses the
 * channel, the second the status. Then a line each: thread, sender, batch, where the reply goes. The rest is the reply,
 * and then the platform's body. */
#include "common/channel.h"
#include "common/channel_form.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/memory.h"
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const struct wall now = {1795000000000};

/* A line end in a header, or a blank in an address, would be a second request. */
static void check_call(const struct channel_call *call) {
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        bool is_form = false;

        for (const char *at = call->url; *at; at++)
                ENSURE((unsigned char)*at > ' ' && *at != 0x7f);
        for (char **header = call->headers; *header; header++) {
                ENSURE(!strpbrk(*header, "\r\n"));
                is_form = is_form || strcmp(*header, "Content-Type: application/x-www-form-urlencoded") == 0;
        }
        if (call->body && is_form)
                ENSURE(channel_form_json(bytes_of(call->body), &json, &error) == 0);
        else
                ENSURE(!call->body || json_decode(bytes_of(call->body), &json, &error) == 0);
}

/* Takes `error` and what was encoded over. */
static void look(int r, struct channel_call *encoded, char *error) {
        ENSURE((r < 0) == (error != NULL));
        if (r == 0) {
                check_call(encoded);
                channel_call_done(encoded);
        }
        free(error);
}

static void typing(const struct channel *channel, const struct channel_reply *reply, bool is_on) {
        struct channel_call encoded;
        char *error = NULL;
        int r = channel_typing_encode(channel, reply, is_on, &encoded, &error);

        look(r, &encoded, error);
}

static void post(const struct channel *channel, const char *thread, const char *from, const char *batch, const char *to,
                 struct bytes text) {
        struct channel_reply reply = {thread, *from ? from : NULL, "acme",         batch, 1,
                                      text,   *from ? from : NULL, *to ? to : NULL};
        struct channel_call encoded;
        char *error = NULL;
        int r = channel_post_encode(channel, &reply, now, &encoded, &error);

        look(r, &encoded, error);
        if (!channel_has_typing(channel))
                return;
        typing(channel, &reply, true);
        typing(channel, &reply, false);
}

static void judge(const struct channel *channel, uint8_t status, struct bytes body) {
        static const long statuses[] = {200, 201, 301, 400, 401, 403, 404, 408, 422, 429, 500, 503};
        struct span again = channel_post_retry_after(channel, body);
        char why[LIMIT_WHY_LEN];

        ENSURE(again.us >= 0 && again.us <= span_s(LIMIT_RETRY_AFTER_MAX_S).us);
        memset(why, 'x', sizeof why);
        if (channel_post_outcome(channel, statuses[status % (sizeof statuses / sizeof *statuses)], body, why) !=
            CHANNEL_POSTED)
                ENSURE(memchr(why, 0, sizeof why) && bytes_is_utf8(bytes_of(why)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        const struct channel *channel;
        uint8_t status;

        channels_get(input_pop_byte(&input), &channel);
        status = input_pop_byte(&input);
        CLEANUP_FREE char *thread = bytes_copy_text(input_pop_line(&input));
        CLEANUP_FREE char *from = bytes_copy_text(input_pop_line(&input));
        CLEANUP_FREE char *batch = bytes_copy_text(input_pop_line(&input));
        CLEANUP_FREE char *to = bytes_copy_text(input_pop_line(&input));
        struct bytes text = input_pop_rest(&input);
        /* Names that the broker let through, and a reply that was read as UTF-8. */
        bool is_text = bytes_is_utf8(text) && bytes_is_utf8(bytes_of(thread)) && bytes_is_utf8(bytes_of(from)) &&
                       bytes_is_utf8(bytes_of(batch)) && bytes_is_utf8(bytes_of(to));

        if (*thread && *batch && is_text && channel_has_post(channel))
                post(channel, thread, from, batch, to, text);
        judge(channel, status, text);
        return 0;
}
