#include "ingest/spool_place.h"

#include "common/hash.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

int spool_folder_sync(const char *folder) {
        CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* One folder, which its parent then has, durably. */
static int make_one(const char *path) {
        CLEANUP_FREE char *parent = memory_print("%s/..", path);

        if (mkdir(path, 0700) < 0)
                return errno == EEXIST ? 0 : -errno;
        return spool_folder_sync(parent);
}

int spool_folder_make(const char *folder) {
        CLEANUP_FREE char *path = memory_print("%s", folder);

        for (char *at = path + 1; *at; at++) {
                int r;

                if (*at != '/')
                        continue;
                *at = 0;
                r = make_one(path);
                if (r < 0)
                        return r;
                *at = '/';
        }
        return make_one(path);
}

char *spool_place_path(const struct spool_place *place, const char *name) {
        return memory_print("%s/%s", place->folder, name);
}

int spool_place_init(struct spool_place *place, const char *folder) {
        CLEANUP_FREE char *path = NULL;
        int r = spool_folder_make(folder);

        *place = (struct spool_place){memory_print("%s", folder), -1};
        if (r < 0)
                return r;
        path = spool_place_path(place, "lock");
        place->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (place->lock_fd < 0)
                return -errno;
        if (flock(place->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : -errno;
        return 0;
}

void spool_place_done(struct spool_place *place) {
        if (place->lock_fd >= 0)
                close(place->lock_fd);
        free(place->folder);
        *place = (struct spool_place){NULL, -1};
}

/* -- the mark ------------------------------------------------------------------------------------------------------ */

struct mark {
        int64_t number;
        uint64_t checksum;
};

static uint64_t checksum(int64_t number) { return hash_64(2, (struct bytes){&number, sizeof number}); }

int64_t spool_mark_read(const struct spool_place *place) {
        struct mark mark;

        if (pread(place->lock_fd, &mark, sizeof mark, 0) != sizeof mark || mark.checksum != checksum(mark.number))
                return -1;
        return mark.number;
}

static bool write_mark(const struct spool_place *place, int64_t number) {
        struct mark mark = {number, checksum(number)};

        return pwrite(place->lock_fd, &mark, sizeof mark, 0) == sizeof mark;
}

int spool_mark_write(const struct spool_place *place, int64_t number) {
        if (!write_mark(place, number))
                return -EIO;
        return fsync(place->lock_fd) < 0 ? -errno : 0;
}

void spool_mark_note(const struct spool_place *place, int64_t number) {
        bool is_written = write_mark(place, number);

        (void)is_written; /* without it the mark is behind, as it may be */
}

int spool_mark_remove(const struct spool_place *place) {
        return ftruncate(place->lock_fd, 0) < 0 || fsync(place->lock_fd) < 0 ? -errno : 0;
}
