#include "broker/commit.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static void log_waiting(struct commit_wait *wait, const char *why) {
        struct mono now = clock_mono();

        if (wait->is_waiting && mono_since(now, wait->logged).us < span_s(LIMIT_FULL_LOG_S).us)
                return;
        wait->logged = now;
        log_error("disk_full", LOG_TEXT("why", why),
                  LOG_TEXT("hint", "the broker waits for room and answers nobody meanwhile; make room on the disk of "
                                   "broker.store, and it goes on by itself. Nothing acknowledged is lost"));
}

/* Once more? */
static bool wait_for_room(struct commit_wait *wait, const char *why) {
        struct span longest = span_ms(LIMIT_COMMIT_RETRY_MAX_MS);

        log_waiting(wait, why);
        wait->pause =
                wait->is_waiting ? span_min(span_us(wait->pause.us * 2), longest) : span_ms(LIMIT_COMMIT_RETRY_MS);
        wait->is_waiting = true;
        return wait->wait(wait->context, wait->pause);
}

static void end_waiting(struct commit_wait *wait) {
        if (wait->is_waiting)
                log_info("disk_has_room");
        wait->is_waiting = false;
}

int commit_changes(struct store *store, const struct change *changes, size_t n, struct commit_wait *wait) {
        int r = store_commit(store, changes, n);

        while (r < 0 && store_is_lack_of_room(store, r)) {
                if (!wait_for_room(wait, strerror(-r)))
                        return COMMIT_GIVEN_UP;
                r = store_commit(store, changes, n);
        }
        end_waiting(wait);
        return r;
}

int commit_open_store(const char *uri, struct commit_wait *wait, struct store **ret, char **ret_error) {
        CLEANUP_FREE char *error = NULL;
        int r = store_open(uri, ret, &error);

        while (r == -ENOSPC || r == -EDQUOT) {
                if (!wait_for_room(wait, error))
                        return COMMIT_GIVEN_UP;
                free(TAKE(error));
                r = store_open(uri, ret, &error);
        }
        end_waiting(wait);
        if (r < 0)
                *ret_error = TAKE(error);
        return r;
}
