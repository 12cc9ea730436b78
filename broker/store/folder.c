#include "broker/store/folder.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
