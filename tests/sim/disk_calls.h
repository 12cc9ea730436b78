/* Between the system calls (disk_calls.c) and the disk that they reach (disk.c). The kernel's own calls are made with
 * syscall(): the names of the C library are the ones that disk_calls.c takes over. All answer as the call does: -1 and
 * errno, else its result. */
#pragma once

#include "tests/sim/disk.h"

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor was opened; `is_new` = the call made the file. */
void disk_on_open(int fd, const char *path, int flags, bool is_new);
void disk_on_close(int fd);
/* Before it is removed. Nothing has it open. */
void disk_on_unlink(const char *path);
void disk_on_mkdir(const char *path);
/* Could `path` be below the disk's folder? Then it is worth a closer look. */
bool disk_is_below(const char *path);
/* Is the descriptor one of the disk's? */
bool disk_has(int fd);

/* For descriptors that are. */
ssize_t disk_on_write(int fd, struct bytes data, uint64_t offset);
int disk_on_sync(int fd);
int disk_on_truncate(int fd, uint64_t len);
int disk_on_allocate(int fd, uint64_t offset, uint64_t len);
