/* The system calls that reach a disk, under the names by which liblmdb finds them: the program's own come before the C
 * library's. A label gives each its name, so that no header's declaration is in the way. */
#include "tests/sim/disk_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALL(result, name, ...) result disk_call_##name(__VA_ARGS__) __asm__(#name)

CALL(int, open, const char *path, int flags, ...);
CALL(int, open64, const char *path, int flags, ...);
CALL(int, openat, int folder, const char *path, int flags, ...);
CALL(int, openat64, int folder, const char *path, int flags, ...);
CALL(int, creat, const char *path, mode_t mode);
CALL(int, creat64, const char *path, mode_t mode);
CALL(int, close, int fd);
CALL(int, mkdir, const char *path, mode_t mode);
CALL(int, unlink, const char *path);
CALL(ssize_t, write, int fd, const void *data, size_t len);
CALL(ssize_t, writev, int fd, const struct iovec *parts, int n);
CALL(ssize_t, pwrite, int fd, const void *data, size_t len, off_t offset);
CALL(ssize_t, pwrite64, int fd, const void *data, size_t len, off_t offset);
CALL(ssize_t, pwritev, int fd, const struct iovec *parts, int n, off_t offset);
CALL(ssize_t, pwritev64, int fd, const struct iovec *parts, int n, off_t offset);
CALL(int, fsync, int fd);
CALL(int, fdatasync, int fd);
CALL(int, ftruncate, int fd, off_t len);
CALL(int, ftruncate64, int fd, off_t len);
CALL(int, posix_fallocate, int fd, off_t offset, off_t len);
CALL(int, posix_fallocate64, int fd, off_t offset, off_t len);

/* -- names --------------------------------------------------------------------------------------------------------- */

static int open_at(int folder, const char *path, int flags, mode_t mode) {
        bool is_ours = folder == AT_FDCWD && disk_is_below(path), is_new;
        struct stat stat_now;
        int fd;

        if (is_ours)
                flags &= ~O_DIRECT; /* what is written here need not reach a real disk */
        is_new = is_ours && flags & O_CREAT && stat(path, &stat_now) < 0;
        fd = (int)syscall(SYS_openat, folder, path, flags, mode);
        if (fd >= 0 && is_ours)
                disk_on_open(fd, path, flags, is_new);
        return fd;
}

static mode_t pop_mode(int flags, va_list *rest) {
        return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(*rest, mode_t) : 0;
}

#define OPEN(name)                                                                                                     \
        int disk_call_##name(const char *path, int flags, ...) {                                                       \
                va_list rest;                                                                                          \
                mode_t mode;                                                                                           \
                                                                                                                       \
                va_start(rest, flags);                                                                                 \
                mode = pop_mode(flags, &rest);                                                                         \
                va_end(rest);                                                                                          \
                return open_at(AT_FDCWD, path, flags, mode);                                                           \
        }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
        int disk_call_##name(int folder, const char *path, int flags, ...) {                                           \
                va_list rest;                                                                                          \
                mode_t mode;                                                                                           \
                                                                                                                       \
                va_start(rest, flags);                                                                                 \
                mode = pop_mode(flags, &rest);                                                                         \
                va_end(rest);                                                                                          \
                return open_at(folder, path, flags, mode);                                                             \
        }
OPENAT(openat)
OPENAT(openat64)

int disk_call_creat(const char *path, mode_t mode) {
        return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int disk_call_creat64(const char *path, mode_t mode) { return disk_call_creat(path, mode); }

int disk_call_close(int fd) {
        if (disk_has(fd))
                disk_on_close(fd);
        return (int)syscall(SYS_close, fd);
}

int disk_call_mkdir(const char *path, mode_t mode) {
        int r = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);

        if (r == 0 && disk_is_below(path))
                disk_on_mkdir(path);
        return r;
}

int disk_call_unlink(const char *path) {
        if (disk_is_below(path))
                disk_on_unlink(path);
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

ssize_t disk_call_pwrite(int fd, const void *data, size_t len, off_t offset) {
        if (!disk_has(fd))
                return syscall(SYS_pwrite64, fd, data, len, offset);
        return disk_on_write(fd, (struct bytes){data, len}, (uint64_t)offset);
}

ssize_t disk_call_pwrite64(int fd, const void *data, size_t len, off_t offset) {
        return disk_call_pwrite(fd, data, len, offset);
}

/* At the place where the descriptor stands, which moves on. */
static ssize_t write_here(int fd, struct bytes data) {
        off_t at = lseek(fd, 0, SEEK_CUR);
        ssize_t n = disk_on_write(fd, data, (uint64_t)at);

        if (n > 0)
                lseek(fd, at + n, SEEK_SET);
        return n;
}

ssize_t disk_call_write(int fd, const void *data, size_t len) {
        return disk_has(fd) ? write_here(fd, (struct bytes){data, len}) : syscall(SYS_write, fd, data, len);
}

/* The parts as one; valid until the next call. */
static struct bytes join(const struct iovec *parts, int n) {
        static struct buffer joined;

        buffer_clear(&joined);
        for (int i = 0; i < n; i++)
                buffer_push(&joined, parts[i].iov_base, parts[i].iov_len);
        return buffer_bytes(&joined);
}

ssize_t disk_call_writev(int fd, const struct iovec *parts, int n) {
        return disk_has(fd) ? write_here(fd, join(parts, n)) : syscall(SYS_writev, fd, parts, n);
}

ssize_t disk_call_pwritev(int fd, const struct iovec *parts, int n, off_t offset) {
        if (!disk_has(fd))
                return syscall(SYS_pwritev, fd, parts, n, offset, 0);
        return disk_on_write(fd, join(parts, n), (uint64_t)offset);
}

ssize_t disk_call_pwritev64(int fd, const struct iovec *parts, int n, off_t offset) {
        return disk_call_pwritev(fd, parts, n, offset);
}

/* -- syncing, and room --------------------------------------------------------------------------------------------- */

int disk_call_fsync(int fd) { return disk_has(fd) ? disk_on_sync(fd) : (int)syscall(SYS_fsync, fd); }
int disk_call_fdatasync(int fd) { return disk_has(fd) ? disk_on_sync(fd) : (int)syscall(SYS_fdatasync, fd); }

int disk_call_ftruncate(int fd, off_t len) {
        return disk_has(fd) ? disk_on_truncate(fd, (uint64_t)len) : (int)syscall(SYS_ftruncate, fd, len);
}

int disk_call_ftruncate64(int fd, off_t len) { return disk_call_ftruncate(fd, len); }

/* This one answers with the error itself. */
int disk_call_posix_fallocate(int fd, off_t offset, off_t len) {
        int r = disk_has(fd) ? disk_on_allocate(fd, (uint64_t)offset, (uint64_t)len)
                             : (int)syscall(SYS_fallocate, fd, 0, offset, len);

        return r < 0 ? errno : 0;
}

int disk_call_posix_fallocate64(int fd, off_t offset, off_t len) { return disk_call_posix_fallocate(fd, offset, len); }
