#include "broker/room.h"

#include "common/log.h"

/* Near the end messages are refused, and taken again when so much more is free: else a producer would get in with one
 * message, be refused with the next, and so on, and each time the log would say so. */
enum { MARGIN_BYTES = 8 * 1024 * 1024, MARGIN_SHARE = 16 };

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* How much may still be added to the store. Free pages of the file count as free disk: they are written before the file
 * grows, and a file never shrinks. */
static uint64_t bytes_left(const struct store_usage *usage, const struct config *config, bool *ret_is_of_disk) {
        uint64_t of_limit = minus(config->limits.store_bytes, usage->data_bytes), of_disk;

        of_disk = usage->disk_free_bytes == UINT64_MAX
                          ? UINT64_MAX
                          : minus(usage->disk_free_bytes + usage->reusable_bytes, config->limits.free_bytes);
        *ret_is_of_disk = of_disk < of_limit;
        return least(of_limit, of_disk);
}

/* Half of it has room for the largest message, so that one that finds none means that the store is full. */
static uint64_t margin_of(const struct config *config) {
        uint64_t margin = least(MARGIN_BYTES, config->limits.store_bytes / MARGIN_SHARE);
        uint64_t message = config->limits.message_bytes + config->limits.message_bytes / 4;

        return least(most(margin, 2 * message), config->limits.store_bytes / 2);
}

const char *room_reached(const struct room_watch *watch) {
        return watch->is_of_disk ? "limits.free_bytes" : "limits.store_bytes";
}

static void log_store(const struct room_watch *watch, const struct config *config) {
        if (!watch->is_store_full) {
                log_info("store_has_room", LOG_NUMBER("data_bytes", watch->usage.data_bytes),
                         LOG_NUMBER("disk_free_bytes", watch->usage.disk_free_bytes));
                return;
        }
        log_warning("store_full", LOG_TEXT("reached", room_reached(watch)),
                    LOG_NUMBER("data_bytes", watch->usage.data_bytes),
                    LOG_NUMBER("store_bytes", config->limits.store_bytes),
                    LOG_NUMBER("disk_free_bytes", watch->usage.disk_free_bytes),
                    LOG_NUMBER("free_bytes", config->limits.free_bytes),
                    LOG_TEXT("hint", watch->is_of_disk
                                             ? "messages are refused until there is room; batches go on, which "
                                               "makes some. Make room on the disk of broker.store"
                                             : "messages are refused until there is room; batches go on, which "
                                               "makes some. Raise limits.store_bytes if the disk has more"));
}

/* What the journal holds is estimated, and what was deleted since takes room until it is settled: near the bound that
 * is done first. That it finds no room itself says the same. */
static int read_usage(struct room_watch *watch, const struct config *config, struct store *store) {
        bool is_of_disk;
        int r = store_usage(store, &watch->usage);

        if (r < 0 || bytes_left(&watch->usage, config, &is_of_disk) >= 2 * margin_of(config))
                return r;
        r = store_settle(store);
        if (r < 0 && !store_is_lack_of_room(store, r))
                return r;
        return store_usage(store, &watch->usage);
}

static void look_at_store(struct room_watch *watch, const struct config *config, struct core *core) {
        uint64_t left = bytes_left(&watch->usage, config, &watch->is_of_disk);
        uint64_t margin = margin_of(config);
        bool was_short = watch->is_store_full || core_room(core) == 0;
        bool is_full = left < (was_short ? margin : margin / 2);

        core_set_room(core, is_full ? 0 : left - margin / 2);
        if (is_full == watch->is_store_full)
                return;
        watch->is_store_full = is_full;
        log_store(watch, config);
}

static void look_at_memory(struct room_watch *watch, const struct config *config, struct core *core) {
        bool is_full = core_is_memory_full(core);

        if (is_full == watch->is_memory_full)
                return;
        watch->is_memory_full = is_full;
        if (is_full)
                log_warning("broker_full", LOG_NUMBER("memory_used", core_memory(core)),
                            LOG_NUMBER("memory", config->limits.memory),
                            LOG_TEXT("hint", "messages are refused until some are answered: start more workers, or "
                                             "raise limits.memory if this machine has more"));
        else
                log_info("broker_has_room", LOG_NUMBER("memory_used", core_memory(core)));
}

int room_look(struct room_watch *watch, struct mono now, bool has_taken, const struct config *config,
              struct store *store, struct core *core) {
        struct span since = mono_since(now, watch->looked);
        int r;

        look_at_memory(watch, config, core);
        if (watch->has_looked && !has_taken && !watch->is_store_full && span_to_ms(since) < LIMIT_ROOM_LOOK_MS)
                return 0;
        r = read_usage(watch, config, store);
        if (r < 0)
                return r;
        watch->looked = now;
        watch->has_looked = true;
        look_at_store(watch, config, core);
        return 0;
}

/* -- the end of a turn --------------------------------------------------------------------------------------------- */

static void log_tenant(const struct core_full_view *view) {
        if (view->is_full)
                log_warning("tenant_full", LOG_BYTES("tenant", view->tenant), LOG_NUMBER("pending", view->pending),
                            LOG_NUMBER("max_pending", view->max_pending),
                            LOG_TEXT("hint", "its messages are refused until some are answered: give it more workers "
                                             "or concurrency, or raise its max_pending"));
        else
                log_info("tenant_has_room", LOG_BYTES("tenant", view->tenant), LOG_NUMBER("pending", view->pending),
                         LOG_NUMBER("max_pending", view->max_pending));
}

/* All tenants are gone through only when there is one that became full, and else, while one is, now and then. */
static void tell_tenants(struct room_watch *watch, struct mono now, struct core *core) {
        struct core_full_view view;
        uint32_t cursor = 0;

        if (core_full_count(core) == watch->n_full &&
            (watch->n_full == 0 || span_to_ms(mono_since(now, watch->told)) < LIMIT_ROOM_LOOK_MS))
                return;
        while (core_next_full(core, &cursor, &view))
                log_tenant(&view);
        watch->n_full = core_full_count(core);
        watch->told = now;
}

static void tell_ids(struct room_watch *watch, struct mono now, const struct config *config, const struct core *core) {
        struct core_ids_view ids;

        core_ids(core, &ids);
        if (ids.n_early == watch->n_early ||
            (watch->n_early > 0 && mono_since(now, watch->warned).us < span_s(LIMIT_IDS_WARN_S).us))
                return;
        log_warning("ids_forgotten_early", LOG_NUMBER("ids", ids.n_early - watch->n_early),
                    LOG_NUMBER("dedupe_ids", config->limits.dedupe_ids),
                    LOG_NUMBER("dedupe_window_s", (uint64_t)(config->limits.dedupe_window.us / 1000000)),
                    LOG_TEXT("hint", "a message that is sent again after its id was forgotten is taken for a new one: "
                                     "raise limits.dedupe_ids, and limits.memory with it"));
        watch->n_early = ids.n_early;
        watch->warned = now;
}

void room_tell(struct room_watch *watch, struct mono now, const struct config *config, struct core *core) {
        tell_tenants(watch, now, core);
        tell_ids(watch, now, config, core);
}
