#include "broker/store/mark.h"

#include "common/hash.h"

#include <errno.h>
#include <unistd.h>

/* As it lies in the file. Before there was a journal, it was the number and its checksum alone. */
struct words {
        uint64_t number, journal, checksum;
};

struct old_words {
        uint64_t number, checksum;
};

static uint64_t old_checksum(uint64_t number) { return hash_64(1, (struct bytes){&number, sizeof number}); }
static uint64_t checksum(struct mark mark) { return hash_64(2, (struct bytes){&mark, sizeof mark}); }

int mark_write(int fd, struct mark mark, bool is_synced) {
        struct words words = {mark.number, mark.journal, checksum(mark)};

        if (pwrite(fd, &words, sizeof words, 0) != sizeof words)
                return -EIO;
        return is_synced && fsync(fd) < 0 ? -errno : 0;
}

static struct mark read_old(int fd) {
        struct old_words words;

        if (pread(fd, &words, sizeof words, 0) != sizeof words || words.checksum != old_checksum(words.number))
                return (struct mark){0};
        return (struct mark){words.number, 0};
}

struct mark mark_read(int fd) {
        struct words words;
        struct mark mark;

        if (pread(fd, &words, sizeof words, 0) != sizeof words)
                return read_old(fd);
        mark = (struct mark){words.number, words.journal};
        return words.checksum == checksum(mark) ? mark : read_old(fd);
}
