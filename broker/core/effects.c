#include "broker/core/effects.h"

#include "common/memory.h"

void effects_done(struct effects *fx) {
        effects_clear(fx);
        free(fx->changes);
        free(fx->sends);
        free(fx->seqs);
        free(fx->adoptions);
        free(fx->kept);
        buffer_done(&fx->frames);
        buffer_done(&fx->names);
        *fx = (struct effects){0};
}

void effects_clear(struct effects *fx) {
        for (size_t i = 0; i < fx->n_changes; i++)
                if (fx->changes[i].type == CHANGE_PUT_BATCH)
                        free(fx->changes[i].batch);
        for (size_t i = 0; i < fx->n_kept; i++)
                free(fx->kept[i]);
        /* The memory of one huge turn is not kept for ever. */
        if (fx->changes_cap > LIMIT_EFFECTS_KEPT) {
                free(fx->changes);
                fx->changes = NULL;
                fx->changes_cap = 0;
        }
        if (fx->frames.cap > LIMIT_FRAME_BYTES)
                buffer_done(&fx->frames);
        fx->n_changes = fx->n_sends = fx->n_seqs = fx->n_adoptions = fx->n_kept = 0;
        buffer_clear(&fx->frames);
        buffer_clear(&fx->names);
}

/* Room for one more item in an array that doubles. */
static void *make_room(void *items, size_t n, size_t *cap, size_t size) {
        if (n < *cap)
                return items;
        *cap = *cap ? *cap * 2 : 64;
        return memory_resize(items, *cap, size);
}

struct change *effects_push_change(struct effects *fx, enum change_type type) {
        struct change *change;

        fx->changes = make_room(fx->changes, fx->n_changes, &fx->changes_cap, sizeof *fx->changes);
        change = &fx->changes[fx->n_changes++];
        *change = (struct change){.type = type};
        return change;
}

struct stored_batch *effects_push_batch(struct effects *fx, uint32_t n_seqs, uint64_t **ret_seqs) {
        struct stored_batch *batch = memory_new(1, sizeof *batch + n_seqs * sizeof(uint64_t));
        uint64_t *seqs = (uint64_t *)(batch + 1);

        batch->seqs = seqs;
        batch->n_seqs = n_seqs;
        effects_push_change(fx, CHANGE_PUT_BATCH)->batch = batch;
        *ret_seqs = seqs;
        return batch;
}

void effects_delete(struct effects *fx, enum change_type type, uint64_t seq) {
        effects_push_change(fx, type)->seq = seq;
}

struct bytes effects_keep(struct effects *fx, struct bytes text) {
        char *copy = bytes_copy_text(text);

        fx->kept = make_room(fx->kept, fx->n_kept, &fx->kept_cap, sizeof *fx->kept);
        fx->kept[fx->n_kept++] = copy;
        return (struct bytes){copy, text.len};
}

void effects_push_seq(struct effects *fx, uint64_t seq) {
        fx->seqs = make_room(fx->seqs, fx->n_seqs, &fx->seqs_cap, sizeof *fx->seqs);
        fx->seqs[fx->n_seqs++] = seq;
}

static struct send *push_send(struct effects *fx, enum send_type type, enum door door, struct address to) {
        struct send *send;

        fx->sends = make_room(fx->sends, fx->n_sends, &fx->sends_cap, sizeof *fx->sends);
        send = &fx->sends[fx->n_sends++];
        *send = (struct send){.type = type, .door = door, .to = to};
        return send;
}

struct buffer *effects_begin_frame(struct effects *fx, enum door door, struct address to) {
        push_send(fx, SEND_FRAME, door, to)->frame_at = fx->frames.len;
        return &fx->frames;
}

void effects_end_frame(struct effects *fx) {
        struct send *send = &fx->sends[fx->n_sends - 1];

        send->frame_len = fx->frames.len - send->frame_at;
}

struct send_run *effects_push_run(struct effects *fx, struct address to) {
        return &push_send(fx, SEND_RUN, DOOR_WORKERS, to)->run;
}

struct adoption *effects_push_adoption(struct effects *fx, struct bytes thread) {
        struct adoption *adoption;

        fx->adoptions = make_room(fx->adoptions, fx->n_adoptions, &fx->adoptions_cap, sizeof *fx->adoptions);
        adoption = &fx->adoptions[fx->n_adoptions++];
        *adoption = (struct adoption){.thread_at = fx->names.len, .thread_len = thread.len};
        buffer_push(&fx->names, thread.data, thread.len);
        return adoption;
}
