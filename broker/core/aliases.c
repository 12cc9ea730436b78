#include "broker/core/aliases.h"

#include "broker/core/state.h"
#include "common/ensure.h"
#include "common/memory.h"

/* Forgotten for one that comes: more than one, so that a smaller limit is reached though names keep coming. */
enum { FORGET_PER_NAME = 2 };

/* With its slots in the table; arrays and tables double when they are full. */
#define ALIAS_COST (3 * (sizeof(struct alias) + 2 * sizeof(struct table_slot)) / 2 + 32)

static struct alias *at(const struct core *core, uint32_t index) { return &core->aliases.items[index]; }
static struct bytes name_of(const struct alias *alias) { return (struct bytes){alias->name, alias->name_len}; }

void aliases_done(struct aliases *aliases) {
        for (uint32_t i = 0; i < aliases->n_slots; i++)
                free(aliases->items[i].name);
        free(aliases->items);
        table_done(&aliases->by_name);
}

uint64_t aliases_memory(const struct aliases *aliases) {
        return (uint64_t)aliases->by_name.n * ALIAS_COST + aliases->name_bytes;
}

/* -- the registry -------------------------------------------------------------------------------------------------- */

static uint32_t hash_name(const struct core *core, uint32_t tenant, struct bytes name) {
        return (uint32_t)hash_64(core->salt + tenant, name);
}

uint32_t alias_find(const struct core *core, uint32_t tenant, struct bytes name) {
        struct table_probe probe = {0};
        uint32_t index;

        if (core->aliases.by_name.n == 0)
                return NONE;
        probe.hash = hash_name(core, tenant, name);
        while (table_next(&core->aliases.by_name, &probe, &index))
                if (at(core, index)->tenant == tenant && bytes_is_equal(name_of(at(core, index)), name))
                        return index;
        return NONE;
}

struct bytes alias_root(const struct core *core, uint32_t tenant, struct bytes name) {
        uint32_t index = alias_find(core, tenant, name);

        if (index == NONE || at(core, index)->root == NONE)
                return name;
        return name_of(at(core, at(core, index)->root));
}

static uint32_t take_slot(struct aliases *aliases) {
        uint32_t index = aliases->first_free;

        if (index != NONE) {
                aliases->first_free = aliases->items[index].newer;
                return index;
        }
        if (aliases->n_slots == aliases->cap) {
                aliases->cap = aliases->cap ? aliases->cap * 2 : 64;
                aliases->items = memory_resize(aliases->items, aliases->cap, sizeof *aliases->items);
        }
        return aliases->n_slots++;
}

static uint32_t get(struct core *core, uint32_t tenant, struct bytes name) {
        uint32_t index = alias_find(core, tenant, name);

        if (index != NONE)
                return index;
        index = take_slot(&core->aliases);
        *at(core, index) = (struct alias){
                .name = bytes_copy_text(name),
                .name_len = (uint32_t)name.len,
                .hash = hash_name(core, tenant, name),
                .tenant = tenant,
                .root = NONE,
                .first = NONE,
                .last = NONE,
                .before = NONE,
                .after = NONE,
                .older = NONE,
                .newer = NONE,
        };
        core->aliases.name_bytes += name.len;
        table_push(&core->aliases.by_name, at(core, index)->hash, index);
        return index;
}

static void drop(struct core *core, uint32_t index) {
        struct alias *alias = at(core, index);

        ENSURE(alias->root == NONE && alias->n == 0 && alias->seq == 0);
        table_remove(&core->aliases.by_name, alias->hash, index);
        core->aliases.name_bytes -= alias->name_len;
        free(alias->name);
        alias->name = NULL;
        alias->newer = core->aliases.first_free;
        core->aliases.first_free = index;
}

/* -- whose names, and how old -------------------------------------------------------------------------------------- */

static void attach(struct core *core, uint32_t index, uint32_t root) {
        struct alias *alias = at(core, index), *owner = at(core, root);

        alias->root = root;
        alias->before = owner->last;
        alias->after = NONE;
        if (owner->last == NONE)
                owner->first = index;
        else
                at(core, owner->last)->after = index;
        owner->last = index;
        owner->n++;
}

static void detach(struct core *core, uint32_t index) {
        struct alias *alias = at(core, index), *owner = at(core, alias->root);

        if (alias->before == NONE)
                owner->first = alias->after;
        else
                at(core, alias->before)->after = alias->after;
        if (alias->after == NONE)
                owner->last = alias->before;
        else
                at(core, alias->after)->before = alias->before;
        owner->n--;
        alias->root = alias->before = alias->after = NONE;
}

static void push_newest(struct core *core, uint32_t index) {
        struct aliases *aliases = &core->aliases;

        at(core, index)->older = aliases->newest;
        at(core, index)->newer = NONE;
        if (aliases->newest == NONE)
                aliases->oldest = index;
        else
                at(core, aliases->newest)->newer = index;
        aliases->newest = index;
        aliases->n++;
        core->tenants[at(core, index)->tenant].n_aliases++;
}

static void pull(struct core *core, uint32_t index) {
        struct aliases *aliases = &core->aliases;
        const struct alias *alias = at(core, index);

        if (alias->older == NONE)
                aliases->oldest = alias->newer;
        else
                at(core, alias->older)->newer = alias->newer;
        if (alias->newer == NONE)
                aliases->newest = alias->older;
        else
                at(core, alias->newer)->older = alias->older;
        aliases->n--;
        core->tenants[alias->tenant].n_aliases--;
}

/* -- notes --------------------------------------------------------------------------------------------------------- */

/* Whose name it was is not: nobody's. */
static void unnote(struct core *core, uint32_t index, struct effects *fx) {
        struct alias *alias = at(core, index);

        if (alias->seq == 0)
                return;
        effects_delete(fx, CHANGE_DELETE_NOTE, alias->seq);
        alias->seq = 0;
        pull(core, index);
        detach(core, index);
}

/* Under a new number, so that notes are in the order in which names were used. */
static void note(struct core *core, struct now now, uint32_t index, uint32_t root, struct effects *fx) {
        struct alias *alias = at(core, index);

        unnote(core, index, fx);
        alias->seq = core->next_seq++;
        alias->at = now.wall;
        attach(core, index, root);
        push_newest(core, index);
        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = alias->seq,
                .kind = STORED_ALIAS,
                .tenant = bytes_of(core->tenants[alias->tenant].name),
                .name = effects_keep(fx, name_of(alias)),
                .value = effects_keep(fx, name_of(at(core, root))),
                .at = alias->at,
        };
}

static void forget(struct core *core, uint32_t index, struct effects *fx) {
        uint32_t root = at(core, index)->root;

        unnote(core, index, fx);
        drop(core, index);
        if (at(core, root)->n == 0)
                drop(core, root);
}

static bool is_too_many(const struct core *core) {
        uint64_t limit = core->config->limits.memory / LIMIT_ALIASES_SHARE;

        return core->aliases.n > LIMIT_ALIASES || (limit > 0 && aliases_memory(&core->aliases) > limit);
}

static void tidy(struct core *core, uint32_t root, struct effects *fx) {
        while (at(core, root)->n > LIMIT_ALIASES_OF_THREAD)
                forget(core, at(core, root)->first, fx);
        /* Not the last of all: the thread that it was just noted for is still meant. */
        for (int i = 0; i < FORGET_PER_NAME && core->aliases.n > 1 && is_too_many(core); i++)
                forget(core, core->aliases.oldest, fx);
}

void alias_link(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct bytes root,
                struct effects *fx) {
        uint32_t from = get(core, tenant, name), to = get(core, tenant, root);

        ENSURE(from != to && at(core, from)->root == NONE && at(core, to)->root == NONE);
        while (at(core, from)->n > 0)
                note(core, now, at(core, from)->first, to, fx);
        note(core, now, from, to, fx);
        tidy(core, to, fx);
}

void alias_use(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct effects *fx) {
        uint32_t index = alias_find(core, tenant, name);
        const struct alias *alias = index == NONE ? NULL : at(core, index);

        if (alias && alias->seq != 0 && wall_add(alias->at, span_s(LIMIT_ALIAS_NOTED_S)).ms <= now.wall.ms)
                note(core, now, index, alias->root, fx);
}

void alias_load(struct core *core, uint32_t tenant, const struct stored_note *stored) {
        uint32_t index = get(core, tenant, stored->name), root = get(core, tenant, stored->value);

        /* One name of a name is never written. */
        if (index == root || at(core, index)->seq != 0 || at(core, index)->n > 0 || at(core, root)->root != NONE)
                return;
        at(core, index)->seq = stored->seq;
        at(core, index)->at = stored->at;
        attach(core, index, root);
        push_newest(core, index);
}

bool alias_next(const struct core *core, uint32_t tenant, struct bytes root, uint32_t *cursor, struct bytes *ret) {
        uint32_t owner = alias_find(core, tenant, root), index;

        if (owner == NONE || *cursor >= at(core, owner)->n)
                return false;
        index = at(core, owner)->first;
        for (uint32_t i = 0; i < *cursor; i++)
                index = at(core, index)->after;
        ++*cursor;
        *ret = name_of(at(core, index));
        return true;
}
