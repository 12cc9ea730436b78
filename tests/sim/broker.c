/* The broker as a process: the real loop (broker/loop.c), one turn at a time, over the real store. It can die between
 * any two of its steps, and in a turn before its commit, in it, and between it and any of the frames after it. */
#define loop_run broker_loop_run
#define settings_config broker_settings_config
#define settings_free broker_settings_free
#define settings_new broker_settings_new
#include "broker/loop.h"

#include "broker/questions.h"
#include "broker/settings.h"
#include "broker/store/record.h"
#include "broker/store/store_private.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So small that it is full, grows and begins anew all the time. */
static const struct store_form store_form = {{4 * RECORD_ALIGN, 16 * RECORD_ALIGN}, BESIDE_LATER};

enum { TURN_US = 20, TURN_MAX_US = 2000, COMMIT_US = 300, COMMIT_MAX_US = 30000 };

struct process broker_process;

static struct {
        struct loop loop;
        uint64_t turn; /* the entry that counts */
        int64_t turn_at;
        uint32_t n_starts;
        enum broker_moment death; /* 0 = it lives on */
        uint32_t n_sent;
        int64_t down_us;
        int64_t slow_until, slow_us, full_until;
        char folder[128];
} broker;

struct core *broker_core(void) {
        return broker.loop.core;
}
struct store *broker_store(void) {
        return broker.loop.store;
}

/* -- the store ----------------------------------------------------------------------------------------------------- */

static void remove_files(void) {
        char path[160];
        struct dirent *entry;
        DIR *folder;

        snprintf(path, sizeof path, "%s/store", broker.folder);
        folder = opendir(path);
        while (folder && (entry = readdir(folder)))
                if (entry->d_name[0] != '.')
                        unlinkat(dirfd(folder), entry->d_name, 0);
        if (folder)
                closedir(folder);
        rmdir(path);
}

static void make_folder(void) {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

        snprintf(broker.folder, sizeof broker.folder, "%s/lull-sim-%d", base, (int)getpid());
        ENSURE(mkdir(broker.folder, 0700) == 0 || errno == EEXIST);
        remove_files();
}

static void open_store(void) {
        char uri[160] = "memory:";
        char *error = NULL;

        if (broker.loop.store)
                return; /* memory, which outlives the process here */
        if (sim.profile.has_disk)
                snprintf(uri, sizeof uri, "lmdb:%s/store", broker.folder);
        disk_drain(); /* a start waits for room */
        if (store_open_formed(uri, &store_form, &broker.loop.store, &error) < 0)
                sim_violation("G1 durable", "the store does not open: %s", error);
}

/* What its journal went through is for the report. */
static void close_store(void) {
        struct store_counts counts = {0};

        if (broker.loop.store)
                counts = store_counts(broker.loop.store);
        sim.stats.journaled += counts.n_records;
        sim.stats.replayed += counts.n_replayed;
        sim.stats.checkpoints += counts.n_checkpoints;
        sim.stats.grown += counts.n_grown;
        broker.loop.store = store_close(broker.loop.store);
}

/* -- start --------------------------------------------------------------------------------------------------------- */

static void load_batch(void *context, const struct stored_batch *batch) {
        check_on_loaded_batch(batch);
        core_load_batch(broker.loop.core, batch);
}

static void load_message(void *context, const struct stored_message *message) {
        check_on_loaded_message(message);
        core_load_message(broker.loop.core, broker.loop.started, message, (uint32_t)message->body.len);
}

static void load_seen(void *context, const struct stored_seen *seen) {
        check_on_loaded_seen(seen);
        core_load_seen(broker.loop.core, seen);
}

static void load_note(void *context, const struct stored_note *note) {
        check_on_loaded_note(note);
        settings_load(broker.loop.settings, note);
        core_load_note(broker.loop.core, broker.loop.started, note);
}

static void load_answer(void *context, uint64_t seq, struct bytes answer) {
        core_load_answer(broker.loop.core, broker.loop.started, seq, answer);
}

static void load(void) {
        struct store_visitor visitor = {.batch = load_batch,
                                        .message = load_message,
                                        .seen = load_seen,
                                        .note = load_note,
                                        .answer = load_answer};
        struct store_head head = store_head(broker.loop.store);
        uint32_t epoch = sim.profile.has_disk ? head.epoch : broker.n_starts;
        struct core_options options = {.config = &sim.config, .epoch = epoch, .salt = head.salt};
        char *error = NULL;

        options.first_seq = head.first_seq + (sim.profile.has_disk ? 0 : (uint64_t)epoch << 21);
        options.seed = (uint64_t)sim_roll(UINT32_MAX) << 32 | sim_roll(UINT32_MAX);
        broker.loop.started = sim_now();
        broker.loop.settings = settings_new(&sim.config);
        broker.loop.config = settings_config(broker.loop.settings);
        broker.loop.room = (struct room_watch){0};
        broker.loop.now = broker.loop.started;
        broker.loop.core = core_new(&options);
        check_on_load_begin();
        if (store_load(broker.loop.store, &visitor, &error) < 0)
                sim_violation("G1 durable", "the store does not load: %s", error);
        core_load_done(broker.loop.core, broker.loop.started, &broker.loop.fx);
        check_on_load_end();
        check_on_commit(broker.loop.fx.changes, broker.loop.fx.n_changes);
        ENSURE(store_commit(broker.loop.store, broker.loop.fx.changes, broker.loop.fx.n_changes) == 0);
        check_on_committed();
        effects_clear(&broker.loop.fx);
}

void broker_start(void) {
        if (broker_process.is_up)
                return;
        broker.n_starts++;
        broker_process.is_up = true;
        broker_process.busy_until = 0;
        broker.death = 0;
        broker.turn_at = INT64_MAX;
        net_on_broker_start();
        open_store();
        load();
        tell("broker", "starts, epoch %u",
             sim.profile.has_disk ? store_head(broker.loop.store).epoch : broker.n_starts);
        broker_wake();
}

static void on_start(void *context, uint64_t token) { broker_start(); }

void broker_init(void) {
        struct wire_message *scratch = broker.loop.scratch;
        struct question *questions = broker.loop.questions;
        uint32_t generation = broker_process.generation;

        memset(&broker, 0, sizeof broker);
        broker_process = (struct process){.name = "broker", .generation = generation + 1};
        broker.loop.signal_fd = -1;
        broker.loop.sockets = net_sockets();
        broker.loop.scratch = scratch ? scratch : memory_new(LIMIT_FRAME_MESSAGES, sizeof *scratch);
        broker.loop.questions = questions ? questions : memory_new(LIMIT_FRAMES_PER_TURN, sizeof *questions);
        if (!sim.profile.has_disk)
                return;
        make_folder();
        disk_open(broker.folder, sim.seed);
}

/* -- end ----------------------------------------------------------------------------------------------------------- */

static void forget(void) {
        broker.loop.core = core_free(broker.loop.core);
        broker.loop.settings = settings_free(broker.loop.settings);
        if (sim.profile.has_disk)
                close_store();
        for (uint32_t i = 0; i < broker.loop.n_questions; i++)
                question_done(&broker.loop.questions[i]);
        broker.loop.n_questions = broker.loop.n_undelivered = 0;
        effects_clear(&broker.loop.fx);
}

void broker_done(void) {
        if (broker_process.is_up)
                forget();
        broker_process.is_up = false;
        close_store();
        effects_done(&broker.loop.fx);
        buffer_done(&broker.loop.memory);
        outbox_done(&broker.loop.outbox);
        free(broker.loop.undelivered);
        broker.loop.undelivered = NULL;
        if (!sim.profile.has_disk)
                return;
        disk_close();
        remove_files();
        rmdir(broker.folder);
}

void broker_end(enum broker_end end, int64_t down_us) {
        static const char *const words[] = {"is killed", "loses power", "stops"};

        if (!broker_process.is_up)
                return;
        tell("broker", "%s", words[end]);
        check_on_broker_end();
        broker_process.is_up = false;
        broker_process.generation++;
        if (end == BROKER_CLEAN && sim.profile.has_disk && store_end(broker.loop.store) < 0)
                tell("broker", "has no room for its last commit");
        forget();
        if (end == BROKER_POWER_LOSS && sim.profile.has_disk)
                disk_power_loss((enum disk_loss)sim_roll(DISK_N_LOSSES), sim.dice);
        net_on_broker_death(end == BROKER_POWER_LOSS);
        if (down_us >= 0)
                sim_at(sim_time() + down_us, NULL, on_start, NULL, 0);
}

void broker_end_in_turn(enum broker_moment moment, uint32_t n_sent, int64_t down_us) {
        broker.death = moment;
        broker.n_sent = n_sent;
        broker.down_us = down_us;
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

void sockets_wait(struct sockets *sockets, int fd, struct span timeout) {}

/* The end of a turn, after which loop_run() asks whether to go on. */
void sockets_release(struct sockets *sockets) { broker.loop.is_stopping = true; }

/* The config is the world's. */
struct config *broker_config_free(struct config *config);
struct config *broker_config_free(struct config *config) {
        return NULL;
}

/* A commit waits for room on the disk; time goes on, and nothing else is done meanwhile. */
int broker_poll(struct pollfd *files, nfds_t n, int ms);
int broker_poll(struct pollfd *files, nfds_t n, int ms) {
        sim.lag_us += (int64_t)ms * 1000;
        if (sim_time() >= broker.full_until)
                disk_drain();
        return 0;
}

static int64_t commit_time(void) {
        if (sim_time() < broker.slow_until)
                return sim_delay(broker.slow_us / 2, broker.slow_us);
        return sim_delay(COMMIT_US, COMMIT_MAX_US);
}

int broker_commit(struct store *store, const struct change *changes, size_t n) {
        int r;

        check_on_commit(changes, n);
        if (broker.death == BROKER_BEFORE_COMMIT)
                return 0;
        sim.lag_us += commit_time();
        if (broker.death == BROKER_IN_COMMIT && sim.profile.has_disk)
                disk_fail_nth(sim_roll(2) ? DISK_WRITE : DISK_SYNC, 1 + sim_roll(4), EIO);
        r = store_commit(store, changes, n);
        if (broker.death == BROKER_IN_COMMIT && sim.profile.has_disk)
                disk_fail_nth(DISK_WRITE, 0, 0), disk_fail_nth(DISK_SYNC, 0, 0);
        if (r == 0)
                check_on_committed();
        return r;
}

static void schedule(int64_t at);

static void on_turn(void *context, uint64_t turn) {
        int r;

        if (turn != broker.turn)
                return;
        broker.turn_at = INT64_MAX;
        sim_step(STEP_TURN);
        if (broker.death != 0)
                net_let_leave(broker.death == BROKER_AFTER_COMMIT ? (int)broker.n_sent : 0);
        check_on_turn_begin();
        broker.loop.is_stopping = false;
        r = loop_run(&broker.loop);
        if (broker.death != 0 || r < 0) {
                broker_end(broker.death == BROKER_IN_COMMIT ? BROKER_POWER_LOSS : BROKER_KILL,
                           broker.death != 0 ? broker.down_us : 1000000);
                return;
        }
        check_on_turn_end();
        if (net_has_frames() || broker.loop.n_undelivered > 0)
                broker_wake();
        else
                schedule(core_next_due(broker.loop.core).us);
}

static void schedule(int64_t at) {
        if (at >= broker.turn_at)
                return;
        broker.turn_at = at;
        sim_at(at, &broker_process, on_turn, NULL, ++broker.turn);
}

void broker_wake(void) {
        int64_t at = sim_time() + sim_delay(TURN_US, TURN_MAX_US);

        schedule(at > broker_process.busy_until ? at : broker_process.busy_until);
}

/* -- trouble ------------------------------------------------------------------------------------------------------- */

void broker_stop(int64_t us) {
        if (!broker_process.is_up)
                return;
        if (broker_process.busy_until < sim_time() + us)
                broker_process.busy_until = sim_time() + us;
        check_on_broker_stop(broker_process.busy_until);
        net_on_broker_stop(broker_process.busy_until);
}

void broker_slow_disk(int64_t until, int64_t commit_us) {
        broker.slow_until = until;
        broker.slow_us = commit_us;
}

static void on_drain(void *context, uint64_t token) {
        if (sim.profile.has_disk)
                disk_drain();
        broker.full_until = 0;
        tell("disk", "has room again");
}

void broker_fill_disk(int64_t us) {
        if (!sim.profile.has_disk)
                return;
        disk_fill(0);
        broker.full_until = sim_time() + us;
        sim_at(broker.full_until, NULL, on_drain, NULL, 0);
}
