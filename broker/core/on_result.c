/* A worker has an answer, has posted a reply of it, or has the outcome of a run. Whatever bears a fence that is not in
 * force changes nothing. */
#include "broker/core/state.h"

#include "common/ensure.h"

static bool is_batch_of(const struct core *core, const struct thread *thread, struct bytes batch) {
        char name[WIRE_BATCH_LEN + 1];

        batch_name(core, &thread->messages, thread->n_batch, name);
        return bytes_is_text(batch, name);
}

/* The thread whose lease the frame speaks for; NULL when the fence is stale. */
static struct thread *find_run(struct core *core, uint64_t fence, struct bytes batch) {
        struct thread *thread = thread_find_fence(core, fence);

        return thread && is_batch_of(core, thread, batch) ? thread : NULL;
}

/* A run from before the restart, of a worker that has not said HELLO since: only its HELLO can tell whether the run may
 * go on. It sends this again afterwards. */
static bool is_too_early(const struct core *core, const struct event *event, uint64_t fence) {
        return fence >> 32 < core->epoch && worker_find(core, &event->from) == NONE;
}

static void send_verdict(const struct event *event, enum wire_type type, uint64_t fence, const char *code,
                         const char *why, struct effects *fx) {
        struct wire_verdict verdict = {fence, bytes_of(code), bytes_of(why)};

        wire_encode_verdict(effects_begin_frame(fx, DOOR_WORKERS, event->from), type, &verdict);
        effects_end_frame(fx);
}

void run_cancel(struct core *core, struct now now, struct address to, uint64_t fence, const char *code, const char *why,
                struct effects *fx) {
        struct event event = {.from = to};

        if (to.len == 0)
                return; /* nobody is there any more */
        send_verdict(&event, WIRE_CANCEL, fence, code, why, fx);
}

/* Why an answer cannot be kept; NULL when it can, and *ret_n, how many replies it has. */
static const char *answer_fault(struct bytes answer, uint32_t *ret_n) {
        struct bytes replies[LIMIT_REPLIES];

        if (answer.len > LIMIT_ANSWER_BYTES)
                return "the answer is over 512 KiB";
        return wire_decode_answer(answer, replies, ret_n) < 0 ? "the answer is no array of at most 16 texts" : NULL;
}

static void stop_for_good(struct core *core, struct now now, struct thread *thread, const struct event *event,
                          const char *why, struct effects *fx) {
        thread_set_failure(core, thread, bytes_of("bad_answer"), bytes_of(why));
        send_verdict(event, WIRE_STOP, event->answered.fence, "bad_answer", why, fx);
        core->counters.failed_for_good++;
        thread_end_lease(core, thread);
        dead_bury(core, now, thread, fx);
}

/* The fence up to which no run may be taken up again, once this one has its answer in. Of a run from before the restart
 * a newer one may exist, at a worker that has not come back yet: it is void as well. */
static uint64_t void_below(const struct core *core, uint64_t fence) {
        return fence >> 32 == core->epoch ? fence - 1 : ((uint64_t)core->epoch << 32) - 1;
}

/* The GO that follows lets the worker post: from here on the first reply may be out. */
static void keep_answer(struct core *core, struct now now, struct thread *thread, struct bytes answer,
                        uint32_t n_replies, struct effects *fx) {
        struct change *change = effects_push_change(fx, CHANGE_PUT_ANSWER);
        struct effort *effort = thread_effort(core, thread);

        change->seq = thread_seq(core, thread);
        change->answer = answer;
        thread->is_answered = thread->is_doubtful = true;
        effort->n_replies = (uint8_t)n_replies;
        effort->void_fence = void_below(core, effort->fence);
        effort->posting = effort->fence;
        core->counters.answered++;
        batch_store(core, thread, now.wall, thread->n_batch, fx);
}

/* A worker of before lull/1.2 does not know that a batch is only to be recorded. Its answer must not go out. */
static bool is_unwanted(const struct core *core, const struct thread *thread, uint32_t n_replies) {
        return n_replies > 0 && core->messages[thread->messages.first].is_record;
}

void on_answered(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        const struct wire_answered *answered = &event->answered;
        struct thread *thread = find_run(core, answered->fence, answered->batch);
        const char *fault;
        uint32_t n_replies;

        if (!thread && is_too_early(core, event, answered->fence)) {
                worker_ask_hello(event, fx);
                return;
        }
        /* An answer that is stored already goes out by the run that brought it, which asks again because GO was lost,
         * or by one that got it in its RUN: that one has nothing to ask. */
        if (!thread || (thread->is_answered && thread->effort->posting != answered->fence)) {
                core->counters.stale++;
                send_verdict(event, WIRE_STOP, answered->fence, "stale", "the broker has given this lease up", fx);
                return;
        }
        fault = answer_fault(answered->answer, &n_replies);
        if (fault) {
                stop_for_good(core, now, thread, event, fault, fx);
                return;
        }
        if (is_unwanted(core, thread, n_replies)) {
                send_verdict(event, WIRE_STOP, answered->fence, "recorded", "a person has answered these messages", fx);
                run_done(core, now, thread, fx);
                return;
        }
        if (!thread->is_answered) {
                keep_answer(core, now, thread, answered->answer, n_replies, fx);
                provider_on_answered(core, now, thread);
                echoes_push(core, now, thread->tenant, thread_name(core, thread), answered->answer, 0, false);
        }
        wire_encode_go(effects_begin_frame(fx, DOOR_WORKERS, event->from), answered->fence);
        effects_end_frame(fx);
}

static void count(struct core *core, struct now now, const struct thread *thread, const struct wire_result *result) {
        struct core_counters *counters = &core->counters;

        if (bytes_is_text(result->code, "lock_busy"))
                counters->lock_busy++;
        if (bytes_is_text(result->code, "lock_lost"))
                counters->lock_lost++;
        if (result->lock_wait.us > 0)
                histogram_add(&counters->lock_wait_us, result->lock_wait.us);
        if (result->outcome != WIRE_BUSY && result->outcome != WIRE_HANDED_BACK)
                histogram_add(&counters->run_us, mono_since(now.mono, thread->since).us);
}

/* How many replies are out: never fewer than before, nor more than there are. True when that is news. */
static bool take_posted(struct core *core, struct thread *thread, uint32_t posted) {
        uint32_t most = thread->effort->n_replies > 0 ? thread->effort->n_replies : LIMIT_REPLIES;

        if (posted <= thread->effort->posted || posted > most)
                return false;
        thread_effort(core, thread)->posted = (uint8_t)posted;
        return true;
}

/* The next one may be out by the time that this is stored. */
void on_posted(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct thread *thread = find_run(core, event->posted.fence, event->posted.batch);

        if (thread && thread->is_answered && take_posted(core, thread, event->posted.posted))
                batch_store(core, thread, now.wall, thread->n_batch, fx);
}

/* A worker of before lull/1.1 that did not come to posting says nothing of the doubt that its RUN bore. */
static bool is_still_doubtful(const struct thread *thread, const struct wire_result *result) {
        bool has_posted = result->outcome != WIRE_BUSY && result->outcome != WIRE_HANDED_BACK;

        return result->is_of_old && !has_posted ? thread->was_doubtful : result->is_doubtful;
}

/* What is out is out, however the run ends: a crash must not post it again. Where the outcome writes no record of its
 * own, one is written here. */
static void note_posted(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
                        struct effects *fx) {
        bool is_doubtful, is_news;

        if (!thread->is_answered)
                return;
        /* What its channel has shown since is beyond what the worker doubts. */
        is_doubtful = result->posted >= thread->effort->posted && is_still_doubtful(thread, result);
        is_news = take_posted(core, thread, result->posted) || thread->is_doubtful != is_doubtful;
        thread->is_doubtful = is_doubtful;
        if (is_news && (result->outcome == WIRE_BUSY || result->outcome == WIRE_HANDED_BACK))
                batch_store(core, thread, now.wall, thread->n_batch, fx);
}

/* That somebody has to pay first is for good as far as one run can tell; others of that provider wait until it is. */
static bool is_failure_of_provider(const struct thread *thread, const struct wire_result *result) {
        if (thread->is_answered)
                return false;
        return result->outcome == WIRE_FAILED ||
               (result->outcome == WIRE_FAILED_FOR_GOOD && result->provider == WIRE_PROVIDER_UNPAID);
}

static void settle(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
                   struct effects *fx) {
        bool is_spared = provider_on_verdict(core, now, thread, result->provider, result->pause);

        count(core, now, thread, result);
        if (result->outcome != WIRE_DONE && result->outcome != WIRE_HANDED_BACK)
                thread_set_failure(core, thread, result->code, result->why);
        note_posted(core, now, thread, result, fx);
        if (run_is_all_out(thread)) {
                run_done(core, now, thread, fx);
                return;
        }
        if (is_spared && is_failure_of_provider(thread, result) && thread->effort->n_spared < LIMIT_SPARED) {
                run_spared(core, now, thread, result->retry_after, fx);
                return;
        }
        switch (result->outcome) {
        case WIRE_DONE:
                run_done(core, now, thread, fx);
                break;
        case WIRE_FAILED:
                run_failed(core, now, thread, result->retry_after, fx);
                break;
        case WIRE_FAILED_FOR_GOOD:
                core->counters.failed_for_good++;
                thread_effort(core, thread)->attempts++;
                message_list_be_read(core, &thread->messages, thread->n_batch);
                thread_end_lease(core, thread);
                dead_bury(core, now, thread, fx);
                break;
        case WIRE_BUSY:
                run_busy(core, now, thread, result, fx);
                break;
        case WIRE_HANDED_BACK:
                run_handed_back(core, now, thread);
                break;
        }
}

void on_result(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        const struct wire_result *result = &event->result;
        struct thread *thread = find_run(core, result->fence, result->batch);
        uint64_t *settled = &core->settled[result->fence % LIMIT_SETTLED];
        struct wire_settled answer = {result->fence, thread || (result->fence != 0 && *settled == result->fence)};

        if (!answer.is_accepted && is_too_early(core, event, result->fence)) {
                worker_ask_hello(event, fx);
                return;
        }
        if (thread) {
                *settled = result->fence;
                settle(core, now, thread, result, fx);
        } else if (!answer.is_accepted) {
                core->counters.stale++;
        }
        wire_encode_settled(effects_begin_frame(fx, DOOR_WORKERS, event->from), &answer);
        effects_end_frame(fx);
}
