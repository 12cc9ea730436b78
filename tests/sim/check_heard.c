/* What the broker hears of runs, and how they end by it: G2, G3, G4, G9 at the broker. */
#include "tests/sim/check_state.h"

#include "tests/sim/net.h"

#include <stdio.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)

/* -- the ends of a run --------------------------------------------------------------------------------------------- */

void check_run_is_over(struct model_run *run) {
        struct model_thread *thread = &checks.threads[run->thread];

        run->is_over = true;
        check_provider_forgets(run);
        thread->fence = 0;
        checks.tenants[world_tenant(run->thread)].n_running--;
}

static void begin_anew(struct model_thread *thread) {
        thread->state = MODEL_COLLECTING;
        thread->attempts = thread->n_busy = thread->n_settled = thread->n_interrupts = 0;
}

static double grow(double base, double factor, double cap, uint32_t n) {
        for (uint32_t i = 0; i < n && base < cap; i++)
                base *= factor;
        return base < cap ? base : cap;
}

static void wait_for(struct model_thread *thread, enum model_state state, double us, double low, double high,
                     int64_t retry_after) {
        int64_t least = (int64_t)(us * low), most = (int64_t)(us * high) + 1;

        thread->state = state;
        thread->due_min = checks.turn_now + (least > retry_after ? least : retry_after);
        thread->due_max = checks.turn_now + (most > retry_after ? most : retry_after);
        if (thread->is_held)
                thread->state = MODEL_HELD, thread->due_min = thread->due_max = INT64_MAX;
}

static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

static void on_failed(struct model_run *run, int64_t retry_after) {
        const struct config_tenant *settings = check_settings(run->thread);
        struct model_thread *thread = &checks.threads[run->thread];

        thread->n_busy = 0;
        thread->attempts++;
        if (thread->attempts >= settings->retry.attempts) {
                begin_anew(thread);
                return;
        }
        wait_for(thread, MODEL_BACKOFF,
                 grow((double)settings->retry.base.us, settings->retry.factor, (double)settings->retry.cap.us,
                      thread->attempts - 1),
                 1 - settings->retry.jitter, 1 + settings->retry.jitter, least_of(retry_after, HOUR_US));
}

/* Its provider was to blame. Is that back already, it comes by its own pauses; as it was told to in any case. */
static void on_spared(struct model_run *run, int64_t retry_after) {
        const struct config_tenant *settings = check_settings(run->thread);
        struct model_thread *thread = &checks.threads[run->thread];
        double pause = grow((double)settings->retry.base.us, settings->retry.factor, (double)settings->retry.cap.us,
                            thread->attempts);
        bool is_closed = check_is_closed(run);

        check_spare(run);
        if (is_closed || retry_after > 0)
                wait_for(thread, MODEL_BACKOFF, is_closed ? pause : 0, 1 - settings->retry.jitter,
                         1 + settings->retry.jitter, least_of(retry_after, HOUR_US));
}

static void on_busy(struct model_run *run, const struct wire_result *result) {
        int64_t retry_after = result->retry_after.us;
        const struct config_tenant *settings = check_settings(run->thread);
        struct model_thread *thread = &checks.threads[run->thread];

        if (thread->n_busy == 0 || bytes_is_text(result->code, "lock_unreachable"))
                thread->busy_since = checks.turn_now;
        if (checks.turn_now - thread->busy_since > settings->busy.give_up.us) {
                on_failed(run, retry_after);
                return;
        }
        retry_after = least_of(least_of(retry_after, HOUR_US), settings->busy.give_up.us);
        wait_for(thread, MODEL_WAITING,
                 grow((double)settings->busy.base.us, 2, (double)settings->busy.cap.us, thread->n_busy++), 0.9, 1,
                 retry_after);
}

static void on_done(struct model_run *run) {
        struct model_thread *thread = &checks.threads[run->thread];

        for (uint32_t i = 0; i < run->messages.n; i++) {
                if (i >= thread->list.n || thread->list.items[i] != run->messages.items[i])
                        sim_violation("G3 in order", "run %s is done, and its messages are not the thread's oldest",
                                      tell_fence(run->fence));
                checks.said[run->messages.items[i]].done_turn = checks.turn;
        }
        begin_anew(thread);
}

static void on_result(const struct wire_result *result) {
        struct model_run *run = check_find_run(result->fence);
        bool is_spared;

        if (!run || run->is_over || checks.threads[run->thread].fence != run->fence)
                return;
        is_spared = check_on_verdict_of(run, result);
        check_run_is_over(run);
        run->has_result = true;
        run->is_void = true;
        run->told_posted = result->outcome == WIRE_DONE ? UINT32_MAX : result->posted;
        numbers_push(&checks.told_runs, (uint32_t)(run - checks.runs));
        if (is_spared) {
                on_spared(run, result->retry_after.us);
                return;
        }
        switch (result->outcome) {
        case WIRE_DONE:
                if (checks.said[run->messages.items[0]].has_answer && result->posted == 0)
                        sim_violation("G9 one reply", "run %s is done, its answer is stored, and no reply is out",
                                      tell_fence(run->fence));
                sim.stats.accepted++;
                on_done(run);
                break;
        case WIRE_FAILED:
                on_failed(run, result->retry_after.us);
                break;
        case WIRE_FAILED_FOR_GOOD:
                begin_anew(&checks.threads[run->thread]);
                break;
        case WIRE_BUSY:
                on_busy(run, result);
                break;
        case WIRE_HANDED_BACK:
                check_is_ready(run->thread);
                break;
        }
}

static struct model_run *find_current(uint64_t fence) {
        struct model_run *run = check_find_run(fence);

        return run && !run->is_over && checks.threads[run->thread].fence == fence ? run : NULL;
}

static void on_answered(const struct wire_answered *answered) {
        struct model_run *run = find_current(answered->fence);

        if (!run)
                return;
        check_on_answer_of(run);
        run->is_answered = true;
}

static void on_posted(const struct wire_posted *posted) {
        struct model_run *run = find_current(posted->fence);

        if (!run || !run->is_answered || posted->posted <= run->told_posted)
                return;
        run->told_posted = posted->posted;
        numbers_push(&checks.told_runs, (uint32_t)(run - checks.runs));
}

/* -- what the broker hears ----------------------------------------------------------------------------------------- */

static void on_held(struct check_sender from, struct pack_reader *held, uint32_t n) {
        struct wire_held item;

        for (uint32_t i = 0; i < n && wire_held_next(held, &item) == 0; i++) {
                struct model_run *run = check_find_run(item.fence);

                if (run && run->is_over)
                        check_adopt(from, run);
                if (run && !run->is_over && run->worker == from.process && run->worker_generation == from.generation)
                        run->named = checks.turn_now;
        }
}

static uint32_t thread_named(const char *name) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (strcmp(name, world_thread_name(i)) == 0)
                        return i;
        return SIM_ALL_THREADS;
}

static void flush(struct model_thread *thread) {
        thread->is_flushed = true;
        thread->was_held = thread->is_held;
}

/* A flush leaves no trace in the store: it is looked at before anything is sent, when the thread is as it found it. */
static void check_on_verb(struct bytes frame) {
        char text[160], name[16];
        uint32_t thread;
        const char *at;

        checks.has_verb = true;
        snprintf(text, sizeof text, "%.*s", BYTES_PRINT(frame));
        at = strstr(text, "\"thread\":\"");
        if (!at || sscanf(at + 10, "%15[^\"]", name) != 1 || (thread = thread_named(name)) == SIM_ALL_THREADS)
                return;
        if (strstr(text, "\"flush\""))
                flush(&checks.threads[check_thread_called(thread)]);
        if (strstr(text, "\"hold\""))
                check_items_take_verb(thread, MODEL_OPERATOR);
        if (strstr(text, "\"resume\""))
                check_items_take_verb(thread, MODEL_FREE);
}

/* The run of a thread whose messages these are, or which they change, may end by them. */
static void on_messages(struct bytes body) {
        struct wire_message message;
        struct pack_reader reader;
        uint64_t request;
        uint32_t n;

        check_items_take(body);
        if (wire_decode_messages(body, &request, &n, &reader) < 0)
                return;
        for (uint32_t i = 0; i < n && wire_message_next(&reader, &message) == 0; i++) {
                const struct said *said = &checks.said[check_number_of_body(message.body)];

                for (uint32_t k = 0; k < SIM_ALL_THREADS && !said->bad; k++)
                        if (checks.names[k].told == checks.names[said->name].told &&
                            check_settings(k)->on_new_message == CONFIG_ON_NEW_INTERRUPT)
                                checks.threads[k].disturbed = checks.threads[k].fence;
        }
}

static bool is_disturbed(uint64_t fence) {
        const struct model_run *run = find_current(fence);

        return run && checks.threads[run->thread].disturbed == fence;
}

static void hear(struct pending pending) {
        uint64_t fence = pending.is_result ? pending.result.fence : pending.answered.fence;

        /* In their order: whatever is heard after one that waits, waits too. */
        if ((checks.n_pending > 0 || is_disturbed(fence)) &&
            checks.n_pending < sizeof checks.pending / sizeof *checks.pending)
                checks.pending[checks.n_pending++] = pending;
        else if (pending.is_result)
                on_result(&pending.result);
        else
                on_answered(&pending.answered);
}

/* The commit that has taken place says how often it was interrupted. */
static bool is_interrupted(const struct model_run *run) {
        uint32_t n;
        const struct check_fact *facts = check_facts(&n);

        for (uint32_t i = 0; i < n; i++)
                if (facts[i].type == CHANGE_PUT_BATCH && facts[i].batch.kind == STORED_RETRYING &&
                    facts[i].seq == checks.said[run->messages.items[0]].seq &&
                    facts[i].batch.n_interrupts > checks.threads[run->thread].n_interrupts)
                        return true;
        return false;
}

void check_hear_pending(void) {
        uint32_t n = checks.n_pending;

        checks.n_pending = 0;
        for (uint32_t i = 0; i < n; i++) {
                const struct pending *pending = &checks.pending[i];
                const struct model_run *run =
                        find_current(pending->is_result ? pending->result.fence : pending->answered.fence);

                if (run && is_interrupted(run))
                        continue;
                if (pending->is_result)
                        on_result(&pending->result);
                else
                        on_answered(&pending->answered);
        }
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                checks.threads[i].disturbed = 0;
}

static void on_single(struct check_sender from, enum socket_name door, struct bytes frame) {
        uint32_t worker = worker_of(from.process);
        struct wire_hello hello;
        struct wire_alive alive;
        struct wire_answered answered;
        struct wire_posted posted;
        struct wire_result result;
        enum wire_type type;
        struct bytes body;

        if (door == SOCKET_STATS)
                check_on_verb(frame);
        if (door == SOCKET_INGEST && wire_open(frame, &type, &body) == 0 &&
            (type == WIRE_MESSAGES || type == WIRE_EVENTS))
                on_messages(body);
        if (door != SOCKET_WORKERS || wire_open(frame, &type, &body) < 0)
                return;
        if (type == WIRE_HELLO && wire_decode_hello(body, &hello) == 0) {
                check_on_hello(&hello);
                checks.known_at[worker] = from.connection;
                on_held(from, &hello.held, hello.n_held);
        }
        if (type == WIRE_ALIVE && wire_decode_alive(body, &alive) == 0) {
                /* From anywhere else it only gets to hear that it must say hello first. */
                if (checks.known_at[worker] == from.connection)
                        on_held(from, &alive.held, alive.n_held);
                numbers_push(&checks.beats[worker], (uint32_t)alive.beat);
        }
        if (type == WIRE_ANSWERED && wire_decode_answered(body, &answered) == 0)
                hear((struct pending){.answered = answered});
        if (type == WIRE_POSTED && wire_decode_posted(body, &posted) == 0)
                on_posted(&posted);
        if (type == WIRE_RESULT && wire_decode_result(body, &result) == 0)
                hear((struct pending){.is_result = true, .result = result});
}

void check_on_taken(struct check_sender from, enum socket_name door, struct bytes frame) {
        struct net_frames frames = {.single = frame, .n = 1};
        struct bytes single;

        if (door == SOCKET_WORKERS)
                frames = net_frames_of(frame);
        while (net_frames_next(&frames, &single))
                on_single(from, door, single);
}
