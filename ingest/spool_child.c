#include "ingest/spool_child.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- children ------------------------------------------------------------------------------------------------------ */

struct child {
        pid_t pid;
        int fd; /* what it writes */
};

/* Signals by which a process ends when memory is not what it took it for. */
static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

static bool is_fault(int number) {
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
                if (faults[i] == number)
                        return true;
        return false;
}

/* It ends quietly: no report, no core, and none of its parent's ways to end. */
static void be_child(void) {
        const struct rlimit none = {0, 0};
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
                dup2(fd, STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &none);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
                sigaction(faults[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        for (int number = 1; number < SIGRTMIN; number++)
                if (!is_fault(number))
                        sigaction(number, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

/* As fork(): 1 in the child, whose *ret is where to write to; 0 in the parent; a negative errno. */
static int child_start(struct child *ret) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        ret->pid = fork();
        if (ret->pid == 0)
                be_child();
        close(fds[ret->pid == 0 ? 0 : 1]);
        ret->fd = fds[ret->pid == 0 ? 1 : 0];
        if (ret->pid >= 0)
                return ret->pid == 0;
        close(fds[0]);
        return -EAGAIN;
}

/* 0 when it came to its own end; the signal that its memory ended it by; -EINTR. */
static int child_end(const struct child *child) {
        int status = 0;

        close(child->fd);
        while (waitpid(child->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -EINTR;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        return WIFSIGNALED(status) && is_fault(WTERMSIG(status)) ? WTERMSIG(status) : -EINTR;
}

static bool write_all(int fd, const void *data, size_t len) {
        const char *at = data;

        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n < 0 && errno != EINTR)
                        return false;
                at += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return true;
}

/* False: it has ended before. */
static bool read_all(int fd, void *data, size_t len) {
        char *at = data;

        while (len > 0) {
                ssize_t n = read(fd, at, len);

                if (n == 0 || (n < 0 && errno != EINTR))
                        return false;
                at += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return true;
}

/* -- checking ------------------------------------------------------------------------------------------------------ */

/* What the child says of a spool: the answer, and why. */
struct finding {
        int r;
        char why[200];
};

static int pass(void *context, struct spool_key key, struct bytes record) {
        (void)context, (void)key, (void)record;
        return 0;
}

static _Noreturn void check_in_child(struct spool *spool, int fd) {
        const struct spool_visit visit = {pass, NULL};
        struct finding finding = {0};
        char *error = NULL;

        finding.r = spool_open(spool, &error);
        if (finding.r == 0)
                finding.r = spool_scan(spool, &visit, &error);
        if (error)
                snprintf(finding.why, sizeof finding.why, "%s", error);
        _exit(write_all(fd, &finding, sizeof finding) ? 0 : 1);
}

int spool_child_check(struct spool *spool, char **ret_error) {
        struct finding finding;
        struct child child = {.fd = -1};
        int r = child_start(&child);
        bool is_said;

        if (r < 0)
                return r;
        if (r == 1)
                check_in_child(spool, child.fd);
        is_said = read_all(child.fd, &finding, sizeof finding);
        r = child_end(&child);
        if (r > 0) {
                *ret_error = memory_print("LMDB ends the process that reads it (signal %d)", r);
                return SPOOL_DAMAGED;
        }
        if (r < 0 || !is_said)
                return -EINTR;
        if (finding.r == SPOOL_DAMAGED)
                *ret_error = memory_print("%s", finding.why);
        return finding.r;
}

/* -- what is whole ------------------------------------------------------------------------------------------------- */

struct head {
        struct spool_key key;
        size_t len;
};

static int send_record(void *context, struct spool_key key, struct bytes record) {
        const int *fd = context;
        const struct head head = {key, record.len};

        return write_all(*fd, &head, sizeof head) && write_all(*fd, record.data, record.len) ? 0 : 1;
}

static _Noreturn void rescue_in_child(const char *folder, struct spool_key from, int fd) {
        const struct spool_visit visit = {send_record, &fd};
        struct spool *spool;

        if (spool_new(folder, 0, &spool) == 0 && spool_open_aside(spool) == 0)
                spool_rescue(spool, from, &visit);
        _exit(0);
}

/* What the child sends is visited until it ends; *from is behind that. */
static int receive(const struct child *child, const struct spool_visit *visit, struct spool_key *from) {
        CLEANUP_BUFFER struct buffer record = {0};
        struct head head;
        int r = 0;

        while (r == 0 && read_all(child->fd, &head, sizeof head)) {
                buffer_clear(&record);
                if (!read_all(child->fd, buffer_reserve(&record, head.len), head.len))
                        break;
                record.len = head.len;
                *from = (struct spool_key){0, head.key.lane + 1, 0};
                r = visit->visit(visit->context, head.key, buffer_bytes(&record));
        }
        return r;
}

int spool_child_rescue(const char *folder, const struct spool_visit *visit) {
        struct spool_key from = {0}, before;
        struct child child;
        int r, end;

        do {
                before = from;
                r = child_start(&child);
                if (r < 0)
                        return r;
                if (r == 1)
                        rescue_in_child(folder, from, child.fd);
                r = receive(&child, visit, &from);
                end = child_end(&child);
        } while (r == 0 && end > 0 && from.lane != before.lane);
        return r;
}
