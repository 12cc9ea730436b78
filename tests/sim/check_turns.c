/* Around a turn of the broker, and around its death: G5 promptly, G6, G12. */
#include "tests/sim/check_state.h"

#include "broker/core/core.h"

#include <stdlib.h>
#include <string.h>

void check_on_turn_begin(void) {
        checks.turn++;
        checks.turn_now = sim.now_us;
        checks.turn_wall = sim.wall_ms + sim.now_us / 1000;
        checks.has_verb = false;
        check_items_forget();
        check_holds_begin();
        check_frames_begin();
        checks.told_runs.n = checks.n_pending = 0;
        for (uint32_t i = 0; i < SIM_WORKERS; i++)
                checks.beats[i].n = 0;
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i += SIM_THREADS)
                check_fullness(i);
        for (uint32_t i = checks.n_runs; i-- > 0 && i + 64 > checks.n_runs;) {
                struct model_run *run = &checks.runs[i];

                if (!run->is_unsent || run->is_over)
                        continue;
                check_run_is_over(run);
                check_is_ready(run->thread);
        }
}

const char *check_said_state(uint32_t thread) {
        struct core_thread_view view;

        core_why(broker_core(), sim_now(), bytes_of(world_tenant_name(thread)), bytes_of(world_thread_name(thread)),
                 &view);
        return thread_state_name(view.state);
}

static bool has_credit(void) {
        struct core_worker_view worker;
        uint32_t cursor = 0;

        while (core_next_worker(broker_core(), sim_now(), &cursor, &worker))
                if (worker.running < worker.slots)
                        return true;
        return false;
}

static bool has_room(uint32_t thread) {
        return checks.tenants[world_tenant(thread)].paced <= checks.turn_now &&
               checks.tenants[world_tenant(thread)].n_running < check_settings(thread)->concurrency;
}

/* Who waits for a turn, by tenant: only those are passed over by others. */
static void forget_turns(const bool *waits) {
        for (uint32_t i = 0; i < SIM_TENANTS; i++)
                if (!waits[i])
                        memset(checks.tenants[i].passed, 0, sizeof checks.tenants[i].passed);
}

/* The broker looks at its provider again when it may be asked. */
static void check_is_looked_after(uint32_t index, int64_t next) {
        int64_t until = check_kept_until(index);

        if (until > checks.turn_now && next > until && has_credit() && has_room(index))
                sim_violation("G5 when quiet",
                              "thread %s waits for a provider that may be asked %lld us before the broker looks again",
                              world_thread_name(index), (long long)(next - until));
}

/* With jitter it may be ready somewhat earlier than it must: since when matters for how long others were busy. */
static bool is_ready_by_now(uint32_t index) {
        const struct model_thread *thread = &checks.threads[index];

        if (thread->state == MODEL_READY || thread->due_min > checks.turn_now)
                return false;
        return thread->due_max <= checks.turn_now || strcmp(check_said_state(index), "ready") == 0;
}

static void check_promptness(void) {
        int64_t next = core_next_due(broker_core()).us;
        bool waits[SIM_TENANTS] = {false}, is_free = has_credit();

        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                struct model_thread *thread = &checks.threads[i];

                if (thread->list.n == 0 || thread->state == MODEL_RUNNING || thread->state == MODEL_HELD ||
                    check_is_awaited(thread))
                        continue;
                if (is_ready_by_now(i))
                        thread->state = MODEL_READY, thread->ready_since = checks.turn_now;
                if (thread->state == MODEL_READY && check_is_kept_back(i)) {
                        check_is_looked_after(i, next);
                        continue;
                }
                if (thread->state == MODEL_READY && has_room(i))
                        waits[world_tenant(i)] = true;
                if (thread->state == MODEL_READY && is_free && has_room(i))
                        sim_violation("G5 when quiet",
                                      "thread %s is due, a worker has credit, and no run begins; it is said to be %s",
                                      world_thread_name(i), check_said_state(i));
                /* With jitter it may have become ready without our knowing. */
                if (thread->due_min > checks.turn_now && next > thread->due_max)
                        sim_violation("G5 when quiet",
                                      "thread %s, in state %d with %u messages, is due %lld us before the broker means "
                                      "to look again",
                                      world_thread_name(i), (int)thread->state, thread->list.n,
                                      (long long)(next - thread->due_max));
        }
        forget_turns(waits);
}

/* -- G12 ----------------------------------------------------------------------------------------------------------- */

static bool is_state(const struct model_thread *thread, enum thread_state state) {
        static const enum thread_state states[] = {
                [MODEL_COLLECTING] = THREAD_COLLECTING, [MODEL_READY] = THREAD_READY,
                [MODEL_RUNNING] = THREAD_RUNNING,       [MODEL_WAITING] = THREAD_WAITING,
                [MODEL_BACKOFF] = THREAD_BACKOFF,       [MODEL_HELD] = THREAD_HELD};

        if (thread->is_held && thread->state != MODEL_RUNNING)
                return state == THREAD_HELD;
        if (thread->list.n == 0)
                return state == THREAD_DEAD || state == THREAD_DONE || state == THREAD_UNKNOWN;
        if (check_is_awaited(thread))
                return state == THREAD_COLLECTING || state == THREAD_BACKOFF;
        if (state == THREAD_READY) /* which of the two it is depends on the jitter */
                return thread->state == MODEL_READY || thread->due_min <= checks.turn_now;
        return state == states[thread->state];
}

/* By any of its names. */
static void check_why(uint32_t name) {
        uint32_t index = check_thread_called(name);
        const struct model_thread *thread = &checks.threads[index];
        struct core_thread_view view;

        core_why(broker_core(), sim_now(), bytes_of(world_tenant_name(name)), bytes_of(world_thread_name(name)), &view);
        if (!bytes_is_text(view.thread, world_thread_name(index)))
                sim_violation("G12 explainable", "%s is said to be thread %.*s, and is %s", world_thread_name(name),
                              BYTES_PRINT(view.thread), world_thread_name(index));
        if (!is_state(thread, view.state))
                sim_violation("G12 explainable", "thread %s is said to be %s, and is in state %d with %u messages",
                              world_thread_name(index), thread_state_name(view.state), (int)thread->state,
                              thread->list.n);
        if (view.n_messages != thread->list.n || view.fence != thread->fence)
                sim_violation("G12 explainable", "thread %s has %u messages and fence %s, not %u and %s",
                              world_thread_name(index), thread->list.n, tell_fence(thread->fence), view.n_messages,
                              tell_fence(view.fence));
}

void check_on_turn_end(void) {
        check_frames_end();
        check_hear_pending();
        check_items_now();
        check_awaiting_on_time();
        check_items_end();
        check_promptness();
        check_why((uint32_t)(checks.turn * 7 % SIM_ALL_THREADS));
        if (sim.is_over)
                for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                        check_why(i);
}

/* -- death and start ----------------------------------------------------------------------------------------------- */

void check_on_broker_stop(int64_t until) {
        checks.broker_trouble = until;
        for (uint32_t i = 0; i < SIM_WORKERS; i++)
                check_on_trouble(worker_process(i), until);
}

static void forget(struct model_thread *thread) {
        thread->fence = thread->newest_fence = 0;
        thread->is_flushed = false;
        thread->tried = thread->tried_before = thread->stirred = 0;
        memset(thread->echoes, 0, sizeof thread->echoes);
}

/* Whatever was under way counts no more: the next broker begins from the store. */
void check_on_broker_end(void) {
        check_frames_end();
        checks.broker_trouble = sim_time();
        for (uint32_t i = 0; i < checks.n_runs; i++) {
                checks.runs[i].is_broker_gone = checks.runs[i].is_broker_gone || !checks.runs[i].is_over;
                checks.runs[i].is_over = true;
                checks.runs[i].is_void = false;
        }
        /* What it heard in a turn that was not committed, it has not heard. */
        for (uint32_t i = 0; i < checks.told_runs.n; i++)
                checks.runs[checks.told_runs.items[i]].is_broker_gone = true;
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                forget(&checks.threads[i]);
        for (uint32_t i = 0; i < SIM_TENANTS; i++)
                checks.tenants[i] = (struct model_tenant){.full_at = checks.tenants[i].full_at};
        memset(checks.providers, 0, sizeof checks.providers);
        checks.is_awaiting = false;
        memset(checks.known_at, 0, sizeof checks.known_at);
}

int64_t check_of_calendar(int64_t ms) { return sim.now_us + (ms - sim_now().wall.ms) * 1000; }

static void set_time(struct said *said) {
        int64_t at = check_of_calendar(said->accepted_ms);

        said->at = at < sim.now_us ? at : sim.now_us;
}

/* A due time is never stored: it follows from when the messages came, as the calendar tells it now. */
void check_on_broker_loaded(void) {
        checks.turn_now = sim.now_us;
        checks.turn_wall = sim_now().wall.ms;
        check_holds_load();
        check_await();
        for (uint32_t i = 0; i < checks.n_said; i++)
                if (checks.said[i].fate == FATE_STORED || checks.said[i].fate == FATE_DEAD)
                        set_time(&checks.said[i]);
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                struct model_thread *thread = &checks.threads[i];
                const struct config_tenant *settings = check_settings(i);
                int64_t cap = settings->retry.cap.us > 3600000000 ? settings->retry.cap.us : 3600000000;
                struct said *first;

                thread->state = MODEL_COLLECTING;
                thread->attempts = thread->n_busy = thread->n_interrupts = 0;
                check_collect(i);
                first = thread->list.n ? &checks.said[thread->list.items[0]] : NULL;
                thread->n_settled = first && first->has_answer ? first->batch.n : 0;
                if (!first || !first->has_record)
                        continue;
                thread->attempts = first->attempts;
                thread->n_interrupts = first->n_interrupts;
                if (thread->is_held || first->record_ms == AT_QUIET.ms)
                        continue;
                thread->state = MODEL_BACKOFF;
                thread->due_min = thread->due_max = check_of_calendar(first->record_ms);
                if (thread->due_max > sim.now_us + cap)
                        thread->due_min = thread->due_max = sim.now_us + cap;
        }
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

bool check_is_over(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (checks.threads[i].list.n > 0)
                        return false;
        return true;
}

void check_end(void) {
        if (!check_is_over())
                sim_violation("liveness", "faults have ended, and something has not come to an end");
        for (uint32_t i = 0; i < checks.n_said; i++) {
                const struct said *said = &checks.said[i];

                if (said->fate == FATE_STORED)
                        sim_violation("G2 once", "message %u is neither finished nor dead", i);
                if (said->fate != FATE_DEAD && (said->has_record || said->has_answer))
                        sim_violation("G2 once", "the store keeps something of message %u, which is over", i);
        }
}

void check_init(void) {
        struct checks old = checks;

        checks = (struct checks){.said = old.said,
                                 .said_cap = old.said_cap,
                                 .keys = old.keys,
                                 .keys_cap = old.keys_cap,
                                 .by_seq = old.by_seq,
                                 .by_seq_cap = old.by_seq_cap,
                                 .runs = old.runs,
                                 .runs_cap = old.runs_cap,
                                 .items = old.items,
                                 .items_cap = old.items_cap,
                                 .notes = old.notes,
                                 .notes_cap = old.notes_cap};
        check_names_init();
        check_again_init();
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                check_collect(i);
}
