/* The broker's real core and real store code under random workers, producers, operators and crashes, in virtual time
 * from a seed; after every step what must hold is checked:
 *
 *   - a run holds only messages that are accepted, neither finished nor dead, and skips none of its thread before
 *     them (G2, G3)
 *   - a thread's fences only grow, and only the newest is accepted (G4)
 *   - every message is finished once, or is in one dead letter, or was dropped from one by the operator (G1, G2)
 *   - an answer that was stored comes back with the next run of its batch (G8)
 *   - once everything goes well, everything comes to an end, and the store keeps nothing of what is over
 *
 * Faults that are legal here: a worker dies, falls silent, lies about an old run, or never gets a run; a frame comes
 * twice; the broker is killed between any two steps. Usage: chaos [FIRST_SEED [N_SEEDS]]. */
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/unit/broker_world.h"

#include <stdio.h>
#include <string.h>

enum { N_THREADS = 5, N_WORKERS = 3, SLOTS = 3, STEPS = 400, MESSAGES_MAX = STEPS + 8, HELD_MAX = 64, OLD_MAX = 256 };

enum fate { PENDING, FINISHED, DEAD, DROPPED };

struct told {
        uint64_t seq;
        char thread[16];
        enum fate fate;
        bool is_answered; /* an answer is stored for the batch that it is the first of */
        bool has_record;  /* a batch record is stored under its seq */
};

struct chaos {
        struct world world;
        uint64_t dice;
        struct told told[MESSAGES_MAX];
        uint32_t n_told, n_ids;
        uint64_t newest_fence[N_THREADS];
        struct world_run held[HELD_MAX]; /* by whoever: run.to says */
        uint32_t n_held;
        struct world_run old[OLD_MAX];
        uint32_t n_old;
};

static uint32_t roll(struct chaos *chaos, uint32_t n) {
        chaos->dice = chaos->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(chaos->dice >> 33) % n;
}

static struct told *told_of(struct chaos *chaos, uint64_t seq) {
        for (uint32_t i = 0; i < chaos->n_told; i++)
                if (chaos->told[i].seq == seq)
                        return &chaos->told[i];
        UNREACHABLE("a message that was never accepted");
}

static void bury(struct chaos *chaos, const struct stored_batch *batch) {
        for (uint32_t i = 0; i < batch->n_seqs; i++) {
                struct told *told = told_of(chaos, batch->seqs[i]);

                ENSURE(told->fate == PENDING);
                told->fate = DEAD;
        }
}

static void note_record(struct chaos *chaos, const struct change *change) {
        if (change->type == CHANGE_DELETE_BATCH)
                told_of(chaos, change->seq)->has_record = false;
        else
                told_of(chaos, change->batch->seq)->has_record = true;
        if (change->type == CHANGE_PUT_BATCH && change->batch->kind == STORED_DEAD)
                bury(chaos, change->batch);
}

static void on_change(void *context, const struct change *change) {
        struct chaos *chaos = context;
        struct told *told;

        if (change->type == CHANGE_PUT_MESSAGE) {
                ENSURE(chaos->n_told < MESSAGES_MAX);
                told = &chaos->told[chaos->n_told++];
                *told = (struct told){.seq = change->message.seq};
                memcpy(told->thread, change->message.thread.data, change->message.thread.len);
        } else if (change->type == CHANGE_DELETE_MESSAGE) {
                told = told_of(chaos, change->seq);
                ENSURE(told->fate == PENDING || told->fate == DEAD);
                told->fate = told->fate == DEAD ? DROPPED : FINISHED;
        } else if (change->type == CHANGE_PUT_BATCH || change->type == CHANGE_DELETE_BATCH) {
                note_record(chaos, change);
        } else if (change->type == CHANGE_PUT_ANSWER || change->type == CHANGE_DELETE_ANSWER) {
                told_of(chaos, change->seq)->is_answered = change->type == CHANGE_PUT_ANSWER;
        }
}

static bool is_in(const struct world_run *run, uint64_t seq) {
        for (uint32_t i = 0; i < run->n_messages; i++)
                if (run->seqs[i] == seq)
                        return true;
        return false;
}

static void check_run(struct chaos *chaos, const struct world_run *run) {
        uint32_t thread = (uint32_t)(run->thread[0] - 'a');
        uint64_t last = 0;

        ENSURE(run->n_messages > 0 && run->n_messages <= 4);
        ENSURE(run->fence > chaos->newest_fence[thread]);
        ENSURE(run->is_answered == told_of(chaos, run->seqs[0])->is_answered);
        chaos->newest_fence[thread] = run->fence;
        for (uint32_t i = 0; i < run->n_messages; i++) {
                struct told *told = told_of(chaos, run->seqs[i]);

                ENSURE(told->fate == PENDING && strcmp(told->thread, run->thread) == 0 && run->seqs[i] > last);
                last = run->seqs[i];
        }
        /* A batch whose answer is stored goes first, also before older ones that were brought back from the dead. */
        for (uint32_t i = 0; i < chaos->n_told && !run->is_answered; i++) {
                const struct told *told = &chaos->told[i];

                if (told->fate == PENDING && strcmp(told->thread, run->thread) == 0 && told->seq < last)
                        ENSURE(is_in(run, told->seq));
        }
}

/* What the step that was just made sent. */
static void take_runs(struct chaos *chaos) {
        for (uint32_t i = 0; i < chaos->world.n_runs; i++) {
                check_run(chaos, &chaos->world.runs[i]);
                ENSURE(chaos->n_held < HELD_MAX);
                chaos->held[chaos->n_held++] = chaos->world.runs[i];
        }
}

static struct world_run let_go(struct chaos *chaos, uint32_t i) {
        struct world_run run = chaos->held[i];

        chaos->held[i] = chaos->held[--chaos->n_held];
        chaos->old[chaos->n_old++ % OLD_MAX] = run;
        return run;
}

/* -- what can happen ----------------------------------------------------------------------------------------------- */

static void say(struct chaos *chaos) {
        char thread[2] = {(char)('a' + roll(chaos, N_THREADS)), 0}, id[16];
        bool is_again = chaos->n_ids > 0 && roll(chaos, 5) == 0;

        snprintf(id, sizeof id, "%u", is_again ? roll(chaos, chaos->n_ids) : chaos->n_ids);
        if (!is_again)
                chaos->n_ids++;
        world_say(&chaos->world, thread, id);
        ENSURE(chaos->world.n_duplicates == is_again && chaos->world.n_accepted == !is_again);
        take_runs(chaos);
}

static void end_run(struct chaos *chaos, enum wire_outcome outcome) {
        struct world_run run;
        uint32_t thread;
        bool is_newest;

        if (chaos->n_held == 0)
                return;
        run = let_go(chaos, roll(chaos, chaos->n_held));
        thread = (uint32_t)(run.thread[0] - 'a');
        is_newest = run.fence == chaos->newest_fence[thread];
        world_result(&chaos->world, &run, outcome);
        ENSURE(chaos->world.settled != 1 || is_newest);
        for (uint32_t i = 0; chaos->world.settled == 1 && outcome == WIRE_DONE && i < run.n_messages; i++)
                ENSURE(told_of(chaos, run.seqs[i])->fate == FINISHED);
        take_runs(chaos);
}

static void answer(struct chaos *chaos) {
        struct world_run *run;

        if (chaos->n_held == 0)
                return;
        run = &chaos->held[roll(chaos, chaos->n_held)];
        world_answered(&chaos->world, run, "sim");
        ENSURE(chaos->world.go != 1 || run->fence == chaos->newest_fence[run->thread[0] - 'a']);
        take_runs(chaos);
}

static void lie_about_an_old_run(struct chaos *chaos) {
        uint32_t n = chaos->n_old < OLD_MAX ? chaos->n_old : OLD_MAX;
        uint64_t done = core_counters(chaos->world.core)->done;
        const struct world_run *run;

        if (n == 0)
                return;
        run = &chaos->old[roll(chaos, n)];
        world_result(&chaos->world, run, WIRE_DONE);
        /* Only a run whose lease still stands may end: its worker was taken for dead, and was slow. */
        ENSURE(core_counters(chaos->world.core)->done == done ||
               run->fence == chaos->newest_fence[run->thread[0] - 'a']);
        take_runs(chaos);
}

static void everybody_is_alive(struct chaos *chaos) {
        for (uint8_t worker = 1; worker <= N_WORKERS; worker++) {
                struct world_run held[HELD_MAX];
                uint32_t n = 0;

                for (uint32_t i = 0; i < chaos->n_held; i++)
                        if (chaos->held[i].to.data[0] == worker)
                                held[n++] = chaos->held[i];
                world_alive(&chaos->world, worker, SLOTS, held, n);
                take_runs(chaos);
                if (chaos->world.n_errors == 0)
                        continue;
                world_hello(&chaos->world, worker, SLOTS);
                take_runs(chaos);
        }
}

/* Its runs are never heard of again. */
static void a_worker_dies(struct chaos *chaos) {
        uint8_t worker = (uint8_t)(1 + roll(chaos, N_WORKERS));

        for (uint32_t i = chaos->n_held; i-- > 0;)
                if (chaos->held[i].to.data[0] == worker)
                        let_go(chaos, i);
}

static void a_run_is_not_delivered(struct chaos *chaos) {
        struct event event = {.type = EVENT_UNDELIVERED};

        if (chaos->n_held == 0)
                return;
        event.undelivered = let_go(chaos, roll(chaos, chaos->n_held)).fence;
        world_step(&chaos->world, &event);
        take_runs(chaos);
}

static void an_operator_acts(struct chaos *chaos) {
        struct event event = {.type = roll(chaos, 4) ? EVENT_DEAD_RETRY : EVENT_DEAD_DROP};
        struct core_dead_view dead;
        uint32_t cursor = 0;
        uint64_t seqs[8];
        int result = 1;

        if (!core_next_dead(chaos->world.core, &cursor, &dead))
                return;
        event.dead.seq = dead.seq;
        event.dead.ret_result = &result;
        ENSURE(core_dead_seqs(chaos->world.core, dead.seq, seqs, 8) == dead.n_messages);
        core_step(chaos->world.core, chaos->world.now, &event, &chaos->world.fx);
        for (uint32_t i = 0; result == 0 && event.type == EVENT_DEAD_RETRY && i < dead.n_messages; i++)
                told_of(chaos, seqs[i])->fate = PENDING;
        world_wait(&chaos->world, span_us(0));
        take_runs(chaos);
}

static void step(struct chaos *chaos) {
        uint32_t what = roll(chaos, 100);

        if (what < 30)
                say(chaos);
        else if (what < 50)
                world_wait(&chaos->world, span_ms(roll(chaos, 3000))), take_runs(chaos);
        else if (what < 70)
                end_run(chaos, (enum wire_outcome)(roll(chaos, 2) ? WIRE_DONE : roll(chaos, 5)));
        else if (what < 78)
                answer(chaos);
        else if (what < 90)
                everybody_is_alive(chaos);
        else if (what < 92)
                a_worker_dies(chaos);
        else if (what < 94)
                a_run_is_not_delivered(chaos);
        else if (what < 96)
                lie_about_an_old_run(chaos);
        else if (what < 99)
                an_operator_acts(chaos);
        else
                world_restart(&chaos->world);
}

/* Now all goes well: does it all come to an end? */
static void wind_up(struct chaos *chaos) {
        struct core_thread_view view;
        uint32_t cursor = 0;

        for (int second = 0; second < 200; second++) {
                everybody_is_alive(chaos);
                while (chaos->n_held > 0)
                        end_run(chaos, WIRE_DONE);
                world_wait(&chaos->world, span_s(1));
                take_runs(chaos);
        }
        ENSURE(!core_next_thread(chaos->world.core, chaos->world.now, &cursor, &view));
        for (uint32_t i = 0; i < chaos->n_told; i++)
                ENSURE(chaos->told[i].fate != PENDING &&
                       (chaos->told[i].fate == DEAD || !(chaos->told[i].is_answered || chaos->told[i].has_record)));
}

static void run_seed(uint64_t seed) {
        struct chaos *chaos = memory_new(1, sizeof *chaos);

        chaos->dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        world_init(&chaos->world);
        chaos->world.on_change = on_change;
        chaos->world.context = chaos;
        chaos->world.tenants[0].quiet = span_ms(roll(chaos, 3) * 1000);
        chaos->world.tenants[0].max_messages = 4;
        chaos->world.tenants[0].retry.jitter = 0.1;
        for (int i = 0; i < STEPS; i++)
                step(chaos);
        wind_up(chaos);
        world_done(&chaos->world);
        free(chaos);
}

int main(int argc, char **argv) {
        uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, n = argc > 2 ? strtoull(argv[2], NULL, 10) : 500;

        for (uint64_t seed = first; seed < first + n; seed++) {
                /* Written before it is run, so that it stands there when the seed fails. */
                printf("\rseed %llu; to see it again: %s %llu 1 ", (unsigned long long)seed, argv[0],
                       (unsigned long long)seed);
                fflush(stdout);
                run_seed(seed);
        }
        printf("\n%llu seeds, %llu steps, no violation\n", (unsigned long long)n, (unsigned long long)n * STEPS);
        return 0;
}
