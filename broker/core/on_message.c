/* A message is taken in: it joins what its thread has, and may call off the run of what came before. */
#include "broker/core/state.h"

#include "common/ensure.h"

/* Some platforms send speech first, and what it says when they have listened to it. */
bool body_is_mute(const struct wire_body *body) { return bytes_is_text(body->kind, "audio") && body->text.len == 0; }

/* May the message that has just come, the thread's last, join the batch that is being answered? */
static bool may_join(const struct core *core, struct now now, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        const struct message_list *all = &thread->messages;

        if (!batch_may_begin_anew(core, now, thread))
                return false;
        return all->n - 1 == thread->n_batch && all->n <= settings->max_messages && all->n_bytes <= settings->max_bytes;
}

static void store(struct now now, uint64_t seq, const struct wire_message *item, struct effects *fx) {
        effects_push_change(fx, CHANGE_PUT_MESSAGE)->message = (struct stored_message){
                .seq = seq,
                .accepted = now.wall,
                .tenant = item->tenant,
                .thread = item->thread,
                .id = item->id,
                .channel = item->channel,
                .body = item->body,
        };
}

void on_message(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                const struct wire_body *body, struct effects *fx) {
        struct thread *thread = frame_thread(core, now, tenant, item->thread);
        struct message message = {.seq = core->next_seq++, .accepted = now.wall, .at = now.mono};

        ENSURE(message.seq <= LIMIT_SEQ_MAX);
        message.bytes = MESSAGE_BYTES(item->body.len);
        message.is_mute = body_is_mute(body);
        store(now, message.seq, item, fx);
        thread->has_mute = thread->has_mute || message.is_mute;
        if (thread->effort->stirred.us != 0) /* what was being typed has come */
                thread_effort(core, thread)->stirred = (struct mono){0};
        thread_push(core, thread, message);
        /* Only a collecting thread's due time moves. In every other state the message waits for the next batch, or
         * joins the one that has not gone out yet. */
        if (thread->state == THREAD_COLLECTING)
                thread_arm(core, thread, batch_due(core, now, thread));
        else if (may_join(core, now, thread))
                run_interrupted(core, now, thread, fx);
}
