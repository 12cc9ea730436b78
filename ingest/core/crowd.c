#include "ingest/core/crowd.h"

#include "common/ensure.h"
#include "common/hash.h"
#include "common/memory.h"

#include <stddef.h>

/* An address that somebody is connected from. */
struct crowd_origin {
        struct crowd_origin *next; /* of the same slot */
        uint64_t address;
        uint32_t n;
        struct crowd_link unfinished; /* a ring, as the one of all is */
};

struct crowd {
        uint32_t n, n_max, n_per_address, n_slots;
        uint64_t seed;
        struct crowd_link unfinished;
        struct crowd_origin **slots;
};

/* -- rings --------------------------------------------------------------------------------------------------------- */

static void ring_init(struct crowd_link *ring) { ring->previous = ring->next = ring; }

static void ring_push(struct crowd_link *ring, struct crowd_link *link) {
        link->previous = ring->previous;
        link->next = ring;
        ring->previous->next = link;
        ring->previous = link;
}

static void ring_remove(struct crowd_link *link) {
        link->previous->next = link->next;
        link->next->previous = link->previous;
}

static struct crowd_member *member_of_all(struct crowd_link *link) {
        return (struct crowd_member *)((char *)link - offsetof(struct crowd_member, all));
}

static struct crowd_member *member_of_near(struct crowd_link *link) {
        return (struct crowd_member *)((char *)link - offsetof(struct crowd_member, near));
}

/* -- addresses ----------------------------------------------------------------------------------------------------- */

static struct crowd_origin **slot_of(const struct crowd *crowd, uint64_t address) {
        uint64_t hash = hash_64(crowd->seed, (struct bytes){&address, sizeof address});

        return &crowd->slots[hash & (crowd->n_slots - 1)];
}

static struct crowd_origin *origin_find(const struct crowd *crowd, uint64_t address) {
        struct crowd_origin *origin = *slot_of(crowd, address);

        while (origin && origin->address != address)
                origin = origin->next;
        return origin;
}

static struct crowd_origin *origin_get(struct crowd *crowd, uint64_t address) {
        struct crowd_origin *origin = origin_find(crowd, address), **slot = slot_of(crowd, address);

        if (origin)
                return origin;
        origin = memory_new(1, sizeof *origin);
        origin->address = address;
        origin->next = *slot;
        ring_init(&origin->unfinished);
        *slot = origin;
        return origin;
}

static void origin_leave(struct crowd *crowd, struct crowd_origin *origin) {
        struct crowd_origin **at = slot_of(crowd, origin->address);

        if (--origin->n > 0)
                return;
        while (*at != origin)
                at = &(*at)->next;
        *at = origin->next;
        free(origin);
}

/* -- the crowd ----------------------------------------------------------------------------------------------------- */

struct crowd *crowd_new(uint32_t n_max, uint32_t n_per_address, uint64_t seed) {
        struct crowd *crowd = memory_new(1, sizeof *crowd);

        ENSURE(n_max > 0 && n_per_address > 0);
        *crowd = (struct crowd){.n_max = n_max, .n_per_address = n_per_address, .n_slots = 1, .seed = seed};
        while (crowd->n_slots < n_max)
                crowd->n_slots *= 2;
        crowd->slots = memory_new(crowd->n_slots, sizeof(struct crowd_origin *));
        ring_init(&crowd->unfinished);
        return crowd;
}

struct crowd *crowd_free(struct crowd *crowd) {
        if (!crowd)
                return NULL;
        ENSURE(crowd->n == 0);
        free(crowd->slots);
        free(crowd);
        return NULL;
}

static void set_unfinished(struct crowd *crowd, struct crowd_member *member, bool is_unfinished) {
        if (!member->origin || member->is_unfinished == is_unfinished)
                return;
        member->is_unfinished = is_unfinished;
        if (is_unfinished) {
                ring_push(&crowd->unfinished, &member->all);
                ring_push(&member->origin->unfinished, &member->near);
        } else {
                ring_remove(&member->all);
                ring_remove(&member->near);
        }
}

int crowd_make_room(struct crowd *crowd, uint64_t address, struct crowd_member **ret_leaver) {
        const struct crowd_origin *origin = origin_find(crowd, address);
        struct crowd_member *leaver = NULL;

        if (origin && origin->n >= crowd->n_per_address) {
                if (origin->unfinished.next == &origin->unfinished)
                        return CROWD_FULL;
                leaver = member_of_near(origin->unfinished.next);
        } else if (crowd->n >= crowd->n_max) {
                leaver = crowd_oldest(crowd);
                if (!leaver)
                        return CROWD_FULL;
        }
        if (leaver)
                crowd_remove(crowd, leaver);
        *ret_leaver = leaver;
        return 0;
}

void crowd_push(struct crowd *crowd, struct crowd_member *member, uint64_t address) {
        *member = (struct crowd_member){.origin = origin_get(crowd, address)};
        member->origin->n++;
        crowd->n++;
        set_unfinished(crowd, member, true);
}

void crowd_remove(struct crowd *crowd, struct crowd_member *member) {
        if (!member->origin)
                return;
        set_unfinished(crowd, member, false);
        origin_leave(crowd, member->origin);
        member->origin = NULL;
        crowd->n--;
}

void crowd_on_whole(struct crowd *crowd, struct crowd_member *member) { set_unfinished(crowd, member, false); }

void crowd_on_answered(struct crowd *crowd, struct crowd_member *member) {
        set_unfinished(crowd, member, false);
        set_unfinished(crowd, member, true);
}

struct crowd_member *crowd_oldest(const struct crowd *crowd) {
        return crowd->unfinished.next == &crowd->unfinished ? NULL : member_of_all(crowd->unfinished.next);
}

struct crowd_member *crowd_next(const struct crowd *crowd, const struct crowd_member *member) {
        return member->all.next == &crowd->unfinished ? NULL : member_of_all(member->all.next);
}

uint32_t crowd_n(const struct crowd *crowd) { return crowd->n; }
