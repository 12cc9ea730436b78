#include "broker/core/holds.h"

#include "broker/core/state.h"
#include "common/memory.h"

static uint32_t hash_thread(const struct core *core, uint32_t tenant, struct bytes thread) {
        return (uint32_t)hash_64(core->salt + tenant, thread);
}

void holds_done(struct holds *holds) {
        for (uint32_t i = 0; i < holds->n_slots; i++) {
                free(holds->items[i].thread);
                free(holds->items[i].why);
        }
        free(holds->items);
        table_done(&holds->by_thread);
        heap_done(&holds->ends);
}

struct hold *hold_find(const struct core *core, uint32_t tenant, struct bytes thread) {
        struct table_probe probe = {0};
        uint32_t index;

        if (core->holds.n == 0)
                return NULL;
        probe.hash = hash_thread(core, tenant, thread);
        while (table_next(&core->holds.by_thread, &probe, &index)) {
                struct hold *hold = &core->holds.items[index];

                if (hold->tenant == tenant && bytes_is_equal((struct bytes){hold->thread, hold->thread_len}, thread))
                        return hold;
        }
        return NULL;
}

static uint32_t take_slot(struct holds *holds) {
        uint32_t index = holds->first_free;

        if (index != NONE) {
                holds->first_free = holds->items[index].next_free;
                return index;
        }
        if (holds->n_slots == holds->cap) {
                holds->cap = holds->cap ? holds->cap * 2 : 64;
                holds->items = memory_resize(holds->items, holds->cap, sizeof *holds->items);
        }
        holds->items[holds->n_slots].ticket = 0;
        return holds->n_slots++;
}

static struct hold *hold_new(struct core *core, uint32_t tenant, struct bytes thread, uint64_t seq) {
        uint32_t index = take_slot(&core->holds), ticket = core->holds.items[index].ticket;
        struct hold *hold = &core->holds.items[index];

        *hold = (struct hold){
                .seq = seq,
                .tenant = tenant,
                .hash = hash_thread(core, tenant, thread),
                .thread = bytes_copy_text(thread),
                .thread_len = (uint32_t)thread.len,
                .why = memory_copy_text("", 0),
                .end = MONO_NEVER,
                .entry_at = MONO_NEVER,
                .ticket = ticket + 1,
        };
        table_push(&core->holds.by_thread, hold->hash, index);
        core->holds.n++;
        return hold;
}

struct hold *hold_get(struct core *core, struct now now, uint32_t tenant, struct bytes thread) {
        struct hold *hold = hold_find(core, tenant, thread);

        if (hold)
                return hold;
        hold = hold_new(core, tenant, thread, core->next_seq++);
        hold->since = now.wall;
        return hold;
}

void hold_set_why(struct hold *hold, struct bytes why) {
        const uint8_t *data = why.data;

        if (why.len > LIMIT_WHY_LEN)
                for (why.len = LIMIT_WHY_LEN; why.len > 0 && (data[why.len] & 0xc0) == 0x80;)
                        why.len--;
        free(hold->why);
        hold->why = bytes_copy_text(why);
}

/* Its entry may come up sooner, and is put right then. */
static void wake(struct holds *holds, struct hold *hold) {
        if (!mono_is_before(hold->end, hold->entry_at))
                return;
        hold->entry_at = hold->end;
        hold->ticket++;
        heap_push(&holds->ends, (struct heap_entry){hold->end, (uint32_t)(hold - holds->items), hold->ticket});
}

void hold_set_until(struct core *core, struct now now, struct hold *hold, struct wall until) {
        hold->until = until;
        hold->end = until.ms > 0 ? now_to_mono(now, until) : MONO_NEVER;
        wake(&core->holds, hold);
}

static enum hold_kind kind_of(enum stored_note_kind kind) {
        if (kind == STORED_TAKEOVER)
                return HOLD_PERSON;
        return kind == STORED_CLOSED ? HOLD_CLOSED : HOLD_OPERATOR;
}

void hold_load(struct core *core, struct now now, uint32_t tenant, const struct stored_note *note) {
        struct hold *hold = hold_new(core, tenant, note->name, note->seq);

        hold->since = note->at;
        hold->kind = kind_of(note->kind);
        hold->word = note->word;
        hold_set_why(hold, note->value);
        hold_set_until(core, now, hold, note->until);
}

/* An end may be a year away; what is void in the heap must not stay so long. */
static void tidy(struct holds *holds) {
        struct heap old = holds->ends;

        if (old.n <= 2 * holds->n + 64)
                return;
        holds->ends = (struct heap){0};
        for (uint32_t i = 0; i < old.n; i++)
                if (old.entries[i].ticket == holds->items[old.entries[i].who].ticket)
                        heap_push(&holds->ends, old.entries[i]);
        heap_done(&old);
}

void hold_remove(struct core *core, struct hold *hold) {
        uint32_t index = (uint32_t)(hold - core->holds.items);

        table_remove(&core->holds.by_thread, hold->hash, index);
        free(hold->thread);
        free(hold->why);
        hold->thread = hold->why = NULL;
        hold->ticket++; /* what the heap still has of it is void */
        hold->next_free = core->holds.first_free;
        core->holds.first_free = index;
        core->holds.n--;
        tidy(&core->holds);
}

struct hold *hold_next_ended(struct core *core, struct now now) {
        struct holds *holds = &core->holds;
        const struct heap_entry *top;

        while ((top = heap_peek(&holds->ends)) && mono_is_due(now.mono, top->at)) {
                struct heap_entry entry = heap_pop(&holds->ends);
                struct hold *hold = &holds->items[entry.who];

                if (entry.ticket != hold->ticket)
                        continue;
                hold->entry_at = MONO_NEVER;
                if (mono_is_due(now.mono, hold->end))
                        return hold;
                wake(holds, hold);
        }
        return NULL;
}

struct mono holds_next_due(const struct core *core) {
        const struct heap_entry *top = heap_peek(&core->holds.ends);

        return top ? top->at : MONO_NEVER;
}
