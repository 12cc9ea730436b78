/* What a person sees while stdin is sent: a line that changes on a terminal, refused lines as they come, a summary at
 * the end. Everything but the summary goes to stderr. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

struct progress {
        uint64_t n_accepted, n_duplicates, n_refused;
        struct mono start, next; /* next: when the line changes */
        bool is_terminal, is_shown, is_full;
};

void progress_init(struct progress *progress, struct mono now);
void progress_on_acknowledged(struct progress *progress, uint32_t n_accepted, uint32_t n_duplicates);
/* `why` begins with the number of the line. */
void progress_on_refused(struct progress *progress, struct bytes code, struct bytes why);
/* The broker takes nothing for want of room, as `code` says; NULL: it does. */
void progress_on_full(struct progress *progress, const char *code);
/* Shows the line when it is time to. */
void progress_show(struct progress *progress, struct mono now);
/* When to call progress_show() next. */
struct mono progress_next(const struct progress *progress);
/* Prints the summary. Is all well: nothing refused, nothing interrupted? */
bool progress_end(struct progress *progress, struct mono now, bool is_interrupted);
