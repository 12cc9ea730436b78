/* Into the spool: the requests of a turn, and the commit that they share with what has gone out. */
#include "ingest/core/spool_flow_private.h"

#include "common/ensure.h"
#include "common/memory.h"

static void entries_push(struct spool_entries *entries, struct spool_entry *entry) {
        entry->next = NULL;
        *entries->end = entry;
        entries->end = &entry->next;
}

static struct spool_entry *entries_pop(struct spool_entries *entries) {
        struct spool_entry *entry = entries->first;

        if (entry) {
                entries->first = entry->next;
                if (!entries->first)
                        entries->end = &entries->first;
        }
        return entry;
}

struct spool_entry *spool_entry_free(struct spool_entry *entry) {
        parcel_done(&entry->parcel);
        free(entry->keys);
        intake_verdict_done(&entry->verdict);
        free(entry);
        return NULL;
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

static void refuse(struct spool_entry *entry, const char *code, const char *why) {
        for (uint32_t i = 0; i < entry->parcel.n; i++)
                refusals_push(&entry->verdict.refusals, entry->parcel.places[i].index, bytes_of(code), bytes_of(why));
        entry->verdict.is_late = entry->parcel.n == 0; /* nothing was asked but whether there is room */
}

static void refuse_for_room(struct spool_entry *entry) {
        refuse(entry, "spool_full",
               "the broker is away, and the spool for such times is full: send it again later; start the broker, or "
               "raise ingest.spool_bytes");
}

static void refuse_for_error(struct spool_entry *entry) {
        refuse(entry, "spool_failed",
               "the broker is away, and the spool for such times cannot be written: send it again later; the log of "
               "lull-ingest says why");
}

/* Is there room for all of the parcel, beside `n_bytes` that come into the spool in the same commit? 0; 1 not; 2 not
 * for one of its tenants. */
static int check_room(struct spool_flow *flow, const struct spool_bounds *bounds, const struct parcel *parcel,
                      uint64_t n_bytes) {
        struct pack_reader reader = pack_open(buffer_bytes(&parcel->messages));
        uint64_t n_own = spool_queue_slot_bytes(flow->queue, bounds->slot) + n_bytes;
        struct wire_message message;
        struct bytes item;

        for (uint32_t i = 0; i < parcel->n; i++) {
                bool is_waiting;
                uint64_t n_tenant;
                int r = spool_item_next(&reader, &item, &message);

                ENSURE(r == 0);
                n_own += spool_queue_cost(item.len);
                n_tenant = spool_queue_tenant_bytes(flow->queue, message.tenant, &is_waiting);
                if (is_waiting && n_tenant > bounds->n_bytes / 2)
                        return 2;
        }
        return n_own > bounds->n_bytes;
}

static uint64_t put_item(struct spool_flow *flow, struct spool_key key, struct bytes item) {
        buffer_clear(&flow->scratch);
        spool_record_encode(&flow->scratch, key, item);
        flow->ops->put(flow->context, key, buffer_bytes(&flow->scratch));
        return spool_queue_cost(item.len);
}

/* 0 and the bytes it adds; 1 when there are too many tenants, and then nothing of it is put. */
static int put_parcel(struct spool_flow *flow, struct spool_entry *entry, struct wall now, uint64_t *ret_n_bytes) {
        struct pack_reader reader = pack_open(buffer_bytes(&entry->parcel.messages)), again = reader;
        CLEANUP_FREE struct spool_key *keys = memory_new(entry->parcel.n + 1, sizeof *keys);
        struct wire_message message;
        struct bytes item;
        uint64_t n_bytes = 0;

        for (uint32_t i = 0; i < entry->parcel.n; i++) {
                int r = spool_item_next(&reader, &item, &message);

                ENSURE(r == 0);
                if (spool_queue_key(flow->queue, message.tenant, now, &keys[i]) != 0)
                        return 1;
        }
        for (uint32_t i = 0; i < entry->parcel.n; i++) {
                int r = spool_item_next(&again, &item, &message);

                ENSURE(r == 0);
                n_bytes += put_item(flow, keys[i], item);
        }
        entry->keys = TAKE(keys);
        *ret_n_bytes = n_bytes;
        return 0;
}

static void set_full(struct spool_flow *flow, bool is_full, struct mono now) {
        if (is_full != flow->is_full)
                spool_flow_tell(flow, now,
                                (struct spool_event){.kind = is_full ? SPOOL_EVENT_FULL : SPOOL_EVENT_HAS_ROOM});
        flow->is_full = is_full;
}

static void take_request(struct spool_flow *flow, const struct spool_bounds *bounds, struct spool_entry *entry,
                         uint64_t *n_bytes, struct mono now) {
        uint64_t n_more = 0;
        int r = flow->is_full ? 1 : check_room(flow, bounds, &entry->parcel, *n_bytes);

        if (r == 2) {
                refuse(entry, "tenant_full",
                       "as many messages of the tenant are pending as its max_pending allows, and as many wait here: "
                       "send it again when some are answered, or raise the limit");
                return;
        }
        if (r == 0)
                r = put_parcel(flow, entry, bounds->wall, &n_more);
        if (r != 0) {
                refuse_for_room(entry);
                set_full(flow, true, now);
        }
        *n_bytes += n_more;
}

void spool_take_requests(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now) {
        struct intake_request request;
        uint64_t n_bytes = 0;

        while (intake_pop_request(flow->intake, &request)) {
                struct spool_entry *entry = memory_new(1, sizeof *entry);

                *entry = (struct spool_entry){
                        .parcel = request.parcel, .verdict.owner = request.owner, .has_owner = request.owner != NULL};
                entry->verdict.refusals = request.refusals;
                take_request(flow, bounds, entry, &n_bytes, now);
                entries_push(&flow->batch, entry);
        }
}

static void push_records(struct spool_flow *flow, struct spool_entry *entry) {
        struct pack_reader reader = pack_open(buffer_bytes(&entry->parcel.messages));
        struct wire_message message;
        struct bytes item;

        for (uint32_t i = 0; i < entry->parcel.n; i++) {
                int r = spool_item_next(&reader, &item, &message);

                ENSURE(r == 0);
                spool_queue_push(flow->queue, entry->keys[i], message.tenant, spool_queue_cost(item.len));
                entry->verdict.n_events += entry->parcel.places[i].is_event;
                entry->verdict.n_accepted += !entry->parcel.places[i].is_event;
        }
        flow->n_spooled += entry->parcel.n;
}

/* Who only asks is told no for a while after a commit that failed; then yes, for only what comes in shows whether it
 * works again. */
static void answer_asker(const struct spool_flow *flow, struct spool_entry *entry, struct mono now) {
        struct mono again = mono_add(flow->failed, span_s(LIMIT_SPOOL_UNREADY_S));

        if (entry->parcel.n == 0 && entry->verdict.refusals.n == 0 && flow->error < 0 && !mono_is_due(now, again))
                entry->verdict.is_late = true;
}

/* The commit was made, or came to nothing. */
static void answer_batch(struct spool_flow *flow, int r, struct mono now) {
        struct spool_entry *entry;
        bool is_all_spooled = true;

        while ((entry = entries_pop(&flow->batch))) {
                is_all_spooled = is_all_spooled && entry->keys && r == 0;
                answer_asker(flow, entry, now);
                if (entry->keys && r == 0)
                        push_records(flow, entry);
                else if (entry->keys)
                        refuse_for_error(entry);
                if (entry->has_owner)
                        entries_push(&flow->answered, entry);
                else
                        spool_entry_free(entry);
        }
        if (!is_all_spooled)
                spool_queue_forget_keys(flow->queue);
}

bool spool_flow_pop_verdict(struct spool_flow *flow, struct intake_verdict *ret) {
        struct spool_entry *entry = entries_pop(&flow->answered);

        if (!entry)
                return false;
        *ret = entry->verdict;
        entry->verdict = (struct intake_verdict){0};
        spool_entry_free(entry);
        return true;
}

/* -- commits ------------------------------------------------------------------------------------------------------- */

bool spool_flow_has_gone(const struct spool_flow *flow, uint64_t slot) {
        for (uint32_t i = 0; i < flow->gone.n; i++)
                if (flow->gone.keys[i].slot == slot)
                        return true;
        return false;
}

static void remove_gone(struct spool_flow *flow, uint64_t slot) {
        for (uint32_t i = 0; i < flow->gone.n; i++)
                if (flow->gone.keys[i].slot == slot)
                        flow->ops->remove(flow->context, flow->gone.keys[i]);
}

static void forget_gone(struct spool_flow *flow, uint64_t slot) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < flow->gone.n; i++)
                if (flow->gone.keys[i].slot != slot)
                        flow->gone.keys[n++] = flow->gone.keys[i];
        flow->gone.n = n;
}

/* Takes out what has gone from a spool, in a commit of its own or in the one that is open. */
static int commit_gone(struct spool_flow *flow, uint64_t slot) {
        int r;

        remove_gone(flow, slot);
        r = flow->ops->commit(flow->context, slot);
        if (r == 0)
                forget_gone(flow, slot);
        return r;
}

static void set_error(struct spool_flow *flow, int r, struct mono now) {
        if (r < 0 && flow->error == 0)
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_FAILED, .error = r});
        if (r == 0 && flow->error < 0)
                spool_flow_tell(flow, now, (struct spool_event){.kind = SPOOL_EVENT_WORKS});
        flow->error = r;
        flow->failed = r < 0 ? now : flow->failed;
}

static bool has_puts(const struct spool_flow *flow) {
        for (const struct spool_entry *entry = flow->batch.first; entry; entry = entry->next)
                if (entry->keys && entry->parcel.n > 0)
                        return true;
        return false;
}

/* What comes and what goes shares a commit. When that finds no room, what goes is tried alone: it makes some. */
static void commit_own(struct spool_flow *flow, uint64_t slot, struct mono now) {
        bool is_put = has_puts(flow);
        bool is_due = spool_flow_has_gone(flow, slot) && (is_put || mono_is_due(now, flow->gone.due));
        int r = 0;

        if (is_put || is_due) {
                r = commit_gone(flow, slot);
                set_error(flow, r, now);
        }
        answer_batch(flow, r, now);
        if (r < 0 && is_put && is_due && mono_is_due(now, flow->gone.due))
                r = commit_gone(flow, slot);
        if (r < 0)
                flow->gone.due = mono_add(now, span_ms(LIMIT_SPOOL_PAUSE_MS));
}

static void commit_others(struct spool_flow *flow, uint64_t own, struct mono now) {
        uint64_t tried = own;

        for (uint32_t i = 0; i < flow->gone.n && mono_is_due(now, flow->gone.due);) {
                uint64_t slot = flow->gone.keys[i].slot;

                if (slot == own || slot == tried) {
                        i++;
                        continue;
                }
                tried = slot;
                if (commit_gone(flow, slot) < 0)
                        flow->gone.due = mono_add(now, span_ms(LIMIT_SPOOL_PAUSE_MS));
                i = 0;
        }
}

void spool_take_commit(struct spool_flow *flow, const struct spool_bounds *bounds, struct mono now) {
        commit_own(flow, bounds->slot, now);
        commit_others(flow, bounds->slot, now);
        if (flow->is_full && spool_queue_slot_bytes(flow->queue, bounds->slot) <= bounds->n_bytes - bounds->n_bytes / 8)
                set_full(flow, false, now);
}
