#include "broker/core/frame.h"

#include "broker/core/state.h"

void frame_begin(struct core *core, const struct wire_message *items, uint32_t n) {
        struct frame *frame = &core->frame;

        frame->number++;
        frame->items = items;
        frame->n = n;
        frame->at = 0;
        frame->is_looked_through = false;
        frame->tenant = NONE;
        frame->tenant_name = BYTES_NONE;
}

void frame_end(struct core *core) {
        core->frame.items = NULL;
        core->frame.n = core->frame.at = core->frame.n_known = 0;
        core->frame.is_looked_through = false;
}

/* tenant_find(), for items that are mostly of one tenant. */
static uint32_t find_tenant(struct core *core, struct bytes name) {
        struct frame *frame = &core->frame;

        if (!bytes_is_equal(name, frame->tenant_name)) {
                frame->tenant = tenant_find(core, name);
                frame->tenant_name = name;
        }
        return frame->tenant;
}

static void expect(struct core *core, const struct wire_message *item, struct frame_item *ret) {
        ret->tenant = find_tenant(core, item->tenant);
        if (ret->tenant == NONE)
                return;
        ret->thread = thread_expect(core, ret->tenant, item->thread);
        if (item->id.len == 0)
                return;
        ret->id = hash_of_id(core, ret->tenant, item->id);
        seen_expect(&core->seen, ret->id);
}

void frame_go_to(struct core *core, uint32_t at) {
        struct frame *frame = &core->frame;

        frame->at = at;
        if (at % FRAME_AHEAD != 0)
                return;
        for (uint32_t i = 0; i < FRAME_AHEAD && at + i < frame->n; i++)
                expect(core, &frame->items[at + i], &frame->ahead[i]);
}

const struct frame_item *frame_item(const struct core *core) {
        return &core->frame.ahead[core->frame.at % FRAME_AHEAD];
}

struct thread *frame_thread(struct core *core, struct now now, uint32_t tenant, struct bytes name) {
        const struct frame *frame = &core->frame;

        if (name.data != frame->items[frame->at].thread.data)
                return thread_get(core, now, tenant, name);
        return thread_get_hashed(core, now, tenant, name, frame_item(core)->thread);
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
        struct bytes root = alias_root(core, thread->tenant, thread_name(core, thread));
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
