#include "broker/store/ids.h"

#include "common/ensure.h"

#include <errno.h>

/* Each is one piece. */
static void on_gone(void *context, struct engine_key key, struct bytes value) {
        struct ids *ids = context;
        struct bytes payload;

        ids->tally->n--;
        ids->tally->sum -= values_checksum(value);
        if (key.piece > 0 || values_open(key.seq, value, &payload) < 0 ||
            values_decode_ids(key.seq, payload, &ids->values) < 0)
                ids->damage = -EBADMSG;
}

static int open_value(struct ids *ids, uint64_t first) {
        int r;

        if (ids->is_open && ids->values.first == first)
                return 0;
        r = ids_flush(ids);
        if (r < 0)
                return r;
        ids->is_open = true;
        ids->values.first = first;
        ids->values.has = 0;
        if (first >= ids->fresh_from)
                return 0;
        /* There may be ids by themselves, of an older layout, too. */
        r = ids->engine->ops->remove(ids->engine, ENGINE_SEEN, first, first + VALUES_IDS - 1, on_gone, ids);
        return r < 0 ? r : ids->damage;
}

int ids_put(struct ids *ids, const struct stored_seen *seen) {
        int r = open_value(ids, values_ids_first(seen->seq));

        if (r == 0)
                values_ids_put(&ids->values, seen);
        return r;
}

int ids_drop(struct ids *ids, uint64_t seq) {
        int r = open_value(ids, values_ids_first(seq));

        if (r == 0)
                values_ids_drop(&ids->values, seq);
        return r;
}

int ids_flush(struct ids *ids) {
        struct bytes value;

        if (!ids->is_open)
                return 0;
        ids->is_open = false;
        if (ids->values.has == 0)
                return 0;
        buffer_clear(ids->scratch);
        values_encode_ids(ids->scratch, &ids->values);
        value = buffer_bytes(ids->scratch);
        ENSURE(value.len <= ENGINE_PIECE);
        ids->tally->n++;
        ids->tally->sum += values_checksum(value);
        if (ids->fresh_from <= ids->values.first)
                ids->fresh_from = ids->values.first + VALUES_IDS;
        return ids->engine->ops->put(ids->engine, ENGINE_SEEN, (struct engine_key){ids->values.first, 0}, value);
}
