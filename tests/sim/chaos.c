/* Random worlds, each from a seed: people write, everything that may go wrong does, and check.h watches at every step.
 *
 *   chaos [--jobs N] [FIRST_SEED [N_SEEDS]]    seeds, and what happened in them
 *   chaos --tell SEED                          one seed, with its whole timeline
 *
 * A step is one thing that happens in virtual time: a turn of the broker, a frame that arrives, a timer, a command
 * or an answer of Redis, a question or an answer of a handler, a reply or an answer of the channel, a message
 * said, a verdict heard, a verb of an operator, a fault. Each seed has at least STEPS of them; then faults end and
 * everything must come to an end: what happens until then is not counted in. */
#include "tests/sim/check.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 1000, TAIL = 40, JOBS_MAX = 64, SHOW_EVERY = 50 };
/* Faults have ended: within this, everything must. A service that asks to come back in an hour is believed. */
#define END_US (INT64_C(5) * 3600 * 1000000)

static bool is_replay;

_Noreturn void violation_end(const char *guarantee, const char *what) {
        char seed[32], tail[32];

        snprintf(seed, sizeof seed, "%" PRIu64, sim.seed);
        snprintf(tail, sizeof tail, "%d", TAIL);
        if (is_replay) {
                tell_done();
                printf("violation of %s: %s\n", guarantee, what);
                exit(1);
        }
        fflush(stdout);
        if (fork() == 0)
                execl("/proc/self/exe", "chaos", "--tail", seed, (char *)NULL);
        wait(NULL);
        printf("\nseed %s breaks %s: %s\nto see it again, as a whole: chaos --tell %s\n", seed, guarantee, what, seed);
        exit(1);
}

/* -- one seed ------------------------------------------------------------------------------------------------------ */

static void end_faults(void) {
        memset(sim.profile.weights, 0, sizeof sim.profile.weights);
        sim.is_over = true;
        people_end();
        tell("world", "faults end");
}

static void run_seed(uint64_t seed) {
        uint64_t first, idle;
        int64_t end;

        world_make(seed, false);
        world_start();
        faults_init();
        first = sim.stats.n_steps;
        while (sim.stats.n_steps < first + STEPS)
                sim_next(INT64_MAX);
        end_faults();
        idle = sim.stats.n_steps;
        end = sim.now_us + END_US;
        while (!(check_is_over() && !producers_are_waiting()) && sim.now_us < end)
                sim_next(end);
        sim.stats.n_idle += sim.stats.n_steps - idle;
        sim.stats.n_steps = idle;
        check_end();
        world_end();
        sim.stats.n_seeds++;
        sim.stats.n_lmdb += sim.profile.has_disk;
}

/* -- many ---------------------------------------------------------------------------------------------------------- */

static void run_seeds(uint64_t first, uint64_t n, uint64_t stride, bool is_showing) {
        for (uint64_t i = 0; i < n; i += stride) {
                if (is_showing && i % (SHOW_EVERY * stride) == 0)
                        fprintf(stderr, "\rseed %" PRIu64 " of %" PRIu64, i, n), fflush(stderr);
                run_seed(first + i);
        }
}

static void add(struct sim_stats *sum, const struct sim_stats *more) {
        uint64_t *to = (uint64_t *)sum;
        const uint64_t *from = (const uint64_t *)more;

        for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
                to[i] += from[i];
}

static void report(const struct sim_stats *stats, double seconds) {
        printf("\n%" PRIu64 " seeds, %" PRIu64 " steps in %.1f s (and %" PRIu64 " until all was over)\n",
               stats->n_seeds, stats->n_steps, seconds, stats->n_idle);
        for (int i = 0; i < STEP_N; i++)
                printf("  %-32s %12" PRIu64 "\n", step_name((enum step)i), stats->steps[i]);
        printf("faults\n");
        for (int i = 0; i < FAULT_N; i++)
                printf("  %-32s %12" PRIu64 "\n", fault_name((enum fault)i), stats->faults[i]);
        printf("%" PRIu64 " items said: %" PRIu64 " finished, %" PRIu64 " died, %" PRIu64 " known already, %" PRIu64
               " refused, %" PRIu64 " without a word in time\n",
               stats->messages, stats->finished, stats->dead, stats->duplicates, stats->refused, stats->late);
        printf("%" PRIu64 " runs, %" PRIu64 " of them over a restart, %" PRIu64 " accepted as done; %" PRIu64
               " calls, %" PRIu64 " of them for an answer that was stored; %" PRIu64 " replies shown, %" PRIu64
               " of them again\n",
               stats->runs, stats->adopted, stats->accepted, stats->calls, stats->calls_repeated, stats->replies,
               stats->repeated);
        printf("%" PRIu64 " interrupts; providers left alone %" PRIu64 " times, %" PRIu64
               " failed runs at no attempt; %" PRIu64 " runs in doubt, the channel read back %" PRIu64 " times\n",
               stats->interrupted, stats->opened, stats->spared, stats->in_doubt, stats->read_back);
        printf("%" PRIu64 " events: %" PRIu64 " names found to be the same person's, %" PRIu64
               " times somebody was typing, %" PRIu64 " threads taken over, %" PRIu64 " runs only to record, %" PRIu64
               " messages changed, %" PRIu64 " replies seen by their platform first, %" PRIu64
               " batches finished by that, %" PRIu64 " events that came again\n",
               stats->events, stats->linked, stats->stirred, stats->taken_over, stats->recorded, stats->changed,
               stats->shown, stats->seen_off, stats->came_again);
        printf("%" PRIu64 " commits in the journal, %" PRIu64 " of them read back at a start; %" PRIu64
               " times the database took what it held, %" PRIu64 " times it grew\n",
               stats->journaled, stats->replayed, stats->checkpoints, stats->grown);
        printf("%" PRIu64 " seeds on LMDB; violations: 0\nchaos: %" PRIu64 " passed, 0 failed\n", stats->n_lmdb,
               stats->n_seeds);
}

/* Each job has every `jobs`th seed. */
static int start_job(uint64_t first, uint64_t n, uint64_t jobs, uint64_t job, pid_t *ret_pid) {
        int ends[2];

        if (pipe(ends) < 0)
                exit(2);
        *ret_pid = fork();
        if (*ret_pid == 0) {
                close(ends[0]);
                run_seeds(first + job, n > job ? n - job : 0, jobs, job == 0);
                exit(write(ends[1], &sim.stats, sizeof sim.stats) == (ssize_t)sizeof sim.stats ? 0 : 1);
        }
        close(ends[1]);
        return ends[0];
}

static int run_jobs(uint64_t first, uint64_t n, uint64_t jobs) {
        struct sim_stats sum = {0}, stats;
        struct timespec before, after;
        pid_t pids[JOBS_MAX];
        int ends[JOBS_MAX], failed = 0, status;

        clock_gettime(CLOCK_MONOTONIC, &before);
        for (uint64_t job = 0; job < jobs; job++)
                ends[job] = start_job(first, n, jobs, job, &pids[job]);
        for (uint64_t job = 0; job < jobs; job++) {
                if (read(ends[job], &stats, sizeof stats) == (ssize_t)sizeof stats)
                        add(&sum, &stats);
                waitpid(pids[job], &status, 0);
                failed |= status != 0;
        }
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (failed) {
                printf("chaos: %" PRIu64 " passed, 1 failed\n", sum.n_seeds);
                return 1;
        }
        report(&sum, (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9);
        return 0;
}

static int replay(const char *seed, uint32_t n_last) {
        is_replay = true;
        tell_init(n_last);
        run_seed(strtoull(seed, NULL, 10));
        tell_done();
        return 0;
}

int main(int argc, char **argv) {
        uint64_t jobs = 1, first = 1, n = 500;
        int at = 1;

        if (argc == 3 && (strcmp(argv[1], "--tell") == 0 || strcmp(argv[1], "--tail") == 0))
                return replay(argv[2], strcmp(argv[1], "--tail") == 0 ? TAIL : 0);
        if (argc > 2 && strcmp(argv[1], "--jobs") == 0)
                jobs = strtoull(argv[2], NULL, 10), at = 3;
        if (argc > at)
                first = strtoull(argv[at], NULL, 10);
        if (argc > at + 1)
                n = strtoull(argv[at + 1], NULL, 10);
        if (first == 0 || n == 0) {
                fputs("usage: chaos [--jobs N] [FIRST_SEED [N_SEEDS]], or chaos --tell SEED\n", stderr);
                return 2;
        }
        return run_jobs(first, n, jobs > 0 && jobs <= JOBS_MAX ? jobs : 1);
}
