/* The verbs of a thread: hold, resume, flush, cancel; and which threads are held. */
#include "broker/verb_answers.h"

#include "broker/questions.h"
#include "common/clock.h"
#include "common/item.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static const struct verb {
        const char *name;
        enum event_type type;
        const char *done; /* the key of its answer, and what the log says */
} verbs[] = {
        {"hold", EVENT_HOLD, "held"},
        {"resume", EVENT_RESUME, "resumed"},
        {"flush", EVENT_FLUSH, "flushed"},
        {"cancel", EVENT_CANCEL, "cancelled"},
};

static const struct verb *find_verb(const char *name) {
        for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
                if (strcmp(name, verbs[i].name) == 0)
                        return &verbs[i];
        return NULL;
}

static struct bytes text_of(const json_t *json, const char *key) {
        const json_t *value = json_object_get(json, key);

        return (struct bytes){json_string_value(value), json_string_length(value)};
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

static void refuse(struct verb_change *change, const char *code, const char *why) {
        change->code = code;
        change->why = why;
}

/* -EBADMSG when it is no such thing, which has been noted. */
static int check_texts(struct verb_change *change, const json_t *question) {
        static const char *const keys[] = {"tenant", "thread", "why"};

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
                const json_t *value = json_object_get(question, keys[i]);

                if (value ? json_is_string(value) : i == 2)
                        continue;
                refuse(change, "bad_request",
                       "a verb needs a \"tenant\" and a \"thread\", which are texts as \"why\" is");
                return -EBADMSG;
        }
        return 0;
}

/* Cut, it might say something else. */
static int check_why(struct verb_change *change, const struct core_verb *verb) {
        if (verb->why.len <= LIMIT_WHY_LEN)
                return 0;
        refuse(change, "bad_request", "the reason (\"why\") is over 400 bytes: say it shorter");
        return -EMSGSIZE;
}

static int check_names(struct verb_change *change, const struct core_verb *verb) {
        CLEANUP_FREE char *why = NULL;
        struct item_fault fault;
        int r = item_check(&(struct wire_message){.tenant = verb->tenant, .thread = verb->thread}, 0, &fault);

        if (r == 0)
                return 0;
        why = fault.why;
        if (strcmp(fault.code, "bad_thread") == 0)
                refuse(change, "bad_thread", "a thread's name is 1 to 256 bytes of UTF-8 without control characters");
        else
                refuse(change, "unknown_tenant", "the broker's lull.yaml has no tenant of that name");
        return r;
}

static int read_end(struct verb_change *change, const json_t *question, struct now now, struct wall *ret) {
        const json_t *for_ms = json_object_get(question, "for_ms");

        if (!for_ms)
                return 0;
        if (!json_is_integer(for_ms) || json_integer_value(for_ms) < 1 ||
            json_integer_value(for_ms) > INT64_C(1000) * LIMIT_HOLD_S) {
                refuse(change, "bad_request",
                       "\"for_ms\" is a whole number of milliseconds, from 1 to 366 days; without it a hold has no "
                       "end");
                return -EBADMSG;
        }
        *ret = (struct wall){now.wall.ms + json_integer_value(for_ms)};
        return 0;
}

static void log_verb(const struct verb *verb, const struct verb_change *change, const struct core_verb *asked) {
        char until[CLOCK_TEXT_MAX];

        if (asked->until.ms > 0)
                log_info(verb->done, LOG_BYTES("tenant", asked->tenant), LOG_BYTES("thread", asked->thread),
                         LOG_NUMBER("messages", change->n_messages),
                         LOG_TEXT("until", clock_text(asked->until, until)));
        else
                log_info(verb->done, LOG_BYTES("tenant", asked->tenant), LOG_BYTES("thread", asked->thread),
                         LOG_NUMBER("messages", change->n_messages));
}

bool verb_step(struct verb_change *change, const json_t *question, struct loop *loop) {
        const struct verb *verb = find_verb(json_string_value(json_object_get(question, "cmd")));
        struct event event = {0};

        if (!verb)
                return false;
        *change = (struct verb_change){.done = verb->done};
        event.type = verb->type;
        event.verb = (struct core_verb){
                .tenant = text_of(question, "tenant"),
                .thread = text_of(question, "thread"),
                .why = text_of(question, "why"),
                .ret_result = &change->result,
                .ret_messages = &change->n_messages,
        };
        if (check_texts(change, question) < 0 || check_names(change, &event.verb) < 0 ||
            check_why(change, &event.verb) < 0 || read_end(change, question, loop->now, &event.verb.until) < 0)
                return true;
        change->until = event.verb.until;
        core_step(loop->core, loop->now, &event, &loop->fx);
        if (change->result == 0)
                log_verb(verb, change, &event.verb);
        return true;
}

/* -- answering ----------------------------------------------------------------------------------------------------- */

static json_t *answer_nothing_there(const struct verb_change *change) {
        if (strcmp(change->done, "resumed") == 0)
                return answer_error("not_found", "the thread is not held; `lull holds` shows those that are");
        return answer_error("not_found", "the thread has no message that waits; `lull why` says what it has");
}

static json_t *answer_busy(const struct verb_change *change) {
        if (strcmp(change->done, "flushed") == 0)
                return answer_error("busy",
                                    "a worker has the thread already; what came since is next when its run ends");
        return answer_error("busy", "its answer is stored and a worker is posting it; cancel what is left after that, "
                                    "or hold the thread");
}

static json_t *answer_too_many(void) {
        CLEANUP_FREE char *why =
                memory_print("%d threads are held already; resume some, or give holds an end", LIMIT_HOLDS);

        return answer_error("too_many_holds", why);
}

static json_t *answer_failed(const struct verb_change *change) {
        switch (change->result) {
        case -ESRCH:
                return answer_error("unknown_tenant", "the broker's lull.yaml has no tenant of that name");
        case -ENOENT:
                return answer_nothing_there(change);
        case -EBUSY:
                return answer_busy(change);
        case -EPERM:
                return answer_error("held", "the thread is held: resume it, and what it has goes when it is due");
        case -ENOSPC:
                return answer_too_many();
        default:
                return answer_error("refused", strerror(-change->result));
        }
}

json_t *answer_verb(const struct verb_change *change) {
        bool is_cancel = change->done && strcmp(change->done, "cancelled") == 0;
        json_t *json;

        if (change->code)
                return answer_error(change->code, change->why);
        if (change->result < 0)
                return answer_failed(change);
        json = json_object();
        json_object_set_new(json, change->done, json_integer(is_cancel ? change->n_messages : 1));
        if (strcmp(change->done, "held") == 0)
                json_object_set_new(json, "until", answer_time(change->until));
        return json;
}

static json_t *hold_item(const struct loop *loop, const struct core_hold_view *view) {
        json_t *item = json_object();

        json_object_set_new(item, "tenant", json_text_new(view->tenant));
        json_object_set_new(item, "thread", json_text_new(view->thread));
        json_object_set_new(item, "since", answer_time(view->since));
        json_object_set_new(item, "until", answer_time(view->until));
        json_object_set_new(item, "why", view->why[0] ? json_text_new(bytes_of(view->why)) : json_null());
        json_object_set_new(item, "pending", json_integer(view->n_messages));
        json_object_set_new(item, "kind", json_string(hold_kind_name(view->kind)));
        json_object_set_new(item, "on_resume",
                            answer_policy(config_tenant_find(loop->config, view->tenant), view->kind));
        return item;
}

json_t *answer_holds(struct loop *loop, const char *tenant, uint32_t limit) {
        json_t *list = json_array();
        struct core_hold_view view;
        json_int_t total = 0;
        uint32_t cursor = 0;

        while (core_next_hold(loop->core, &cursor, &view))
                if ((!tenant || bytes_is_text(view.tenant, tenant)) && total++ < limit)
                        json_array_append_new(list, hold_item(loop, &view));
        return json_pack("{s:o,s:I}", "holds", list, "total", total);
}
