/* A producer's frame: each message is accepted, known already, or refused; one ACK names which. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

static struct wire_refusal refuse(uint32_t index, const char *code, const char *why) {
        return (struct wire_refusal){index, bytes_of(code), bytes_of(why)};
}

/* A sentence for each of ten thousand would make the ACK ten times the frame. */
static void shorten(struct wire_refusal *refusals, uint32_t n) {
        for (uint32_t i = LIMIT_ACK_SENTENCES; i < n; i++)
                refusals[i].why = BYTES_NONE;
}

/* Names come back in logs, answers and Redis keys: text without control characters. */
static bool is_name(struct bytes name, size_t longest) {
        const uint8_t *data = name.data;

        if (name.len > longest || !bytes_is_utf8(name))
                return false;
        for (size_t i = 0; i < name.len; i++)
                if (data[i] < ' ' || data[i] == 0x7f)
                        return false;
        return true;
}

static bool has_channel(const struct config_tenant *tenant, struct bytes name) {
        return name.len == 0 || config_channel_find(tenant, name) != NULL;
}

/* 0 and *ret_tenant, or 1 and *ret_refusal. */
static int check(const struct core *core, const struct wire_message *message, uint32_t index, uint32_t *ret_tenant,
                 struct wire_refusal *ret_refusal) {
        uint32_t tenant = tenant_find(core, message->tenant);
        struct wire_body body;

        if (tenant == NONE || !core->tenants[tenant].settings)
                *ret_refusal = refuse(index, "unknown_tenant", "the broker's lull.yaml has no tenant of that name");
        else if (!has_channel(core->tenants[tenant].settings, message->channel))
                *ret_refusal = refuse(index, "unknown_channel", "the tenant has no channel of that name in lull.yaml");
        else if (message->thread.len == 0 || !is_name(message->thread, LIMIT_THREAD_LEN))
                *ret_refusal = refuse(index, "bad_thread",
                                      "a thread's name is 1 to 256 bytes of UTF-8 without control characters");
        else if (!is_name(message->id, LIMIT_MESSAGE_ID_LEN))
                *ret_refusal = refuse(index, "bad_id", "an id is up to 256 bytes of UTF-8 without control characters");
        else if (message->body.len > core->config->limits.message_bytes)
                *ret_refusal = refuse(index, "too_large", "the message is over limits.message_bytes");
        else if (wire_decode_body(message->body, &body) < 0)
                *ret_refusal = refuse(index, "bad_body", "the body is not the MessagePack array that lull/1 describes");
        else
                return *ret_tenant = tenant, 0;
        return 1;
}

/* Is it known? If not, it is remembered now. A message without an id is always new. */
static bool is_duplicate(struct core *core, struct now now, uint32_t tenant, struct bytes id, struct effects *fx) {
        struct stored_seen item = {.seq = core->next_seq, .at = now.wall};

        if (id.len == 0)
                return false;
        item.hash = hash_128(core->salt ^ hash_64(core->salt, bytes_of(core->tenants[tenant].name)), id);
        if (seen_has(&core->seen, item.hash, now.wall))
                return true;
        seen_push(&core->seen, &item, fx);
        return false;
}

static void accept(struct core *core, struct now now, uint32_t tenant, const struct wire_message *message,
                   struct effects *fx) {
        struct thread *thread = thread_get(core, now, tenant, message->thread);
        uint64_t seq = core->next_seq++;

        ENSURE(seq <= LIMIT_SEQ_MAX);
        effects_push_change(fx, CHANGE_PUT_MESSAGE)->message = (struct stored_message){
                .seq = seq,
                .accepted = now.wall,
                .tenant = message->tenant,
                .thread = message->thread,
                .id = message->id,
                .channel = message->channel,
                .body = message->body,
        };
        thread_push(core, thread,
                    (struct message){
                            .seq = seq, .accepted = now.wall, .at = now.mono, .bytes = (uint32_t)message->body.len});
        /* Only a collecting thread's due time moves. In every other state the message waits for the next batch, or
         * joins the one that has not gone out yet. */
        if (thread->state == THREAD_COLLECTING)
                thread_arm(core, thread, batch_due(core, now, thread));
}

void on_messages(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t n = event->messages.n, n_duplicates = 0, n_refusals = 0, tenant;
        CLEANUP_FREE uint32_t *duplicates = memory_new(n, sizeof *duplicates);
        CLEANUP_FREE struct wire_refusal *refusals = memory_new(n, sizeof *refusals);

        for (uint32_t i = 0; i < n; i++) {
                const struct wire_message *message = &event->messages.items[i];

                if (check(core, message, i, &tenant, &refusals[n_refusals]) != 0)
                        n_refusals++;
                else if (is_duplicate(core, now, tenant, message->id, fx))
                        duplicates[n_duplicates++] = i;
                else
                        accept(core, now, tenant, message, fx);
        }
        shorten(refusals, n_refusals);
        core->counters.accepted += n - n_duplicates - n_refusals;
        core->counters.duplicate += n_duplicates;
        core->counters.refused += n_refusals;
        wire_encode_ack(effects_begin_frame(fx, DOOR_INGEST, event->from), event->messages.request,
                        n - n_duplicates - n_refusals, duplicates, n_duplicates, refusals, n_refusals);
        effects_end_frame(fx);
}
