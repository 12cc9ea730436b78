/* Out of the spool: frames, and what the broker said to them. */
#include "ingest/core/spool_flow_private.h"

#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* -- frames -------------------------------------------------------------------------------------------------------- */

struct filling {
        struct spool_flow *flow;
        struct parcel *parcel;
        uint32_t n_left;
        bool is_full;
};

static bool has_gone(const struct spool_flow *flow, struct spool_key key) {
        for (uint32_t i = 0; i < flow->gone.n; i++)
                if (memcmp(&flow->gone.keys[i], &key, sizeof key) == 0)
                        return true;
        return false;
}

static int fill(void *context, struct spool_key key, struct bytes record) {
        struct filling *filling = context;
        struct parcel *parcel = filling->parcel;
        struct wire_message message;
        struct bytes item;

        if (has_gone(filling->flow, key))
                return 0;
        if (spool_record_decode(key, record, &item, &message) < 0)
                return -EBADMSG;
        filling->is_full = parcel->messages.len + item.len > LIMIT_FRAME_BYTES - LIMIT_FRAME_HEAD_BYTES;
        if (filling->is_full || filling->n_left == 0)
                return 1;
        filling->n_left--;
        parcel_push_item(parcel, item, &message, parcel->n);
        spool_queue_add(filling->flow->queue, key, spool_queue_cost(item.len));
        return filling->n_left == 0;
}

/* 0; -EBADMSG when what should be there is not. */
static int fill_frame(struct spool_flow *flow, struct parcel *parcel, struct mono now) {
        struct filling filling = {.flow = flow, .parcel = parcel};
        struct spool_key from;

        spool_queue_begin(flow->queue, now);
        while (!filling.is_full && spool_queue_next(flow->queue, &from, &filling.n_left)) {
                uint32_t n = parcel->n;
                int r = flow->ops->read(flow->context, from, fill, &filling);

                if (r < 0)
                        return r;
                if (parcel->n == n && !filling.is_full)
                        return -EBADMSG;
        }
        return 0;
}

int spool_forward_next(struct spool_flow *flow, struct mono now) {
        CLEANUP_PARCEL struct parcel parcel = {0};
        int r;

        if (flow->is_sending || !mono_is_due(now, flow->pause) || spool_queue_count(flow->queue) == 0 ||
            !mono_is_due(now, spool_queue_due(flow->queue)))
                return 0;
        r = fill_frame(flow, &parcel, now);
        if (r < 0)
                return r;
        flow->is_sending = parcel.n > 0;
        if (parcel.n > 0)
                intake_push_backlog(flow->intake, &parcel, flow);
        return 0;
}

/* -- what the broker said ------------------------------------------------------------------------------------------ */

static void push_gone(struct spool_flow *flow, struct spool_key key) {
        if (flow->gone.n == flow->gone.cap) {
                flow->gone.cap = flow->gone.cap ? 2 * flow->gone.cap : 64;
                flow->gone.keys = memory_resize(flow->gone.keys, flow->gone.cap, sizeof *flow->gone.keys);
        }
        flow->gone.keys[flow->gone.n++] = key;
}

struct finding {
        struct spool_flow *flow;
        const struct refusal *refusal;
};

static int on_refused_record(void *context, struct spool_key key, struct bytes record) {
        struct finding *finding = context;
        struct wire_message message;
        struct bytes item;

        if (spool_record_decode(key, record, &item, &message) < 0)
                return -EBADMSG;
        finding->flow->ops->refuse(finding->flow->context, &message, finding->refusal->code, finding->refusal->why);
        return 1;
}

static bool hand_over(struct spool_flow *flow, struct spool_key key, const struct refusal *refusal) {
        struct finding finding = {flow, refusal};

        return flow->ops->read(flow->context, key, on_refused_record, &finding) == 1;
}

/* Passing refusals keep their message; the others hand it over, and it is kept only until that is durable. An event
 * that an old broker does not know is dropped: to wait for a new one would block everybody's messages. */
static void note_refusal(struct spool_flow *flow, struct spool_sent *sent, const struct refusal *refusal,
                         struct mono now) {
        if (strcmp(refusal->code, INTAKE_BROKER_OLD) == 0)
                return;
        sent->fate = SPOOL_KEPT;
        if (!wire_is_passing(bytes_of(refusal->code))) {
                if (hand_over(flow, sent->key, refusal))
                        sent->fate = SPOOL_REFUSED;
                return;
        }
        if (strncmp(flow->waits, refusal->code, LIMIT_CODE_LEN) != 0)
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_WAITS, .code = refusal->code});
        snprintf(flow->waits, sizeof flow->waits, "%s", refusal->code);
        if (strcmp(refusal->code, "tenant_full") != 0)
                flow->pause = mono_add(now, span_ms(LIMIT_SPOOL_PAUSE_MS));
}

static void note_refusals(struct spool_flow *flow, const struct refusals *refusals, struct mono now) {
        uint32_t n, n_refused = 0, n_dropped = 0;
        struct spool_sent *sent = spool_queue_sent(flow->queue, &n);
        int r = 0;

        for (uint32_t i = 0; i < refusals->n; i++) {
                n_dropped += strcmp(refusals->items[i].code, INTAKE_BROKER_OLD) == 0;
                note_refusal(flow, &sent[refusals->items[i].index], &refusals->items[i], now);
                n_refused += sent[refusals->items[i].index].fate == SPOOL_REFUSED;
        }
        if (n_dropped > 0)
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_DROPPED, .n_dropped = n_dropped});
        if (n_refused > 0)
                r = flow->ops->refused(flow->context);
        for (uint32_t i = 0; i < n && r < 0; i++)
                if (sent[i].fate == SPOOL_REFUSED)
                        sent[i].fate = SPOOL_KEPT;
}

bool spool_flow_on_verdict(struct spool_flow *flow, const struct intake_verdict *verdict, struct mono now) {
        struct spool_sent *sent;
        uint32_t n;

        if (verdict->owner != flow)
                return false;
        flow->is_sending = false;
        if (verdict->is_late) {
                spool_queue_give_up(flow->queue);
                return true;
        }
        note_refusals(flow, &verdict->refusals, now);
        sent = spool_queue_sent(flow->queue, &n);
        for (uint32_t i = 0; i < n; i++) {
                if (sent[i].fate == SPOOL_KEPT)
                        continue;
                push_gone(flow, sent[i].key);
                flow->n_forwarded++;
        }
        spool_queue_settle(flow->queue, mono_add(now, span_ms(LIMIT_SPOOL_PAUSE_MS)));
        if (!spool_queue_is_waiting(flow->queue))
                flow->waits[0] = '\0';
        return true;
}
