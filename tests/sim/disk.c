#include "tests/sim/disk_calls.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { N_NODES = 64, N_DESCRIPTORS = 1024, BLOCK = 4096 };

/* A file or a folder. What makes one comes before what is in it. */
struct node {
        char *path;
        ino_t id, parent;
        bool is_folder;
        bool is_named; /* durably in its parent folder */
        int reader; /* reads the file where the process may only write; -1 for a folder */
        struct disk_file file;
        uint8_t *blocks; /* 1 = has its place on the disk; one for each BLOCK bytes */
        size_t n_blocks;
};

struct descriptor {
        struct node *node; /* NULL = none of ours */
        bool is_dsync;
};

static struct {
        char *folder; /* NULL = no disk */
        dev_t device;
        uint64_t dice;
        struct node nodes[N_NODES];
        uint32_t n_nodes;
        struct descriptor descriptors[N_DESCRIPTORS];
        uint32_t n_open;
        uint64_t room; /* bytes that can still be allocated */
        uint64_t fail_in[DISK_N_CALLS];
        int fail_with[DISK_N_CALLS];
        struct disk_counts counts;
        struct disk_log *log;
        struct buffer edges; /* a write with what is around it */
} disk;

/* -- names --------------------------------------------------------------------------------------------------------- */

bool disk_is_below(const char *path) {
        size_t len = disk.folder ? strlen(disk.folder) : 0;

        return disk.folder && strncmp(path, disk.folder, len) == 0 && (path[len] == '/' || path[len] == 0);
}

bool disk_has(int fd) { return disk.folder && fd >= 0 && fd < N_DESCRIPTORS && disk.descriptors[fd].node; }

static struct node *node_find(ino_t id) {
        for (uint32_t i = 0; i < disk.n_nodes; i++)
                if (disk.nodes[i].id == id)
                        return &disk.nodes[i];
        return NULL;
}

static void node_done(struct node *node) {
        disk_file_done(&node->file);
        free(node->path);
        free(node->blocks);
        if (node->reader >= 0)
                syscall(SYS_close, node->reader);
        *node = (struct node){.reader = -1};
}

/* 0 = not known: no loss reaches above the disk's own folder. */
static ino_t parent_of(const char *path) {
        CLEANUP_FREE char *parent = memory_copy_text(path, strlen(path));
        char *name = strrchr(parent, '/');
        struct stat found;

        if (strcmp(name, "/..") == 0)
                return 0;
        *name = 0;
        return stat(parent, &found) == 0 ? found.st_ino : 0;
}

static void take_blocks(struct node *node, uint64_t end) {
        size_t n = (size_t)((end + BLOCK - 1) / BLOCK);

        if (n <= node->n_blocks)
                return;
        n = n < 2 * node->n_blocks ? 2 * node->n_blocks : n;
        node->blocks = memory_resize(node->blocks, n, 1);
        memset(node->blocks + node->n_blocks, 0, n - node->n_blocks);
        node->n_blocks = n;
}

/* What was there before the disk was opened is durable. */
static void read_content(struct node *node, uint64_t len) {
        CLEANUP_BUFFER struct buffer content = {0};

        ENSURE(syscall(SYS_pread64, node->reader, buffer_reserve(&content, len), len, 0) == (long)len);
        content.len = len;
        disk_file_start(&node->file, buffer_bytes(&content));
        take_blocks(node, len);
        memset(node->blocks, 1, node->n_blocks);
}

static struct node *node_add(const char *path, const struct stat *found, bool is_new) {
        struct node *node = &disk.nodes[disk.n_nodes++];

        ENSURE(disk.n_nodes <= N_NODES);
        *node = (struct node){.path = memory_copy_text(path, strlen(path)), .id = found->st_ino, .reader = -1};
        node->parent = parent_of(path);
        node->is_folder = S_ISDIR(found->st_mode);
        node->is_named = !is_new;
        if (node->is_folder)
                return node;
        node->reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        ENSURE(node->reader >= 0);
        if (found->st_size > 0)
                read_content(node, (uint64_t)found->st_size);
        return node;
}

void disk_on_open(int fd, const char *path, int flags, bool is_new) {
        struct stat found;
        struct node *node;

        ENSURE(fd < N_DESCRIPTORS && !(flags & (O_APPEND | O_TRUNC)) && fstat(fd, &found) == 0);
        if (found.st_dev != disk.device)
                return;
        node = node_find(found.st_ino);
        if (!node)
                node = node_add(path, &found, is_new);
        disk.descriptors[fd] = (struct descriptor){node, (flags & O_DSYNC) != 0};
        disk.n_open++;
}

void disk_on_close(int fd) {
        disk.descriptors[fd].node = NULL;
        disk.n_open--;
}

void disk_on_unlink(const char *path) {
        struct stat found;
        struct node *node = stat(path, &found) == 0 ? node_find(found.st_ino) : NULL;

        if (node)
                node_done(node);
}

void disk_on_mkdir(const char *path) {
        struct stat found;

        ENSURE(stat(path, &found) == 0);
        node_add(path, &found, true);
}

void disk_open(const char *folder, uint64_t seed) {
        struct stat found;

        ENSURE(!disk.folder && folder[0] == '/' && stat(folder, &found) == 0);
        disk.folder = memory_copy_text(folder, strlen(folder));
        disk.device = found.st_dev;
        disk.dice = seed;
        disk.room = UINT64_MAX;
}

void disk_close(void) {
        for (uint32_t i = 0; i < disk.n_nodes; i++)
                node_done(&disk.nodes[i]);
        free(disk.folder);
        buffer_done(&disk.edges);
        memset(&disk, 0, sizeof disk);
}

/* -- faults -------------------------------------------------------------------------------------------------------- */

void disk_fill(uint64_t bytes) { disk.room = bytes; }
void disk_drain(void) { disk.room = UINT64_MAX; }
struct disk_counts disk_counts(void) {
        return disk.counts;
}

void disk_fail_nth(enum disk_call call, uint64_t n, int error) {
        disk.fail_in[call] = n;
        disk.fail_with[call] = error;
}

/* Counts a call, and says whether it is the one that fails: then errno is set. */
static bool is_failing(enum disk_call call) {
        ++*(call == DISK_WRITE ? &disk.counts.writes : &disk.counts.syncs);
        if (disk.fail_in[call] == 0 || --disk.fail_in[call] > 0)
                return false;
        disk.counts.n_failed++;
        errno = disk.fail_with[call];
        return true;
}

/* Gives the bytes from offset on their place, and returns how many of them found one. */
static size_t allocate(struct node *node, uint64_t offset, size_t len) {
        take_blocks(node, offset + len);
        for (uint64_t at = offset - offset % BLOCK; at < offset + len; at += BLOCK) {
                uint8_t *block = &node->blocks[at / BLOCK];

                if (*block)
                        continue;
                if (disk.room < BLOCK)
                        return at < offset ? 0 : (size_t)(at - offset);
                if (disk.room != UINT64_MAX)
                        disk.room -= BLOCK;
                *block = 1;
        }
        return len;
}

/* -- recording ----------------------------------------------------------------------------------------------------- */

void disk_record(struct disk_log *log) { disk.log = log; }

void disk_log_done(struct disk_log *log) {
        buffer_done(&log->bytes);
        free(log->entries);
        *log = (struct disk_log){0};
}

static void record(const struct node *node, enum disk_entry_type type, uint64_t offset, struct bytes sectors) {
        struct disk_log *log = disk.log;
        uint32_t file = 0;

        while (log && file < DISK_LOG_FILES && strcmp(strrchr(node->path, '/') + 1, log->names[file]) != 0)
                file++;
        if (!log || file == DISK_LOG_FILES)
                return;
        if (log->n == log->cap) {
                log->cap = log->cap ? log->cap * 2 : 1024;
                log->entries = memory_resize(log->entries, log->cap, sizeof *log->entries);
        }
        log->entries[log->n++] = (struct disk_entry){type, file, offset, sectors.len, log->bytes.len, node->file.len};
        if (type == DISK_ENTRY_WRITE)
                buffer_push(&log->bytes, sectors.data, sectors.len);
}

/* -- writing and syncing ------------------------------------------------------------------------------------------- */

/* The written bytes as whole sectors: with what the file has around them. */
static struct bytes widen(const struct node *node, struct bytes data, uint64_t *offset, uint64_t file_len) {
        uint64_t begin = *offset - *offset % DISK_SECTOR, end = *offset + data.len;
        size_t len;
        long n;

        end += (DISK_SECTOR - end % DISK_SECTOR) % DISK_SECTOR;
        len = (size_t)(end - begin);
        if (len == data.len)
                return data;
        buffer_clear(&disk.edges);
        memset(buffer_reserve(&disk.edges, len), 0, len);
        disk.edges.len = len;
        n = (long)(file_len - begin < len ? file_len - begin : len);
        ENSURE(syscall(SYS_pread64, node->reader, disk.edges.data, n, begin) == n);
        *offset = begin;
        return buffer_bytes(&disk.edges);
}

/* After a sync that failed the kernel holds all pages for clean: what has arrived has arrived. */
static void settle(struct node *node) {
        CLEANUP_BUFFER struct buffer content = {0};
        uint64_t len = node->file.len;

        disk_file_lose(&node->file, DISK_LOSE_ANY, 0, &disk.dice, &content);
        disk_file_start(&node->file, buffer_bytes(&content));
        node->file.len = len;
}

static int sync_sectors(struct node *node, uint64_t offset, struct bytes sectors) {
        if (is_failing(DISK_SYNC)) {
                settle(node);
                return -1;
        }
        disk_file_sync_sectors(&node->file, offset, sectors.len);
        record(node, DISK_ENTRY_SYNC_SECTORS, offset, (struct bytes){NULL, sectors.len});
        return 0;
}

ssize_t disk_on_write(int fd, struct bytes data, uint64_t offset) {
        struct descriptor *descriptor = &disk.descriptors[fd];
        struct node *node = descriptor->node;
        uint64_t end;
        size_t room;

        if (is_failing(DISK_WRITE))
                return -1;
        room = allocate(node, offset, data.len);
        disk.counts.n_failed += room < data.len;
        if (room == 0 && data.len > 0)
                return errno = ENOSPC, -1;
        data.len = room;
        ENSURE(syscall(SYS_pwrite64, fd, data.data, data.len, offset) == (long)data.len);
        disk.counts.bytes += data.len;
        end = offset + data.len > node->file.len ? offset + data.len : node->file.len;
        data = widen(node, data, &offset, end);
        disk_file_write(&node->file, offset, data, end);
        record(node, DISK_ENTRY_WRITE, offset, data);
        if (descriptor->is_dsync && sync_sectors(node, offset, data) < 0)
                return -1;
        return (ssize_t)room;
}

int disk_on_sync(int fd) {
        struct node *node = disk.descriptors[fd].node;

        if (is_failing(DISK_SYNC)) {
                settle(node);
                return -1;
        }
        if (!node->is_folder) {
                disk_file_sync(&node->file);
                record(node, DISK_ENTRY_SYNC, 0, BYTES_NONE);
                return 0;
        }
        for (uint32_t i = 0; i < disk.n_nodes; i++)
                disk.nodes[i].is_named |= disk.nodes[i].parent == node->id;
        return 0;
}

int disk_on_truncate(int fd, uint64_t len) {
        struct node *node = disk.descriptors[fd].node;

        ENSURE(len >= node->file.len);
        if (is_failing(DISK_WRITE) || syscall(SYS_ftruncate, fd, len) < 0)
                return -1;
        disk_file_write(&node->file, 0, BYTES_NONE, len);
        record(node, DISK_ENTRY_WRITE, 0, BYTES_NONE);
        return 0;
}

int disk_on_allocate(int fd, uint64_t offset, uint64_t len) {
        struct node *node = disk.descriptors[fd].node;
        uint64_t end = offset + len > node->file.len ? offset + len : node->file.len;

        if (allocate(node, offset, (size_t)len) < len)
                return disk.counts.n_failed++, errno = ENOSPC, -1;
        return disk_on_truncate(fd, end);
}

/* -- loss of power ------------------------------------------------------------------------------------------------- */

static bool is_gone(const struct node *node, enum disk_loss loss, uint64_t *dice) {
        const struct node *parent = node_find(node->parent);

        if (parent && !parent->path)
                return true;
        if (node->is_named || loss == DISK_LOSE_NONE)
                return false;
        return loss == DISK_LOSE_ALL || disk_roll(dice, 2) == 0;
}

/* A folder is removed after what was in it. */
static void remove_gone(char *const *paths, uint32_t n) {
        while (n-- > 0)
                if (paths[n] && syscall(SYS_unlinkat, AT_FDCWD, paths[n], 0) < 0)
                        ENSURE(rmdir(paths[n]) == 0);
}

static void lose_content(struct node *node, enum disk_loss loss, uint64_t *dice) {
        CLEANUP_BUFFER struct buffer content = {0};
        uint32_t victim = node->file.n_writes ? disk_roll(dice, node->file.n_writes) : 0;

        disk_file_lose(&node->file, loss, victim, dice, &content);
        disk_file_store(node->path, buffer_bytes(&content));
        disk_file_start(&node->file, buffer_bytes(&content));
        node->is_named = true;
}

/* Leaves no hole among the nodes. */
static void forget_gone(void) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < disk.n_nodes; i++)
                if (disk.nodes[i].path)
                        disk.nodes[n++] = disk.nodes[i];
                else
                        node_done(&disk.nodes[i]);
        disk.n_nodes = n;
}

void disk_power_loss(enum disk_loss loss, uint64_t dice) {
        char *gone[N_NODES] = {0};

        ENSURE(disk.folder && disk.n_open == 0);
        for (uint32_t i = 0; i < disk.n_nodes; i++) {
                struct node *node = &disk.nodes[i];

                if (node->path && is_gone(node, loss, &dice))
                        gone[i] = TAKE(node->path);
                else if (node->path && !node->is_folder)
                        lose_content(node, loss, &dice);
                else
                        node->is_named = true;
        }
        remove_gone(gone, disk.n_nodes);
        forget_gone();
        for (uint32_t i = 0; i < N_NODES; i++)
                free(gone[i]);
}
