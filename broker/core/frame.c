#include "broker/core/frame.h"

#include "broker/core/state.h"

void frame_begin(struct core *core, const struct wire_message *items, uint32_t n) {
        core->frame = (struct frame){.number = core->frame.number + 1, .items = items, .n = n, .tenant = NONE};
}

void frame_end(struct core *core) { core->frame = (struct frame){.number = core->frame.number}; }

uint32_t frame_tenant(struct core *core, struct bytes name) {
        struct frame *frame = &core->frame;

        if (!bytes_is_equal(name, frame->tenant_name)) {
                frame->tenant = tenant_find(core, name);
                frame->tenant_name = name;
        }
        return frame->tenant;
}

static bool is_known(const struct core *core, struct now now, const struct wire_message *item, uint32_t tenant,
                     uint64_t *ret_seq) {
        return item->what == WIRE_WHAT_MESSAGE && item->id.len > 0 &&
               seen_find(&core->seen, hash_of_id(core, tenant, item->id), now.wall, ret_seq);
}

/* Looked for once a frame: most have none, and it may be asked for each of ten thousand items. */
static uint32_t count_until_last_known(const struct core *core, struct now now) {
        const struct frame *frame = &core->frame;
        uint64_t unused;

        for (uint32_t i = frame->n; i > frame->at; i--) {
                uint32_t tenant = tenant_find(core, frame->items[i - 1].tenant);

                if (tenant != NONE && is_known(core, now, &frame->items[i - 1], tenant, &unused))
                        return i;
        }
        return 0;
}

uint64_t frame_first_known(struct core *core, struct now now, const struct thread *thread) {
        struct bytes tenant = bytes_of(tenant_of(core, thread)->name);
        struct bytes root = alias_root(core, thread->tenant, (struct bytes){thread->name, thread->name_len});
        struct frame *frame = &core->frame;
        uint64_t seq, first = UINT64_MAX;

        if (!frame->is_looked_through)
                frame->n_known = count_until_last_known(core, now);
        frame->is_looked_through = true;
        for (uint32_t i = frame->at; i < frame->n_known; i++) {
                const struct wire_message *item = &frame->items[i];

                if (bytes_is_equal(item->tenant, tenant) &&
                    bytes_is_equal(alias_root(core, thread->tenant, item->thread), root) &&
                    is_known(core, now, item, thread->tenant, &seq) && seq < first)
                        first = seq;
        }
        return first;
}
