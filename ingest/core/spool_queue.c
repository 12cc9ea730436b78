#include "ingest/core/spool_queue.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* A key, its place in LMDB's page, and a share of the pages above. */
enum { COST = 48 };

struct tenant {
        struct tenant *previous, *next; /* in turn */
        struct spool_lane *lanes; /* in the order in which they are sent */
        struct mono until; /* waits for room; { 0 } = does not */
        uint64_t n_bytes;
        size_t name_len;
        char name[];
};

/* What a tenant has in one spool. */
struct spool_lane {
        struct spool_lane *next;
        struct tenant *tenant;
        uint64_t slot, number;
        uint64_t first, end; /* numbers of its records: all are in [first, end) */
        uint64_t n, n_bytes;
};

struct spool_queue {
        uint32_t own;
        uint64_t last_lane; /* the highest number of all */
        struct tenant **tenants; /* by name */
        uint32_t n_tenants, cap;
        struct tenant *turn; /* who is next; a ring */
        uint64_t n, n_bytes;
        struct {
                uint64_t n, n_bytes;
        } slots[LIMIT_SPOOL_SLOTS];
        struct spool_lane *found; /* of the last record that was found */
        struct {
                struct spool_sent *items;
                uint32_t n, share, n_left; /* share: of each tenant; n_left: tenants that have not had their turn */
                struct spool_lane *lane;
                struct mono now;
        } frame;
};

struct spool_queue *spool_queue_new(uint32_t own) {
        struct spool_queue *queue = memory_new(1, sizeof *queue);

        queue->own = own;
        queue->frame.items = memory_new(LIMIT_SPOOL_FRAME_MESSAGES, sizeof *queue->frame.items);
        return queue;
}

uint32_t spool_queue_cost(size_t item_len) { return (uint32_t)item_len + COST; }

/* -- tenants ------------------------------------------------------------------------------------------------------- */

static int compare(const struct tenant *tenant, struct bytes name) {
        size_t shorter = tenant->name_len < name.len ? tenant->name_len : name.len;
        int order = shorter > 0 ? memcmp(tenant->name, name.data, shorter) : 0;

        return order ? order : (tenant->name_len > name.len) - (tenant->name_len < name.len);
}

/* Where the tenant stands, or would. */
static uint32_t place_of(const struct spool_queue *queue, struct bytes name) {
        uint32_t low = 0, high = queue->n_tenants;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (compare(queue->tenants[middle], name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static struct tenant *tenant_find(const struct spool_queue *queue, struct bytes name) {
        uint32_t place = place_of(queue, name);

        return place < queue->n_tenants && compare(queue->tenants[place], name) == 0 ? queue->tenants[place] : NULL;
}

/* Comes last in turn. */
static void turn_push(struct spool_queue *queue, struct tenant *tenant) {
        tenant->next = queue->turn ? queue->turn : tenant;
        tenant->previous = queue->turn ? queue->turn->previous : tenant;
        tenant->next->previous = tenant;
        tenant->previous->next = tenant;
        if (!queue->turn)
                queue->turn = tenant;
}

static struct tenant *tenant_get(struct spool_queue *queue, struct bytes name) {
        struct tenant *tenant = tenant_find(queue, name);
        uint32_t place = place_of(queue, name);

        if (tenant)
                return tenant;
        tenant = memory_new(1, sizeof *tenant + name.len);
        memcpy(tenant->name, name.data, name.len);
        tenant->name_len = name.len;
        if (queue->n_tenants == queue->cap) {
                queue->cap = queue->cap ? 2 * queue->cap : 16;
                queue->tenants = memory_resize(queue->tenants, queue->cap, sizeof(struct tenant *));
        }
        memmove(queue->tenants + place + 1, queue->tenants + place,
                (queue->n_tenants - place) * sizeof(struct tenant *));
        queue->tenants[place] = tenant;
        queue->n_tenants++;
        turn_push(queue, tenant);
        return tenant;
}

static void tenant_remove(struct spool_queue *queue, struct tenant *tenant) {
        uint32_t place = place_of(queue, (struct bytes){tenant->name, tenant->name_len});

        tenant->previous->next = tenant->next;
        tenant->next->previous = tenant->previous;
        if (queue->turn == tenant)
                queue->turn = tenant->next == tenant ? NULL : tenant->next;
        queue->n_tenants--;
        memmove(queue->tenants + place, queue->tenants + place + 1,
                (queue->n_tenants - place) * sizeof(struct tenant *));
        free(tenant);
}

/* -- lanes --------------------------------------------------------------------------------------------------------- */

/* The oldest first. */
static struct spool_lane *lane_new(struct spool_queue *queue, struct tenant *tenant, uint64_t slot, uint64_t number) {
        struct spool_lane *lane = memory_new(1, sizeof *lane), **at = &tenant->lanes;

        *lane = (struct spool_lane){.tenant = tenant, .slot = slot, .number = number};
        while (*at && (*at)->number <= number)
                at = &(*at)->next;
        lane->next = *at;
        *at = lane;
        if (number > queue->last_lane)
                queue->last_lane = number;
        return lane;
}

static struct spool_lane *last_lane(const struct tenant *tenant) {
        struct spool_lane *lane = tenant->lanes;

        while (lane && lane->next)
                lane = lane->next;
        return lane;
}

/* Takes out the lanes of a tenant that hold nothing, and itself when nothing is left. */
static void sweep(struct spool_queue *queue, struct tenant *tenant) {
        struct spool_lane **at = &tenant->lanes;

        while (*at) {
                struct spool_lane *lane = *at;

                if (lane->n > 0) {
                        at = &lane->next;
                        continue;
                }
                *at = lane->next;
                if (queue->found == lane)
                        queue->found = NULL;
                free(lane);
        }
        if (!tenant->lanes)
                tenant_remove(queue, tenant);
}

struct spool_queue *spool_queue_free(struct spool_queue *queue) {
        if (!queue)
                return NULL;
        while (queue->turn) {
                for (struct spool_lane *lane = queue->turn->lanes; lane; lane = lane->next)
                        lane->n = 0;
                sweep(queue, queue->turn);
        }
        free(queue->tenants);
        free(queue->frame.items);
        free(queue);
        return NULL;
}

/* -- records in ---------------------------------------------------------------------------------------------------- */

static void count(struct spool_queue *queue, struct spool_lane *lane, uint32_t cost) {
        lane->n++;
        lane->n_bytes += cost;
        lane->tenant->n_bytes += cost;
        queue->slots[lane->slot].n++;
        queue->slots[lane->slot].n_bytes += cost;
        queue->n++;
        queue->n_bytes += cost;
}

static void uncount(struct spool_queue *queue, struct spool_lane *lane, uint32_t cost) {
        ENSURE(lane->n > 0 && lane->n_bytes >= cost);
        lane->n--;
        lane->n_bytes -= cost;
        lane->tenant->n_bytes -= cost;
        queue->slots[lane->slot].n--;
        queue->slots[lane->slot].n_bytes -= cost;
        queue->n--;
        queue->n_bytes -= cost;
}

int spool_queue_on_found(struct spool_queue *queue, struct spool_key key, struct bytes tenant, uint32_t cost) {
        struct spool_lane *lane = queue->found;
        bool is_same = lane && lane->slot == key.slot && lane->number == key.lane;
        struct tenant *owner;

        ENSURE(key.slot < LIMIT_SPOOL_SLOTS);
        if (is_same && compare(lane->tenant, tenant) != 0)
                return -EBADMSG;
        owner = tenant_get(queue, tenant);
        if (!is_same) {
                lane = queue->found = lane_new(queue, owner, key.slot, key.lane);
                lane->first = key.number;
        }
        lane->end = key.number + 1;
        count(queue, lane, cost);
        return 0;
}

/* Behind a lane of another spool comes a new one of ours, that is younger than all. */
int spool_queue_key(struct spool_queue *queue, struct bytes tenant, struct wall now, struct spool_key *ret) {
        uint64_t number = now.ms > 0 ? (uint64_t)now.ms : 0;
        struct tenant *owner = tenant_find(queue, tenant);
        struct spool_lane *lane;

        if (!owner && queue->n_tenants >= LIMIT_SPOOL_TENANTS)
                return 1;
        owner = tenant_get(queue, tenant);
        lane = last_lane(owner);
        if (!lane || lane->slot != queue->own)
                lane = lane_new(queue, owner, queue->own, number > queue->last_lane ? number : queue->last_lane + 1);
        *ret = (struct spool_key){queue->own, lane->number, lane->end++};
        return 0;
}

void spool_queue_forget_keys(struct spool_queue *queue) {
        for (uint32_t i = queue->n_tenants; i-- > 0;)
                sweep(queue, queue->tenants[i]);
}

void spool_queue_push(struct spool_queue *queue, struct spool_key key, struct bytes tenant, uint32_t cost) {
        struct tenant *owner = tenant_find(queue, tenant);
        struct spool_lane *lane = owner ? last_lane(owner) : NULL;

        ENSURE(lane && lane->slot == key.slot && lane->number == key.lane && key.number < lane->end);
        if (lane->n == 0)
                lane->first = key.number;
        count(queue, lane, cost);
}

/* -- frames out ---------------------------------------------------------------------------------------------------- */

static bool is_waiting(const struct tenant *tenant, struct mono now) { return !mono_is_due(now, tenant->until); }

void spool_queue_begin(struct spool_queue *queue, struct mono now) {
        uint32_t n_ready = 0;

        ENSURE(queue->frame.n == 0);
        for (uint32_t i = 0; i < queue->n_tenants; i++)
                n_ready += !is_waiting(queue->tenants[i], now);
        queue->frame.now = now;
        queue->frame.n_left = queue->n_tenants;
        queue->frame.share = n_ready > 0 ? LIMIT_SPOOL_FRAME_MESSAGES / n_ready : 0;
        if (queue->frame.share == 0)
                queue->frame.share = 1;
}

bool spool_queue_next(struct spool_queue *queue, struct spool_key *ret, uint32_t *ret_n) {
        uint32_t room = LIMIT_SPOOL_FRAME_MESSAGES - queue->frame.n;

        while (queue->frame.n_left > 0 && room > 0) {
                struct tenant *tenant = queue->turn;
                struct spool_lane *lane = tenant->lanes;

                queue->frame.n_left--;
                if (is_waiting(tenant, queue->frame.now) || lane->n == 0) {
                        queue->turn = tenant->next;
                        continue;
                }
                queue->frame.lane = lane;
                *ret = (struct spool_key){lane->slot, lane->number, lane->first};
                *ret_n = queue->frame.share < room ? queue->frame.share : room;
                return true;
        }
        return false;
}

void spool_queue_add(struct spool_queue *queue, struct spool_key key, uint32_t cost) {
        struct spool_lane *lane = queue->frame.lane;

        ENSURE(queue->frame.n < LIMIT_SPOOL_FRAME_MESSAGES && key.slot == lane->slot && key.lane == lane->number);
        queue->frame.items[queue->frame.n++] = (struct spool_sent){lane, key, cost, SPOOL_TAKEN};
        /* Whoever found no room in the frame keeps its turn. */
        queue->turn = lane->tenant->next;
}

struct spool_sent *spool_queue_sent(struct spool_queue *queue, uint32_t *ret_n) {
        *ret_n = queue->frame.n;
        return queue->frame.items;
}

/* The items of one lane, from `first` on; the place behind them. */
static uint32_t settle_lane(struct spool_queue *queue, uint32_t first, struct mono until) {
        struct spool_lane *lane = queue->frame.items[first].lane;
        bool has_kept = false;
        uint32_t i;

        for (i = first; i < queue->frame.n && queue->frame.items[i].lane == lane; i++) {
                const struct spool_sent *sent = &queue->frame.items[i];

                if (sent->fate == SPOOL_KEPT) {
                        if (!has_kept)
                                lane->first = sent->key.number;
                        has_kept = true;
                        continue;
                }
                uncount(queue, lane, sent->cost);
                if (!has_kept)
                        lane->first = sent->key.number + 1;
        }
        lane->tenant->until = has_kept ? until : (struct mono){0};
        sweep(queue, lane->tenant);
        return i;
}

void spool_queue_settle(struct spool_queue *queue, struct mono until) {
        for (uint32_t i = 0; i < queue->frame.n;)
                i = settle_lane(queue, i, until);
        queue->frame.n = 0;
}

void spool_queue_give_up(struct spool_queue *queue) { queue->frame.n = 0; }

/* -- what there is ------------------------------------------------------------------------------------------------- */

uint64_t spool_queue_count(const struct spool_queue *queue) { return queue->n; }
uint64_t spool_queue_bytes(const struct spool_queue *queue) { return queue->n_bytes; }

uint64_t spool_queue_slot_count(const struct spool_queue *queue, uint32_t slot) { return queue->slots[slot].n; }
uint64_t spool_queue_slot_bytes(const struct spool_queue *queue, uint32_t slot) { return queue->slots[slot].n_bytes; }

uint64_t spool_queue_tenant_bytes(const struct spool_queue *queue, struct bytes tenant, bool *ret_is_waiting) {
        const struct tenant *owner = tenant_find(queue, tenant);

        *ret_is_waiting = owner && owner->until.us > 0;
        return owner ? owner->n_bytes : 0;
}

bool spool_queue_is_waiting(const struct spool_queue *queue) {
        for (uint32_t i = 0; i < queue->n_tenants; i++)
                if (queue->tenants[i]->until.us > 0)
                        return true;
        return false;
}

struct mono spool_queue_due(const struct spool_queue *queue) {
        struct mono due = MONO_NEVER;

        for (uint32_t i = 0; i < queue->n_tenants; i++)
                due = mono_min(due, queue->tenants[i]->until);
        return due;
}
