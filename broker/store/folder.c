#include "broker/store/folder.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

int folder_sync(const char *folder) {
        CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* One folder, which its parent then has, durably. */
static int make_one(const char *path) {
        CLEANUP_FREE char *parent = memory_print("%s/..", path);

        if (mkdir(path, 0700) < 0)
                return errno == EEXIST ? 0 : -errno;
        return folder_sync(parent);
}

int folder_make(const char *folder) {
        CLEANUP_FREE char *path = memory_copy_text(folder, strlen(folder));

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

/* Our own lock beside LMDB's: two brokers on one folder would each hand out the same batches. */
int folder_lock(const char *folder, int *ret_fd, char **ret_error) {
        CLEANUP_FREE char *path = memory_print("%s/lull.lock", folder);
        CLEANUP_CLOSE int fd = -1;
        int r = folder_make(folder);

        if (r < 0) {
                *ret_error = memory_print("cannot make the store's folder %s: %s; give the broker a folder it may "
                                          "write to (broker.store)",
                                          folder, strerror(-r));
                return r;
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
                r = -errno;
                *ret_error = memory_print("cannot open %s: %s; give the broker a folder it may write to (broker.store)",
                                          path, strerror(-r));
                return r;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                *ret_error = memory_print("another lull-broker is using %s; stop it first, or give this one a folder "
                                          "of its own (broker.store)",
                                          folder);
                return -EBUSY;
        }
        *ret_fd = fd;
        fd = -1;
        return 0;
}
