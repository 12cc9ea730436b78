#include "tests/sim/disk_file.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

uint32_t disk_roll(uint64_t *dice, uint32_t n) {
        uint64_t x = *dice += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return (uint32_t)((x ^ x >> 31) >> 33) % n;
}

void disk_file_done(struct disk_file *file) {
        buffer_done(&file->platter);
        buffer_done(&file->bytes);
        free(file->sectors);
        free(file->lens);
        *file = (struct disk_file){0};
}

static void forget_writes(struct disk_file *file) {
        file->n_sectors = file->n_writes = 0;
        buffer_clear(&file->bytes);
}

void disk_file_start(struct disk_file *file, struct bytes content) {
        forget_writes(file);
        buffer_clear(&file->platter);
        buffer_push(&file->platter, content.data, content.len);
        file->len = content.len;
}

/* What a file grows by is zeros. */
static void set_len(struct buffer *content, uint64_t len) {
        if (len > content->len)
                memset(buffer_reserve(content, len - content->len), 0, len - content->len);
        content->len = len;
}

static void put_sector(struct buffer *content, uint64_t offset, const uint8_t *bytes) {
        if (content->len < offset + DISK_SECTOR)
                set_len(content, offset + DISK_SECTOR);
        memcpy(content->data + offset, bytes, DISK_SECTOR);
}

static void push_sector(struct disk_file *file, uint64_t offset) {
        if (file->n_sectors == file->sectors_cap) {
                file->sectors_cap = file->sectors_cap ? file->sectors_cap * 2 : 64;
                file->sectors = memory_resize(file->sectors, file->sectors_cap, sizeof *file->sectors);
        }
        file->sectors[file->n_sectors++] = (struct disk_sector){.offset = offset, .write = file->n_writes};
}

void disk_file_write(struct disk_file *file, uint64_t offset, struct bytes sectors, uint64_t len) {
        ENSURE(offset % DISK_SECTOR == 0 && sectors.len % DISK_SECTOR == 0 && len >= file->len);
        for (size_t at = 0; at < sectors.len; at += DISK_SECTOR)
                push_sector(file, offset + at);
        buffer_push(&file->bytes, sectors.data, sectors.len);
        if (file->n_writes == file->lens_cap) {
                file->lens_cap = file->lens_cap ? file->lens_cap * 2 : 64;
                file->lens = memory_resize(file->lens, file->lens_cap, sizeof *file->lens);
        }
        file->lens[file->n_writes++] = file->len = len;
}

void disk_file_sync(struct disk_file *file) {
        for (size_t i = 0; i < file->n_sectors; i++)
                if (!file->sectors[i].is_synced)
                        put_sector(&file->platter, file->sectors[i].offset, file->bytes.data + i * DISK_SECTOR);
        set_len(&file->platter, file->len);
        forget_writes(file);
}

void disk_file_sync_sectors(struct disk_file *file, uint64_t offset, size_t len) {
        uint64_t end = offset + len < file->len ? offset + len : file->len;
        uint64_t durable = file->platter.len;

        for (size_t i = 0; i < file->n_sectors; i++) {
                struct disk_sector *sector = &file->sectors[i];

                if (sector->is_synced || sector->offset < offset || sector->offset >= offset + len)
                        continue;
                put_sector(&file->platter, sector->offset, file->bytes.data + i * DISK_SECTOR);
                sector->is_synced = true;
        }
        set_len(&file->platter, end > durable ? end : durable);
}

/* -- loss of power ------------------------------------------------------------------------------------------------- */

static bool is_kept(const struct disk_file *file, size_t i, enum disk_loss loss, uint32_t victim, uint64_t *dice) {
        const struct disk_sector *sector = &file->sectors[i];

        switch (loss) {
        case DISK_LOSE_ALL:
                return false;
        case DISK_LOSE_NONE:
                return true;
        case DISK_LOSE_LATER:
                return sector->write < victim;
        case DISK_LOSE_ONE:
                return sector->write != victim;
        case DISK_TEAR:
                return sector->write < victim || (sector->write == victim && disk_roll(dice, 2));
        case DISK_LOSE_ANY:
                return disk_roll(dice, 2);
        case DISK_LOSE_UNCHOSEN:
                return i < 32 && victim >> i & 1;
        case DISK_N_LOSSES:
                break;
        }
        UNREACHABLE("a loss that is none");
}

/* The length is written down by itself: the old one, the new one, or what the last sector that arrived needs. */
static uint64_t pick_len(const struct disk_file *file, enum disk_loss loss, uint64_t needed, uint64_t *dice) {
        uint64_t lens[] = {needed < file->len ? needed : file->len, file->len, file->platter.len};

        if (loss == DISK_LOSE_ALL)
                return file->platter.len;
        if (loss == DISK_LOSE_NONE || loss == DISK_LOSE_ONE)
                return file->len;
        return lens[loss == DISK_LOSE_ANY || loss == DISK_LOSE_UNCHOSEN ? disk_roll(dice, 3) : 0];
}

void disk_file_lose(const struct disk_file *file, enum disk_loss loss, uint32_t victim, uint64_t *dice,
                    struct buffer *ret) {
        buffer_clear(ret);
        buffer_push(ret, file->platter.data, file->platter.len);
        for (size_t i = 0; i < file->n_sectors; i++) {
                const struct disk_sector *sector = &file->sectors[i];

                if (!sector->is_synced && is_kept(file, i, loss, victim, dice))
                        put_sector(ret, sector->offset, file->bytes.data + i * DISK_SECTOR);
        }
        set_len(ret, pick_len(file, loss, ret->len, dice));
}

/* -- the real file ------------------------------------------------------------------------------------------------- */

static void copy_what_differs(uint8_t *to, struct bytes from) {
        const size_t page = 4096;

        for (size_t at = 0; at < from.len; at += page) {
                size_t len = from.len - at < page ? from.len - at : page;

                if (memcmp(to + at, (const uint8_t *)from.data + at, len) != 0)
                        memcpy(to + at, (const uint8_t *)from.data + at, len);
        }
}

void disk_file_store(const char *path, struct bytes content) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        uint8_t *map;

        ENSURE(fd >= 0 && syscall(SYS_ftruncate, fd, content.len) == 0);
        if (content.len > 0) {
                map = mmap(NULL, content.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                ENSURE(map != MAP_FAILED);
                copy_what_differs(map, content);
                munmap(map, content.len);
        }
        syscall(SYS_close, fd);
}
