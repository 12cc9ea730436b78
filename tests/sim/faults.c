/* Trouble that comes by itself, at random moments; FAULTS.md says what is legal and why. What goes wrong with a
 * frame, a call or a command is decided where that happens. */
#include "tests/sim/check.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include "broker/core/core.h"

#include <stdio.h>
#include <string.h>

static const char *const step_names[STEP_N] = {
        [STEP_TURN] = "turn of the broker",
        [STEP_SAID] = "message said",
        [STEP_VERDICT] = "verdict heard",
        [STEP_FRAME_UP] = "frame to the broker",
        [STEP_FRAME_DOWN] = "frame from the broker",
        [STEP_TIMER] = "timer",
        [STEP_REDIS] = "command in Redis",
        [STEP_REDIS_ANSWER] = "answer of Redis",
        [STEP_ASKED] = "question to a handler",
        [STEP_ANSWER] = "answer of a handler",
        [STEP_POSTED] = "reply in the channel",
        [STEP_POST_ANSWER] = "answer of the channel",
        [STEP_READ] = "channel read back",
        [STEP_VERB] = "verb of an operator",
        [STEP_FAULT] = "fault",
};

static const char *const fault_names[FAULT_N] = {
        [FAULT_BROKER_KILL] = "broker killed",
        [FAULT_BROKER_KILL_BEFORE_COMMIT] = "broker killed before a commit",
        [FAULT_BROKER_KILL_AFTER_COMMIT] = "broker killed after a commit",
        [FAULT_POWER_LOSS] = "broker loses power",
        [FAULT_BROKER_RESTART] = "broker stopped and started",
        [FAULT_BROKER_STOP] = "broker stands still",
        [FAULT_SLOW_DISK] = "slow disk",
        [FAULT_DISK_FULL] = "disk full",
        [FAULT_WORKER_KILL] = "worker killed",
        [FAULT_WORKER_STOP] = "worker stands still",
        [FAULT_WORKER_STOP_INSIDE] = "worker stands still inside a step",
        [FAULT_WORKER_DRAIN] = "worker asked to leave",
        [FAULT_PRODUCER_KILL] = "producer killed",
        [FAULT_CUT] = "connection reset",
        [FAULT_CUT_SILENT] = "connection cut in silence",
        [FAULT_ONE_WAY_UP] = "nothing reaches the broker",
        [FAULT_ONE_WAY_DOWN] = "nothing leaves the broker",
        [FAULT_SLOW_FRAME] = "slow frame",
        [FAULT_TWICE] = "frame twice",
        [FAULT_ALIVE_LOST] = "ALIVE lost, connection healed",
        [FAULT_UNDELIVERED] = "frame not taken by its peer",
        [FAULT_REDIS_FLUSH] = "Redis flushed",
        [FAULT_REDIS_RESTART] = "Redis restarted, empty",
        [FAULT_REDIS_DOWN] = "Redis down",
        [FAULT_REDIS_LOST_ANSWER] = "answer of Redis lost",
        [FAULT_REDIS_SLOW] = "Redis slow",
        [FAULT_CLOCK_STEP] = "calendar stepped",
        [FAULT_OUTAGE] = "provider down",
        [FAULT_HANDLER_FAILS] = "handler fails",
        [FAULT_HANDLER_REFUSES] = "handler refuses for good",
        [FAULT_HANDLER_BUSY] = "handler busy",
        [FAULT_HANDLER_SILENT] = "handler never answers",
        [FAULT_HANDLER_SLOW] = "handler slow",
        [FAULT_HANDLER_LIES] = "handler lies about Retry-After",
        [FAULT_HANDLER_OVERLOADED] = "handler overloaded",
        [FAULT_HANDLER_UNPAID] = "handler refuses for money",
        [FAULT_POST_FAILS] = "post fails",
        [FAULT_POST_REFUSED] = "post refused for good",
        [FAULT_POST_UNKNOWN] = "post of unknown outcome",
        [FAULT_POST_SLOW] = "post slow",
        [FAULT_READ_FAILS] = "channel not read back for now",
        [FAULT_READ_REFUSED] = "channel refuses to be read back",
        [FAULT_BAD_MESSAGE] = "message that must be refused",
        [FAULT_SAID_AGAIN] = "message said again",
};

const char *step_name(enum step step) { return step_names[step]; }
const char *fault_name(enum fault fault) { return fault_names[fault]; }

/* -- each fault ---------------------------------------------------------------------------------------------------- */

static int64_t down_time(void) { return sim_delay(20000, 6000000); }

static struct process *any_client(void) {
        uint32_t n = sim_roll(sim.profile.n_workers + sim.profile.n_producers);

        return n < sim.profile.n_workers ? worker_process(n) : producer_process(n - sim.profile.n_workers);
}

static void step_clock(void) {
        int64_t ms = (int64_t)sim_roll(7200000) - 3600000;

        tell("clock", "the calendar steps by %lld s", (long long)ms / 1000);
        sim.wall_ms += ms;
        redis_step_clock(ms);
}

static void cut(enum net_cut how) {
        struct process *process = any_client();
        int64_t us = how == NET_RESET ? 0 : sim_delay(500000, 20000000);

        if (!process->is_up)
                return;
        tell(process->name, "is cut off (%d) for %lld ms", (int)how, (long long)us / 1000);
        check_on_trouble(process, sim_time() + us + 6000000);
        net_cut(process, how, us);
}

static void stop_worker(void) {
        uint32_t n = sim_roll(sim.profile.n_workers);
        int64_t us = 100000 + (int64_t)sim_roll(150) * 100000;

        tell(worker_process(n)->name, "stands still for %lld ms", (long long)us / 1000);
        worker_stop(n, us);
}

static void stop_broker(void) {
        int64_t us = 100000 + (int64_t)sim_roll(100) * 100000;

        tell("broker", "stands still for %lld ms", (long long)us / 1000);
        broker_stop(us);
}

static void kill_worker(void) {
        uint32_t n = sim_roll(sim.profile.n_workers);

        tell(worker_process(n)->name, "is killed");
        worker_kill(n, sim_roll(2));
}

static void stop_provider(void) {
        uint32_t provider = sim_roll(SIM_PROVIDERS);
        int64_t us = sim_delay(500000, 60000000);

        tell("provider", "%u is down for %lld ms", provider, (long long)us / 1000);
        outside_stop_provider(provider, sim_time() + us);
}

static void make_of_broker(enum fault fault) {
        if (fault == FAULT_BROKER_KILL)
                broker_end(BROKER_KILL, down_time());
        else if (fault == FAULT_BROKER_KILL_BEFORE_COMMIT)
                broker_end_in_turn(BROKER_BEFORE_COMMIT, 0, down_time());
        else if (fault == FAULT_BROKER_KILL_AFTER_COMMIT)
                broker_end_in_turn(BROKER_AFTER_COMMIT, sim_roll(4), down_time());
        else if (fault == FAULT_POWER_LOSS && sim_roll(4) == 0)
                broker_end(BROKER_POWER_LOSS, down_time());
        else if (fault == FAULT_POWER_LOSS)
                broker_end_in_turn(BROKER_IN_COMMIT, 0, down_time());
        else if (fault == FAULT_BROKER_RESTART)
                broker_end(BROKER_CLEAN, down_time());
        else if (fault == FAULT_BROKER_STOP)
                stop_broker();
        else if (fault == FAULT_SLOW_DISK)
                broker_slow_disk(sim_time() + sim_delay(1000000, 10000000), sim_delay(100000, 3000000));
        else
                broker_fill_disk(sim_delay(500000, 10000000));
}

static void make(enum fault fault) {
        static const enum net_cut cuts[] = {NET_RESET, NET_SILENT, NET_ONE_WAY_UP, NET_ONE_WAY_DOWN};

        if (fault <= FAULT_DISK_FULL)
                make_of_broker(fault);
        else if (fault == FAULT_WORKER_KILL)
                kill_worker();
        else if (fault == FAULT_WORKER_STOP)
                stop_worker();
        else if (fault == FAULT_WORKER_DRAIN)
                worker_signal(sim_roll(sim.profile.n_workers));
        else if (fault == FAULT_PRODUCER_KILL)
                producer_kill(sim_roll(sim.profile.n_producers));
        else if (fault >= FAULT_CUT && fault <= FAULT_ONE_WAY_DOWN)
                cut(cuts[fault - FAULT_CUT]);
        else if (fault == FAULT_REDIS_FLUSH)
                redis_flush();
        else if (fault == FAULT_REDIS_RESTART)
                redis_stop(sim_time() + sim_delay(1000, 500000), true);
        else if (fault == FAULT_REDIS_DOWN)
                redis_stop(sim_time() + sim_delay(500000, 30000000), false);
        else if (fault == FAULT_OUTAGE)
                stop_provider();
        else
                step_clock();
}

/* Those of this page. */
static bool is_timed(enum fault fault) {
        return fault <= FAULT_ONE_WAY_DOWN ? fault != FAULT_WORKER_STOP_INSIDE
                                           : (fault >= FAULT_REDIS_FLUSH && fault <= FAULT_REDIS_DOWN) ||
                                                     fault == FAULT_CLOCK_STEP || fault == FAULT_OUTAGE;
}

static void on_fault(void *context, uint64_t token) {
        enum fault fault;

        if (sim.is_over)
                return;
        for (int tries = 0; tries < 8; tries++) {
                fault = (enum fault)sim_roll(FAULT_N);
                if (!is_timed(fault) || sim_roll(50) >= sim.profile.weights[fault] ||
                    (fault == FAULT_DISK_FULL && !sim.profile.has_disk))
                        continue;
                sim_fault(fault);
                tell("fault", "%s", fault_name(fault));
                make(fault);
                break;
        }
        sim_at(sim_time() + 1000 + (int64_t)sim_roll(2000 * sim.profile.fault_ms), NULL, on_fault, NULL, 0);
}

/* -- operators ----------------------------------------------------------------------------------------------------- */

static struct process operator_process = {.name = "operator", .is_up = true};
static struct link *operator_link;

static void on_frames(void *context) {
        struct bytes frame;

        while (link_receive(operator_link, &frame) == 0)
                tell("operator", "hears %.*s", BYTES_PRINT(frame));
}

void operator_ask(const char *verb, uint32_t thread) {
        char text[160];

        sim_step(STEP_VERB);
        snprintf(text, sizeof text, "{\"cmd\":\"%s\",\"tenant\":\"%s\",\"thread\":\"%s\"%s}", verb,
                 world_tenant_name(thread), world_thread_name(thread),
                 strcmp(verb, "hold") == 0 ? ",\"for_ms\":4000" : "");
        tell("operator", "asks %s", text);
        (void)!link_send(operator_link, bytes_of(text));
}

void operator_retry(uint32_t thread, uint32_t nth) {
        struct core_dead_view dead;
        uint32_t cursor = 0;
        char text[128];

        while (core_next_dead(broker_core(), &cursor, &dead)) {
                if (!bytes_is_text(dead.thread, world_thread_name(thread)) || --nth > 0)
                        continue;
                snprintf(text, sizeof text, "{\"cmd\":\"dead_retry\",\"batch\":\"%s\"}", dead.batch);
                tell("operator", "brings %s back", dead.batch);
                (void)!link_send(operator_link, bytes_of(text));
                return;
        }
}

static void act_on_thread(void) {
        static const char *const verbs[] = {"hold", "hold", "resume", "flush", "cancel"};
        uint32_t thread = sim_roll(sim.profile.n_tenants) * SIM_THREADS + sim_roll(sim.profile.n_threads);

        operator_ask(verbs[sim_roll(sizeof verbs / sizeof *verbs)], thread);
}

void operator_act(void) {
        struct core_dead_view dead;
        uint32_t cursor = sim_roll(4);
        char text[128];

        if (!broker_process.is_up || (!core_next_dead(broker_core(), &cursor, &dead) &&
                                      (cursor = 0, !core_next_dead(broker_core(), &cursor, &dead))))
                return;
        sim_step(STEP_VERB);
        snprintf(text, sizeof text, "{\"cmd\":\"%s\",\"batch\":\"%s\"}", sim_roll(4) ? "dead_retry" : "dead_drop",
                 dead.batch);
        tell("operator", "asks %s", text);
        if (link_send(operator_link, bytes_of(text)) != 0)
                return;
}

static void on_operator(void *context, uint64_t token) {
        if (sim.is_over)
                return;
        if (sim_roll(2))
                act_on_thread();
        else
                operator_act();
        sim_at(sim_time() + 1000 + (int64_t)sim_roll(2000 * sim.profile.verb_ms), NULL, on_operator, NULL, 0);
}

/* -- people -------------------------------------------------------------------------------------------------------- */

static void on_people(void *context, uint64_t token) {
        if (sim.is_over)
                return;
        people_act(sim_roll(sim.profile.n_producers));
        sim_at(sim_time() + 1000 + (int64_t)sim_roll(2000 * sim.profile.say_ms), NULL, on_people, NULL, 0);
}

void faults_init(void) {
        operator_link = net_connect(&operator_process, SOCKET_STATS, on_frames, NULL);
        if (sim.profile.is_still)
                return;
        sim_at(sim_time(), NULL, on_people, NULL, 0);
        sim_at(sim_time() + 1000000, NULL, on_fault, NULL, 0);
        sim_at(sim_time() + 5000000, NULL, on_operator, NULL, 0);
}
