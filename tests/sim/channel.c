/* The channel: takes replies, shows them, and tells what it shows. Takes the place of worker/post.c. */
#include "common/ensure.h"
#include "tests/sim/check.h"
#include "tests/sim/outside.h"
#include "worker/post.h"

#include <stdio.h>
#include <string.h>

static struct outside_next next_post;
static struct post *all_posts; /* of the seed that have left, the newest first */

void channel_init(void) {
        memset(&next_post, 0, sizeof next_post);
        all_posts = NULL;
}

void outside_plan_post(enum outside_plan plan, int64_t us) {
        next_post = (struct outside_next){.is_planned = true, .plan = plan, .us = us};
}

/* -- replies ------------------------------------------------------------------------------------------------------- */

struct post {
        struct call call;
        struct post *next; /* that has left */
        bool is_shown, is_to_show;
};

static enum outside_plan plan_post(void) {
        if (next_post.is_planned)
                return next_post.plan;
        if (sim_goes_wrong(FAULT_POST_FAILS))
                return OUTSIDE_FAIL;
        if (sim_goes_wrong(FAULT_POST_REFUSED))
                return OUTSIDE_REFUSE;
        return sim_goes_wrong(FAULT_POST_UNKNOWN) ? OUTSIDE_UNKNOWN : OUTSIDE_WELL;
}

static bool is_unknown(enum outside_plan plan) { return plan == OUTSIDE_UNKNOWN || plan == OUTSIDE_LOST; }

static void on_post_answer(void *context, uint64_t token) {
        struct post *post = context;
        struct outcome outcome;

        if (post->call.is_freed)
                return;
        sim_step(STEP_POST_ANSWER);
        post->call.is_freed = true;
        if (post->call.plan == OUTSIDE_WELL)
                outcome_init_done(&outcome);
        else if (post->call.plan == OUTSIDE_REFUSE)
                outcome_init(&outcome, WIRE_FAILED_FOR_GOOD, "post_refused", "simulated");
        else if (post->call.plan == OUTSIDE_FAIL)
                outcome_init(&outcome, WIRE_FAILED, "post_failed", "simulated");
        else
                outcome_init(&outcome, WIRE_FAILED, "broken", "simulated");
        outcome.is_doubtful = is_unknown(post->call.plan);
        check_on_post_known(post->call.fence, post->call.index, !outcome.is_doubtful);
        post->call.on_posted(post->call.context, &outcome);
}

static void on_visible(void *context, uint64_t token) {
        struct post *post = context;

        sim_step(STEP_POSTED);
        post->is_shown = true;
        tell("channel", "shows in %s: \"%s\"", post->call.thread, post->call.text);
        check_on_visible(post->call.fence, post->call.batch, post->call.index);
        people_see(check_thread_of_run(post->call.fence), post->call.batch, post->call.index, post->call.text);
}

static void on_post_left(void *context, uint64_t token) {
        struct post *post = context;
        int64_t at = sim_time() + sim_delay(TRIP_US, TRIP_MAX_US);

        check_on_post_left(post->call.process, post->call.fence, post->call.index);
        post->call.plan = plan_post();
        if (next_post.is_planned && next_post.us > 0)
                at = sim_time() + next_post.us;
        next_post.is_planned = false;
        if (sim_goes_wrong(FAULT_POST_SLOW))
                at += (int64_t)sim_roll(40000) * 1000;
        post->next = all_posts;
        all_posts = post;
        post->is_to_show = post->call.plan == OUTSIDE_WELL || post->call.plan == OUTSIDE_LOST ||
                           (post->call.plan == OUTSIDE_UNKNOWN && !sim_is_rare(2));
        if (post->is_to_show)
                sim_at(at, NULL, on_visible, post, 0);
        sim_at(at + sim_delay(TRIP_US, TRIP_MAX_US), post->call.process, on_post_answer, post, 0);
}

static void on_post_connected(void *context, uint64_t token) {
        struct post *post = context;
        struct outcome outcome;

        if (post->call.is_freed)
                return;
        if (post->call.may_send(post->call.context)) {
                post->call.has_left = true;
                sim_at(sim_time(), NULL, on_post_left, post, 0);
                return;
        }
        post->call.is_freed = true;
        outcome_init(&outcome, WIRE_FAILED, "broken", "the connection was given up");
        post->call.on_posted(post->call.context, &outcome);
}

int post_new(struct calls *calls, const struct post_reply *reply,
             void (*on_end)(void *context, const struct outcome *outcome), void *context, struct post **ret,
             struct outcome *ret_outcome) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;
        struct post *post = sim_new(sizeof *post);
        struct call *call;

        ENSURE(wire_decode_answer(reply->answer, replies, &n) == 0 && reply->index < n);
        call = outside_call_new(reply->batch, "");
        post->call = *call;
        snprintf(post->call.text, sizeof post->call.text, "%.*s", BYTES_PRINT(replies[reply->index]));
        post->call.index = reply->index;
        post->call.may_send = reply->may_send;
        post->call.on_posted = on_end;
        post->call.context = context;
        *ret = post;
        sim_at(sim_time() + sim_delay(CONNECT_US, CONNECT_MAX_US), post->call.process, on_post_connected, post, 0);
        return 0;
}

struct post *post_free(struct post *post) {
        if (post && !post->call.is_freed && post->call.has_left)
                check_on_post_known(post->call.fence, post->call.index, false);
        if (post)
                post->call.is_freed = true;
        return NULL;
}

/* -- what the channel shows ---------------------------------------------------------------------------------------- */

struct post_reading {
        struct call call;
        void (*on_end)(void *context, enum post_read read, const struct outcome *outcome);
        enum post_read read;
};

static void end_reading(struct post_reading *reading, enum post_read read) {
        struct outcome outcome;

        reading->call.is_freed = true;
        outcome_init_done(&outcome);
        if (read == POST_READ_AGAIN)
                outcome_init(&outcome, WIRE_FAILED, "read_back_failed", "simulated");
        if (read == POST_READ_UNKNOWN)
                outcome_init(&outcome, WIRE_FAILED, "read_back_refused", "simulated");
        reading->on_end(reading->call.context, read, &outcome);
}

static void on_read_answer(void *context, uint64_t token) {
        struct post_reading *reading = context;

        if (!reading->call.is_freed)
                end_reading(reading, reading->read);
}

/* Is it there? And if not: is it on its way, and will be? */
static bool is_there(const struct call *call, bool *ret_is_coming) {
        bool is_there = false;

        for (const struct post *post = all_posts; post; post = post->next) {
                if (post->call.index != call->index || strcmp(post->call.batch, call->batch) != 0)
                        continue;
                is_there = is_there || post->is_shown;
                *ret_is_coming = *ret_is_coming || (post->is_to_show && !post->is_shown);
        }
        return is_there;
}

static void on_read(void *context, uint64_t token) {
        struct post_reading *reading = context;
        bool is_coming = false;

        sim_step(STEP_READ);
        reading->read = is_there(&reading->call, &is_coming) ? POST_READ_FOUND : POST_READ_NOT_FOUND;
        if (sim_goes_wrong(FAULT_READ_FAILS))
                reading->read = POST_READ_AGAIN;
        else if (sim_goes_wrong(FAULT_READ_REFUSED))
                reading->read = POST_READ_UNKNOWN;
        tell("channel", "is asked for reply %u of run %s: %s", reading->call.index, tell_fence(reading->call.fence),
             reading->read == POST_READ_FOUND       ? "it is there"
             : reading->read == POST_READ_NOT_FOUND ? "it is not"
                                                    : "no answer");
        check_on_read(reading->call.fence, reading->call.index, reading->read == POST_READ_UNKNOWN, is_coming);
        sim_at(sim_time() + sim_delay(TRIP_US, TRIP_MAX_US), reading->call.process, on_read_answer, reading, 0);
}

static void on_read_connected(void *context, uint64_t token) {
        struct post_reading *reading = context;

        if (reading->call.is_freed)
                return;
        if (reading->call.may_send(reading->call.context))
                sim_at(sim_time(), NULL, on_read, reading, 0);
        else
                end_reading(reading, POST_READ_AGAIN);
}

int post_read_new(struct calls *calls, const struct post_reply *reply,
                  void (*on_end)(void *context, enum post_read read, const struct outcome *outcome), void *context,
                  struct post_reading **ret, struct outcome *ret_outcome) {
        struct post_reading *reading = sim_new(sizeof *reading);

        reading->call = *outside_call_new(reply->batch, "");
        reading->call.index = reply->index;
        reading->call.may_send = reply->may_send;
        reading->call.context = context;
        reading->on_end = on_end;
        *ret = reading;
        sim_at(sim_time() + sim_delay(CONNECT_US, CONNECT_MAX_US), reading->call.process, on_read_connected, reading,
               0);
        return 0;
}

struct post_reading *post_read_free(struct post_reading *reading) {
        if (reading)
                reading->call.is_freed = true;
        return NULL;
}
