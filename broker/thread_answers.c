/* The answers about threads and dead letters: state, since when, what it waits for, what is next. */
#include "broker/questions.h"

#include "broker/provider_answers.h"
#include "broker/thread_text.h"
#include "common/clock.h"
#include "common/memory.h"

#include <string.h>

/* Ids of pending messages shown by `why`. */
enum { IDS_SHOWN = 20 };

static void set_text(json_t *json, const char *key, char *text) {
        if (text)
                json_object_set_new(json, key, json_text_new(bytes_of(text)));
        free(text);
}

static json_t *ids_of(struct loop *loop, const struct core_thread_view *view) {
        uint64_t seqs[IDS_SHOWN];
        uint32_t n = core_thread_seqs(loop->core, view->tenant, view->thread, seqs, IDS_SHOWN);
        json_t *ids = json_array();

        for (uint32_t i = 0; i < n; i++) {
                struct stored_message message;

                buffer_clear(&loop->memory);
                if (store_read_message(loop->store, seqs[i], &loop->memory, &message) == 0)
                        json_array_append_new(ids, message.id.len > 0 ? json_text_new(message.id) : json_null());
        }
        return ids;
}

static json_t *failure(const char *code, const char *why) {
        json_t *json = json_object();

        json_object_set_new(json, "code", json_text_or_null(code));
        json_object_set_new(json, "why", json_text_or_null(why));
        return json;
}

static json_t *dead_of_thread(const struct core *core, const struct core_thread_view *view) {
        json_t *list = json_array();
        struct core_dead_view dead;
        uint32_t cursor = 0;

        while (core_next_dead(core, &cursor, &dead) && json_array_size(list) < LIMIT_LISTING) {
                json_t *item;

                if (!bytes_is_equal(dead.tenant, view->tenant) || !bytes_is_equal(dead.thread, view->thread))
                        continue;
                item = failure(dead.code, dead.why);
                json_object_set_new(item, "batch", json_string(dead.batch));
                json_object_set_new(item, "since", answer_time(dead.since));
                json_array_append_new(list, item);
        }
        return list;
}

json_t *answer_policy(const struct config_tenant *tenant, enum hold_kind kind) {
        return tenant ? json_string(thread_policy_name(tenant, kind)) : json_null();
}

static json_t *hold_of(const struct loop *loop, const struct core_thread_view *view) {
        json_t *json = json_object();

        json_object_set_new(json, "kind", json_string(hold_kind_name(view->held_kind)));
        json_object_set_new(json, "on_resume",
                            answer_policy(config_tenant_find(loop->config, view->tenant), view->held_kind));
        json_object_set_new(json, "since", answer_time(view->held_since));
        json_object_set_new(json, "until", answer_time(view->held_until));
        json_object_set_new(json, "why", view->held_why[0] ? json_text_new(bytes_of(view->held_why)) : json_null());
        return json;
}

/* Of how many replies how many are out, and whether one more may be. */
static json_t *state_of_answer(const struct core_thread_view *view) {
        json_t *json = json_object();

        json_object_set_new(json, "replies", view->n_replies > 0 ? json_integer(view->n_replies) : json_null());
        json_object_set_new(json, "posted", json_integer(view->posted));
        json_object_set_new(json, "doubt", json_boolean(view->is_doubtful));
        return json;
}

/* The other names that the thread goes by. */
static void set_aliases(json_t *json, const struct core *core, const struct core_thread_view *view) {
        struct bytes names[LIMIT_ALIASES_OF_THREAD];
        uint32_t n = core_aliases(core, view->tenant, view->thread, names, LIMIT_ALIASES_OF_THREAD);
        json_t *list = n > 0 ? json_array() : NULL;

        for (uint32_t i = 0; i < n; i++)
                json_array_append_new(list, json_text_new(names[i]));
        if (list)
                json_object_set_new(json, "aliases", list);
}

static void set_details(json_t *json, struct loop *loop, const struct core_thread_view *view) {
        if (view->n_messages > 0) {
                json_object_set_new(json, "messages", json_integer(view->n_messages));
                json_object_set_new(json, "bytes", json_integer(view->n_bytes));
                json_object_set_new(json, "pending_ids", ids_of(loop, view));
        } else if (view->n_batch > 0) {
                json_object_set_new(json, "messages", json_integer(view->n_batch));
        }
        if (view->n_record > 0)
                json_object_set_new(json, "messages_to_record", json_integer(view->n_record));
        if (view->due.ms > 0)
                json_object_set_new(json, "due", answer_time(view->due));
        if (view->awaited_until.ms > 0)
                json_object_set_new(json, "awaited_until", answer_time(view->awaited_until));
        if (view->batch[0])
                json_object_set_new(json, "batch", json_string(view->batch));
        if (view->state != THREAD_UNKNOWN)
                json_object_set_new(json, "attempts_failed",
                                    json_integer(view->state == THREAD_DONE ? view->attempts - 1 : view->attempts));
        if (view->lost > 0)
                json_object_set_new(json, "runs_lost", json_integer(view->lost));
        if (view->n_interrupts > 0)
                json_object_set_new(json, "interrupts", json_integer(view->n_interrupts));
        if (view->is_answered)
                json_object_set_new(json, "answer", state_of_answer(view));
        if (view->worker) {
                json_object_set_new(json, "worker", json_string(questions_uuid(view->worker)));
                set_text(json, "fence", memory_print("%llu", (unsigned long long)view->fence));
        }
        if (view->is_held)
                json_object_set_new(json, "hold", hold_of(loop, view));
        if (view->provider.endpoint)
                json_object_set_new(json, "provider", answer_provider(&view->provider));
        if ((view->code || view->why) && !thread_is_cancelled(view))
                json_object_set_new(json, "last_failure", failure(view->code, view->why));
        if (view->n_dead > 0)
                json_object_set_new(json, "dead", dead_of_thread(loop->core, view));
}

json_t *answer_why(struct loop *loop, struct bytes tenant, struct bytes thread) {
        const struct config_tenant *settings = config_tenant_find(loop->config, tenant);
        struct core_thread_view view;
        json_t *json;

        if (!tenant.data || !thread.data)
                return answer_error("bad_request", "`why` needs a \"tenant\" and a \"thread\"");
        core_why(loop->core, loop->now, tenant, thread, &view);
        if (view.is_orphan && view.state == THREAD_UNKNOWN)
                return answer_error("unknown_tenant", "the broker's lull.yaml has no tenant of that name");
        json = json_object();
        json_object_set_new(json, "tenant", json_text_new(tenant));
        json_object_set_new(json, "thread", json_text_new(view.thread));
        set_aliases(json, loop->core, &view);
        json_object_set_new(json, "state", json_string(thread_state_name(view.state)));
        json_object_set_new(json, "since", answer_time(view.since));
        if (settings || view.state >= THREAD_N_STATES || view.state == THREAD_RUNNING) {
                set_text(json, "waits_for", thread_waits_for(&view, settings));
                set_text(json, "next", thread_what_is_next(&view, settings));
        } else {
                json_object_set_new(json, "waits_for",
                                    json_string("its tenant to be in lull.yaml: it has left the file, and messages of "
                                                "it are still here"));
                json_object_set_new(json, "next",
                                    json_string("nothing until then; SIGHUP makes the broker read the file again"));
        }
        set_details(json, loop, &view);
        return json;
}

static bool is_wanted(const struct core_thread_view *view, const char *state, const char *tenant) {
        return (!state || strcmp(state, thread_state_name(view->state)) == 0) &&
               (!tenant || bytes_is_text(view->tenant, tenant));
}

static bool is_state(const char *name) {
        for (int i = 0; i < THREAD_N_STATES; i++)
                if (strcmp(name, thread_state_name((enum thread_state)i)) == 0)
                        return true;
        return false;
}

json_t *answer_threads(struct loop *loop, const char *state, const char *tenant, uint32_t limit) {
        json_t *list, *json;
        struct core_thread_view view;
        json_int_t total = 0;
        uint32_t cursor = 0;

        if (state && !is_state(state))
                return answer_error("bad_request",
                                    "the states are collecting, ready, running, waiting, backoff and held");
        list = json_array();
        while (core_next_thread(loop->core, loop->now, &cursor, &view)) {
                json_t *item;

                if (!is_wanted(&view, state, tenant) || total++ >= limit)
                        continue;
                item = json_object();
                json_object_set_new(item, "tenant", json_text_new(view.tenant));
                json_object_set_new(item, "thread", json_text_new(view.thread));
                json_object_set_new(item, "state", json_string(thread_state_name(view.state)));
                json_object_set_new(item, "since", answer_time(view.since));
                json_object_set_new(item, "messages", json_integer(view.n_messages));
                json_object_set_new(item, "due", answer_time(view.due));
                json_array_append_new(list, item);
        }
        json = json_pack("{s:o,s:I}", "threads", list, "total", total);
        return json;
}

static json_t *dead_item(const struct core_dead_view *view) {
        json_t *item = failure(view->code, view->why);

        json_object_set_new(item, "batch", json_string(view->batch));
        json_object_set_new(item, "tenant", json_text_new(view->tenant));
        json_object_set_new(item, "thread", json_text_new(view->thread));
        json_object_set_new(item, "since", answer_time(view->since));
        json_object_set_new(item, "messages", json_integer(view->n_messages));
        json_object_set_new(item, "attempts", json_integer(view->attempts));
        json_object_set_new(item, "runs_lost", json_integer(view->lost));
        json_object_set_new(item, "doubt", json_boolean(view->is_answered && view->is_doubtful));
        return item;
}

json_t *answer_dead(struct loop *loop, const char *tenant, uint32_t limit) {
        json_t *list = json_array();
        struct core_dead_view view;
        json_int_t total = 0;
        uint32_t cursor = 0;

        while (core_next_dead(loop->core, &cursor, &view))
                if ((!tenant || bytes_is_text(view.tenant, tenant)) && total++ < limit)
                        json_array_append_new(list, dead_item(&view));
        return json_pack("{s:o,s:I}", "dead", list, "total", total);
}

static json_t *message_item(struct loop *loop, uint64_t seq) {
        struct stored_message message;
        struct wire_body body;
        json_t *item, *data;

        buffer_clear(&loop->memory);
        if (store_read_message(loop->store, seq, &loop->memory, &message) < 0 ||
            wire_decode_body(message.body, &body) < 0)
                return answer_error("damaged", "the store cannot give this message back");
        item = json_object();
        json_object_set_new(item, "id", message.id.len > 0 ? json_text_new(message.id) : json_null());
        json_object_set_new(item, "accepted", answer_time(message.accepted));
        json_object_set_new(item, "from", body.from.len > 0 ? json_text_new(body.from) : json_null());
        json_object_set_new(item, "kind", json_text_new(body.kind.len > 0 ? body.kind : bytes_of("text")));
        json_object_set_new(item, "text", json_text_new(body.text));
        data = body.data.len > 0 ? json_loadb(body.data.data, body.data.len, JSON_DECODE_ANY, NULL) : NULL;
        json_object_set_new(item, "data", data ? data : json_null());
        return item;
}

static json_t *replies_of(struct loop *loop, uint64_t seq) {
        struct bytes answer, replies[LIMIT_REPLIES];
        json_t *list = json_array();
        uint32_t n = 0;

        buffer_clear(&loop->memory);
        if (store_read_answer(loop->store, seq, &loop->memory, &answer) == 0 &&
            wire_decode_answer(answer, replies, &n) == 0)
                for (uint32_t i = 0; i < n; i++)
                        json_array_append_new(list, json_text_new(replies[i]));
        return list;
}

json_t *answer_dead_show(struct loop *loop, struct bytes batch) {
        uint64_t seqs[LIMIT_BATCH_MESSAGES_MAX];
        struct core_dead_view view;
        json_t *json, *messages;
        uint32_t n;

        if (!core_dead_find(loop->core, batch, &view))
                return answer_error("not_found",
                                    "there is no dead letter of that batch id; `lull dead list` shows those there are");
        json = dead_item(&view);
        messages = json_array();
        n = core_dead_seqs(loop->core, view.seq, seqs, LIMIT_BATCH_MESSAGES_MAX);
        for (uint32_t i = 0; i < n; i++)
                json_array_append_new(messages, message_item(loop, seqs[i]));
        json_object_set_new(json, "messages", messages);
        if (view.is_answered) {
                json_object_set_new(json, "answer", replies_of(loop, view.seq));
                json_object_set_new(json, "posted", json_integer(view.posted));
        }
        return json;
}
