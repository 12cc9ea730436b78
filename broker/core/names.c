/* Which thread an item belongs to: what has one name in common is one. */
#include "broker/core/state.h"

#include "common/memory.h"

/* What is going on in a thread decides which one stays: the others have less to lose. */
enum { NOT_KNOWN, KNOWN, WAITS, RUNS };

static int rank_of(const struct core *core, uint32_t tenant, struct bytes root) {
        const struct thread *thread = thread_find(core, tenant, root);

        if (thread)
                return thread->state == THREAD_RUNNING || thread->is_answered ? RUNS : WAITS;
        return alias_find(core, tenant, root) == NONE ? NOT_KNOWN : KNOWN;
}

static struct bytes root_of_name(const struct core *core, uint32_t tenant, const struct wire_message *item,
                                 uint32_t i) {
        return alias_root(core, tenant, i == 0 ? item->thread : item->aliases[i - 1]);
}

/* What is no name of a thread is passed over. */
static bool is_usable(const struct wire_message *item, uint32_t i) {
        return i == 0 || (item->aliases[i - 1].len > 0 && name_is_good(item->aliases[i - 1], LIMIT_THREAD_LEN) &&
                          !bytes_is_equal(item->aliases[i - 1], item->thread));
}

struct bytes names_root(const struct core *core, uint32_t tenant, const struct wire_message *item) {
        struct bytes best = alias_root(core, tenant, item->thread);
        int best_rank;

        if (item->n_aliases == 0)
                return best;
        best_rank = rank_of(core, tenant, best);
        for (uint32_t i = 1; i <= item->n_aliases; i++) {
                struct bytes root = root_of_name(core, tenant, item, i);
                int rank = is_usable(item, i) ? rank_of(core, tenant, root) : NOT_KNOWN;

                if (rank <= best_rank)
                        continue;
                best = root;
                best_rank = rank;
        }
        return best;
}

/* What a note takes up in the store beside its names. */
enum { NOTE_BYTES = 100 };

/* A hold goes with the name, or is in the way of what comes. */
static void join(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct bytes root,
                 struct effects *fx) {
        /* On a full disk they stay two; the next item that bears both tells it again. */
        if (!room_take_bytes(core, NOTE_BYTES + name.len + root.len))
                return;
        name = effects_keep(fx, name);
        alias_link(core, now, tenant, name, root, fx);
        take_over_join(core, now, tenant, name, root, fx);
}

void names_learn(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item, struct bytes root,
                 struct effects *fx) {
        if (item->n_aliases == 0) {
                alias_use(core, now, tenant, item->thread, fx);
                return;
        }
        for (uint32_t i = 0; i <= item->n_aliases; i++) {
                struct bytes own;

                if (!is_usable(item, i))
                        continue;
                own = root_of_name(core, tenant, item, i);
                if (!bytes_is_equal(own, root))
                        join(core, now, tenant, own, root, fx);
                else
                        alias_use(core, now, tenant, i == 0 ? item->thread : item->aliases[i - 1], fx);
        }
}

struct bytes names_resolve(const struct core *core, uint32_t tenant, struct bytes name) {
        if (thread_find(core, tenant, name))
                return name;
        return alias_root(core, tenant, name);
}

bool names_next(const struct core *core, uint32_t tenant, struct bytes root, uint32_t *cursor, struct bytes *ret) {
        uint32_t behind = *cursor - 1;

        if (*cursor == 0) {
                *ret = root;
                *cursor = 1;
                return true;
        }
        if (!alias_next(core, tenant, root, &behind, ret))
                return false;
        *cursor = behind + 1;
        return true;
}
