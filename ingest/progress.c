#include "ingest/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Often enough to look alive, seldom enough to be read. */
enum { INTERVAL_MS = 250 };
/* Goes back to the beginning of a terminal's line and wipes it. */
#define WIPE "\r\033[K"

void progress_init(struct progress *progress, struct mono now) {
        *progress = (struct progress){.start = now, .next = MONO_NEVER, .is_terminal = isatty(STDERR_FILENO)};
        if (progress->is_terminal)
                progress->next = now;
}

void progress_on_acknowledged(struct progress *progress, uint32_t n_accepted, uint32_t n_duplicates) {
        progress->n_accepted += n_accepted;
        progress->n_duplicates += n_duplicates;
}

static void wipe(struct progress *progress) {
        if (progress->is_shown)
                fputs(WIPE, stderr);
        progress->is_shown = false;
}

void progress_on_refused(struct progress *progress, struct bytes code, struct bytes why) {
        const char *text = why.data;

        progress->n_refused++;
        wipe(progress);
        /* It may quote the line, and what is in there must not steer a terminal. */
        for (size_t i = 0; i < why.len; i++)
                fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], stderr);
        fprintf(stderr, " (%.*s)\n", BYTES_PRINT(code));
}

void progress_on_full(struct progress *progress, const char *code) {
        bool is_full = code != NULL;

        if (is_full == progress->is_full)
                return;
        progress->is_full = is_full;
        wipe(progress);
        if (is_full)
                fprintf(stderr,
                        "the broker has no room for more (%s): waiting until it has; `lull stats` shows what is "
                        "full\n",
                        code);
        else
                fputs("the broker has room again\n", stderr);
}

static uint64_t per_second(const struct progress *progress, struct mono now) {
        struct span passed = mono_since(now, progress->start);

        return passed.us <= 0
                       ? 0
                       : (uint64_t)((double)(progress->n_accepted + progress->n_duplicates) * 1e6 / (double)passed.us);
}

void progress_show(struct progress *progress, struct mono now) {
        if (!mono_is_due(now, progress->next))
                return;
        fprintf(stderr,
                WIPE "%" PRIu64 " accepted, %" PRIu64 " duplicate, %" PRIu64 " refused, %" PRIu64 " per second%s",
                progress->n_accepted, progress->n_duplicates, progress->n_refused, per_second(progress, now),
                progress->is_full ? ", waiting for room" : "");
        progress->is_shown = true;
        progress->next = mono_add(now, span_ms(INTERVAL_MS));
}

struct mono progress_next(const struct progress *progress) {
        return progress->next;
}

bool progress_end(struct progress *progress, struct mono now, bool is_interrupted) {
        wipe(progress);
        if (is_interrupted)
                fprintf(stderr,
                        "interrupted: the broker has acknowledged %" PRIu64
                        " messages and may have a few more; sent again, those "
                        "that have an id are taken in once\n",
                        progress->n_accepted + progress->n_duplicates);
        printf("%" PRIu64 " accepted, %" PRIu64 " duplicate, %" PRIu64 " refused in %.1f s, %" PRIu64 " per second\n",
               progress->n_accepted, progress->n_duplicates, progress->n_refused,
               (double)mono_since(now, progress->start).us / 1e6, per_second(progress, now));
        return progress->n_refused == 0 && !is_interrupted;
}
