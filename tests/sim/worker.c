/* The workers as processes: started, killed, stopped, asked to leave. What runs in them is the real worker. */
#include "worker/worker.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/doors.h"
#include "tests/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { START_US = 20000, RESTART_US = 100000, RESTART_MAX_US = 5000000 };

struct place {
        struct process process;
        struct worker *worker;
        void (*on_signal)(void *context, int signal);
        void *context;
        bool is_leaving;
        int64_t still_us, still_seen_us; /* how long it was made to stand still; as far as on_overdue() has seen */
};

static struct place places[SIM_WORKERS];

struct process *worker_process(uint32_t n) {
        return &places[n].process;
}

uint32_t worker_of(const struct process *process) {
        for (uint32_t i = 0; i < SIM_WORKERS; i++)
                if (process == &places[i].process)
                        return i;
        return SIM_WORKERS;
}

void workers_init(void) {
        for (uint32_t i = 0; i < SIM_WORKERS; i++) {
                places[i] = (struct place){.process.generation = places[i].process.generation + 1};
                snprintf(places[i].process.name, sizeof places[i].process.name, "worker %u", i + 1);
        }
}

static void forget(struct place *place) {
        if (place->worker)
                worker_free(place->worker);
        place->worker = NULL;
        place->on_signal = NULL;
}

void workers_done(void) {
        for (uint32_t i = 0; i < SIM_WORKERS; i++)
                forget(&places[i]);
}

void worker_start(uint32_t n) {
        struct place *place = &places[n];
        struct process *before = sim.current;
        char *error = NULL;

        if (place->process.is_up)
                return;
        place->process.is_up = true;
        place->process.busy_until = 0;
        place->is_leaving = false;
        sim.current = &place->process;
        ENSURE(worker_new(&sim.config, &place->worker, &error) == 0);
        sim.current = before;
        tell(place->process.name, "starts, with %u slots", sim.config.worker.slots);
}

static void on_restart(void *context, uint64_t token) { worker_start((uint32_t)token); }

void worker_kill(uint32_t n, bool is_silent) {
        struct place *place = &places[n];

        if (!place->process.is_up)
                return;
        check_on_trouble(&place->process, sim_time());
        net_on_death(&place->process, is_silent);
        place->process.is_up = false;
        place->process.generation++;
        forget(place);
        if (!sim.profile.is_still || sim.is_over)
                sim_at(sim_time() + sim_delay(RESTART_US, RESTART_MAX_US), NULL, on_restart, NULL, n);
}

void worker_stop(uint32_t n, int64_t us) {
        struct process *process = &places[n].process;

        if (!process->is_up)
                return;
        if (process->busy_until < sim_time() + us) {
                places[n].still_us +=
                        sim_time() + us - (process->busy_until > sim_time() ? process->busy_until : sim_time());
                process->busy_until = sim_time() + us;
        }
        check_on_trouble(process, process->busy_until);
        net_on_stop(process, process->busy_until);
}

/* -- leaving ------------------------------------------------------------------------------------------------------- */

void doors_on_signal(struct process *process, void (*on_signal)(void *context, int signal), void *context) {
        struct place *place = &places[worker_of(process)];

        place->on_signal = on_signal;
        place->context = context;
}

static void on_signal(void *context, uint64_t token) {
        struct place *place = context;

        if (place->on_signal)
                place->on_signal(place->context, SIGTERM);
}

static void on_left(void *context, uint64_t generation) {
        struct place *place = context;

        if (!place->process.is_up || place->process.generation != generation)
                return;
        tell(place->process.name, "leaves");
        worker_kill((uint32_t)(place - places), false);
}

/* The time that it stood still is not its own. */
static void on_overdue(void *context, uint64_t generation) {
        struct place *place = context;
        int64_t still_us = place->still_us - place->still_seen_us;

        if (!place->process.is_up || place->process.generation != generation)
                return;
        place->still_seen_us = place->still_us;
        if (still_us > 0)
                sim_at(sim_time() + still_us, NULL, on_overdue, place, generation);
        else if (place->process.busy_until < sim_time())
                sim_violation("G11 clean stop", "%s was to leave, and has not", place->process.name);
}

void doors_on_stopped(struct process *process) {
        struct place *place = &places[worker_of(process)];

        sim_at(sim_time(), NULL, on_left, place, process->generation);
}

void worker_signal(uint32_t n) {
        struct place *place = &places[n];
        int64_t bound = sim.config.worker.drain.us + LIMIT_FAREWELL_MS * 1000 + 30000000;

        if (!place->process.is_up)
                return;
        sim_at(sim_time(), &place->process, on_signal, place, 0);
        if (place->is_leaving)
                return;
        /* Of what it stands still now, the rest is to come. */
        place->is_leaving = true;
        place->still_seen_us = place->still_us;
        if (place->process.busy_until > sim_time())
                bound += place->process.busy_until - sim_time();
        sim_at(sim_time() + bound, NULL, on_overdue, place, place->process.generation);
}
