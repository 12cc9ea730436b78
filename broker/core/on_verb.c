/* What an operator does to a thread: hold, resume, flush, cancel. None of them loses a message or changes the order;
 * each is durable before it is answered. */
#include "broker/core/state.h"

#include <errno.h>
#include <string.h>

/* -- runs ---------------------------------------------------------------------------------------------------------- */

/* A worker that runs the thread may be posting its reply already. */
static bool is_posting(const struct core *core, const struct thread *thread) {
        return thread->is_answered && (thread->state == THREAD_RUNNING || (thread->is_awaited && core->awaiting));
}

/* Ends the run of a batch that has no answer yet, and sees to it that no worker from before a restart goes on with it
 * either. True when there was anything to end; then the caller writes a record of the batch, which makes it last. */
static bool call_off(struct core *core, struct now now, struct thread *thread, const char *code, const char *why,
                     struct effects *fx) {
        if (thread->state == THREAD_RUNNING) {
                core->counters.cancelled++;
                run_cancel(core, now, core->workers[thread->worker].address, thread->fence, code, why, fx);
                thread_end_lease(core, thread);
                thread->n_batch = 0;
                return true;
        }
        if (!thread->is_awaited || !core->awaiting || thread->is_answered)
                return false;
        thread->is_awaited = false;
        thread->void_fence = (uint64_t)core->epoch << 32;
        return true;
}

/* -- hold and resume ----------------------------------------------------------------------------------------------- */

/* The texts are the event's, which outlive the turn's commit; the hold itself may be let go in the same turn. */
static void store(const struct hold *hold, const struct event *event, struct effects *fx) {
        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = hold->seq,
                .kind = STORED_HOLD,
                .tenant = event->verb.tenant,
                .name = event->verb.thread,
                .value = {event->verb.why.data, strlen(hold->why)},
                .at = hold->since,
                .until = hold->until,
        };
}

/* A run whose answer is stored is let go on to its end: its reply may be out already. */
static void stop_thread(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        thread->is_held = true;
        if (is_posting(core, thread) && thread->state == THREAD_RUNNING)
                return;
        if (call_off(core, now, thread, "held", "a person has taken this thread over", fx))
                batch_store(core, thread, AT_QUIET, 0, fx);
        thread_keep_held(core, now, thread);
}

static int hold_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                       struct effects *fx) {
        struct thread *thread = thread_find(core, tenant, event->verb.thread);
        struct hold *hold = hold_find(core, tenant, event->verb.thread);

        if (!hold && core->holds.n >= LIMIT_HOLDS)
                return -ENOSPC;
        if (!hold)
                core->counters.holds++;
        hold = hold_get(core, now, tenant, event->verb.thread);
        hold_set_why(hold, event->verb.why);
        hold_set_until(core, now, hold, event->verb.until);
        store(hold, event, fx);
        *event->verb.ret_messages = thread ? thread->messages.n : 0;
        if (thread && !thread->is_held)
                stop_thread(core, now, thread, fx);
        return 0;
}

/* A batch whose answer is stored goes at once, whatever has come behind it; else it is due as its messages say, from
 * now at the earliest: the time that it was held is not our lateness. */
static void let_go(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        thread->is_held = false;
        if (thread->state != THREAD_HELD)
                return;
        if (thread->has_record && !thread->is_answered)
                batch_store(core, thread, AT_QUIET, 0, fx); /* its pause is over for the next start, too */
        thread_set_state(core, now, thread, thread->is_answered ? THREAD_BACKOFF : THREAD_COLLECTING);
        thread_arm(core, thread, thread->is_answered ? now.mono : mono_max(now.mono, batch_due(core, now, thread)));
}

static void end_hold(struct core *core, struct now now, struct hold *hold, struct effects *fx) {
        struct thread *thread = thread_find(core, hold->tenant, (struct bytes){hold->thread, hold->thread_len});

        effects_delete(fx, CHANGE_DELETE_NOTE, hold->seq);
        hold_remove(core, hold);
        if (thread)
                let_go(core, now, thread, fx);
}

static int resume_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                         struct effects *fx) {
        const struct thread *thread = thread_find(core, tenant, event->verb.thread);
        struct hold *hold = hold_find(core, tenant, event->verb.thread);

        if (!hold)
                return -ENOENT;
        *event->verb.ret_messages = thread ? thread->messages.n : 0;
        end_hold(core, now, hold, fx);
        return 0;
}

void holds_on_time(struct core *core, struct now now, struct effects *fx) {
        for (int n = 0; n < LIMIT_DUE_PER_TURN; n++) {
                struct hold *hold = hold_next_ended(core, now);

                if (!hold)
                        return;
                end_hold(core, now, hold, fx);
        }
}

/* -- flush --------------------------------------------------------------------------------------------------------- */

static int flush_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event) {
        struct thread *thread = thread_find(core, tenant, event->verb.thread);

        if (!thread)
                return -ENOENT;
        if (thread->state == THREAD_RUNNING || awaiting_has(core, thread))
                return -EBUSY;
        if (thread->is_held)
                return -EPERM;
        *event->verb.ret_messages = thread->messages.n;
        if (thread->state == THREAD_READY)
                return 0;
        thread->due = now.mono;
        thread_ready(core, now, thread);
        return 0;
}

/* -- cancel -------------------------------------------------------------------------------------------------------- */

/* One dead letter; two when a batch whose answer is stored waits before others, as its answer is not theirs. Brought
 * back it is run anew: no run of before goes on with it, at whatever worker, however many restarts later. */
static void give_up(struct core *core, struct now now, uint32_t tenant, const struct event *event, struct effects *fx) {
        struct bytes why = event->verb.why.len > 0 ? event->verb.why : bytes_of("no reason was given");
        struct thread *thread;

        while ((thread = thread_find(core, tenant, event->verb.thread))) {
                thread_set_failure(thread, bytes_of("cancelled"), why);
                thread->void_fence = core->next_fence - 1;
                if (thread->n_batch == 0)
                        thread->n_batch =
                                thread->messages.n < LIMIT_DEAD_MESSAGES ? thread->messages.n : LIMIT_DEAD_MESSAGES;
                dead_bury(core, now, thread, fx);
        }
}

static int cancel_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                         struct effects *fx) {
        struct thread *thread = thread_find(core, tenant, event->verb.thread);

        if (!thread)
                return -ENOENT;
        if (is_posting(core, thread))
                return -EBUSY;
        *event->verb.ret_messages = thread->messages.n;
        call_off(core, now, thread, "cancelled", "an operator cancelled it", fx);
        give_up(core, now, tenant, event, fx);
        return 0;
}

/* -- events -------------------------------------------------------------------------------------------------------- */

/* A tenant that has left the config may still have messages: those may be cancelled, and a hold let go. */
static int find_tenant(const struct core *core, const struct event *event, bool is_left_good, uint32_t *ret) {
        uint32_t tenant = tenant_find(core, event->verb.tenant);

        if (tenant == NONE || (!is_left_good && !core->tenants[tenant].settings))
                return -ESRCH;
        *ret = tenant;
        return 0;
}

void on_hold(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, false, &tenant);

        *event->verb.ret_result = r < 0 ? r : hold_thread(core, now, tenant, event, fx);
}

void on_resume(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, true, &tenant);

        *event->verb.ret_result = r < 0 ? r : resume_thread(core, now, tenant, event, fx);
}

void on_flush(struct core *core, struct now now, const struct event *event) {
        uint32_t tenant;
        int r = find_tenant(core, event, false, &tenant);

        *event->verb.ret_result = r < 0 ? r : flush_thread(core, now, tenant, event);
}

void on_cancel(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, true, &tenant);

        *event->verb.ret_result = r < 0 ? r : cancel_thread(core, now, tenant, event, fx);
}
