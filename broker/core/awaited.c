/* Workers from before a restart. They went on working, so what they hold must not go out a second time: each worker
 * that gets leases is noted durably, and after a restart the threads that were there before wait until all of those
 * have said HELLO and named their leases, one lease time at most. What is named goes on where it was. How long a worker
 * is awaited is stored as well: a broker that restarts again and again does not begin to wait anew each time. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

/* Threads looked at in one turn when the wait is over. */
enum { RELEASED_PER_TURN = 4096 };

struct awaited {
        uint64_t note;
        struct wall since, until_wall; /* as noted; until 0 = it was there when the broker ended */
        struct mono until;
        uint8_t uuid[WIRE_UUID_LEN];
};

struct awaiting {
        struct awaited *workers; /* more than LIMIT_WORKERS, when a whole fleet was replaced between two starts */
        uint32_t n, cap;
        struct table by_head; /* threads that were there at the start, by the seq of their first message */
        uint32_t cursor; /* the wait is over: threads before this have been released */
};

static uint32_t hash_seq(uint64_t seq) { return (uint32_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 32); }

struct awaiting *awaiting_free(struct awaiting *awaiting) {
        if (awaiting) {
                table_done(&awaiting->by_head);
                free(awaiting->workers);
        }
        free(awaiting);
        return NULL;
}

void awaiting_load(struct core *core, const struct stored_note *note) {
        struct awaiting *awaiting = core->awaiting;
        struct awaited *awaited;

        if (!awaiting)
                awaiting = core->awaiting = memory_new(1, sizeof *core->awaiting);
        if (note->name.len != WIRE_UUID_LEN)
                return;
        if (awaiting->n == awaiting->cap) {
                awaiting->cap = awaiting->cap ? awaiting->cap * 2 : 64;
                awaiting->workers = memory_resize(awaiting->workers, awaiting->cap, sizeof *awaiting->workers);
        }
        awaited = &core->awaiting->workers[core->awaiting->n++];
        awaited->note = note->seq;
        awaited->since = note->at;
        awaited->until_wall = note->until;
        memcpy(awaited->uuid, note->name.data, WIRE_UUID_LEN);
}

static void store(uint64_t note, const uint8_t *uuid, struct wall since, struct wall until, struct effects *fx) {
        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = note, .kind = STORED_WORKER, .name = {uuid, WIRE_UUID_LEN}, .at = since, .until = until};
}

/* A lease time from now, or what is left of it from the life of the broker before this one. The calendar may have been
 * set since: it is never more than a lease. */
static void await(const struct core *core, struct now now, struct awaited *awaited, struct effects *fx) {
        struct mono longest = mono_add(now.mono, core->lease);

        if (awaited->until_wall.ms > 0) {
                awaited->until = mono_min(longest, now_to_mono(now, awaited->until_wall));
                return;
        }
        awaited->until = longest;
        store(awaited->note, awaited->uuid, awaited->since, now_to_wall(now, longest), fx);
}

void awaiting_begin(struct core *core, struct now now, struct effects *fx) {
        if (!core->awaiting)
                return;
        for (uint32_t i = 0; i < core->awaiting->n; i++)
                await(core, now, &core->awaiting->workers[i], fx);
        for (uint32_t i = 0; i < core->n_threads; i++) {
                core->threads[i].is_awaited = true;
                table_push(&core->awaiting->by_head, hash_seq(thread_seq(core, &core->threads[i])), i);
        }
}

bool awaiting_has(const struct core *core, const struct thread *thread) {
        return thread->is_awaited && core->awaiting && core->awaiting->n > 0;
}

struct mono awaiting_until(const struct core *core) {
        struct mono until = core->last_step;

        if (!core->awaiting)
                return MONO_NEVER;
        for (uint32_t i = 0; i < core->awaiting->n; i++)
                until = mono_max(until, core->awaiting->workers[i].until);
        return until;
}

void awaiting_note(struct core *core, struct now now, struct worker *worker, struct effects *fx) {
        if (worker->note != 0)
                return;
        worker->note = core->next_seq++;
        store(worker->note, worker->uuid, now.wall, (struct wall){0}, fx);
}

void awaiting_forget(struct worker *worker, struct effects *fx) {
        if (worker->note != 0)
                effects_delete(fx, CHANGE_DELETE_NOTE, worker->note);
        worker->note = 0;
}

void awaiting_arrive(struct core *core, struct worker *worker, struct effects *fx) {
        struct awaiting *awaiting = core->awaiting;

        for (uint32_t i = 0; awaiting && i < awaiting->n; i++) {
                const struct awaited *awaited = &awaiting->workers[i];

                if (memcmp(awaited->uuid, worker->uuid, WIRE_UUID_LEN) != 0)
                        continue;
                worker->note = awaited->note;
                store(awaited->note, worker->uuid, awaited->since, (struct wall){0}, fx);
                awaiting->workers[i] = awaiting->workers[--awaiting->n];
                return;
        }
}

/* The thread whose first messages are the batch, and how many they are; NULL when there is none. */
static struct thread *find_batch(const struct core *core, struct bytes batch, uint32_t *ret_n) {
        struct table_probe probe = {0};
        uint32_t index;
        uint64_t seq;

        if (batch_parse(batch, &seq) < 0)
                return NULL;
        probe.hash = hash_seq(seq);
        while (table_next(&core->awaiting->by_head, &probe, &index)) {
                struct thread *thread = &core->threads[index];

                if (!thread_is_used(thread) || thread_seq(core, thread) != seq)
                        continue;
                *ret_n = batch_count(core, &thread->messages, batch);
                return *ret_n > 0 ? thread : NULL;
        }
        return NULL;
}

/* May this run go on? Not under a fence that was given up before the restart. If another one of this batch goes on
 * already, the newer does, unless the older has got its answer in: then that is the one. And a batch whose answer is
 * stored has its messages fixed. */
static bool is_good(const struct thread *thread, const struct wire_held *held, uint32_t n) {
        if (held->fence <= thread->effort->void_fence && held->fence != thread->effort->posting)
                return false;
        if (thread->state == THREAD_RUNNING && (thread->is_answered || held->fence <= thread->effort->fence))
                return false;
        return thread->is_answered ? thread->n_batch == n : !thread->is_held;
}

static void note_adoption(const struct core *core, const struct thread *thread, struct effects *fx) {
        struct adoption *adoption = effects_push_adoption(fx, thread_name(core, thread));

        adoption->fence = thread->effort->fence;
        adoption->tenant = bytes_of(tenant_of(core, thread)->name);
        batch_name(core, &thread->messages, thread->n_batch, adoption->batch);
        memcpy(adoption->worker, core->workers[thread->effort->worker].uuid, WIRE_UUID_LEN);
}

struct thread *awaiting_adopt(struct core *core, struct now now, uint32_t worker, const struct wire_held *held,
                              struct effects *fx) {
        struct thread *thread;
        uint32_t n;

        if (!core->awaiting || held->fence >> 32 >= core->epoch)
                return NULL;
        thread = find_batch(core, held->batch, &n);
        if (!thread || !is_good(thread, held, n))
                return NULL;
        if (thread->state == THREAD_RUNNING) {
                run_cancel(core, now, core->workers[thread->effort->worker].address, thread->effort->fence, "stale",
                           "a newer run of this batch goes on", fx);
                thread_end_lease(core, thread);
        }
        awaiting_note(core, now, &core->workers[worker], fx); /* its wait may have ended already */
        core->counters.adopted++;
        thread->is_awaited = false;
        thread->was_doubtful = thread->is_doubtful && held->fence != thread->effort->posting;
        thread_settle(thread, n);
        thread_take_lease(core, thread, worker, held->fence);
        thread_set_state(core, now, thread, THREAD_RUNNING);
        note_adoption(core, thread, fx);
        return thread;
}

void awaiting_forgive(struct core *core, struct now now, struct span gap) {
        struct mono longest = mono_add(now.mono, core->lease);

        for (uint32_t i = 0; core->awaiting && i < core->awaiting->n; i++) {
                struct awaited *awaited = &core->awaiting->workers[i];

                awaited->until = mono_min(mono_add(awaited->until, gap), longest);
        }
}

/* The wait is over: what is due may go, and is late from here on only. */
static void release(struct core *core, struct now now) {
        struct awaiting *awaiting = core->awaiting;

        core->released = now.mono;
        for (uint32_t i = 0; i < RELEASED_PER_TURN && awaiting->cursor < core->n_threads; i++) {
                struct thread *thread = &core->threads[awaiting->cursor++];

                if (!thread_is_used(thread) || !thread->is_awaited)
                        continue;
                thread->is_awaited = false;
                if (thread->state != THREAD_RUNNING && thread->state != THREAD_READY &&
                    mono_is_due(now.mono, thread->due))
                        thread_wake(core, thread, now.mono); /* its due time says who has waited longest */
        }
        if (awaiting->cursor >= core->n_threads)
                core->awaiting = awaiting_free(awaiting);
}

void awaiting_on_time(struct core *core, struct now now, struct effects *fx) {
        struct awaiting *awaiting = core->awaiting;

        if (!awaiting)
                return;
        for (uint32_t i = awaiting->n; i-- > 0;) {
                if (!mono_is_due(now.mono, awaiting->workers[i].until))
                        continue;
                effects_delete(fx, CHANGE_DELETE_NOTE, awaiting->workers[i].note);
                awaiting->workers[i] = awaiting->workers[--awaiting->n];
        }
        if (awaiting->n == 0)
                release(core, now);
}
