#include "ingest/spool_slots.h"

#include "common/log.h"
#include "common/memory.h"
#include "ingest/spool_child.h"
#include "ingest/spool_place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Records that are copied out of a damaged spool in one commit. */
enum { COPIED_AT_ONCE = 1000 };

static char *folder_of(const struct spool_slots *slots, uint32_t slot) {
        return memory_print("%s/%u", slots->folder, slot);
}

/* -- slots --------------------------------------------------------------------------------------------------------- */

int spool_slots_init(struct spool_slots *slots, const char *folder, char **ret_error) {
        int r = spool_folder_make(folder);

        *slots = (struct spool_slots){.folder = memory_print("%s", folder)};
        for (uint32_t slot = 0; slot < LIMIT_SPOOL_SLOTS && r == 0; slot++) {
                CLEANUP_FREE char *path = folder_of(slots, slot);

                r = spool_new(path, slot, &slots->items[slot]);
                slots->own = slot;
                if (r == 0)
                        return 0;
                if (r == SPOOL_HELD)
                        r = 0;
        }
        if (r < 0)
                *ret_error = memory_print("ingest.spool: cannot use the folder %s: %s; give lull-ingest a folder that "
                                          "it may write to",
                                          folder, strerror(-r));
        else
                *ret_error = memory_print("ingest.spool: %d other processes use the folder %s, which are all it has "
                                          "room for; give this one another folder",
                                          LIMIT_SPOOL_SLOTS, folder);
        return r < 0 ? r : -EBUSY;
}

void spool_slots_done(struct spool_slots *slots) {
        for (uint32_t slot = 0; slot < LIMIT_SPOOL_SLOTS; slot++)
                slots->items[slot] = spool_free(slots->items[slot]);
        free(slots->folder);
        slots->folder = NULL;
}

int spool_slots_find(struct spool_slots *slots, uint32_t *ret) {
        for (uint32_t slot = 0; slot < LIMIT_SPOOL_SLOTS; slot++) {
                CLEANUP_FREE char *path = folder_of(slots, slot);
                CLEANUP_FREE char *data = memory_print("%s/data.mdb", path);
                struct stat file;

                if (slots->items[slot] || slots->is_unusable[slot] || stat(data, &file) < 0)
                        continue;
                if (spool_new(path, slot, &slots->items[slot]) != 0)
                        continue;
                *ret = slot;
                return 0;
        }
        return 1;
}

void spool_slots_release(struct spool_slots *slots, uint32_t slot, bool is_empty) {
        if (is_empty)
                spool_discard(slots->items[slot]);
        slots->items[slot] = spool_free(slots->items[slot]);
}

void spool_slots_avoid(struct spool_slots *slots, uint32_t slot, int error) {
        log_error("spool_unusable", LOG_TEXT("folder", slots->folder), LOG_NUMBER("slot", slot),
                  LOG_TEXT("why", strerror(-error)),
                  LOG_TEXT("next", "what is in it stays there; mend that, and start lull-ingest again"));
        slots->is_unusable[slot] = true;
        spool_slots_release(slots, slot, false);
}

/* -- damage -------------------------------------------------------------------------------------------------------- */

struct copying {
        struct spool *into;
        uint64_t n;
};

static int copy(void *context, struct spool_key key, struct bytes record) {
        struct copying *copying = context;

        spool_put(copying->into, key, record);
        return ++copying->n % COPIED_AT_ONCE == 0 ? spool_commit(copying->into) : 0;
}

/* What is whole in the database that was set aside goes into the new one: it was acknowledged. */
static int copy_whole(const char *aside, struct spool *into, uint64_t *ret_n) {
        struct copying copying = {.into = into};
        const struct spool_visit visit = {copy, &copying};
        int r = spool_child_rescue(aside, &visit);

        *ret_n = copying.n;
        return r < 0 ? r : spool_commit(into);
}

static char *name_aside(const struct spool_slots *slots, uint32_t slot) {
        for (uint32_t number = 1;; number++) {
                CLEANUP_FREE char *path = memory_print("%s/damaged-%u-%u", slots->folder, slot, number);
                struct stat file;

                if (stat(path, &file) < 0)
                        return TAKE(path);
        }
}

static int set_aside(struct spool_slots *slots, uint32_t slot, const char *why) {
        CLEANUP_FREE char *aside = name_aside(slots, slot);
        CLEANUP_FREE char *error = NULL;
        uint64_t n = 0;
        int r;

        log_error("spool_damaged", LOG_NUMBER("slot", slot), LOG_TEXT("why", why), LOG_TEXT("kept_in", aside),
                  LOG_TEXT("next", "it is kept there, and a new spool takes its place with what is whole in it; what "
                                   "is not is lost, unless the platforms send it again"));
        r = spool_set_aside(slots->items[slot], aside);
        if (r == 0)
                r = spool_open(slots->items[slot], &error);
        if (r == 0)
                r = copy_whole(aside, slots->items[slot], &n);
        if (r == 0)
                log_error("spool_mended", LOG_NUMBER("slot", slot), LOG_NUMBER("messages", n),
                          LOG_TEXT("why", "so many were whole, and go to the broker"), LOG_TEXT("kept_in", aside));
        return r > 0 ? -EIO : r;
}

/* -- opening ------------------------------------------------------------------------------------------------------- */

static int find(void *context, struct spool_key key, struct bytes record) {
        struct wire_message message;
        struct bytes item;

        if (spool_record_decode(key, record, &item, &message) < 0)
                return -EBADMSG;
        return spool_queue_on_found(context, key, message.tenant, spool_queue_cost(item.len));
}

int spool_slots_open(struct spool_slots *slots, uint32_t slot, struct spool_queue *queue) {
        const struct spool_visit visit = {find, queue};
        CLEANUP_FREE char *error = NULL, *again = NULL;
        int r = spool_child_check(slots->items[slot], &error);

        if (r == SPOOL_DAMAGED)
                r = set_aside(slots, slot, error);
        else if (r == 0)
                r = spool_open(slots->items[slot], &again);
        /* The second time: what is damaged must not be half known. */
        if (r == 0)
                r = spool_scan(slots->items[slot], &visit, &again);
        if (r != 0)
                spool_close(slots->items[slot]);
        return r > 0 ? -EIO : r;
}
