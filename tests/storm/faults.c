/* Faults that a kernel does not give on demand, for a program that is started with this library in LD_PRELOAD: a wall
 * clock that steps, and the nth call of a kind that fails.
 *
 * $LULL_FAULTS names a file of sizeof(struct control) bytes, which is mapped and can be changed while the program runs;
 * without it nothing fails. CLOCK_REALTIME, time() and gettimeofday() are shifted by `offset_ns`; CLOCK_MONOTONIC and
 * CLOCK_BOOTTIME are never touched. Calls of the kind that is armed are counted, and number `n` fails with `error`:
 * once, or each from then on when `is_lasting`. Writes count when the file is a regular one, other than stdout and
 * stderr: the kernel fails no write to a socket in this way. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { KIND_NONE, KIND_WRITE, KIND_SYNC, KIND_MEMORY };

struct control {
        int64_t offset_ns;
        uint32_t kind; /* enum kind */
        int32_t error;
        uint64_t n; /* the first is 1 */
        uint64_t count; /* of calls of the kind so far */
        uint64_t n_failed;
        uint64_t is_lasting;
};

static struct control *control;

/* -- the real calls ------------------------------------------------------------------------------------------------ */

static struct {
        int (*clock_gettime)(clockid_t clock, struct timespec *ret);
        ssize_t (*write)(int fd, const void *data, size_t len);
        ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t at);
        ssize_t (*writev)(int fd, const struct iovec *parts, int n);
        ssize_t (*pwritev)(int fd, const struct iovec *parts, int n, off_t at);
        int (*fsync)(int fd);
        int (*fdatasync)(int fd);
        int (*msync)(void *data, size_t len, int flags);
        void *(*malloc)(size_t len);
        void *(*calloc)(size_t n, size_t len);
        void *(*realloc)(void *data, size_t len);
        void (*free)(void *data);
} real;

/* Who is asked for while dlsym looks for the real ones: memory for that comes from `early`. */
static bool is_finding, is_found;

#define FIND(name) (*(void **)&real.name = dlsym(RTLD_NEXT, #name))

/* Libraries that begin before this one call too: so at the first call, when there is one thread only. */
static void find_real(void) {
        if (is_found || is_finding)
                return;
        is_finding = true;
        FIND(malloc);
        FIND(calloc);
        FIND(realloc);
        FIND(free);
        FIND(clock_gettime);
        FIND(write);
        FIND(pwrite);
        FIND(writev);
        FIND(pwritev);
        FIND(fsync);
        FIND(fdatasync);
        FIND(msync);
        is_finding = false;
        is_found = true;
}

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("LULL_FAULTS");
        void *map;
        int fd;

        find_real();
        fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd < 0)
                return;
        map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (map != MAP_FAILED)
                control = map;
}

/* Is this the call that fails? Then errno is set. */
static bool is_hit(enum kind kind) {
        uint64_t count;

        find_real();
        if (!control || __atomic_load_n(&control->kind, __ATOMIC_ACQUIRE) != kind)
                return false;
        count = __atomic_add_fetch(&control->count, 1, __ATOMIC_ACQ_REL);
        if (count < control->n || (count > control->n && !control->is_lasting))
                return false;
        __atomic_add_fetch(&control->n_failed, 1, __ATOMIC_ACQ_REL);
        errno = control->error;
        return true;
}

static bool is_write_hit(int fd) {
        struct stat stat;

        find_real();
        if (!control || control->kind != KIND_WRITE || fd <= STDERR_FILENO)
                return false;
        return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && is_hit(KIND_WRITE);
}

/* -- files --------------------------------------------------------------------------------------------------------- */

ssize_t write(int fd, const void *data, size_t len) { return is_write_hit(fd) ? -1 : real.write(fd, data, len); }

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
        return is_write_hit(fd) ? -1 : real.pwrite(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) { return pwrite(fd, data, len, at); }

ssize_t writev(int fd, const struct iovec *parts, int n) { return is_write_hit(fd) ? -1 : real.writev(fd, parts, n); }

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) {
        return is_write_hit(fd) ? -1 : real.pwritev(fd, parts, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t at) { return pwritev(fd, parts, n, at); }

int fsync(int fd) { return is_hit(KIND_SYNC) ? -1 : real.fsync(fd); }

int fdatasync(int fd) { return is_hit(KIND_SYNC) ? -1 : real.fdatasync(fd); }

int msync(void *data, size_t len, int flags) { return is_hit(KIND_SYNC) ? -1 : real.msync(data, len, flags); }

/* -- memory -------------------------------------------------------------------------------------------------------- */

static char early[16384];
static size_t n_early;

static void *early_new(size_t len) {
        void *data = early + n_early;

        n_early += (len + 15) & ~(size_t)15;
        return n_early <= sizeof early ? data : NULL;
}

static bool is_early(const void *data) {
        return (const char *)data >= early && (const char *)data < early + sizeof early;
}

void *malloc(size_t len) {
        if (is_hit(KIND_MEMORY))
                return NULL;
        return is_finding ? early_new(len) : real.malloc(len);
}

void *calloc(size_t n, size_t len) {
        if (is_hit(KIND_MEMORY))
                return NULL;
        return is_finding ? early_new(n * len) : real.calloc(n, len);
}

void *realloc(void *data, size_t len) {
        if (is_hit(KIND_MEMORY))
                return NULL;
        return is_finding ? early_new(len) : real.realloc(data, len);
}

void free(void *data) {
        if (!is_early(data))
                real.free(data);
}

/* -- the wall clock ------------------------------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *ret) {
        int64_t ns;
        int r;

        find_real();
        r = real.clock_gettime(clock, ret);
        if (r != 0 || !control || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
                return r;
        ns = ret->tv_sec * INT64_C(1000000000) + ret->tv_nsec + __atomic_load_n(&control->offset_ns, __ATOMIC_RELAXED);
        ret->tv_sec = ns / 1000000000;
        ret->tv_nsec = ns % 1000000000;
        return 0;
}

time_t time(time_t *ret) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        if (ret)
                *ret = now.tv_sec;
        return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        *ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
        return 0;
}
