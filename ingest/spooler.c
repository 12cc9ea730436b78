#include "ingest/spooler.h"

#include "common/log.h"
#include "common/memory.h"
#include "ingest/spool_refused.h"
#include "ingest/spool_slots.h"

#include <errno.h>
#include <string.h>

struct spooler {
        struct intake *intake;
        struct spool_slots slots;
        struct spool_queue *queue;
        struct spool_flow *flow; /* NULL: the spool cannot be used */
        struct spool_refused *refused;
        struct mono look; /* when to look for spools that were left */
        struct mono again; /* when to open the spool anew */
        bool is_broken; /* it is to be opened anew */
};

/* -- what the flow asks for ---------------------------------------------------------------------------------------- */

static void on_put(void *context, struct spool_key key, struct bytes record) {
        struct spooler *spooler = context;

        spool_put(spooler->slots.items[key.slot], key, record);
}

static void on_remove(void *context, struct spool_key key) {
        struct spooler *spooler = context;

        spool_remove(spooler->slots.items[key.slot], key);
}

/* LMDB answers nothing else any more once it could not write its head; it takes a new beginning. */
static int on_commit(void *context, uint64_t slot) {
        struct spooler *spooler = context;
        int r = spool_commit(spooler->slots.items[slot]);

        spooler->is_broken = spooler->is_broken || r == -ENOTRECOVERABLE;
        return r;
}

static int on_read(void *context, struct spool_key from, int (*visit)(void *, struct spool_key, struct bytes),
                   void *visited) {
        struct spooler *spooler = context;

        return spool_read(spooler->slots.items[from.slot], from, &(struct spool_visit){visit, visited});
}

static void on_refuse(void *context, const struct wire_message *message, const char *code, const char *why) {
        struct spooler *spooler = context;

        spool_refused_push(spooler->refused, message, code, why);
}

static int on_refused(void *context) {
        struct spooler *spooler = context;

        return spool_refused_write(spooler->refused);
}

static void on_event(void *context, const struct spool_event *event) {
        const struct spooler *spooler = context;
        struct log_field left = LOG_NUMBER("messages", event->n_messages), bytes = LOG_NUMBER("bytes", event->n_bytes);

        switch (event->kind) {
        case SPOOL_EVENT_SPOOLING:
                log_warning("spooling", LOG_TEXT("folder", spooler->slots.folder),
                            LOG_NUMBER("slot", spooler->slots.own), left, bytes,
                            LOG_TEXT("why", "what comes in is kept on disk, and goes to the broker when it is there"));
                break;
        case SPOOL_EVENT_FORWARDING:
                log_info("forwarding", LOG_NUMBER("forwarded", event->n_forwarded), left, bytes);
                break;
        case SPOOL_EVENT_FORWARDED:
                log_info("forwarded", LOG_NUMBER("forwarded", event->n_forwarded),
                         LOG_NUMBER("ms", span_to_ms(event->since)));
                break;
        case SPOOL_EVENT_FULL:
                log_error("spool_full", left, bytes,
                          LOG_TEXT("why", "what comes in is refused with 503: start the broker, or raise "
                                          "ingest.spool_bytes"));
                break;
        case SPOOL_EVENT_HAS_ROOM:
                log_info("spool_has_room", left, bytes);
                break;
        case SPOOL_EVENT_FAILED:
                log_error("spool_failed", LOG_TEXT("folder", spooler->slots.folder),
                          LOG_TEXT("why", strerror(-event->error)), left,
                          LOG_TEXT("next", "what comes in is refused with 503; what was acknowledged is safe"));
                break;
        case SPOOL_EVENT_WORKS:
                log_info("spool_works", LOG_TEXT("folder", spooler->slots.folder), left);
                break;
        case SPOOL_EVENT_WAITS:
                log_warning("spool_waits", LOG_TEXT("code", event->code), left, bytes,
                            LOG_TEXT("why", "the broker has no room; it is tried again each second"));
                break;
        case SPOOL_EVENT_DROPPED:
                log_error("spooled_events_dropped", LOG_NUMBER("events", event->n_dropped),
                          LOG_TEXT("why", "the broker is older than this lull-ingest, and knows no events; the "
                                          "messages beside them go on"));
                break;
        }
}

static const struct spool_ops ops = {
        .put = on_put,
        .remove = on_remove,
        .commit = on_commit,
        .read = on_read,
        .refuse = on_refuse,
        .refused = on_refused,
        .on_event = on_event,
};

/* -- opening ------------------------------------------------------------------------------------------------------- */

static int open_slot(struct spooler *spooler, uint32_t slot, const char *event) {
        int r = spool_slots_open(&spooler->slots, slot, spooler->queue);

        if (r == 0 && spool_queue_slot_count(spooler->queue, slot) > 0)
                log_info(event, LOG_NUMBER("slot", slot),
                         LOG_NUMBER("messages", spool_queue_slot_count(spooler->queue, slot)),
                         LOG_NUMBER("bytes", spool_queue_slot_bytes(spooler->queue, slot)));
        return r;
}

static void close_all(struct spooler *spooler) {
        intake_drop_backlog(spooler->intake);
        intake_hold(spooler->intake, false);
        spooler->flow = spool_flow_free(spooler->flow);
        spooler->queue = spool_queue_free(spooler->queue);
        for (uint32_t slot = 0; slot < LIMIT_SPOOL_SLOTS; slot++)
                if (slot != spooler->slots.own && spooler->slots.items[slot])
                        spool_slots_release(&spooler->slots, slot, false);
        spool_close(spooler->slots.items[spooler->slots.own]);
}

static int open_own(struct spooler *spooler) {
        int r;

        spooler->queue = spool_queue_new(spooler->slots.own);
        r = open_slot(spooler, spooler->slots.own, "spool_found");
        if (r < 0) {
                spooler->queue = spool_queue_free(spooler->queue);
                return r;
        }
        spooler->flow = spool_flow_new(spooler->intake, spooler->queue, &ops, spooler);
        return 0;
}

int spooler_new(const char *folder, struct intake *intake, struct spooler **ret, char **ret_error) {
        struct spooler *spooler = memory_new(1, sizeof *spooler);
        int r = spool_slots_init(&spooler->slots, folder, ret_error);

        spooler->intake = intake;
        spooler->refused = spool_refused_new(folder);
        if (r == 0) {
                r = open_own(spooler);
                if (r < 0)
                        *ret_error = memory_print("ingest.spool: cannot open the spool in %s/%u: %s", folder,
                                                  spooler->slots.own, strerror(-r));
        }
        if (r < 0) {
                spool_slots_done(&spooler->slots);
                spool_refused_free(spooler->refused);
                free(spooler);
                return r;
        }
        *ret = spooler;
        return 0;
}

struct spooler *spooler_free(struct spooler *spooler) {
        uint64_t n;

        if (!spooler)
                return NULL;
        n = spooler->queue ? spool_queue_count(spooler->queue) : 0;
        if (n > 0)
                log_warning("spool_kept", LOG_TEXT("folder", spooler->slots.folder), LOG_NUMBER("messages", n),
                            LOG_NUMBER("bytes", spool_queue_bytes(spooler->queue)),
                            LOG_TEXT("why", "they stay on disk, and go to the broker after the next start"));
        else if (spooler->flow && !spool_flow_has_gone(spooler->flow, spooler->slots.own))
                spool_slots_release(&spooler->slots, spooler->slots.own, true);
        spool_flow_free(spooler->flow);
        spool_queue_free(spooler->queue);
        spool_slots_done(&spooler->slots);
        spool_refused_free(spooler->refused);
        free(spooler);
        return NULL;
}

/* -- spools that were left ----------------------------------------------------------------------------------------- */

static void take_over(struct spooler *spooler) {
        uint32_t slot;
        int r;

        if (spool_slots_find(&spooler->slots, &slot) != 0)
                return;
        r = open_slot(spooler, slot, "spool_taken_over");
        if (r == 0)
                return;
        spool_slots_avoid(&spooler->slots, slot, r);
        /* What is known of it by half must not stay. */
        spooler->is_broken = spool_queue_slot_count(spooler->queue, slot) > 0;
}

static void give_back(struct spooler *spooler) {
        for (uint32_t slot = 0; slot < LIMIT_SPOOL_SLOTS; slot++)
                if (slot != spooler->slots.own && spooler->slots.items[slot] &&
                    spool_queue_slot_count(spooler->queue, slot) == 0 && !spool_flow_has_gone(spooler->flow, slot))
                        spool_slots_release(&spooler->slots, slot, true);
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

/* Half of what a request waits for: the commit must come before its end, too. */
static struct spool_bounds bounds_of(const struct spooler *spooler, const struct spooler_bounds *bounds) {
        struct span half = span_us(bounds->ack_timeout.us / 2);

        return (struct spool_bounds){spooler->slots.own, bounds->n_bytes, span_min(half, span_ms(LIMIT_RESEND_MS)),
                                     bounds->wall};
}

static void open_anew(struct spooler *spooler, struct mono now) {
        if (!mono_is_due(now, spooler->again))
                return;
        spooler->again = mono_add(now, span_ms(LIMIT_SPOOL_PAUSE_MS));
        close_all(spooler);
        spooler->is_broken = open_own(spooler) < 0;
        log_warning(spooler->is_broken ? "spool_still_failed" : "spool_opened_anew",
                    LOG_TEXT("folder", spooler->slots.folder));
}

void spooler_run(struct spooler *spooler, const struct spooler_bounds *bounds, struct mono now) {
        struct spool_bounds own = bounds_of(spooler, bounds);

        if (spooler->is_broken)
                open_anew(spooler, now);
        if (spooler->is_broken)
                return;
        if (mono_is_due(now, spooler->look)) {
                spooler->look = mono_add(now, span_ms(LIMIT_SPOOL_LOOK_MS));
                take_over(spooler);
        }
        if (spooler->is_broken)
                return;
        if (spool_flow_run(spooler->flow, &own, now) < 0)
                spooler->is_broken = true;
        give_back(spooler);
}

bool spooler_on_verdict(struct spooler *spooler, const struct intake_verdict *verdict, struct mono now) {
        return spooler->flow && spool_flow_on_verdict(spooler->flow, verdict, now);
}

bool spooler_pop_verdict(struct spooler *spooler, struct intake_verdict *ret) {
        return spooler->flow && spool_flow_pop_verdict(spooler->flow, ret);
}

struct mono spooler_next(const struct spooler *spooler, const struct spooler_bounds *bounds) {
        struct spool_bounds own = bounds_of(spooler, bounds);

        if (spooler->is_broken)
                return spooler->again;
        return mono_min(spooler->look, spool_flow_next(spooler->flow, &own));
}
