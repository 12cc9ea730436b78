/* Runs that go on over a restart of the broker: threads that were there before it are given to nobody else until every
 * worker that may have had a lease has said hello, one lease time at most; and a run that its worker names goes on. */
#include "tests/sim/check_state.h"

#include <string.h>

enum { UUIDS_MAX = sizeof checks.noted / sizeof *checks.noted };

static void remove_at(struct uuid *uuids, uint32_t *n, uint32_t at) { uuids[at] = uuids[--*n]; }

static struct uuid *get_noted(uint64_t note) {
        for (uint32_t i = 0; i < checks.n_noted; i++)
                if (checks.noted[i].note == note)
                        return &checks.noted[i];
        if (checks.n_noted == UUIDS_MAX)
                sim_violation("G2 once", "the store keeps notes of workers that are gone");
        return &checks.noted[checks.n_noted++];
}

void check_on_note(const struct stored_note *note) {
        struct uuid *uuid;

        if (note->kind != STORED_WORKER)
                return;
        uuid = get_noted(note->seq);
        memcpy(uuid->data, note->name.data, WIRE_UUID_LEN);
        uuid->note = note->seq;
        uuid->until_ms = note->until.ms;
}

void check_on_note_gone(uint64_t seq) {
        for (uint32_t i = 0; i < checks.n_noted; i++)
                if (checks.noted[i].note == seq)
                        remove_at(checks.noted, &checks.n_noted, i--);
}

void check_await(void) {
        memcpy(checks.awaited, checks.noted, sizeof checks.awaited);
        checks.n_awaited = checks.n_noted;
        checks.n_runs_before = checks.n_runs;
        checks.is_awaiting = checks.n_noted > 0;
        checks.looked = checks.turn_now;
        for (uint32_t i = 0; i < checks.n_awaited; i++) {
                int64_t longest = checks.turn_now + sim.config.broker.lease.us;
                int64_t until = check_of_calendar(checks.awaited[i].until_ms);

                checks.awaited[i].until = checks.awaited[i].until_ms > 0 && until < longest ? until : longest;
        }
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                checks.threads[i].is_awaited = checks.is_awaiting && checks.threads[i].list.n > 0;
}

void check_on_hello(const struct wire_hello *hello) {
        for (uint32_t i = 0; i < checks.n_awaited; i++)
                if (memcmp(checks.awaited[i].data, hello->uuid.data, WIRE_UUID_LEN) == 0)
                        remove_at(checks.awaited, &checks.n_awaited, i--);
}

/* What is held cannot be flushed. Where the hold has ended in the same turn, only the broker knows which came first. */
static bool was_in_vain(uint32_t index) {
        return checks.threads[index].was_held && strcmp(check_said_state(index), "ready") != 0;
}

/* An operator wants it due now. */
static void flush(uint32_t index) {
        struct model_thread *thread = &checks.threads[index];

        if (thread->is_flushed && thread->list.n > 0 && thread->state != MODEL_RUNNING && !thread->is_held &&
            !check_is_awaited(thread) && !was_in_vain(index))
                check_is_ready(index);
        thread->is_flushed = false;
}

/* A broker that stood still could not hear who came back: for so long it waits longer, one lease from now at most. */
static void forgive(void) {
        int64_t gap = checks.turn_now - checks.looked, longest = checks.turn_now + sim.config.broker.lease.us;

        checks.looked = checks.turn_now;
        for (uint32_t i = 0; i < checks.n_awaited && gap > sim.config.broker.lease.us / 5 * 2; i++) {
                int64_t until = checks.awaited[i].until + gap;

                checks.awaited[i].until = until < longest ? until : longest;
        }
}

void check_awaiting_on_time(void) {
        if (checks.awaiting_turn == checks.turn)
                return;
        checks.awaiting_turn = checks.turn;
        forgive();
        for (uint32_t i = 0; i < checks.n_awaited; i++)
                if (checks.turn_now >= checks.awaited[i].until)
                        remove_at(checks.awaited, &checks.n_awaited, i--);
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                flush(i);
        if (checks.n_awaited == 0)
                checks.is_awaiting = false;
}

void check_let_go(uint32_t index) {
        struct model_thread *thread = &checks.threads[index];

        thread->is_held = false;
        /* A hold that comes and goes in one turn, as names become one, has not made it MODEL_HELD yet. */
        if (thread->state == MODEL_RUNNING)
                return;
        thread->state = MODEL_COLLECTING;
        check_collect(index);
        if (thread->n_settled > 0)
                thread->state = MODEL_BACKOFF, thread->due_min = thread->due_max = checks.turn_now;
}

bool check_is_awaited(const struct model_thread *thread) { return thread->is_awaited && checks.is_awaiting; }

/* Are they what the thread begins with, in the words in which the run got them? */
static bool is_first_of(const struct model_thread *thread, const struct model_run *run) {
        for (uint32_t i = 0; i < run->messages.n; i++) {
                uint32_t number = run->messages.items[i];

                if (i >= thread->list.n || thread->list.items[i] != number ||
                    checks.said[number].written != run->written.items[i])
                        return false;
        }
        return true;
}

void check_adopt(struct check_sender from, struct model_run *run) {
        struct model_thread *thread = &checks.threads[run->thread];
        const struct said *first = &checks.said[run->messages.items[0]];

        /* One that ended without a trace in the store (busy, handed back) goes on as well, until that is said
         * again, or a newer one has begun since. */
        if (!checks.is_awaiting || run >= checks.runs + checks.n_runs_before || run->worker != from.process ||
            run->is_void || run->worker_generation != from.generation || !is_first_of(thread, run))
                return;
        if ((first->has_record && run->fence <= first->void_fence && run->fence != first->posting) ||
            thread->fence >= run->fence || run->fence < thread->newest_fence ||
            (thread->is_held && thread->n_settled == 0) ||
            (thread->n_settled > 0 && (thread->fence != 0 || thread->n_settled != run->messages.n)))
                return;
        if (thread->fence != 0 && check_find_run(thread->fence))
                check_run_is_over(check_find_run(thread->fence));
        sim.stats.adopted++;
        run->is_over = run->is_lost = run->is_broker_gone = false;
        run->named = checks.turn_now;
        run->is_answered = thread->n_settled > 0;
        run->is_asking = !run->is_answered;
        thread->is_awaited = false;
        thread->fence = thread->newest_fence = run->fence;
        thread->state = MODEL_RUNNING;
        checks.tenants[world_tenant(run->thread)].n_running++;
}
