#include "broker/core/records.h"

#include "broker/core/state.h"
#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* "first-last", of two numbers with twenty digits. */
enum { VALUE_MAX = 48 };

static uint32_t hash_thread(const struct core *core, uint32_t tenant, struct bytes thread) {
        return (uint32_t)hash_64(core->salt + tenant, thread);
}

void records_done(struct records *records) {
        for (uint32_t i = 0; i < records->n_slots; i++)
                free(records->items[i].thread);
        free(records->items);
        table_done(&records->by_thread);
}

static struct record *find(const struct core *core, uint32_t tenant, struct bytes thread, uint64_t seq) {
        struct table_probe probe = {0};
        uint32_t index;

        if (core->records.n == 0)
                return NULL;
        probe.hash = hash_thread(core, tenant, thread);
        while (table_next(&core->records.by_thread, &probe, &index)) {
                struct record *record = &core->records.items[index];

                if (record->tenant == tenant && seq >= record->first && seq <= record->last &&
                    bytes_is_equal((struct bytes){record->thread, record->thread_len}, thread))
                        return record;
        }
        return NULL;
}

static uint32_t take_slot(struct records *records) {
        uint32_t index = records->first_free;

        if (index != NONE) {
                records->first_free = records->items[index].next_free;
                return index;
        }
        if (records->n_slots == records->cap) {
                records->cap = records->cap ? records->cap * 2 : 64;
                records->items = memory_resize(records->items, records->cap, sizeof *records->items);
        }
        return records->n_slots++;
}

static struct record *push(struct core *core, uint32_t tenant, struct bytes thread, uint64_t seq) {
        uint32_t index = take_slot(&core->records);
        struct record *record = &core->records.items[index];

        *record = (struct record){
                .seq = seq,
                .tenant = tenant,
                .hash = hash_thread(core, tenant, thread),
                .thread = bytes_copy_text(thread),
                .thread_len = (uint32_t)thread.len,
        };
        table_push(&core->records.by_thread, record->hash, index);
        core->records.n++;
        return record;
}

static void drop(struct core *core, struct record *record, struct effects *fx) {
        uint32_t index = (uint32_t)(record - core->records.items);

        effects_delete(fx, CHANGE_DELETE_NOTE, record->seq);
        table_remove(&core->records.by_thread, record->hash, index);
        free(record->thread);
        record->thread = NULL;
        record->next_free = core->records.first_free;
        core->records.first_free = index;
        core->records.n--;
}

static void store(const struct core *core, struct now now, const struct record *record, struct effects *fx) {
        char text[VALUE_MAX];
        int len = snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)record->first,
                           (unsigned long long)record->last);

        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = record->seq,
                .kind = STORED_RECORD,
                .tenant = bytes_of(core->tenants[record->tenant].name),
                .name = effects_keep(fx, (struct bytes){record->thread, record->thread_len}),
                .value = effects_keep(fx, (struct bytes){text, (size_t)len}),
                .at = now.wall,
        };
}

/* The least number after `seq` among the first `n` messages from `at` on; `least`, if that is less. */
static uint64_t next_of(const struct core *core, uint32_t at, uint32_t n, uint64_t seq, uint64_t least) {
        for (uint32_t i = 0; i < n; i++, at = core->messages[at].next)
                if (core->messages[at].seq > seq && core->messages[at].seq < least)
                        least = core->messages[at].seq;
        return least;
}

/* Where a row that begins with `seq` must end: a message of the thread that does not wait with the others, as it is in
 * a settled batch, or dead, would be taken for one of the row at the next start. */
static uint64_t row_end(const struct core *core, const struct thread *thread, uint64_t seq, uint64_t before) {
        uint64_t end = next_of(core, thread->messages.first, thread->n_batch, seq, before);
        struct table_probe probe = {.hash = thread_hash(core, thread)};
        const struct dead *dead;

        while ((dead = dead_next(core, thread, &probe)))
                end = next_of(core, dead->messages.first, dead->messages.n, seq, end);
        return end;
}

/* Marks the row of messages that begins at `at`. What is behind it is marked already, is another row's, or is none. */
static uint32_t mark_row(struct core *core, struct now now, struct thread *thread, uint32_t at, uint64_t before,
                         struct effects *fx) {
        struct bytes name = thread_name(core, thread);
        struct record *record = push(core, thread->tenant, name, core->next_seq++);
        uint64_t end = row_end(core, thread, core->messages[at].seq, before);

        record->first = core->messages[at].seq;
        for (; at != NONE && !core->messages[at].is_record && core->messages[at].seq < end;
             at = core->messages[at].next) {
                core->messages[at].is_record = 1;
                record->last = core->messages[at].seq;
                record->n++;
        }
        store(core, now, record, fx);
        return at;
}

void records_begin(struct core *core, struct now now, struct thread *thread, uint64_t before, struct effects *fx) {
        uint32_t at = thread->messages.first;

        for (uint32_t i = 0; i < thread->n_batch; i++)
                at = core->messages[at].next;
        while (at != NONE && core->messages[at].seq < before)
                at = core->messages[at].is_record ? core->messages[at].next
                                                  : mark_row(core, now, thread, at, before, fx);
}

void records_end(struct core *core, uint32_t tenant, struct bytes thread, const struct message_list *messages,
                 struct effects *fx) {
        uint32_t at = messages->first;

        for (uint32_t i = 0; i < messages->n; i++, at = core->messages[at].next) {
                const struct message *message = &core->messages[at];
                struct record *record = message->is_record ? find(core, tenant, thread, message->seq) : NULL;

                if (record && --record->n == 0)
                        drop(core, record, fx);
        }
}

void records_load(struct core *core, uint32_t tenant, const struct stored_note *note) {
        CLEANUP_FREE char *text = bytes_copy_text(note->value);
        struct record *record = push(core, tenant, note->name, note->seq);
        char *end;

        record->first = strtoull(text, &end, 10);
        record->last = *end == '-' ? strtoull(end + 1, NULL, 10) : record->first;
}

bool records_claim(struct core *core, uint32_t tenant, struct bytes thread, uint64_t seq) {
        struct record *record = find(core, tenant, thread, seq);

        if (!record)
                return false;
        record->n++;
        return true;
}

void records_tidy(struct core *core, struct effects *fx) {
        for (uint32_t i = 0; i < core->records.n_slots; i++)
                if (core->records.items[i].thread && core->records.items[i].n == 0)
                        drop(core, &core->records.items[i], fx);
}
