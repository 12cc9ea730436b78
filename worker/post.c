#include "worker/post.h"

#include "common/clock.h"
#include "common/ensure.h"
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

static struct channel_reply reply_of(const struct post_reply *reply, struct bytes text) {
        return (struct channel_reply){
                .thread = reply->batch->thread,
                .from = reply->batch->from,
                .tenant = reply->batch->tenant,
                .batch = reply->batch->id,
                .index = reply->index,
                .text = text,
                .message = reply->batch->last_id,
                .to = reply->batch->to,
        };
}

static struct call_request request_of(const struct channel *channel, const struct channel_call *call) {
        return (struct call_request){
                .method = call->method,
                .url = call->url,
                .headers = (const char *const *)call->headers,
                .body = call->body ? bytes_of(call->body) : BYTES_NONE,
                .is_private_allowed = channel_allows_private(channel),
        };
}

/* -- posting ------------------------------------------------------------------------------------------------------- */

/* What was posted is not posted again for the sake of a body that nobody reads: an answer that was too long counts by
 * its status, and so does one that broke off when it is a good one. */
static void read_status(const struct post *post, const struct outcome_response *response, struct outcome *ret) {
        char why[LIMIT_WHY_LEN + 1] = "";
        enum channel_posted posted = channel_post_outcome(post->channel, response->status, response->body, why);

        switch (posted) {
        case CHANNEL_POSTED:
                outcome_init_done(ret);
                break;
        case CHANNEL_POST_AGAIN:
        case CHANNEL_POST_UNKNOWN:
                outcome_init(ret, WIRE_FAILED, "post_failed", "%s", why);
                ret->retry_after = span_max(outcome_retry_after(&response->headers, response->now),
                                            channel_post_retry_after(post->channel, response->body));
                break;
        case CHANNEL_POST_NEVER:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "post_refused", "%s", why);
                break;
        }
        ret->status = response->status;
        ret->is_doubtful = posted == CHANNEL_POST_UNKNOWN;
}

static bool is_status_there(const struct outcome_response *response) {
        bool is_well = response->status >= 200 && response->status < 300;

        switch (response->transport) {
        case OUTCOME_ANSWERED:
                return true;
        case OUTCOME_TOO_LARGE:
                return response->status != 0;
        case OUTCOME_BROKEN:
        case OUTCOME_STALLED:
                return is_well && !response->is_held_back;
        case OUTCOME_UNREACHABLE:
        case OUTCOME_FORBIDDEN:
        case OUTCOME_UNSENDABLE:
                return false;
        }
        UNREACHABLE("every way a call can end is listed");
}

/* May the request have been handled, though no answer came? */
static bool may_have_arrived(const struct outcome_response *response) {
        switch (response->transport) {
        case OUTCOME_BROKEN:
        case OUTCOME_STALLED:
        case OUTCOME_TOO_LARGE:
                return !response->is_held_back;
        case OUTCOME_ANSWERED:
        case OUTCOME_UNREACHABLE:
        case OUTCOME_FORBIDDEN:
        case OUTCOME_UNSENDABLE:
                return false;
        }
        UNREACHABLE("every way a call can end is listed");
}

static void read_response(const struct post *post, const struct outcome_response *response, struct outcome *ret) {
        if (is_status_there(response)) {
                read_status(post, response, ret);
                return;
        }
        outcome_of_http(response, "the channel", ret);
        ret->is_doubtful = may_have_arrived(response);
        /* It says nothing of the provider that the handler asks. */
        ret->provider = WIRE_PROVIDER_SILENT;
        ret->pause = span_us(0);
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

static int find_text(const struct post_reply *reply, struct bytes *ret) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n = 0;

        if (wire_decode_answer(reply->answer, replies, &n) < 0 || reply->index >= n)
                return -EINVAL;
        *ret = replies[reply->index];
        return 0;
}

int post_new(struct calls *calls, const struct post_reply *reply,
             void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
             struct outcome *ret_outcome) {
        CLEANUP(channel_call_done) struct channel_call message = {0};
        CLEANUP_FREE char *error = NULL;
        struct call_request request;
        struct channel_reply out;
        struct bytes text;
        struct post *post;

        if (find_text(reply, &text) < 0) {
                outcome_init(ret_outcome, WIRE_FAILED_FOR_GOOD, "bad_answer", "the stored answer cannot be read");
                return -EINVAL;
        }
        out = reply_of(reply, text);
        if (channel_post_encode(reply->channel, &out, clock_now().wall, &message, &error) < 0) {
                outcome_init(ret_outcome, WIRE_FAILED_FOR_GOOD, "post_refused", "the reply cannot be posted: %s",
                             error);
                return -EINVAL;
        }
        request = request_of(reply->channel, &message);
        request.may_send = may_send;
        /* Not even where the platform takes an idempotency key: a request sent twice may be a reply seen twice. */
        request.is_repeatable = false;
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

/* -- reading back -------------------------------------------------------------------------------------------------- */

struct post_reading {
        struct calls *calls;
        struct call *call;
        struct post_reply reply;
        struct channel_page page;
        void (*on_end)(void *context, enum post_read read, const struct outcome *outcome);
        void *context;
};

struct post_reading *post_read_free(struct post_reading *reading) {
        if (!reading)
                return NULL;
        call_free(reading->call);
        channel_page_done(&reading->page);
        free(reading);
        return NULL;
}

static void reading_end(struct post_reading *reading, enum post_read read, const struct outcome *outcome) {
        reading->on_end(reading->context, read, outcome);
        post_read_free(reading);
}

static int page_ask(struct post_reading *reading, struct outcome *ret_outcome);

/* A page that came. */
static void page_take(struct post_reading *reading, const struct outcome_response *response) {
        struct channel_reply wanted = reply_of(&reading->reply, BYTES_NONE);
        char why[LIMIT_WHY_LEN + 1] = "";
        struct outcome outcome;
        enum channel_found found = channel_read_back_outcome(reading->reply.channel, &wanted, response->status,
                                                             response->body, &reading->page, why);

        outcome_init(&outcome, WIRE_FAILED, "read_back_failed", "%s", why);
        outcome.status = response->status;
        switch (found) {
        case CHANNEL_FOUND:
        case CHANNEL_NOT_FOUND:
                outcome_init_done(&outcome);
                reading_end(reading, found == CHANNEL_FOUND ? POST_READ_FOUND : POST_READ_NOT_FOUND, &outcome);
                break;
        case CHANNEL_READ_ON:
                if (page_ask(reading, &outcome) < 0)
                        reading_end(reading, POST_READ_UNKNOWN, &outcome);
                break;
        case CHANNEL_READ_AGAIN:
                outcome.retry_after = outcome_retry_after(&response->headers, response->now);
                reading_end(reading, POST_READ_AGAIN, &outcome);
                break;
        case CHANNEL_UNREADABLE:
                reading_end(reading, POST_READ_UNKNOWN, &outcome);
                break;
        }
}

static void on_page(void *context, const struct outcome_response *response) {
        struct post_reading *reading = context;
        struct outcome outcome;
        bool is_for_good = response->transport == OUTCOME_FORBIDDEN || response->transport == OUTCOME_UNSENDABLE ||
                           response->transport == OUTCOME_TOO_LARGE;

        reading->call = NULL;
        if (response->transport == OUTCOME_ANSWERED) {
                page_take(reading, response);
                return;
        }
        outcome_of_http(response, "the channel", &outcome);
        outcome.provider = WIRE_PROVIDER_SILENT;
        outcome.pause = span_us(0);
        reading_end(reading, is_for_good ? POST_READ_UNKNOWN : POST_READ_AGAIN, &outcome);
}

static bool may_read(void *context) {
        struct post_reading *reading = context;

        return reading->reply.may_send(reading->context);
}

/* 0, or -EINVAL and why not. */
static int page_ask(struct post_reading *reading, struct outcome *ret_outcome) {
        CLEANUP(channel_call_done) struct channel_call question = {0};
        CLEANUP_FREE char *error = NULL;
        struct channel_reply wanted = reply_of(&reading->reply, BYTES_NONE);
        struct call_request request;

        if (channel_read_back_encode(reading->reply.channel, &wanted, &reading->page, &question, &error) < 0) {
                outcome_init(ret_outcome, WIRE_FAILED, "read_back_failed", "the channel cannot be read back: %s",
                             error);
                return -EINVAL;
        }
        request = request_of(reading->reply.channel, &question);
        request.may_send = may_read;
        request.is_repeatable = true;
        reading->call = call_new(reading->calls, &request, on_page, reading);
        return 0;
}

int post_read_new(struct calls *calls, const struct post_reply *reply,
                  void (*on_end)(void *context, enum post_read read, const struct outcome *outcome), void *context,
                  struct post_reading **ret, struct outcome *ret_outcome) {
        struct post_reading *reading = memory_new(1, sizeof *reading);

        *reading = (struct post_reading){.calls = calls, .reply = *reply, .on_end = on_end, .context = context};
        if (page_ask(reading, ret_outcome) < 0) {
                post_read_free(reading);
                return -EINVAL;
        }
        *ret = reading;
        return 0;
}
