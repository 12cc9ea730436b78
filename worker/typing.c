#include "worker/typing.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* The channels whose sign has failed, so that the log says it once; past this many it says no more. */
enum { FAILED_MAX = 256 };

struct typings {
        struct loop *loop;
        struct calls *calls;
        void (*on_failed)(void *context, const char *tenant);
        void (*on_empty)(void *context);
        void *context;
        struct typing *first;
        char *failed[FAILED_MAX]; /* "tenant/channel" */
        size_t n_failed;
};

struct typing {
        struct typings *typings;
        struct typing *next, **link;
        struct loop_timer *timer; /* when to show it; while a request is under way, when to give that up */
        struct call *call;
        struct channel_call on, off; /* off.url NULL = it goes by itself */
        const struct channel *judge; /* knows what an answer means; NULL when it may have gone: then the status says */
        bool is_private_allowed;
        struct span refresh;
        char *tenant, *channel;
        bool is_shown; /* or may be */
        bool is_refused; /* so it is not tried again */
        bool is_over, is_off_wanted;
};

/* -- the end of a sign --------------------------------------------------------------------------------------------- */

static void destroy(struct typing *typing) {
        struct typings *typings = typing->typings;

        *typing->link = typing->next;
        if (typing->next)
                typing->next->link = typing->link;
        call_free(typing->call);
        loop_timer_free(typing->timer);
        channel_call_done(&typing->on);
        channel_call_done(&typing->off);
        free(typing->tenant);
        free(typing->channel);
        free(typing);
        if (typings_is_empty(typings) && typings->on_empty)
                typings->on_empty(typings->context);
}

/* Is it the first time that this channel's sign fails? */
static bool is_news(struct typings *typings, const struct typing *typing) {
        CLEANUP_FREE char *name = memory_print("%s/%s", typing->tenant, typing->channel);

        for (size_t i = 0; i < typings->n_failed; i++)
                if (strcmp(typings->failed[i], name) == 0)
                        return false;
        if (typings->n_failed == FAILED_MAX)
                return false;
        typings->failed[typings->n_failed++] = TAKE(name);
        return true;
}

static void note_failure(const struct typing *typing, long status, const char *why) {
        struct typings *typings = typing->typings;

        typings->on_failed(typings->context, typing->tenant);
        if (is_news(typings, typing))
                log_warning("typing_failed", LOG_TEXT("tenant", typing->tenant), LOG_TEXT("channel", typing->channel),
                            LOG_NUMBER("status", status), LOG_TEXT("why", why));
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

static void set_timer(struct typing *typing, struct span span) {
        struct mono now = clock_mono();

        loop_timer_set(typing->timer, now, mono_add(now, span));
}

static void send_off(struct typing *typing);

/* A sign that was taken away before the request that shows it has ended would stay: so one waits for the other. */
static void settle(struct typing *typing) {
        if (!typing->is_over && typing->is_refused)
                loop_timer_set(typing->timer, clock_mono(), MONO_NEVER);
        else if (!typing->is_over)
                set_timer(typing, typing->refresh);
        else if (typing->is_off_wanted && typing->is_shown && typing->off.url)
                send_off(typing);
        else
                destroy(typing);
}

static bool is_done(const struct typing *typing, const struct outcome_response *response) {
        if (response->transport != OUTCOME_ANSWERED)
                return false;
        if (typing->judge)
                return channel_typing_is_done(typing->judge, response->status, response->body);
        return response->status >= 200 && response->status < 300;
}

static void on_end(void *context, const struct outcome_response *response) {
        struct typing *typing = context;
        bool is_well = is_done(typing, response);

        typing->call = NULL;
        typing->is_refused = !is_well && response->transport == OUTCOME_ANSWERED && response->status < 500;
        typing->is_shown |= is_well || response->transport != OUTCOME_ANSWERED;
        if (!is_well)
                note_failure(typing, response->status,
                             response->transport == OUTCOME_ANSWERED ? "refused" : "no answer");
        settle(typing);
}

static void send(struct typing *typing, const struct channel_call *call) {
        struct call_request request = {
                .method = call->method,
                .url = call->url,
                .headers = (const char *const *)call->headers,
                .body = call->body ? bytes_of(call->body) : BYTES_NONE,
                .is_repeatable = true,
                .is_private_allowed = typing->is_private_allowed,
        };

        set_timer(typing, span_ms(LIMIT_TYPING_MS));
        typing->call = call_new(typing->typings->calls, &request, on_end, typing);
}

static void send_off(struct typing *typing) {
        typing->is_off_wanted = false;
        send(typing, &typing->off);
}

/* It is time to show the sign, or the request under way takes too long. */
static void on_time(void *context) {
        struct typing *typing = context;

        if (typing->call) {
                typing->call = call_free(typing->call);
                typing->is_shown = true;
                note_failure(typing, 0, "no answer");
                settle(typing);
                return;
        }
        send(typing, &typing->on);
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

/* 0; else there is no sign to show. */
static int make_requests(struct typing *typing, const struct channel *channel, const struct batch *batch) {
        struct channel_reply reply = {
                .thread = batch->thread,
                .from = batch->from,
                .tenant = batch->tenant,
                .batch = batch->id,
                .message = batch->last_id,
                .to = batch->to,
        };
        CLEANUP_FREE char *error = NULL;
        int r;

        if (!channel_has_typing(channel))
                return 1;
        r = channel_typing_encode(channel, &reply, true, &typing->on, &error);
        return r == 0 && channel_typing_encode(channel, &reply, false, &typing->off, &error) < 0 ? -EINVAL : r;
}

struct typing *typing_new(struct typings *typings, const struct channel *channel, const struct batch *batch) {
        struct typing *typing = memory_new(1, sizeof *typing);

        typing->typings = typings;
        typing->link = &typings->first;
        typing->next = typings->first;
        if (typing->next)
                typing->next->link = &typing->next;
        typings->first = typing;
        typing->timer = loop_timer_new(typings->loop, on_time, typing);
        if (make_requests(typing, channel, batch) != 0) {
                destroy(typing);
                return NULL;
        }
        typing->judge = channel;
        typing->is_private_allowed = channel_allows_private(channel);
        typing->refresh = channel_typing_refresh(channel);
        typing->tenant = memory_print("%s", batch->tenant);
        typing->channel = memory_print("%s", batch->channel);
        set_timer(typing, span_ms(LIMIT_TYPING_AFTER_MS));
        return typing;
}

struct typing *typing_stop(struct typing *typing, bool say_off) {
        if (!typing)
                return NULL;
        typing->judge = NULL;
        typing->is_over = true;
        typing->is_off_wanted = say_off;
        if (!say_off || !typing->call)
                settle(typing);
        return NULL;
}

struct typings *typings_new(struct loop *loop, struct calls *calls,
                            void (*on_failed)(void *context, const char *tenant), void (*on_empty)(void *context),
                            void *context) {
        struct typings *typings = memory_new(1, sizeof *typings);

        *typings = (struct typings){
                .loop = loop, .calls = calls, .on_failed = on_failed, .on_empty = on_empty, .context = context};
        return typings;
}

bool typings_is_empty(const struct typings *typings) { return !typings->first; }

struct typings *typings_free(struct typings *typings) {
        if (!typings)
                return NULL;
        typings->on_empty = NULL;
        while (typings->first)
                destroy(typings->first);
        for (size_t i = 0; i < typings->n_failed; i++)
                free(typings->failed[i]);
        free(typings);
        return NULL;
}
