#include "worker/work_private.h"

/* -- the lock ------------------------------------------------------------------------------------------------------ */

struct lock_claim work_claim(const struct work *work) {
        const struct run_plan *plan = &work->run.plan;

        return (struct lock_claim){
                .tenant = work->batch->tenant,
                .thread = work->batch->thread,
                .fence = work->batch->fence,
                .ttl = work->run.plan.lock_ttl,
                .batch = work->batch->id,
                .provider = plan->is_answered || plan->is_uncalled ? NULL : work->tenant->handler.endpoint,
                .since = work->since,
        };
}

static void on_lock_answer(void *context, const struct redis_answer *answer) {
        struct work *work = context;

        work->lock_request = NULL;
        switch (lock_answer_of(answer)) {
        case LOCK_OURS:
                work_on_event(work, RUN_ON_LOCKED);
                break;
        case LOCK_THEIRS:
                work_on_event(work, RUN_ON_LOCK_BUSY);
                break;
        case LOCK_UNKNOWN:
                work_on_event(work, RUN_ON_LOCK_UNKNOWN);
                break;
        }
}

static void ask_for_lock(struct work *work, bool is_acquire) {
        struct lock_claim claim = work_claim(work);

        work->lock_request = is_acquire ? lock_acquire(work->doors->locks, &claim, on_lock_answer, work)
                                        : lock_extend(work->doors->locks, &claim, on_lock_answer, work);
        if (!work->lock_request)
                work_on_event(work, RUN_ON_LOCK_UNKNOWN);
}

static void release_lock(struct work *work) {
        struct lock_claim claim = work_claim(work);

        work->lock_request = redis_request_free(work->lock_request);
        lock_release(work->doors->locks, &claim);
}

/* -- the broker ---------------------------------------------------------------------------------------------------- */

static void send_answered(struct work *work) {
        struct wire_answered answered = {
                .fence = work->batch->fence,
                .batch = bytes_of(work->batch->id),
                .answer = buffer_bytes(&work->answer.replies),
        };

        broker_link_send_answered(work->doors->link, &answered);
}

static void send_posted(struct work *work) {
        struct wire_posted posted = {
                .fence = work->batch->fence,
                .batch = bytes_of(work->batch->id),
                .posted = work->run.posted,
        };

        broker_link_send_posted(work->doors->link, &posted);
}

static void send_result(struct work *work) {
        const struct run *run = &work->run;
        struct wire_result result = {
                .fence = work->batch->fence,
                .batch = bytes_of(work->batch->id),
                .outcome = run->outcome.kind,
                .code = bytes_of(run->outcome.code),
                .why = bytes_of(run->outcome.why),
                .retry_after = run->outcome.retry_after,
                .posted = run->posted,
                .lock_wait = run->lock_wait,
                .answering = run->answering,
                .is_doubtful = run->is_doubtful,
                .provider = run->provider,
                .pause = run->pause,
        };

        broker_link_send_result(work->doors->link, &result);
}

/* -- the history --------------------------------------------------------------------------------------------------- */

static void remember(struct work *work) {
        const struct config_handler *handler = &work->tenant->handler;
        const struct batch *batch = work->batch;
        CLEANUP_BUFFER struct buffer said = {0}, prompt = {0};
        struct bytes replies[LIMIT_REPLIES];
        struct recall_turn turn;
        uint32_t n = 0;

        /* A record has no answer: a person gave it, and it is not known here. */
        if (!work->run.plan.is_record && wire_decode_answer(work_answer(work), replies, &n) < 0)
                return;
        for (uint32_t i = 0; i < n; i++) {
                if (i > 0)
                        buffer_push_text(&said, "\n");
                buffer_push(&said, replies[i].data, replies[i].len);
        }
        batch_push_prompt(batch, &prompt);
        turn = (struct recall_turn){.user = buffer_bytes(&prompt), .assistant = buffer_bytes(&said)};
        recall_push(work->doors->recall, batch->tenant, batch->thread, batch->id, &turn, handler->history.turns,
                    handler->history.ttl);
}

/* ------------------------------------------------------------------------------------------------------------------ */

void work_carry_out(struct work *work, enum run_effect effect) {
        switch (effect) {
        case RUN_ACQUIRE:
        case RUN_EXTEND:
                ask_for_lock(work, effect == RUN_ACQUIRE);
                break;
        case RUN_RELEASE:
                release_lock(work);
                break;
        case RUN_LOOK_UP:
                work_look_up(work);
                break;
        case RUN_CALL:
                work_ask(work);
                break;
        case RUN_ABORT:
                work_abort(work, false);
                break;
        case RUN_SEND_ANSWERED:
                send_answered(work);
                break;
        case RUN_READ_BACK:
                work_read_back(work);
                break;
        case RUN_POST:
                work_post(work);
                break;
        case RUN_SEND_POSTED:
                send_posted(work);
                break;
        case RUN_REMEMBER:
                remember(work);
                break;
        case RUN_SEND_RESULT:
                send_result(work);
                break;
        case RUN_END:
                break;
        }
}
