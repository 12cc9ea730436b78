/* The ends of a run, and what becomes of its batch. */
#include "broker/core/state.h"

#include "common/ensure.h"

#include <string.h>

/* Longest pause that a handler's Retry-After can ask for. */
#define RETRY_AFTER_MAX span_s(60 * 60)

static void forget_record(struct core *core, struct thread *thread, struct effects *fx) {
        if (thread->has_record)
                effects_delete(fx, CHANGE_DELETE_BATCH, thread_seq(core, thread));
        if (thread->is_answered)
                effects_delete(fx, CHANGE_DELETE_ANSWER, thread_seq(core, thread));
        thread->has_record = thread->is_answered = false;
}

static void remember(struct core *core, struct now now, const struct thread *thread) {
        struct recent *recent = &core->recent[core->n_recent++ % LIMIT_RECENT];

        *recent = (struct recent){thread_hash(core, thread),    thread->tenant, thread->n_batch,
                                  thread->effort->attempts + 1, now.wall,       {0}};
        batch_name(core, &thread->messages, thread->n_batch, recent->batch);
}

/* No call was needed for what was only recorded, so none was saved. */
static void count_done(struct core *core, const struct thread *thread) {
        struct tenant_counters *of_tenant = &tenant_of(core, thread)->counters, *of_all = &core->counters.savings;

        core->counters.done++;
        core->counters.finished += thread->n_batch;
        if (core->messages[thread->messages.first].is_record) {
                of_tenant->recorded += thread->n_batch;
                of_all->recorded += thread->n_batch;
                return;
        }
        of_tenant->calls_saved += thread->n_batch - 1;
        of_all->calls_saved += thread->n_batch - 1;
}

bool run_is_all_out(const struct thread *thread) {
        return thread->is_answered && thread->effort->n_replies > 0 &&
               thread->effort->posted >= thread->effort->n_replies;
}

/* What its channel showed may have finished it while nobody ran it. */
static void end_lease(struct core *core, struct thread *thread) {
        if (thread->state == THREAD_RUNNING)
                thread_end_lease(core, thread);
        else if (thread->state == THREAD_READY)
                thread->ticket++; /* its place in the queue is void */
}

void run_done(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        struct message_list batch;

        count_done(core, thread);
        remember(core, now, thread);
        forget_record(core, thread, fx);
        end_lease(core, thread);
        batch = message_list_cut(core, &thread->messages, thread->n_batch);
        records_end(core, thread->tenant, thread_name(core, thread), &batch, fx);
        for (uint32_t at = batch.first; at != NONE; at = core->messages[at].next)
                effects_delete(fx, CHANGE_DELETE_MESSAGE, core->messages[at].seq);
        tenant_of(core, thread)->n_pending -= batch.n;
        message_list_free(core, &batch);
        thread_begin_anew(core, thread);
        thread_set_state(core, now, thread, THREAD_COLLECTING);
        thread_go_on(core, now, thread);
}

/* The lease is over, the batch is not: newer messages join it, unless its answer is stored. */
static void take_back(struct core *core, struct thread *thread) {
        thread_end_lease(core, thread);
        if (!thread->is_answered)
                thread->n_batch = 0;
}

static void come_again(struct core *core, struct now now, struct thread *thread, enum thread_state state,
                       struct span delay) {
        take_back(core, thread);
        if (thread_keep_held(core, now, thread))
                return;
        thread_set_state(core, now, thread, state);
        thread_arm(core, thread, mono_add(now.mono, delay));
}

static void come_again_at_once(struct core *core, struct now now, struct thread *thread) {
        take_back(core, thread);
        if (thread_keep_held(core, now, thread))
                return;
        thread->due = now.mono;
        thread_ready(core, now, thread);
}

/* A store whose tenant has left the config meanwhile: the run ends under the rules of defaults that harm nobody. */
static const struct config_tenant *settings_or_default(const struct core *core, const struct thread *thread) {
        static const struct config_tenant defaults = {
                .retry = {.attempts = UINT32_MAX, .base = {2000000}, .cap = {32000000}, .factor = 2},
                .busy = {.base = {100000}, .cap = {2000000}, .give_up = {INT64_MAX}},
        };
        const struct config_tenant *settings = settings_of(core, thread);

        return settings ? settings : &defaults;
}

void run_failed(struct core *core, struct now now, struct thread *thread, struct span retry_after, struct effects *fx) {
        const struct config_tenant *settings = settings_or_default(core, thread);
        struct span delay;

        core->counters.failed++;
        thread_effort(core, thread)->n_busy = 0;
        thread_effort(core, thread)->attempts++;
        message_list_be_read(core, &thread->messages, thread->n_batch);
        if (thread->effort->attempts >= settings->retry.attempts) {
                thread_end_lease(core, thread);
                dead_bury(core, now, thread, fx);
                return;
        }
        delay = span_max(delay_backoff(core, settings, thread->effort->attempts - 1),
                         span_min(retry_after, RETRY_AFTER_MAX));
        come_again(core, now, thread, THREAD_BACKOFF, delay);
        batch_store(core, thread, wall_add(now.wall, delay), thread->n_batch, fx);
}

/* When its provider is back already, the thread comes again by its own pauses, as it would without one. */
static struct span spared_delay(struct core *core, const struct thread *thread, struct span retry_after) {
        bool is_over = provider_of_run(core, thread)->state == PROVIDER_CLOSED;
        struct span delay = span_min(retry_after, RETRY_AFTER_MAX);

        return is_over ? span_max(delay,
                                  delay_backoff(core, settings_or_default(core, thread), thread->effort->attempts))
                       : delay;
}

void run_spared(struct core *core, struct now now, struct thread *thread, struct span retry_after, struct effects *fx) {
        struct span delay = spared_delay(core, thread, retry_after);

        core->counters.failed++;
        core->counters.spared++;
        thread_effort(core, thread)->n_busy = 0;
        message_list_be_read(core, &thread->messages, thread->n_batch);
        thread_effort(core, thread)->n_spared++;
        if (delay.us > 0) {
                come_again(core, now, thread, THREAD_BACKOFF, delay);
                batch_store(core, thread, wall_add(now.wall, delay), 0, fx);
                return;
        }
        take_back(core, thread);
        batch_store(core, thread, AT_QUIET, 0, fx);
        if (thread_keep_held(core, now, thread))
                return;
        thread->due = mono_min(now.mono, ready_rank(core, thread));
        thread_ready(core, now, thread);
}

void run_busy(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
              struct effects *fx) {
        const struct config_tenant *settings = settings_or_default(core, thread);
        struct span delay, retry_after;

        core->counters.busy++;
        /* That Redis is away is no conversation's fault: it is waited for without an end. */
        if (thread->effort->n_busy == 0 || bytes_is_text(result->code, "lock_unreachable"))
                thread_effort(core, thread)->busy_since = now.mono;
        if (span_is_less(settings->busy.give_up, mono_since(now.mono, thread->effort->busy_since))) {
                run_failed(core, now, thread, result->retry_after, fx);
                return;
        }
        retry_after = span_min(result->retry_after, span_min(settings->busy.give_up, RETRY_AFTER_MAX));
        delay = span_max(delay_busy(core, settings, thread_effort(core, thread)->n_busy++), retry_after);
        come_again(core, now, thread, THREAD_WAITING, delay);
}

void run_handed_back(struct core *core, struct now now, struct thread *thread) {
        core->counters.handed_back++;
        /* It has no room, or leaves: no more for it until its next word. */
        worker_set_slots(core, &core->workers[thread->effort->worker], 0);
        come_again_at_once(core, now, thread);
}

/* The record keeps the count over a restart, and the run that ends here from going on after it. */
void run_interrupted(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        core->counters.savings.interrupted++;
        tenant_of(core, thread)->counters.interrupted++;
        thread_effort(core, thread)->n_interrupts++;
        thread_effort(core, thread)->n_busy = 0;
        run_cancel(core, now, core->workers[thread->effort->worker].address, thread->effort->fence, "interrupted",
                   "newer messages came: they and these are answered together", fx);
        take_back(core, thread);
        thread_set_state(core, now, thread, THREAD_COLLECTING);
        thread_arm(core, thread, batch_due(core, now, thread));
        batch_store(core, thread, AT_QUIET, 0, fx);
}

void run_lost(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        struct worker *worker = &core->workers[thread->effort->worker];

        core->counters.lost++;
        thread_effort(core, thread)->lost++;
        message_list_be_read(core, &thread->messages, thread->n_batch);
        run_cancel(core, now, worker->address, thread->effort->fence, "stale", "no word of this run for the lease time",
                   fx);
        if (run_is_all_out(thread)) {
                run_done(core, now, thread, fx);
                return;
        }
        if (thread->effort->lost >= LIMIT_LOST_RUNS) {
                thread_set_failure(core, thread, bytes_of("lost"),
                                   bytes_of("each worker that ran this batch vanished: it may be what kills them"));
                thread_end_lease(core, thread);
                dead_bury(core, now, thread, fx);
                return;
        }
        come_again_at_once(core, now, thread);
        batch_store(core, thread, now.wall, thread->n_batch, fx);
}
