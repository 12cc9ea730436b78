#include "broker/ctl/bench_self.h"

#include "broker/ctl/ask.h"
#include "broker/ctl/screen.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

/* A broker commits and leaves within this time; then it is killed. */
enum { STOP_MS = 5000, STOP_POLL_MS = 10 };
/* How long a broker with an empty store may take to answer, and how often it is asked. */
enum { START_MS = 10000, START_POLL_MS = 200 };

/* What a message has beside its text. */
enum { BODY_OVERHEAD_BYTES = 1024 };
/* What a thread with one message may take in the broker's memory, with its id among those remembered. Where the default
 * of limits.memory would not do for so many, it is raised. */
enum { THREAD_MEMORY_BYTES = 800 };
/* The quiet of threads that are only to wait: longer than a benchmark, and no more than a config takes. */
enum { PENDING_QUIET_S = 3600 };

extern char **environ;

struct self {
        char *folder, *config, *log;
        char *ingest, *workers, *stats;
        pid_t pid; /* 0 = not running */
        bool is_kept;
        const char *medium;
};

const char *self_ingest(const struct self *self) { return self->ingest; }
const char *self_workers(const struct self *self) { return self->workers; }
const char *self_stats(const struct self *self) { return self->stats; }
const char *self_medium(const struct self *self) { return self->medium; }

/* -- its folder ---------------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *ftw) { return remove(path); }

static void remove_folder(const char *folder) {
        if (nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
                screen_error("could not remove %s: %s", folder, strerror(errno));
}

/* A figure that was measured where fsync does nothing would be a lie. */
static const char *find_medium(const char *folder) {
        struct statfs status;

        if (statfs(folder, &status) < 0)
                return NULL;
        if (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC)
                return "BUT the folder is in memory (tmpfs), where fsync costs nothing: name one on disk with --folder";
        return NULL;
}

static int make_folder(struct self *self, const struct self_settings *settings) {
        const char *parent = settings->folder ? settings->folder : getenv("TMPDIR");
        CLEANUP_FREE char *folder = memory_print("%s/lull-bench-XXXXXX", parent && *parent ? parent : "/var/tmp");

        if (!mkdtemp(folder)) {
                screen_error("cannot make a folder %s: %s; name another place with --folder", folder, strerror(errno));
                return -errno;
        }
        self->folder = TAKE(folder);
        self->config = memory_print("%s/lull.yaml", self->folder);
        self->log = memory_print("%s/broker.log", self->folder);
        self->medium = find_medium(self->folder);
        return 0;
}

/* -- its config ---------------------------------------------------------------------------------------------------- */

/* Binds a socket to any free port of the loopback and returns it, or -1; it keeps the port until it is closed. */
static int find_port(char **ret_endpoint) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -1;
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
                close(fd);
                return -1;
        }
        *ret_endpoint = memory_print("tcp://127.0.0.1:%u", ntohs(address.sin_port));
        return fd;
}

/* All three are held until the last one is found, so that they differ. Another process may take one before the
 * broker does; then the broker says so, and the benchmark is started again. */
static int find_ports(struct self *self) {
        CLEANUP_CLOSE int ingest = find_port(&self->ingest);
        CLEANUP_CLOSE int workers = find_port(&self->workers);
        CLEANUP_CLOSE int stats = find_port(&self->stats);

        if (ingest >= 0 && workers >= 0 && stats >= 0)
                return 0;
        screen_error("cannot find three free ports on 127.0.0.1: %s", strerror(errno));
        return -EADDRNOTAVAIL;
}

static void encode_limits(const struct bench_plan *plan, struct buffer *text) {
        uint64_t memory = (plan->pending + plan->messages) * THREAD_MEMORY_BYTES;

        buffer_push_text(text, "\nlimits:\n");
        if (memory < LIMIT_MEMORY_DEFAULT)
                memory = LIMIT_MEMORY_DEFAULT;
        buffer_print(text, "  memory: %llu\n", (unsigned long long)memory);
        /* As much as the benchmark sends, with room for what is not text. */
        if (plan->message_bytes + BODY_OVERHEAD_BYTES > LIMIT_MESSAGE_BYTES_DEFAULT)
                buffer_print(text, "  message_bytes: %llu\n",
                             (unsigned long long)plan->message_bytes + BODY_OVERHEAD_BYTES);
}

static void encode_tenant(const char *name, const struct bench_plan *plan, struct span quiet, struct span max_wait,
                          struct buffer *text) {
        buffer_print(text,
                     "  %s:\n"
                     "    quiet: %lldms\n"
                     "    max_wait: %lldms\n"
                     "    concurrency: %llu\n"
                     "    handler: {kind: echo}\n",
                     name, (long long)span_to_ms(quiet), (long long)span_to_ms(max_wait),
                     (unsigned long long)plan->slots);
}

static void encode_config(const struct self *self, const struct self_settings *settings, const struct bench_plan *plan,
                          struct buffer *text) {
        CLEANUP_FREE char *store =
                settings->is_in_memory ? memory_print("memory:") : memory_print("lmdb:%s/store", self->folder);
        CLEANUP_JSON json_t *quoted = json_text_new(bytes_of(store));

        buffer_print(text, "broker:\n  ingest: %s\n  workers: %s\n  stats: %s\n  store: ", self->ingest, self->workers,
                     self->stats);
        json_encode(quoted, text); /* JSON's quoted text is YAML's too */
        encode_limits(plan, text);
        buffer_push_text(text, "tenants:\n");
        encode_tenant(plan->tenant, plan, plan->quiet, span_us(plan->quiet.us * 4 + 1000000), text);
        if (plan->pending > 0)
                encode_tenant(SELF_TENANT_PENDING, plan, span_s(PENDING_QUIET_S), span_s(2 * PENDING_QUIET_S), text);
}

static int write_config(const struct self *self, const struct self_settings *settings, const struct bench_plan *plan) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_CLOSE int fd = open(self->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        encode_config(self, settings, plan, &text);
        if (fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len)
                return 0;
        screen_error("cannot write %s: %s", self->config, strerror(errno));
        return -EIO;
}

/* -- its process --------------------------------------------------------------------------------------------------- */

/* lull-broker beside this program; one folder up, where a build has it; else by its name, from $PATH. */
static char *find_broker(const struct self_settings *settings) {
        static const char *const places[] = {"lull-broker", "../lull-broker"};
        char own[4096];
        ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
        char *slash;

        if (settings->broker || len < 0)
                return bytes_copy_text(bytes_of(settings->broker ? settings->broker : "lull-broker"));
        own[len] = '\0';
        slash = strrchr(own, '/');
        for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
                CLEANUP_FREE char *path = memory_print("%.*s/%s", (int)(slash - own), own, places[i]);

                if (access(path, X_OK) == 0)
                        return TAKE(path);
        }
        return bytes_copy_text(bytes_of("lull-broker"));
}

static int start(struct self *self, const struct self_settings *settings) {
        CLEANUP_FREE char *broker = find_broker(settings);
        char *const argv[] = {broker, self->config, NULL};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int r;

        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, self->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
        /* A group of its own: Ctrl-C is for us, and we stop it after we have asked for its numbers. */
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        r = posix_spawnp(&self->pid, broker, &files, &attributes, argv, environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        if (r == 0)
                return 0;
        self->pid = 0;
        screen_error("cannot start %s: %s; name the program with --broker", broker, strerror(r));
        return -r;
}

static bool has_ended(struct self *self) {
        if (self->pid == 0 || waitpid(self->pid, NULL, WNOHANG) == 0)
                return self->pid == 0;
        self->pid = 0;
        return true;
}

static void stop(struct self *self) {
        const struct timespec pause = {.tv_nsec = STOP_POLL_MS * 1000000L};
        struct mono end = mono_add(clock_mono(), span_ms(STOP_MS));

        if (has_ended(self))
                return;
        kill(self->pid, SIGTERM);
        while (!has_ended(self) && !mono_is_due(clock_mono(), end))
                nanosleep(&pause, NULL);
        if (has_ended(self))
                return;
        kill(self->pid, SIGKILL);
        waitpid(self->pid, NULL, 0);
        self->pid = 0;
}

static void print_log(const struct self *self) {
        CLEANUP_CLOSE int fd = open(self->log, O_RDONLY | O_CLOEXEC);
        char text[LIMIT_BENCH_LOG_BYTES + 1];
        ssize_t len;

        if (fd < 0)
                return;
        (void)!lseek(fd, -LIMIT_BENCH_LOG_BYTES, SEEK_END);
        len = read(fd, text, LIMIT_BENCH_LOG_BYTES);
        if (len <= 0)
                return;
        text[len] = '\0';
        screen_error("it wrote:\n%s", text);
}

/* Asks until it answers: then it has bound its sockets and opened its store. */
static int wait_for_answer(struct self *self) {
        const struct options options = {.stats = self->stats, .timeout = span_ms(START_POLL_MS)};
        struct mono end = mono_add(clock_mono(), span_ms(START_MS));
        CLEANUP_ASK struct ask *ask = NULL;
        int r = ask_new(&options, &ask);

        if (r < 0)
                return r;
        while (!has_ended(self) && !mono_is_due(clock_mono(), end)) {
                CLEANUP_JSON json_t *answer = NULL;

                if (ask_question(ask, json_pack("{s:s}", "cmd", "stats"), &answer) == 0)
                        return 0;
        }
        screen_error("%s", self->pid ? "the broker that was started does not answer"
                                     : "the broker that was started has ended");
        print_log(self);
        return -ECONNREFUSED;
}

int self_new(const struct self_settings *settings, const struct bench_plan *plan, struct self **ret) {
        CLEANUP_SELF struct self *self = memory_new(1, sizeof *self);
        int r;

        self->is_kept = settings->is_kept;
        r = make_folder(self, settings);
        if (r == 0)
                r = find_ports(self);
        if (r == 0)
                r = write_config(self, settings, plan);
        if (r == 0)
                r = start(self, settings);
        if (r == 0)
                r = wait_for_answer(self);
        if (r < 0)
                return r;
        *ret = TAKE(self);
        return 0;
}

/* -- what it costs ------------------------------------------------------------------------------------------------- */

/* A file of its process in /proc, as text; empty when there is none. */
static void read_proc(const struct self *self, const char *name, char *text, size_t size) {
        CLEANUP_FREE char *path = memory_print("/proc/%d/%s", (int)self->pid, name);
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? 0 : read(fd, text, size - 1);

        text[len > 0 ? len : 0] = '\0';
}

/* The number behind `name` in it; 0 when it is not there. */
static uint64_t find_number(const char *text, const char *name) {
        const char *at = strstr(text, name);

        return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* The CPU time in a "stat" of proc(5): behind the program's name, which may hold anything, it is fields 14 and 15. */
static uint64_t find_cpu_us(const char *text) {
        const char *at = strrchr(text, ')');
        unsigned long long user, system;

        if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
                return 0;
        return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void self_look(const struct self *self, struct bench_usage *ret) {
        CLEANUP_FREE char *loop = memory_print("task/%d/stat", (int)self->pid);
        char text[4096];

        read_proc(self, "stat", text, sizeof text);
        ret->cpu_us = find_cpu_us(text);
        read_proc(self, loop, text, sizeof text);
        ret->loop_cpu_us = find_cpu_us(text);
        read_proc(self, "status", text, sizeof text);
        ret->memory_bytes = find_number(text, "RssAnon:") * 1024;
        read_proc(self, "io", text, sizeof text);
        ret->written_bytes = find_number(text, "\nwrite_bytes:");
}

struct self *self_free(struct self *self) {
        if (!self)
                return NULL;
        stop(self);
        if (self->folder && self->is_kept)
                screen_error("kept: %s", self->folder);
        else if (self->folder)
                remove_folder(self->folder);
        free(self->folder);
        free(self->config);
        free(self->log);
        free(self->ingest);
        free(self->workers);
        free(self->stats);
        free(self);
        return NULL;
}
