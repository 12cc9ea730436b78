/* A producer's frame: each message is accepted, known already, or refused; one ACK names which. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

static const struct {
        const char *name, *why;
} refusals_of[REFUSAL_N_CODES] = {
        [REFUSAL_UNKNOWN_TENANT] = {"unknown_tenant", "the broker's lull.yaml has no tenant of that name"},
        [REFUSAL_UNKNOWN_CHANNEL] = {"unknown_channel", "the tenant has no channel of that name in lull.yaml"},
        [REFUSAL_BAD_THREAD] = {"bad_thread", "a thread's name is 1 to 256 bytes of UTF-8 without control characters"},
        [REFUSAL_BAD_ID] = {"bad_id", "an id is up to 256 bytes of UTF-8 without control characters"},
        [REFUSAL_TOO_LARGE] = {"too_large", "the message is over limits.message_bytes"},
        [REFUSAL_BAD_BODY] = {"bad_body", "the body is not the MessagePack array that lull/1 describes"},
        [REFUSAL_STORE_FULL] = {"store_full", "the broker's disk is full: send it again later; make room on the disk, "
                                              "or raise limits.store_bytes if that is what is reached"},
        [REFUSAL_BROKER_FULL] = {"broker_full", "the broker holds as many messages as limits.memory allows: send it "
                                                "again later; let workers catch up, or raise the limit"},
        [REFUSAL_TENANT_FULL] = {"tenant_full", "as many messages of the tenant are pending as its max_pending allows: "
                                                "send it again when some are answered, or raise the limit"},
};

const char *core_refusal_name(enum refusal_code code) { return refusals_of[code].name; }

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

/* Is the message as it should be? Then *ret_tenant, else *ret_code. */
static bool check(const struct core *core, const struct wire_message *message, uint32_t *ret_tenant,
                  enum refusal_code *ret_code) {
        uint32_t tenant = tenant_find(core, message->tenant);
        struct wire_body body;

        if (tenant == NONE || !core->tenants[tenant].settings)
                return *ret_code = REFUSAL_UNKNOWN_TENANT, false;
        if (!has_channel(core->tenants[tenant].settings, message->channel))
                return *ret_code = REFUSAL_UNKNOWN_CHANNEL, false;
        if (message->thread.len == 0 || !is_name(message->thread, LIMIT_THREAD_LEN))
                return *ret_code = REFUSAL_BAD_THREAD, false;
        if (!is_name(message->id, LIMIT_MESSAGE_ID_LEN))
                return *ret_code = REFUSAL_BAD_ID, false;
        if (message->body.len > core->config->limits.message_bytes)
                return *ret_code = REFUSAL_TOO_LARGE, false;
        if (wire_decode_body(message->body, &body) < 0)
                return *ret_code = REFUSAL_BAD_BODY, false;
        return *ret_tenant = tenant, true;
}

static struct hash_128 hash_id(const struct core *core, uint32_t tenant, struct bytes id) {
        return hash_128(core->salt ^ hash_64(core->salt, bytes_of(core->tenants[tenant].name)), id);
}

/* May the message that has just come, the thread's last, join the batch that is being answered? Not when the answer is
 * stored, nor past the time at which a reply is due whatever else is said: that bounds how often one begins anew. */
static bool may_interrupt(const struct core *core, struct now now, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        const struct message_list *all = &thread->messages;

        if (thread->state != THREAD_RUNNING || thread->is_answered)
                return false;
        if (settings->on_new_message != CONFIG_ON_NEW_INTERRUPT || thread->n_interrupts >= settings->max_interrupts)
                return false;
        if (all->n != thread->n_batch + 1 || all->n > settings->max_messages || all->n_bytes > settings->max_bytes)
                return false;
        return mono_is_before(now.mono, mono_add(core->messages[all->first].at, settings->max_wait));
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
        else if (may_interrupt(core, now, thread))
                run_interrupted(core, now, thread, fx);
}

/* What becomes of a frame's messages, by their places in it. */
struct outcome {
        uint32_t n_accepted;
        uint32_t *duplicates, n_duplicates;
        struct wire_refusal *refusals;
        uint32_t n_refusals;
};

static void refuse(struct core *core, struct outcome *outcome, uint32_t index, enum refusal_code code) {
        /* A sentence for each of ten thousand would make the ACK ten times the frame. */
        const char *why = outcome->n_refusals < LIMIT_ACK_SENTENCES ? refusals_of[code].why : "";

        outcome->refusals[outcome->n_refusals++] =
                (struct wire_refusal){index, bytes_of(refusals_of[code].name), bytes_of(why)};
        core->counters.refused_by[code]++;
}

/* A message without an id is always new. Only what is accepted is remembered: what is refused may come again. */
static void take(struct core *core, struct now now, const struct wire_message *message, uint32_t index,
                 struct outcome *outcome, struct effects *fx) {
        struct stored_seen item = {.seq = core->next_seq, .at = now.wall};
        enum refusal_code code;
        uint32_t tenant;

        if (!check(core, message, &tenant, &code)) {
                refuse(core, outcome, index, code);
                return;
        }
        item.hash = hash_id(core, tenant, message->id);
        if (message->id.len > 0 && seen_has(&core->seen, item.hash, now.wall)) {
                outcome->duplicates[outcome->n_duplicates++] = index;
                return;
        }
        if (!room_take(core, &core->tenants[tenant], message, &code)) {
                refuse(core, outcome, index, code);
                return;
        }
        if (message->id.len > 0)
                seen_push(&core->seen, &item, fx);
        accept(core, now, tenant, message, fx);
        outcome->n_accepted++;
}

void on_messages(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        CLEANUP_FREE uint32_t *duplicates = memory_new(event->messages.n, sizeof *duplicates);
        CLEANUP_FREE struct wire_refusal *refusals = memory_new(event->messages.n, sizeof *refusals);
        struct outcome outcome = {.duplicates = duplicates, .refusals = refusals};

        for (uint32_t i = 0; i < event->messages.n; i++)
                take(core, now, &event->messages.items[i], i, &outcome, fx);
        core->counters.accepted += outcome.n_accepted;
        core->counters.duplicate += outcome.n_duplicates;
        core->counters.refused += outcome.n_refusals;
        wire_encode_ack(effects_begin_frame(fx, DOOR_INGEST, event->from), event->messages.request, outcome.n_accepted,
                        duplicates, outcome.n_duplicates, refusals, outcome.n_refusals);
        effects_end_frame(fx);
}
