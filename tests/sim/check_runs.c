/* Who runs what, and when: G3, G4, G5, G6, G12 at the broker. Its states and due times follow from the messages, the
 * settings, and what the broker heard; nothing is asked of the core but what is then compared. */
#include "tests/sim/check_state.h"

#include "broker/core/core.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

const struct config_tenant *check_settings(uint32_t thread) { return &sim.tenants[world_tenant(thread)]; }

static struct model_tenant *tenant_of(uint32_t thread) { return &checks.tenants[world_tenant(thread)]; }

struct model_run *check_find_run(uint64_t fence) {
        uint32_t low = 0, high = checks.n_runs;

        while (low < high) {
                uint32_t middle = (low + high) / 2;

                if (checks.runs[middle].fence < fence)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < checks.n_runs && checks.runs[low].fence == fence ? &checks.runs[low] : NULL;
}

/* -- due times ----------------------------------------------------------------------------------------------------- */

int64_t check_due(const struct model_thread *thread, const struct config_tenant *settings) {
        const struct said *first = &checks.said[thread->list.items[0]];
        const struct said *last = &checks.said[thread->list.items[thread->list.n - 1]];
        int64_t quiet = last->at + settings->quiet.us, longest = first->at + settings->max_wait.us;
        uint64_t n_bytes = 0;

        if (first->is_record)
                return first->at;
        for (uint32_t i = 0; i < thread->list.n; i++) {
                const struct said *said = &checks.said[thread->list.items[i]];

                n_bytes += said->n_bytes;
                if (check_is_unheard(said) && quiet < said->at + settings->transcription_wait.us)
                        quiet = said->at + settings->transcription_wait.us;
        }
        if (thread->list.n >= settings->max_messages || n_bytes >= settings->max_bytes)
                return last->at;
        quiet = quiet > thread->stirred ? quiet : thread->stirred;
        return quiet < longest ? quiet : longest;
}

uint32_t check_size(const struct model_thread *thread, const struct config_tenant *settings) {
        uint64_t n_bytes = 0;
        uint32_t n = 0;

        if (thread->n_settled > 0)
                return thread->n_settled;
        for (; n < thread->list.n && n < settings->max_messages; n++) {
                if (checks.said[thread->list.items[n]].is_record != checks.said[thread->list.items[0]].is_record)
                        break;
                n_bytes += checks.said[thread->list.items[n]].n_bytes;
                if (n > 0 && n_bytes > settings->max_bytes)
                        break;
        }
        return n;
}

void check_collect(uint32_t index) {
        struct model_thread *thread = &checks.threads[index];

        if (thread->is_held && thread->list.n > 0 && thread->state != MODEL_RUNNING)
                thread->state = MODEL_HELD;
        /* What comes next makes it a new one, even if it begins at once. */
        if (thread->list.n == 0) {
                thread->is_awaited = false;
                thread->outage = 0;
                thread->tried = thread->tried_before = 0;
        }
        if (thread->state == MODEL_HELD && thread->list.n == 0)
                thread->state = MODEL_COLLECTING;
        if (thread->state == MODEL_HELD)
                thread->due_min = thread->due_max = INT64_MAX;
        if (thread->state == MODEL_COLLECTING && thread->list.n > 0)
                thread->due_min = thread->due_max = check_due(thread, check_settings(index));
        else if (thread->state == MODEL_COLLECTING)
                thread->due_min = thread->due_max = INT64_MAX;
}

void check_is_ready(uint32_t index) {
        struct model_thread *thread = &checks.threads[index];

        thread->state = thread->is_held ? MODEL_HELD : MODEL_READY;
        thread->ready_since = checks.turn_now;
        thread->due_min = thread->due_max = thread->is_held ? INT64_MAX : checks.turn_now;
}

/* -- what the broker sends ----------------------------------------------------------------------------------------- */

static struct model_run *new_run(uint64_t fence) {
        if (checks.n_runs > 0 && fence <= checks.runs[checks.n_runs - 1].fence)
                sim_violation("G4 one at a time", "fence %s is not above the one before", tell_fence(fence));
        if (checks.n_runs == checks.runs_cap) {
                checks.runs_cap = checks.runs_cap ? checks.runs_cap * 2 : 1024;
                checks.runs = memory_resize(checks.runs, checks.runs_cap, sizeof *checks.runs);
        }
        checks.runs[checks.n_runs] = (struct model_run){.fence = fence};
        return &checks.runs[checks.n_runs++];
}

static uint32_t number_of(const struct wire_run_message *message) {
        struct wire_body body;
        char text[16] = "";

        if (wire_decode_body(message->body, &body) == 0 && body.from.len < sizeof text)
                memcpy(text, body.from.data, body.from.len);
        return (uint32_t)strtoul(text, NULL, 10);
}

/* What the handler sees of a message is what was last made of it, and what is only to be recorded is not answered. */
static void check_written(const struct model_run *run, uint32_t number) {
        uint32_t message = check_message_of(number);

        if (message == UINT32_MAX || checks.said[message].written != number)
                sim_violation("changed in time", "run %s has %u as message %u, which is %u by now",
                              tell_fence(run->fence), number, message,
                              message == UINT32_MAX ? 0 : checks.said[message].written);
        checks.said[message].is_handed_out = true;
}

/* Who knows a batch by its name has got its answer to what it said then. */
static void check_name(const struct model_run *run) {
        for (uint32_t i = 0; i < checks.n_runs; i++) {
                const struct model_run *other = &checks.runs[i];
                bool is_same = other->written.n == run->written.n;

                if (other == run || strcmp(other->batch, run->batch) != 0)
                        continue;
                for (uint32_t k = 0; k < run->written.n && is_same; k++)
                        is_same = other->written.items[k] == run->written.items[k];
                if (!is_same)
                        sim_violation("changed in time", "run %s has the batch of run %s, and says something else",
                                      tell_fence(run->fence), tell_fence(other->fence));
        }
}

static void check_recording(const struct model_run *run) {
        for (uint32_t i = 0; i < run->messages.n; i++)
                if (checks.said[run->messages.items[i]].is_record != run->is_record)
                        sim_violation("recorded", "run %s is %s, and message %u is %s", tell_fence(run->fence),
                                      run->is_record ? "only to record" : "to be answered", run->messages.items[i],
                                      run->is_record ? "to be answered" : "only to be recorded");
        sim.stats.recorded += run->is_record;
}

/* It posts without asking again, so that its reply may be out is stored before it hears of it. */
static void check_doubt(const struct model_run *run, const struct said *first) {
        sim.stats.in_doubt += run->is_doubtful;
        if (run->first_posted != first->posted)
                sim_violation("G9 one reply", "run %s begins with reply %u; %u are out", tell_fence(run->fence),
                              run->first_posted, first->posted);
        if (!first->is_doubtful)
                sim_violation("G9 one reply", "run %s may post a reply, and the store has no doubt of that",
                              tell_fence(run->fence));
        if (first->was_doubtful && !run->is_doubtful)
                sim_violation("G9 one reply", "run %s is not told that its reply may be out", tell_fence(run->fence));
}

static void check_messages(const struct model_run *run) {
        const struct model_thread *thread = &checks.threads[run->thread];
        uint32_t wanted = check_size(thread, check_settings(run->thread));

        for (uint32_t i = 0; i < run->messages.n; i++)
                if (i >= thread->list.n || thread->list.items[i] != run->messages.items[i])
                        sim_violation("G3 in order", "run %s has message %u, which is not the next of its thread",
                                      tell_fence(run->fence), run->messages.items[i]);
        if (run->messages.n != wanted)
                sim_violation("G3 in order", "run %s of %s has %u messages from \"%s\" on; %u belong together",
                              tell_fence(run->fence), world_thread_name(run->thread), run->messages.n,
                              check_text(run->messages.items[0]), wanted);
        if (run->has_answer != checks.said[run->messages.items[0]].has_answer)
                sim_violation("G8 no paying twice", "run %s comes %s, and the store has %s", tell_fence(run->fence),
                              run->has_answer ? "with an answer" : "without", run->has_answer ? "none" : "one");
        if (run->has_answer)
                check_doubt(run, &checks.said[run->messages.items[0]]);
}

static void check_time(const struct model_run *run) {
        const struct model_thread *thread = &checks.threads[run->thread];

        if (thread->fence != 0)
                sim_violation("G4 one at a time", "run %s begins while %s of the same thread is under way",
                              tell_fence(run->fence), tell_fence(thread->fence));
        if (check_is_awaited(thread))
                sim_violation("G4 one at a time", "run %s begins, and a worker from before the restart may be at it",
                              tell_fence(run->fence));
        if (thread->state == MODEL_HELD)
                sim_violation("G4 one at a time", "run %s begins, and its thread is held", tell_fence(run->fence));
        if (tenant_of(run->thread)->n_running >= check_settings(run->thread)->concurrency)
                sim_violation("G6 no queue-jumping", "run %s begins beside %u of its tenant, which may have %u",
                              tell_fence(run->fence), tenant_of(run->thread)->n_running,
                              check_settings(run->thread)->concurrency);
        if (tenant_of(run->thread)->paced > checks.turn_now)
                sim_violation("G6 no queue-jumping", "run %s begins before its tenant's rate allows one",
                              tell_fence(run->fence));
        if (thread->state != MODEL_READY && thread->due_min > checks.turn_now)
                sim_violation("G5 when quiet", "run %s begins %lld us before its thread is due", tell_fence(run->fence),
                              (long long)(thread->due_min - checks.turn_now));
}

/* Has the tenant something that could run now? */
static bool is_waiting(uint32_t tenant) {
        for (uint32_t i = tenant * SIM_THREADS; i < (tenant + 1) * SIM_THREADS; i++) {
                const struct model_thread *thread = &checks.threads[i];

                if (thread->list.n > 0 && thread->state != MODEL_RUNNING && !check_is_awaited(thread) &&
                    thread->due_max <= checks.turn_now)
                        return checks.tenants[tenant].n_running < check_settings(i)->concurrency &&
                               checks.tenants[tenant].paced <= checks.turn_now && !check_is_kept_back(i);
        }
        return false;
}

/* Each other tenant may be served once or twice while one with something to run waits for its turn. */
static void check_turns(const struct model_run *run) {
        uint32_t tenant = world_tenant(run->thread);

        for (uint32_t other = 0; other < SIM_TENANTS; other++) {
                checks.tenants[tenant].passed[other] = 0;
                if (other != tenant && is_waiting(other) && ++checks.tenants[other].passed[tenant] > 2)
                        sim_violation("G6 no queue-jumping", "tenant %u was served three times while %u waited", tenant,
                                      other);
        }
}

static void pace(struct model_tenant *tenant, const struct config_tenant *settings) {
        if (settings->rate.count > 0)
                tenant->paced = checks.turn_now + settings->rate.per.us / settings->rate.count;
}

static void push_message(struct model_run *run, uint32_t number) {
        check_written(run, number);
        numbers_push(&run->messages, check_message_of(number));
        numbers_push(&run->written, number);
}

static struct model_run *on_run(struct process *to, const struct wire_run *wire) {
        struct model_run *run = new_run(wire->fence);
        struct wire_run rest = *wire;
        struct wire_run_message message;

        run->thread = world_thread(wire->tenant, wire->thread);
        run->worker = to;
        run->worker_generation = to ? to->generation : 0;
        run->sent = run->named = checks.turn_now;
        run->has_answer = run->has_go = run->is_answered = wire->answer.len > 0;
        run->known_posted = run->told_posted = run->first_posted = wire->posted;
        run->is_doubtful = wire->is_doubtful;
        run->is_record = wire->is_record;
        run->is_asking = !run->has_answer;
        memcpy(run->batch, wire->batch.data, wire->batch.len);
        for (uint32_t i = 0; i < wire->n_messages && wire_run_next(&rest, &message) == 0; i++)
                push_message(run, number_of(&message));
        sim.stats.runs++;
        check_time(run);
        check_provider_on_run(run);
        check_messages(run);
        check_recording(run);
        check_name(run);
        if (run->has_answer)
                check_on_reply(&checks.said[run->messages.items[0]], wire->answer, wire->posted);
        check_turns(run);
        /* What it waited for since it was ready was not who is busy. */
        if (checks.threads[run->thread].state == MODEL_READY)
                checks.threads[run->thread].busy_since += checks.turn_now - checks.threads[run->thread].ready_since;
        checks.threads[run->thread].state = MODEL_RUNNING;
        checks.threads[run->thread].fence = checks.threads[run->thread].newest_fence = run->fence;
        tenant_of(run->thread)->n_running++;
        pace(tenant_of(run->thread), check_settings(run->thread));
        return run;
}

/* The broker gives a lease up: only when it had no word of it for as long as a lease lives. */
static void on_cancel(const struct wire_verdict *verdict) {
        struct model_run *run = check_find_run(verdict->fence);

        if (!run || run->is_over)
                return;
        if (checks.turn_now - run->named < sim.config.broker.lease.us)
                sim_violation("G4 one at a time", "the lease of run %s is given up %lld ms after its worker named it",
                              tell_fence(run->fence), (long long)(checks.turn_now - run->named) / 1000);
        run->is_lost = true;
        check_run_is_over(run);
        check_is_ready(run->thread);
}

static void on_settled(const struct wire_settled *settled) {
        const struct model_run *run = check_find_run(settled->fence);

        if (settled->is_accepted && (!run || !run->has_result))
                sim_violation("G4 one at a time", "the result of %s is accepted, and it is stale",
                              tell_fence(settled->fence));
}

/* Of an ALIVE that it took in this turn, and only once. */
static void on_heard(const struct process *to, uint64_t beat) {
        struct numbers *beats = &checks.beats[worker_of(to)];
        uint32_t n = beats->n;

        numbers_remove(beats, (uint32_t)beat);
        if (beats->n == n)
                sim_violation("G4 one at a time", "%s is told that its beat %llu was heard, and it was not", to->name,
                              (unsigned long long)beat);
}

void check_on_frame(struct process *to, struct bytes frame, bool is_sent) {
        struct wire_verdict verdict;
        struct wire_settled settled;
        struct wire_run run;
        enum wire_type type;
        struct bytes body;
        uint64_t fence, beat;

        check_hear_pending();
        check_items_now();
        check_awaiting_on_time();
        if (wire_open(frame, &type, &body) < 0)
                sim_violation("the wire", "the broker sends a frame that is none");
        if (type == WIRE_RUN && wire_decode_run(body, &run) == 0)
                on_run(to, &run)->is_unsent = !is_sent;
        if (type == WIRE_CANCEL && wire_decode_verdict(body, &verdict) == 0)
                on_cancel(&verdict);
        if (type == WIRE_SETTLED && wire_decode_settled(body, &settled) == 0)
                on_settled(&settled);
        if (type == WIRE_HEARD && to && wire_decode_heard(body, &beat) == 0)
                on_heard(to, beat);
        if (type == WIRE_GO && wire_decode_go(body, &fence) == 0 && check_find_run(fence))
                check_find_run(fence)->has_go = true;
}
