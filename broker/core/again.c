/* Events that come again. A frame is sent until its ACK is heard, so what it says may come twice, with other frames in
 * between: a message is known by its id, and so is an event that has one of its own. */
#include "broker/core/state.h"

/* What one more id takes up in the store. */
enum { ID_BYTES = 100 };

/* Those of messages and of each kind of event are apart: platforms number them each from anew. */
static uint64_t salt_of(const struct core *core, uint32_t tenant, enum wire_what what) {
        return core->salt ^ hash_64(core->salt + what, bytes_of(core->tenants[tenant].name));
}

/* An edit bears the id of its message: it is known by all that it says, if it says when that was. */
static struct hash_128 hash_of_edit(const struct core *core, uint32_t tenant, const struct wire_message *item) {
        return hash_128(hash_64(salt_of(core, tenant, item->what), item->id), item->body);
}

bool event_has_identity(const struct core *core, uint32_t tenant, const struct wire_message *item,
                        const struct wire_body *body, struct hash_128 *ret) {
        switch (item->what) {
        case WIRE_WHAT_PERSON:
        case WIRE_WHAT_CLOSED:
        case WIRE_WHAT_RESUME:
        case WIRE_WHAT_ALIAS:
                *ret = hash_128(salt_of(core, tenant, item->what), item->id);
                return item->id.len > 0;
        case WIRE_WHAT_EDIT:
        case WIRE_WHAT_DELETE:
                *ret = hash_of_edit(core, tenant, item);
                return item->id.len > 0 && body->at.ms > 0;
        case WIRE_WHAT_MESSAGE:
        case WIRE_WHAT_TYPING: /* of these only the last counts, */
        case WIRE_WHAT_PAUSED:
        case WIRE_WHAT_SHOWN: /* and this says a number, which counts once */
        case WIRE_WHAT_UNKNOWN:
        case N_WIRE_WHAT:
                break;
        }
        return false;
}

void event_remember(struct core *core, struct now now, struct hash_128 hash, struct effects *fx) {
        struct stored_seen seen = {.at = now.wall, .hash = hash};

        /* On a full disk it is taken in all the same: a person who has taken over goes before one who comes twice. */
        if (!room_take_bytes(core, ID_BYTES))
                return;
        seen.seq = core->next_seq++;
        seen_push(&core->seen, &seen, fx);
}
