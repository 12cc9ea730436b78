/* lull-broker: owns the state of every thread, the delay queue, retries, dead letters, dispatch and stats. */
#include "broker/loop.h"
#include "broker/questions.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/standard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

static const char help[] = "Usage: lull-broker [CONFIG]\n"
                           "\n"
                           "Keeps the messages, waits for the quiet, and hands each batch to one worker.\n"
                           "CONFIG is a lull.yaml; without it $LULL_CONFIG, else ./lull.yaml.\n"
                           "\n"
                           "  --help      this text\n"
                           "  --version   the version\n"
                           "\n"
                           "SIGTERM ends it cleanly, SIGHUP reads the file again. LULL_LOG=debug|info|warning|error\n"
                           "sets what is logged (on stderr). See `lull --help` for asking it questions.\n";

/* Blocked before any thread is started, so that they all arrive at the one descriptor. */
static int open_signals(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGPIPE);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        sigdelset(&set, SIGPIPE);
        return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Each connection is a descriptor. */
static void raise_descriptors(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
}

struct boot {
        struct loop *loop;
        uint64_t n_messages;
        bool has_settings; /* they are in force */
};

/* The notes come first, and what comes after them is judged by the settings that they hold. */
static void put_settings_in_force(struct boot *boot) {
        if (boot->has_settings)
                return;
        boot->has_settings = true;
        settings_apply(boot->loop->settings);
        boot->loop->now = boot->loop->started;
        loop_configure(boot->loop);
}

static void boot_note(void *context, const struct stored_note *note) {
        struct boot *boot = context;

        settings_load(boot->loop->settings, note);
        core_load_note(boot->loop->core, boot->loop->started, note);
}

static void boot_batch(void *context, const struct stored_batch *batch) {
        struct boot *boot = context;

        put_settings_in_force(boot);
        core_load_batch(boot->loop->core, batch);
}

static void boot_message(void *context, const struct stored_message *message) {
        struct boot *boot = context;

        put_settings_in_force(boot);
        boot->n_messages++;
        core_load_message(boot->loop->core, boot->loop->started, message, (uint32_t)message->body.len);
}

static void boot_seen(void *context, const struct stored_seen *seen) {
        struct boot *boot = context;

        core_load_seen(boot->loop->core, seen);
}

static void boot_answer(void *context, uint64_t seq, struct bytes answer) {
        struct boot *boot = context;

        core_load_answer(boot->loop->core, boot->loop->started, seq, answer);
}

static int load(struct loop *loop) {
        struct boot boot = {.loop = loop};
        struct store_visitor visitor = {boot_batch, boot_message, boot_seen, &boot, boot_note, boot_answer};
        struct store_head head = store_head(loop->store);
        struct core_options options = {
                .config = loop->config, .epoch = head.epoch, .salt = head.salt, .first_seq = head.first_seq};
        struct commit_wait wait = loop_commit_wait(loop);
        CLEANUP_FREE char *error = NULL;
        int r;

        loop->started = clock_now();
        if (getrandom(&options.seed, sizeof options.seed, 0) != sizeof options.seed)
                options.seed = (uint64_t)loop->started.mono.us;
        loop->core = core_new(&options);
        r = store_load(loop->store, &visitor, &error);
        if (r < 0) {
                fprintf(stderr, "lull-broker: %s\n", error);
                return r;
        }
        put_settings_in_force(&boot);
        /* The clock is read again: how long the load took is not to be taken off anybody's wait. */
        core_load_done(loop->core, clock_now(), &loop->fx);
        r = commit_changes(loop->store, loop->fx.changes, loop->fx.n_changes, &wait);
        effects_clear(&loop->fx);
        log_info("loaded", LOG_TEXT("store", store_kind(loop->store)), LOG_NUMBER("epoch", head.epoch),
                 LOG_NUMBER("messages", boot.n_messages),
                 LOG_NUMBER("ms", span_to_ms(mono_since(clock_mono(), loop->started.mono))));
        return r;
}

/* 0; COMMIT_GIVEN_UP when it was told to stop before the disk had room; or a negative errno. */
static int open_all(struct loop *loop) {
        struct commit_wait wait = loop_commit_wait(loop);
        CLEANUP_FREE char *error = NULL;
        int r = commit_open_store(loop->config->broker.store, &wait, &loop->store, &error);

        if (r == 0)
                r = load(loop);
        if (r == 0)
                r = sockets_open(loop->config, &loop->sockets, &error);
        if (r < 0 && error)
                fprintf(stderr, "lull-broker: %s\n", error);
        return r;
}

/* Without it the next start reads the journal, which is no harm. */
static void settle(struct loop *loop) {
        int r = store_end(loop->store);

        if (r < 0)
                log_warning("journal_stays", LOG_TEXT("why", strerror(-r)),
                            LOG_TEXT("hint", "nothing is lost: the next start reads the journal. Until then it belongs "
                                             "to any copy of the store"));
}

static void close_all(struct loop *loop) {
        sockets_close(loop->sockets);
        core_free(loop->core);
        store_close(loop->store);
        effects_done(&loop->fx);
        buffer_done(&loop->memory);
        free(loop->questions);
        free(loop->scratch);
        outbox_done(&loop->outbox);
        free(loop->undelivered);
        settings_free(loop->settings);
        if (loop->signal_fd >= 0)
                close(loop->signal_fd);
}

static int run(struct loop *loop) {
        int r = open_all(loop);

        if (r != 0)
                return r;
        log_info("started", LOG_TEXT("version", LULL_VERSION),
                 LOG_TEXT("ingest", sockets_endpoint(loop->sockets, SOCKET_INGEST)),
                 LOG_TEXT("workers", sockets_endpoint(loop->sockets, SOCKET_WORKERS)),
                 LOG_TEXT("stats", sockets_endpoint(loop->sockets, SOCKET_STATS)));
        r = loop_run(loop);
        if (r == 0)
                settle(loop);
        log_info("stopped");
        return r;
}

int main(int argc, char **argv) {
        struct loop loop = {.signal_fd = -1};
        struct config *file = NULL;
        CLEANUP_FREE char *error = NULL;
        int r;

        standard_open();
        if (argc == 2 && strcmp(argv[1], "--help") == 0)
                return fputs(help, stdout) < 0;
        if (argc == 2 && strcmp(argv[1], "--version") == 0)
                return puts("lull-broker " LULL_VERSION) < 0;
        if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
                fputs(help, stderr);
                return 2;
        }
        log_init("lull-broker");
        if (config_load(argc == 2 ? argv[1] : NULL, &file, &error) < 0) {
                fprintf(stderr, "%s\n", error);
                return 1;
        }
        loop.settings = settings_new(file);
        loop.config = settings_config(loop.settings);
        raise_descriptors();
        loop.signal_fd = open_signals();
        loop.questions = memory_new(LIMIT_FRAMES_PER_TURN, sizeof *loop.questions);
        loop.scratch = memory_new(LIMIT_FRAME_MESSAGES, sizeof *loop.scratch);
        r = loop.signal_fd < 0 ? loop.signal_fd : run(&loop);
        close_all(&loop);
        return r < 0 ? 1 : 0;
}
