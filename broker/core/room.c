#include "broker/core/room.h"

#include "broker/core/state.h"

/* Tables and arrays grow when they are full, so on the average half as much again stands ready for what comes. What is
 * a large array's, and was never written to, takes no memory yet. */
#define WITH_SLACK(bytes) ((bytes) + (bytes) / 2)
/* Memory that is allocated on its own has a head, and is rounded up. */
#define ALLOCATED 32
#define MESSAGE_COST sizeof(struct message)
/* With its slot in a table, and its entries in heaps, of which some are stale. */
#define THREAD_COST (sizeof(struct thread) + WITH_SLACK(sizeof(struct table_slot) + sizeof(struct heap_entry)))
/* What has been tried with a thread, and its fence's slot. */
#define EFFORT_COST (sizeof(struct effort) + ALLOCATED + WITH_SLACK(sizeof(struct table_slot)))
#define FAILURE_COST (sizeof(struct failure) + ALLOCATED)
#define DEAD_COST (WITH_SLACK(4 * sizeof(struct table_slot) + sizeof(void *)) + sizeof(struct dead) + 2 * ALLOCATED)

/* What a message takes up in the store beside its texts: its record and its id's, with their keys; and a share, as
 * pages are not filled to the last byte. */
enum { STORED_BYTES = 200, STORED_SHARE = 8 };

uint64_t core_memory(const struct core *core) {
        return core->room.n_messages * MESSAGE_COST + core->by_name.n * THREAD_COST + core->n_dead * DEAD_COST +
               core->room.n_efforts * EFFORT_COST + core->room.n_failures * FAILURE_COST + core->room.name_bytes +
               (uint64_t)core->seen.n * LIMIT_SEEN_COST + aliases_memory(&core->aliases);
}

/* A config that was not read from a file may leave the limit open. */
static bool has_memory(struct core *core) {
        uint64_t limit = core->config->limits.memory;
        uint64_t free = core->room.is_memory_full ? limit / 16 : 0;

        core->room.is_memory_full = limit > 0 && core_memory(core) >= limit - free;
        return !core->room.is_memory_full;
}

bool core_is_memory_full(struct core *core) { return !has_memory(core); }
void core_set_room(struct core *core, uint64_t bytes) { core->room.store_bytes = bytes; }
uint64_t core_room(const struct core *core) { return core->room.store_bytes; }
uint64_t core_take_seq(struct core *core) { return core->next_seq++; }

/* -- tenants that are full ----------------------------------------------------------------------------------------- */

static uint32_t max_pending_of(const struct tenant *tenant) {
        return tenant->settings ? tenant->settings->max_pending : 0;
}

static void set_full(struct core *core, struct tenant *tenant, bool is_full) {
        if (is_full != tenant->is_full)
                core->room.n_full = is_full ? core->room.n_full + 1 : core->room.n_full - 1;
        tenant->is_full = is_full;
}

/* A tenant at its bound gets in with one message and is refused the next, over and over: that is no news. */
static bool has_room_again(const struct tenant *tenant) {
        uint32_t most = max_pending_of(tenant);

        return most == 0 || tenant->n_pending <= most - (most + 3) / 4;
}

uint32_t core_full_count(const struct core *core) { return core->room.n_full; }

bool core_next_full(struct core *core, uint32_t *cursor, struct core_full_view *ret) {
        while (*cursor < core->n_tenants) {
                struct tenant *tenant = &core->tenants[(*cursor)++];

                /* That it was full is told first, even if it is over. */
                if (tenant->is_told_full && has_room_again(tenant))
                        set_full(core, tenant, false);
                if (tenant->is_full == tenant->is_told_full)
                        continue;
                tenant->is_told_full = tenant->is_full;
                *ret = (struct core_full_view){bytes_of(tenant->name), tenant->n_pending, max_pending_of(tenant),
                                               tenant->is_full};
                return true;
        }
        return false;
}

void core_ids(const struct core *core, struct core_ids_view *ret) {
        const struct seen *seen = &core->seen;

        *ret = (struct core_ids_view){
                .n = seen->n,
                .oldest = seen_oldest(seen),
                .n_early = seen->n_early,
        };
}

/* -- one message --------------------------------------------------------------------------------------------------- */

static uint64_t stored_bytes(const struct wire_message *message) {
        uint64_t bytes = message->tenant.len + message->thread.len + message->id.len + message->channel.len +
                         message->body.len + STORED_BYTES;

        return bytes + bytes / STORED_SHARE;
}

bool room_take_bytes(struct core *core, uint64_t bytes) {
        if (core->room.store_bytes < bytes)
                return false;
        if (core->room.store_bytes != UINT64_MAX)
                core->room.store_bytes -= bytes;
        return true;
}

static bool has_room(struct core *core, struct tenant *tenant, uint64_t bytes, enum refusal_code *ret) {
        /* Whatever comes next, of other tenants too, must not get in for being smaller. */
        if (core->room.store_bytes < bytes)
                core->room.store_bytes = 0;
        if (core->room.store_bytes == 0)
                return *ret = REFUSAL_STORE_FULL, false;
        if (!has_memory(core))
                return *ret = REFUSAL_BROKER_FULL, false;
        if (max_pending_of(tenant) > 0 && tenant->n_pending >= max_pending_of(tenant)) {
                set_full(core, tenant, true);
                return *ret = REFUSAL_TENANT_FULL, false;
        }
        return true;
}

bool room_has_order(const struct core *core, const struct tenant *tenant, enum refusal_code *ret) {
        if (tenant->refused_in != core->frame.number)
                return true;
        return *ret = tenant->refused_for, false;
}

bool room_take(struct core *core, struct tenant *tenant, const struct wire_message *message, enum refusal_code *ret) {
        uint64_t bytes = stored_bytes(message);

        if (!room_has_order(core, tenant, ret))
                return false;
        if (!has_room(core, tenant, bytes, ret)) {
                tenant->refused_in = core->frame.number;
                tenant->refused_for = *ret;
                return false;
        }
        if (core->room.store_bytes != UINT64_MAX)
                core->room.store_bytes -= bytes;
        return true;
}
