#include "worker/post.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>

struct post {
        struct call *call;
        const struct channel *channel;
        bool (*may_send)(void *context);
        void (*on_end)(void *context, const struct outcome *outcome);
        void *context;
};

static void read_response(const struct post *post, const struct outcome_response *response, struct outcome *ret) {
        char why[LIMIT_WHY_LEN + 1] = "";

        if (response->transport != OUTCOME_ANSWERED) {
                outcome_of_http(response, "the channel", ret);
                return;
        }
        switch (channel_post_outcome(post->channel, response->status, response->body, why)) {
        case CHANNEL_POSTED:
                outcome_init_done(ret);
                break;
        case CHANNEL_POST_AGAIN:
                outcome_init(ret, WIRE_FAILED, "post_failed", "%s", why);
                ret->retry_after = outcome_retry_after(response->retry_after, response->now);
                break;
        case CHANNEL_POST_NEVER:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "post_refused", "%s", why);
                break;
        }
        ret->status = response->status;
}

static bool may_send(void *context) {
        struct post *post = context;

        return post->may_send(post->context);
}

static void on_call_end(void *context, const struct outcome_response *response) {
        struct post *post = context;
        struct outcome outcome;

        read_response(post, response, &outcome);
        post->on_end(post->context, &outcome);
        free(post);
}

int post_new(struct calls *calls, const struct post_reply *reply,
             void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
             struct outcome *ret_outcome) {
        struct bytes replies[LIMIT_REPLIES];
        CLEANUP(channel_post_done) struct channel_post message = {0};
        CLEANUP_FREE char *error = NULL;
        struct post *post;
        uint32_t n = 0;

        if (wire_decode_answer(reply->answer, replies, &n) < 0 || reply->index >= n) {
                outcome_init(ret_outcome, WIRE_FAILED_FOR_GOOD, "bad_answer", "the stored answer cannot be read");
                return -EINVAL;
        }
        struct channel_reply out = {
                .thread = reply->batch->thread,
                .from = reply->batch->from,
                .tenant = reply->batch->tenant,
                .batch = reply->batch->id,
                .index = reply->index,
                .text = replies[reply->index],
        };
        if (channel_post_encode(reply->channel, &out, clock_now().wall, &message, &error) < 0) {
                outcome_init(ret_outcome, WIRE_FAILED_FOR_GOOD, "post_refused", "the reply cannot be posted: %s",
                             error);
                return -EINVAL;
        }
        struct call_request request = {
                .method = message.method,
                .url = message.url,
                .headers = (const char *const *)message.headers,
                .body = bytes_of(message.body),
                .may_send = may_send,
                .is_repeatable =
                        false, /* a channel knows no idempotency key: a request sent twice is a reply seen twice */
        };
        post = memory_new(1, sizeof *post);
        *post = (struct post){
                .channel = reply->channel, .may_send = reply->may_send, .on_end = on_end, .context = context};
        post->call = call_new(calls, &request, on_call_end, post);
        *ret = post;
        return 0;
}

struct post *post_free(struct post *post) {
        if (!post)
                return NULL;
        call_free(post->call);
        free(post);
        return NULL;
}
