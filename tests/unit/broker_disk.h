/* A disk that is full, or broken, under the real LMDB: in a program that links it the writes are ours, and fail when we
 * say so. */
#pragma once

#include <stdbool.h>

enum fault {
        FAULT_NONE,
        FAULT_NO_ROOM,
        FAULT_SHORT_WRITE,
        FAULT_BROKEN,
        FAULT_UNHEARD /* done, and called no room */
};

struct fault_disk {
        enum fault fault;
        const char *only; /* the end of the name of the file that is concerned; NULL = each */
        bool is_full, is_short; /* as statvfs says it; or that little is left */
        int n_failed, n_waits, mend_after, stop_after;
};

extern struct fault_disk disk;
