#include "ingest/core/spool_flow_private.h"

#include "common/memory.h"

struct spool_flow *spool_flow_new(struct intake *intake, struct spool_queue *queue, const struct spool_ops *ops,
                                  void *context) {
        struct spool_flow *flow = memory_new(1, sizeof *flow);

        *flow = (struct spool_flow){.intake = intake, .queue = queue, .ops = ops, .context = context};
        flow->batch.end = &flow->batch.first;
        flow->answered.end = &flow->answered.first;
        return flow;
}

struct spool_flow *spool_flow_free(struct spool_flow *flow) {
        if (!flow)
                return NULL;
        while (flow->answered.first) {
                struct spool_entry *entry = flow->answered.first;

                flow->answered.first = entry->next;
                spool_entry_free(entry);
        }
        buffer_done(&flow->scratch);
        free(flow->gone.keys);
        free(flow);
        return NULL;
}

bool spool_flow_is_spooling(const struct spool_flow *flow) { return flow->is_spooling; }

void spool_flow_tell(struct spool_flow *flow, struct mono now, struct spool_event event) {
        event.n_messages = spool_queue_count(flow->queue);
        event.n_bytes = spool_queue_bytes(flow->queue);
        event.n_forwarded = flow->n_forwarded;
        event.n_spooled = flow->n_spooled;
        event.since = mono_since(now, flow->since);
        flow->ops->on_event(flow->context, &event);
}

/* -- which way ----------------------------------------------------------------------------------------------------- */

static void begin(struct spool_flow *flow, struct mono now) {
        flow->is_spooling = true;
        flow->is_said = false;
        flow->since = flow->told = now;
        flow->n_forwarded = flow->n_told = flow->n_spooled = 0;
        intake_hold(flow->intake, true);
}

static void end(struct spool_flow *flow, struct mono now) {
        if (flow->is_said)
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_FORWARDED});
        flow->is_spooling = false;
        intake_hold(flow->intake, false);
}

/* Who only asks whether there is room makes no news. */
static void tell_progress(struct spool_flow *flow, struct mono now) {
        if (!flow->is_said && spool_queue_count(flow->queue) > 0) {
                flow->is_said = true;
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_SPOOLING});
        }
        if (flow->n_forwarded == flow->n_told || mono_since(now, flow->told).us < span_s(LIMIT_SPOOL_LOG_S).us)
                return;
        flow->told = now;
        flow->n_told = flow->n_forwarded;
        spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_FORWARDING});
}

int spool_flow_run(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now) {
        bool is_unheard = mono_is_due(now, intake_unheard_at(flow->intake, bounds->patience));

        if (!flow->is_spooling && (is_unheard || spool_queue_count(flow->queue) > 0))
                begin(flow, now);
        if (flow->is_spooling)
                spool_take_requests(flow, bounds, now);
        spool_take_commit(flow, bounds, now);
        if (!flow->is_spooling)
                return 0;
        tell_progress(flow, now);
        if (spool_queue_count(flow->queue) > 0 || flow->is_sending)
                return spool_forward_next(flow, now);
        end(flow, now);
        return 0;
}

struct mono spool_flow_next(const struct spool_flow *flow, const struct spool_bounds *bounds) {
        struct mono next = flow->gone.n > 0 ? flow->gone.due : MONO_NEVER;

        if (!flow->is_spooling)
                return mono_min(next, intake_unheard_at(flow->intake, bounds->patience));
        if (flow->is_sending)
                return next;
        return mono_min(next, mono_max(flow->pause, spool_queue_due(flow->queue)));
}
