/* Cleanup variables: a resource that is acquired while the function can still fail is held by one from its first
 * line, so no error path can forget it. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Makes `name_of_type`_cleanup(struct type **) out of a `free`-like function that takes NULL. */
#define CLEANUP_POINTER(type, free_function)                                                                           \
        static inline void type##_cleanup(struct type **pointer) { free_function(*pointer); }                          \
        struct type

static inline void cleanup_free(void *pointer) { free(*(void **)pointer); }
static inline void cleanup_close(const int *fd) {
        if (*fd >= 0)
                close(*fd);
}

#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

/* Hands the value over and leaves NULL behind, so that the cleanup finds nothing to do. */
#define TAKE(pointer)                                                                                                  \
        (__extension__({                                                                                               \
                __auto_type taken_ = (pointer);                                                                        \
                (pointer) = NULL;                                                                                      \
                taken_;                                                                                                \
        }))

/* On functions whose answer must be looked at. */
#define MUST_USE __attribute__((warn_unused_result))
