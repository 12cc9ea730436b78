#include "broker/store/direct.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A write's piece: each waits for the disk, so they are as large as they can be without taking much memory. */
enum { PIECE = 1 << 20, ALIGN = 4096 };

void direct_open(struct direct *direct, const char *path) {
        direct_done(direct);
        direct->fd = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT);
}

void direct_done(struct direct *direct) {
        if (direct->fd >= 0)
                close(direct->fd);
        free(direct->memory);
        *direct = DIRECT_NONE;
}

/* What is not written is not touched, and takes no memory. */
static void make_memory(struct direct *direct) {
        if (direct->memory)
                return;
        direct->memory = memory_resize(NULL, PIECE + ALIGN, 1);
        direct->aligned = direct->memory + (ALIGN - (uintptr_t)direct->memory % ALIGN);
}

static int write_piece(struct direct *direct, uint64_t at, struct bytes piece) {
        ssize_t n;

        memcpy(direct->aligned, piece.data, piece.len);
        n = pwrite(direct->fd, direct->aligned, piece.len, (off_t)at);
        if (n < 0)
                return -errno;
        return (size_t)n < piece.len ? -EIO : 0;
}

int direct_write(struct direct *direct, uint64_t at, struct bytes pages) {
        const uint8_t *data = pages.data;
        int r = 0;

        if (direct->fd < 0)
                return -EOPNOTSUPP;
        make_memory(direct);
        for (size_t done = 0; done < pages.len && r == 0;) {
                size_t len = pages.len - done < PIECE ? pages.len - done : PIECE;

                r = write_piece(direct, at + done, (struct bytes){data + done, len});
                done += len;
        }
        if (r != -EINVAL)
                return r;
        direct_done(direct);
        return -EOPNOTSUPP;
}
