#include "broker/store/mark.h"

#include "common/hash.h"

#include <errno.h>
#include <unistd.h>

struct mark {
        uint64_t number, checksum;
};

static uint64_t checksum(uint64_t number) { return hash_64(1, (struct bytes){&number, sizeof number}); }

int mark_write(int fd, uint64_t number, bool is_synced) {
        struct mark mark = {number, checksum(number)};

        if (pwrite(fd, &mark, sizeof mark, 0) != sizeof mark)
                return -EIO;
        return is_synced && fsync(fd) < 0 ? -errno : 0;
}

uint64_t mark_read(int fd) {
        struct mark mark;

        if (pread(fd, &mark, sizeof mark, 0) != sizeof mark || mark.checksum != checksum(mark.number))
                return 0;
        return mark.number;
}
