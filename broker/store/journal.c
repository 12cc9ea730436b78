#include "broker/store/journal.h"

#include "broker/store/folder.h"
#include "broker/store/record.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Zeros are written, and flushed, so many at once. */
enum { CHUNK = 128 * 1024 };

void journal_init(struct journal *journal, const char *name, const struct journal_sizes *sizes) {
        *journal = (struct journal){.name = name, .fd = -1, .direct = DIRECT_NONE, .sizes = *sizes};
}

void journal_done(struct journal *journal) {
        if (journal->fd >= 0)
                close(journal->fd);
        journal->fd = -1;
        direct_done(&journal->direct);
}

/* The kernel keeps and writes a file in folios as large as the reads and writes that brought them in: a record of a
 * page would take 128 KiB to the disk. With nothing kept, folios are as large as records. A hint, so without errors. */
void journal_forget(const struct journal *journal) {
        if (journal->fd >= 0)
                posix_fadvise(journal->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static int read_all(int fd, uint64_t len, struct buffer *ret) {
        uint8_t *at = buffer_reserve(ret, (size_t)len);
        size_t n = 0;

        while (n < len) {
                ssize_t got = pread(fd, at + n, (size_t)len - n, (off_t)n);

                if (got <= 0)
                        return got < 0 ? -errno : -EIO;
                n += (size_t)got;
        }
        ret->len += n;
        return 0;
}

static char *path_of(const struct journal *journal, const char *folder) {
        return memory_print("%s/%s", folder, journal->name);
}

int journal_open(struct journal *journal, const char *folder, struct buffer *ret, char **ret_error) {
        CLEANUP_FREE char *path = path_of(journal, folder);
        struct stat found = {0};
        int r = 0;

        journal->fd = open(path, O_RDWR | O_CLOEXEC);
        if (journal->fd < 0 && errno == ENOENT)
                return 0;
        if (journal->fd < 0 || fstat(journal->fd, &found) < 0)
                r = -errno;
        else if (!S_ISREG(found.st_mode) || found.st_size > LIMIT_JOURNAL_BYTES_READ)
                r = -EFBIG;
        if (r == 0)
                r = read_all(journal->fd, (uint64_t)found.st_size, ret);
        if (r < 0)
                *ret_error = memory_print("cannot read %s, which may hold what was acknowledged last: %s", path,
                                          strerror(-r));
        journal_forget(journal);
        journal->size = (uint64_t)found.st_size / RECORD_ALIGN * RECORD_ALIGN;
        return r;
}

/* -- its blocks ---------------------------------------------------------------------------------------------------- */

static bool has_plenty(const struct journal *journal, uint64_t size) {
        struct statvfs disk;

        return fstatvfs(journal->fd, &disk) == 0 &&
               (uint64_t)disk.f_bavail * disk.f_frsize >= (size - journal->size) * LIMIT_JOURNAL_SHARE;
}

enum { NO_ROOM = 1 };

/* Zeros from `from` up to `size`, so that a record finds its blocks there; piece by piece, so that a commit into the
 * other file waits for one of them at the most. NO_ROOM: what was written stays. Only a flush that fails is worse:
 * nobody knows then what is on the disk. */
static int write_zeros(int fd, uint64_t from, uint64_t size) {
        CLEANUP_FREE uint8_t *zeros = memory_new(CHUNK, 1);

        while (from < size) {
                ssize_t n = pwrite(fd, zeros, size - from < CHUNK ? (size_t)(size - from) : CHUNK, (off_t)from);

                if (n <= 0)
                        return NO_ROOM;
                if (fdatasync(fd) < 0)
                        return -errno;
                from += (uint64_t)n;
        }
        return 0;
}

static int extend(struct journal *journal, uint64_t size) {
        int r;

        if (!has_plenty(journal, size))
                return 0;
        r = write_zeros(journal->fd, journal->size, size);
        journal->cannot_grow = r == NO_ROOM;
        if (r == 0)
                journal->size = size;
        journal_forget(journal);
        return r < 0 ? r : 0;
}

int journal_make(struct journal *journal, const char *folder) {
        CLEANUP_FREE char *path = path_of(journal, folder);
        int r = 0;

        if (journal->fd < 0) {
                journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                r = journal->fd < 0 ? 0 : folder_sync(folder);
        }
        if (r < 0 || journal->fd < 0)
                return r;
        direct_open(&journal->direct, path);
        /* Where an end came while it grew, nobody has flushed its length yet, which the head is to count on. */
        if (journal->size >= journal->sizes.first)
                return fsync(journal->fd) < 0 ? -errno : 0;
        return extend(journal, journal->sizes.first);
}

int journal_grow(struct journal *journal) {
        uint64_t size = journal->size > 0 ? journal->size * 2 : journal->sizes.first;
        int r;

        if (journal->fd < 0 || journal->cannot_grow || size > journal->sizes.most)
                return 0;
        r = extend(journal, size);
        return r == 0 && journal->size == size ? JOURNAL_GROWN : r;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

/* One that was cut short is an EIO, as LMDB has it: whether there was no room is asked of the disk (store.c). */
static int write_through_cache(int fd, uint64_t at, struct bytes record) {
        ssize_t n = pwrite(fd, record.data, record.len, (off_t)at);

        if (n < 0)
                return -errno;
        return (size_t)n < record.len ? -EIO : 0;
}

static int write_record(struct journal *journal, uint64_t at, struct bytes record) {
        int r = direct_write(&journal->direct, at, record);

        return r == -EOPNOTSUPP ? write_through_cache(journal->fd, at, record) : r;
}

int journal_append(struct journal *journal, uint64_t at, struct bytes record) {
        int r;

        if (journal->fd < 0)
                return 0;
        r = write_record(journal, at, record);
        return r == 0 && fdatasync(journal->fd) < 0 ? -errno : r;
}
