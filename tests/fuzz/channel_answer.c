/* What a platform answers to the question which replies are there: page after page, until the reading ends. The first
 * byte chooses the status of the pages, mostly 200. Then a line: the id of the batch's last message. Then the pages, a
 * line each. */
#include "common/channel.h"
#include "common/limits.h"
#include "common/memory.h"
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 1000 };

/* The question is a request like any other, whatever the page before it said. */
static void check_question(const struct channel *channel, const struct channel_reply *reply,
                           const struct channel_page *page) {
        struct channel_call call;
        char *error = NULL;

        ENSURE(channel_read_back_encode(channel, reply, page, &call, &error) == 0);
        for (const char *at = call.url; *at; at++)
                ENSURE((unsigned char)*at > ' ' && *at != 0x7f);
        ENSURE(!strchr(call.url, '#'));
        channel_call_done(&call);
}

/* Can bytes that nowhere name the batch be our reply? An escape may spell it otherwise. */
static bool may_be_ours(const struct channel_reply *reply, struct bytes body) {
        return body.data &&
               (memmem(body.data, body.len, reply->batch, strlen(reply->batch)) || memchr(body.data, '\\', body.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        static const long statuses[] = {200, 200, 200, 200, 200, 201, 302, 401, 404, 429, 500};
        struct input input = {data, len};
        long status = statuses[input_pop_byte(&input) % (sizeof statuses / sizeof *statuses)];
        CLEANUP_FREE char *message = bytes_copy_text(input_pop_line(&input));
        struct channel_reply reply = {"4", NULL, "acme", "01HBATCH", 1, BYTES_NONE, *message ? message : NULL};
        CLEANUP(channel_page_done) struct channel_page page = {0};
        const struct channel *channel;
        enum channel_found found;
        char why[LIMIT_WHY_LEN];
        int n = 0;

        ENSURE(strcmp(channels_get(0, &channel)->kind, "chatwoot") == 0);
        do {
                struct bytes body = input_pop_line(&input);

                check_question(channel, &reply, &page);
                memset(why, 'x', sizeof why);
                found = channel_read_back_outcome(channel, &reply, status, body, &page, why);
                ENSURE(found != CHANNEL_FOUND || (status == 200 && may_be_ours(&reply, body)));
                ENSURE(found != CHANNEL_NOT_FOUND || (status == 200 && body.len > 0));
                if (found == CHANNEL_READ_AGAIN || found == CHANNEL_UNREADABLE)
                        ENSURE(memchr(why, 0, sizeof why));
                ENSURE(n++ < PAGES_MAX);
        } while (found == CHANNEL_READ_ON);
        return 0;
}
