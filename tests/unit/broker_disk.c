#include "tests/unit/broker_disk.h"

#include "common/cleanup.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct fault_disk disk;

static bool is_concerned(int fd) {
        CLEANUP_FREE char *link = memory_print("/proc/self/fd/%d", fd);
        char name[256];
        ssize_t len = readlink(link, name, sizeof name);
        size_t end = disk.only ? strlen(disk.only) : 0;

        return !disk.only || (len >= (ssize_t)end && memcmp(name + len - end, disk.only, end) == 0);
}

/* The first part of a write, or of several: 0 when it is to be done as it was asked for. */
static ssize_t write_at_fault(int fd, size_t len) {
        if (disk.fault == FAULT_NONE || !is_concerned(fd))
                return 0;
        switch (disk.fault) {
        case FAULT_NONE:
                return 0;
        case FAULT_NO_ROOM:
        case FAULT_UNHEARD:
                errno = ENOSPC;
                break;
        case FAULT_BROKEN:
                errno = EIO;
                break;
        case FAULT_SHORT_WRITE:
                disk.n_failed++;
                return (ssize_t)len / 2;
        }
        disk.n_failed++;
        return -1;
}

/* Under the names that LMDB links to: with offsets of 64 bits or without, which the system's headers would mix up. */
#define NAMED(name) __asm__(name)
ssize_t disk_pwrite(int fd, const void *data, size_t len, off_t at) NAMED("pwrite");
ssize_t disk_pwrite64(int fd, const void *data, size_t len, off_t at) NAMED("pwrite64");
ssize_t disk_pwritev(int fd, const struct iovec *parts, int n, off_t at) NAMED("pwritev");
ssize_t disk_pwritev64(int fd, const struct iovec *parts, int n, off_t at) NAMED("pwritev64");
ssize_t disk_writev(int fd, const struct iovec *parts, int n) NAMED("writev");
int disk_fstatvfs(int fd, struct statvfs *ret) NAMED("fstatvfs");
int disk_fstatvfs64(int fd, struct statvfs *ret) NAMED("fstatvfs64");

ssize_t disk_pwrite(int fd, const void *data, size_t len, off_t at) {
        ssize_t n = write_at_fault(fd, len);

        if (disk.fault == FAULT_UNHEARD && syscall(SYS_pwrite64, fd, data, len, at) == (ssize_t)len)
                return errno = ENOSPC, -1;
        return n ? n : (ssize_t)syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t disk_pwrite64(int fd, const void *data, size_t len, off_t at) { return disk_pwrite(fd, data, len, at); }

ssize_t disk_pwritev(int fd, const struct iovec *parts, int n, off_t at) {
        ssize_t done = write_at_fault(fd, parts[0].iov_len);

        return done ? done : (ssize_t)syscall(SYS_pwritev, fd, parts, n, at, 0);
}

ssize_t disk_pwritev64(int fd, const struct iovec *parts, int n, off_t at) { return disk_pwritev(fd, parts, n, at); }

/* The log is written with it too. */
ssize_t disk_writev(int fd, const struct iovec *parts, int n) {
        ssize_t done = fd == STDERR_FILENO ? 0 : write_at_fault(fd, parts[0].iov_len);

        return done ? done : (ssize_t)syscall(SYS_writev, fd, parts, n);
}

int disk_fstatvfs(int fd, struct statvfs *ret) {
        *ret = (struct statvfs){.f_frsize = 4096, .f_bavail = disk.is_full ? 0 : disk.is_short ? 300 : 1 << 20};
        return 0;
}

int disk_fstatvfs64(int fd, struct statvfs *ret) { return disk_fstatvfs(fd, ret); }
