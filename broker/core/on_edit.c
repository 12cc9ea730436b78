/* A message is edited, or taken back: its new body takes the place of the old one, while nobody has read that. */
#include "broker/core/state.h"

/* Where a message is. */
struct place {
        struct thread *thread;
        uint32_t index, nth; /* of its thread, from 0 */
};

static void count_late(struct core *core, uint32_t tenant) {
        core->tenants[tenant].counters.late_edits++;
        core->counters.savings.late_edits++;
}

/* Behind a settled batch the messages are in the order of their numbers. */
static bool find_in(const struct core *core, struct thread *thread, uint64_t seq, struct place *ret) {
        uint32_t at = thread->messages.first;

        for (uint32_t nth = 0; nth < thread->messages.n; nth++, at = core->messages[at].next) {
                if (core->messages[at].seq == seq)
                        return *ret = (struct place){thread, at, nth}, true;
                if (nth >= thread->n_batch && core->messages[at].seq > seq)
                        return false;
        }
        return false;
}

static bool find(const struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                 struct place *ret) {
        uint32_t cursor = 0;
        struct bytes name;
        uint64_t seq;

        if (item->id.len == 0 || !seen_find(&core->seen, hash_of_id(core, tenant, item->id), now.wall, &seq))
                return false;
        while (names_next(core, tenant, item->thread, &cursor, &name)) {
                struct thread *thread = thread_find(core, tenant, name);

                if (thread && find_in(core, thread, seq, ret))
                        return true;
        }
        return false;
}

/* Has a worker had it, or may one from before a restart have it? Then what it answers is of the old text. When it was
 * due does not tell: it may have been flushed, or the calendar set back. */
static bool is_handed_out(const struct core *core, struct now now, const struct place *place) {
        const struct thread *thread = place->thread;

        if (thread->n_batch > 0)
                return place->nth < thread->n_batch;
        if (core->messages[place->index].is_read)
                return true;
        return awaiting_has(core, thread);
}

/* The store completes it from what it was: how long it is then is known at the next start, and until then at most. */
static size_t most_bytes(const struct message *message, const struct wire_message *item) {
        size_t bytes = message->bytes + item->body.len;

        return bytes < LIMIT_MESSAGE_BYTES_MAX ? bytes : LIMIT_MESSAGE_BYTES_MAX;
}

static bool is_still_mute(const struct message *message, const struct wire_body *body) {
        return body->kind.len > 0 ? body_is_mute(body) : message->is_mute && body->text.len == 0;
}

static void put(struct core *core, const struct place *place, const struct wire_message *item,
                const struct wire_body *body, struct effects *fx) {
        struct message *message = &core->messages[place->index];

        message->n_edits = message->n_edits < MESSAGE_EDITS_MAX ? message->n_edits + 1 : 1;
        effects_push_change(fx, CHANGE_EDIT_MESSAGE)->message = (struct stored_message){
                .seq = message->seq,
                .accepted = message->accepted,
                .tenant = item->tenant,
                .thread = effects_keep(fx, thread_name(core, place->thread)),
                .id = item->id,
                .channel = item->channel,
                .body = item->body,
                .n_edits = message->n_edits,
                .is_taken_back = item->what == WIRE_WHAT_DELETE,
        };
        place->thread->messages.n_bytes -= message->bytes;
        message->bytes = MESSAGE_BYTES(most_bytes(message, item));
        place->thread->messages.n_bytes += message->bytes;
        message->is_mute = item->what == WIRE_WHAT_EDIT && is_still_mute(message, body);
}

/* Who edits is still at it. But what speech says was said before, and is no reason to wait on. */
static void stir(struct core *core, struct now now, struct thread *thread, bool was_mute) {
        if (!was_mute)
                thread_effort(core, thread)->stirred =
                        mono_max(thread->effort->stirred, mono_add(now.mono, settings_of(core, thread)->quiet));
        if (thread->state == THREAD_COLLECTING)
                thread_arm(core, thread, batch_due(core, now, thread));
}

bool on_edit(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
             const struct wire_body *body, struct effects *fx, enum refusal_code *ret) {
        bool is_out, was_mute;
        struct place place;

        if (!find(core, now, tenant, item, &place))
                return count_late(core, tenant), true;
        is_out = is_handed_out(core, now, &place);
        if (is_out && !(place.nth < place.thread->n_batch && batch_may_begin_anew(core, now, place.thread)))
                return count_late(core, tenant), true;
        if (item->body.len > core->messages[place.index].bytes &&
            !room_take_bytes(core, item->body.len - core->messages[place.index].bytes))
                return *ret = REFUSAL_STORE_FULL, false;
        was_mute = core->messages[place.index].is_mute;
        put(core, &place, item, body, fx);
        stir(core, now, place.thread, was_mute);
        if (is_out)
                run_interrupted(core, now, place.thread, fx);
        return true;
}
