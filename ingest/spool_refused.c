#include "ingest/spool_refused.h"

#include "common/log.h"
#include "common/memory.h"
#include "ingest/core/spool_line.h"
#include "ingest/spool_place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* What the log says of a message: never its text. */
struct note {
        char *tenant, *thread, *id, *code, *why;
};

struct spool_refused {
        char *folder, *path;
        struct buffer lines;
        struct note *notes;
        uint32_t n, cap;
};

struct spool_refused *spool_refused_new(const char *folder) {
        struct spool_refused *refused = memory_new(1, sizeof *refused);

        refused->folder = memory_print("%s", folder);
        refused->path = memory_print("%s/refused.ndjson", folder);
        return refused;
}

static void forget(struct spool_refused *refused) {
        for (uint32_t i = 0; i < refused->n; i++) {
                free(refused->notes[i].tenant);
                free(refused->notes[i].thread);
                free(refused->notes[i].id);
                free(refused->notes[i].code);
                free(refused->notes[i].why);
        }
        refused->n = 0;
        buffer_clear(&refused->lines);
}

struct spool_refused *spool_refused_free(struct spool_refused *refused) {
        if (!refused)
                return NULL;
        forget(refused);
        buffer_done(&refused->lines);
        free(refused->notes);
        free(refused->folder);
        free(refused->path);
        free(refused);
        return NULL;
}

void spool_refused_push(struct spool_refused *refused, const struct wire_message *message, const char *code,
                        const char *why) {
        if (refused->n == refused->cap) {
                refused->cap = refused->cap ? 2 * refused->cap : 16;
                refused->notes = memory_resize(refused->notes, refused->cap, sizeof *refused->notes);
        }
        refused->notes[refused->n++] = (struct note){
                bytes_copy_text(message->tenant), bytes_copy_text(message->thread), bytes_copy_text(message->id),
                memory_print("%s", code),         memory_print("%s", why),
        };
        spool_line_encode(&refused->lines, message);
}

static int write_all(int fd, struct bytes bytes) {
        const char *data = bytes.data;

        while (bytes.len > 0) {
                ssize_t n = write(fd, data, bytes.len);

                if (n < 0 && errno != EINTR)
                        return -errno;
                data += n > 0 ? n : 0;
                bytes.len -= n > 0 ? (size_t)n : 0;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

/* Half a line would spoil the next one, too: so it is taken back. The lock keeps others' lines out of that. */
static int append(struct spool_refused *refused) {
        CLEANUP_CLOSE int fd = open(refused->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        struct stat before;
        int r;

        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &before) < 0)
                return -errno;
        r = write_all(fd, buffer_bytes(&refused->lines));
        if (r < 0 && ftruncate(fd, before.st_size) < 0)
                log_error("spool_refused_failed", LOG_TEXT("path", refused->path),
                          LOG_TEXT("why", "its last line may be cut off"));
        return r < 0 ? r : spool_folder_sync(refused->folder);
}

static void log_notes(const struct spool_refused *refused) {
        CLEANUP_FREE char *what = memory_print(
                "kept in the file; when the cause is mended: lull send < %s, and remove it", refused->path);

        for (uint32_t i = 0; i < refused->n; i++) {
                const struct note *note = &refused->notes[i];

                log_error("spooled_message_refused", LOG_TEXT("tenant", note->tenant), LOG_TEXT("thread", note->thread),
                          LOG_TEXT("id", note->id), LOG_TEXT("code", note->code), LOG_TEXT("why", note->why),
                          LOG_TEXT("path", refused->path), LOG_TEXT("next", what));
        }
}

int spool_refused_write(struct spool_refused *refused) {
        int r = refused->n > 0 ? append(refused) : 0;

        if (r == 0)
                log_notes(refused);
        else
                log_error("spool_refused_failed", LOG_TEXT("path", refused->path), LOG_TEXT("why", strerror(-r)),
                          LOG_TEXT("next", "the messages stay in the spool, and are tried again"));
        forget(refused);
        return r;
}
