/* A producer's frame: each of its items, a message or an event, is accepted, known already, or refused; one ACK names
 * which. */
#include "broker/core/state.h"

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
        [REFUSAL_TOO_MANY_HOLDS] = {"too_many_holds",
                                    "as many threads are held as the broker can hold; resume some, or "
                                    "give tenants a shorter hold_for"},
        [REFUSAL_STORE_FULL] = {"store_full", "the broker's disk is full: send it again later; make room on the disk, "
                                              "or raise limits.store_bytes if that is what is reached"},
        [REFUSAL_BROKER_FULL] = {"broker_full", "the broker holds as many messages as limits.memory allows: send it "
                                                "again later; let workers catch up, or raise the limit"},
        [REFUSAL_TENANT_FULL] = {"tenant_full", "as many messages of the tenant are pending as its max_pending allows: "
                                                "send it again when some are answered, or raise the limit"},
};

const char *core_refusal_name(enum refusal_code code) { return refusals_of[code].name; }

bool name_is_good(struct bytes name, size_t longest) { return name.len <= longest && bytes_is_line(name); }

static bool has_channel(const struct config_tenant *tenant, struct bytes name) {
        return name.len == 0 || config_channel_find(tenant, name) != NULL;
}

/* Is the item as it should be? Then *ret_tenant and *ret_body, else *ret_code. */
static bool check(struct core *core, const struct wire_message *message, uint32_t *ret_tenant,
                  struct wire_body *ret_body, enum refusal_code *ret_code) {
        uint32_t tenant = frame_item(core)->tenant;

        if (tenant == NONE || !core->tenants[tenant].settings)
                return *ret_code = REFUSAL_UNKNOWN_TENANT, false;
        if (!has_channel(core->tenants[tenant].settings, message->channel))
                return *ret_code = REFUSAL_UNKNOWN_CHANNEL, false;
        if (message->thread.len == 0 || !name_is_good(message->thread, LIMIT_THREAD_LEN))
                return *ret_code = REFUSAL_BAD_THREAD, false;
        if (!name_is_good(message->id, LIMIT_MESSAGE_ID_LEN))
                return *ret_code = REFUSAL_BAD_ID, false;
        if (message->body.len > core->config->limits.message_bytes)
                return *ret_code = REFUSAL_TOO_LARGE, false;
        if (wire_decode_body(message->body, ret_body) < 0)
                return *ret_code = REFUSAL_BAD_BODY, false;
        return *ret_tenant = tenant, true;
}

struct hash_128 hash_of_id(const struct core *core, uint32_t tenant, struct bytes id) {
        return hash_128(core->salt ^ core->tenants[tenant].hash, id);
}

/* What becomes of a frame's items, by their places in it. */
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

/* -- one item ------------------------------------------------------------------------------------------------------ */

enum verdict { ACCEPTED, DUPLICATE, REFUSED };

/* The item under its thread's own name, after what it says of names has been noted: itself, or a copy in *memory. */
static const struct wire_message *under_own_name(struct core *core, struct now now, uint32_t tenant,
                                                 const struct wire_message *item, struct wire_message *memory,
                                                 struct effects *fx) {
        const struct wire_message *own = item;
        struct bytes root;

        if (item->n_aliases == 0 && core->aliases.by_name.n == 0)
                return item; /* nobody has two names */
        root = names_root(core, tenant, item);
        if (root.data != item->thread.data) {
                *memory = *item;
                memory->thread = effects_keep(fx, root);
                own = memory;
        }
        names_learn(core, now, tenant, item, own->thread, fx);
        return own;
}

/* The frame that closed the thread has come again: when it came first, this message ended that. */
static void open_again(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                       struct effects *fx) {
        if (core->holds.n > 0)
                let_go(core, now, tenant, names_root(core, tenant, item), 1U << HOLD_CLOSED | HOLDS_OF_FRAME, fx);
}

/* A message without an id is always new. Only what is accepted is remembered: what is refused may come again. */
static enum verdict take_message(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                                 const struct wire_body *body, struct effects *fx, enum refusal_code *ret_code) {
        struct stored_seen seen = {.at = now.wall};
        struct wire_message memory;

        if (item->id.len > 0)
                seen.hash = frame_item(core)->id;
        if (item->id.len > 0 && seen_has(&core->seen, seen.hash, now.wall)) {
                open_again(core, now, tenant, item, fx);
                return DUPLICATE;
        }
        if (!room_take(core, &core->tenants[tenant], item, ret_code))
                return REFUSED;
        item = under_own_name(core, now, tenant, item, &memory, fx);
        let_go(core, now, tenant, item->thread, 1U << HOLD_CLOSED, fx);
        seen.seq = core->next_seq;
        if (item->id.len > 0)
                seen_push(&core->seen, &seen, fx);
        on_message(core, now, tenant, item, body, fx);
        return ACCEPTED;
}

/* Is it about the messages before it? Where one of them had no room, it comes again with that. */
static bool needs_order(enum wire_what what) {
        return what == WIRE_WHAT_PERSON || what == WIRE_WHAT_CLOSED || what == WIRE_WHAT_RESUME ||
               what == WIRE_WHAT_EDIT || what == WIRE_WHAT_DELETE;
}

static enum verdict take_event(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                               const struct wire_body *body, struct effects *fx, enum refusal_code *ret_code) {
        struct wire_message memory;
        struct hash_128 identity;
        bool has_identity = event_has_identity(core, tenant, item, body, &identity);
        bool is_taken = true;

        if (has_identity && seen_has(&core->seen, identity, now.wall))
                return DUPLICATE;
        if (needs_order(item->what) && !room_has_order(core, &core->tenants[tenant], ret_code))
                return REFUSED;
        item = under_own_name(core, now, tenant, item, &memory, fx);
        switch (item->what) {
        case WIRE_WHAT_TYPING:
                on_typing(core, now, tenant, item, body);
                break;
        case WIRE_WHAT_PAUSED:
                on_paused(core, now, tenant, item, body);
                break;
        case WIRE_WHAT_PERSON:
                is_taken = on_person(core, now, tenant, item, body, fx, ret_code);
                break;
        case WIRE_WHAT_CLOSED:
                is_taken = on_closed(core, now, tenant, item, body, fx, ret_code);
                break;
        case WIRE_WHAT_RESUME:
                on_given_back(core, now, tenant, item, body, fx);
                break;
        case WIRE_WHAT_EDIT:
        case WIRE_WHAT_DELETE:
                is_taken = on_edit(core, now, tenant, item, body, fx, ret_code);
                break;
        case WIRE_WHAT_SHOWN:
                on_shown(core, now, tenant, item, fx);
                break;
        case WIRE_WHAT_ALIAS: /* which has been noted */
        case WIRE_WHAT_MESSAGE:
        case WIRE_WHAT_UNKNOWN:
        case N_WIRE_WHAT:
                break;
        }
        if (is_taken && has_identity)
                event_remember(core, now, identity, fx);
        return is_taken ? ACCEPTED : REFUSED;
}

static enum verdict take_item(struct core *core, struct now now, const struct wire_message *item, struct effects *fx,
                              enum refusal_code *ret_code) {
        enum verdict verdict = ACCEPTED;
        struct wire_body body;
        uint32_t tenant;

        if (!check(core, item, &tenant, &body, ret_code))
                return REFUSED;
        if (item->what == WIRE_WHAT_MESSAGE)
                verdict = take_message(core, now, tenant, item, &body, fx, ret_code);
        else if (item->what != WIRE_WHAT_UNKNOWN) /* what is not understood changes nothing */
                verdict = take_event(core, now, tenant, item, &body, fx, ret_code);
        if (verdict == ACCEPTED) {
                core->tenants[tenant].counters.events[item->what]++;
                core->counters.savings.events[item->what]++;
        }
        return verdict;
}

static void take(struct core *core, struct now now, const struct wire_message *item, uint32_t index,
                 struct outcome *outcome, struct effects *fx) {
        enum refusal_code code = REFUSAL_BAD_BODY;

        switch (take_item(core, now, item, fx, &code)) {
        case ACCEPTED:
                outcome->n_accepted++;
                core->counters.accepted += item->what == WIRE_WHAT_MESSAGE;
                break;
        case DUPLICATE:
                outcome->duplicates[outcome->n_duplicates++] = index;
                break;
        case REFUSED:
                refuse(core, outcome, index, code);
                break;
        }
}

void on_messages(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        CLEANUP_FREE uint32_t *duplicates = memory_resize(NULL, event->messages.n, sizeof *duplicates);
        CLEANUP_FREE struct wire_refusal *refusals = memory_resize(NULL, event->messages.n, sizeof *refusals);
        struct outcome outcome = {.duplicates = duplicates, .refusals = refusals};

        frame_begin(core, event->messages.items, event->messages.n);
        for (uint32_t i = 0; i < event->messages.n; i++) {
                frame_go_to(core, i);
                take(core, now, &event->messages.items[i], i, &outcome, fx);
        }
        frame_end(core);
        core->counters.duplicate += outcome.n_duplicates;
        core->counters.refused += outcome.n_refusals;
        wire_encode_ack(effects_begin_frame(fx, DOOR_INGEST, event->from), event->messages.request, outcome.n_accepted,
                        duplicates, outcome.n_duplicates, refusals, outcome.n_refusals);
        effects_end_frame(fx);
}
