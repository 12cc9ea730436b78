/* A worker has an answer, or the outcome of a run. Whatever bears a fence that is not in force changes nothing. */
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

/* Why an answer cannot be kept; NULL when it can. */
static const char *answer_fault(struct bytes answer) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        if (answer.len > LIMIT_ANSWER_BYTES)
                return "the answer is over 512 KiB";
        return wire_decode_answer(answer, replies, &n) < 0 ? "the answer is no array of at most 16 texts" : NULL;
}

static void stop_for_good(struct core *core, struct now now, struct thread *thread, const struct event *event,
                          const char *why, struct effects *fx) {
        thread_set_failure(thread, bytes_of("bad_answer"), bytes_of(why));
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

void on_answered(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        const struct wire_answered *answered = &event->answered;
        struct thread *thread = find_run(core, answered->fence, answered->batch);
        struct change *change;

        if (!thread && is_too_early(core, event, answered->fence)) {
                worker_ask_hello(event, fx);
                return;
        }
        if (!thread) {
                core->counters.stale++;
                send_verdict(event, WIRE_STOP, answered->fence, "stale", "the broker has given this lease up", fx);
                return;
        }
        if (answer_fault(answered->answer)) {
                stop_for_good(core, now, thread, event, answer_fault(answered->answer), fx);
                return;
        }
        if (!thread->is_answered) { /* else it is asked again, because GO was lost */
                thread->is_answered = true;
                thread->void_fence = void_below(core, thread->fence);
                thread->posting = thread->fence;
                core->counters.answered++;
                change = effects_push_change(fx, CHANGE_PUT_ANSWER);
                change->seq = thread_seq(core, thread);
                change->answer = answered->answer;
                batch_store(core, thread, now.wall, thread->n_batch, fx);
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

/* What is out is out, however the run ends: a crash must not post it again. Where the outcome writes no record of its
 * own, one is written here. */
static void note_posted(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
                        struct effects *fx) {
        if (!thread->is_answered || result->posted <= thread->posted)
                return;
        thread->posted = result->posted;
        if (result->outcome == WIRE_BUSY || result->outcome == WIRE_HANDED_BACK)
                batch_store(core, thread, now.wall, thread->n_batch, fx);
}

static void settle(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
                   struct effects *fx) {
        count(core, now, thread, result);
        if (result->outcome != WIRE_DONE && result->outcome != WIRE_HANDED_BACK)
                thread_set_failure(thread, result->code, result->why);
        note_posted(core, now, thread, result, fx);
        switch (result->outcome) {
        case WIRE_DONE:
                run_done(core, now, thread, fx);
                break;
        case WIRE_FAILED:
                run_failed(core, now, thread, result->retry_after, fx);
                break;
        case WIRE_FAILED_FOR_GOOD:
                core->counters.failed_for_good++;
                thread->attempts++;
                thread_end_lease(core, thread);
                dead_bury(core, now, thread, fx);
                break;
        case WIRE_BUSY:
                run_busy(core, now, thread, result->retry_after, fx);
                break;
        case WIRE_HANDED_BACK:
                run_handed_back(core, now, thread);
                break;
        }
}

void on_result(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        const struct wire_result *result = &event->result;
        struct thread *thread = find_run(core, result->fence, result->batch);
        uint64_t *settled = &core->settled[result->fence % LIMIT_RECENT];
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
