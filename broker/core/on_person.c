/* The platform shows that a person of the team has a thread in hand, has closed it, or gives it back. */
#include "broker/core/state.h"

/* Under whichever name the reply went out. */
static bool is_echo(struct core *core, struct now now, uint32_t tenant, struct bytes root, struct bytes text) {
        uint32_t cursor = 0;
        struct bytes name;

        while (text.len > 0 && names_next(core, tenant, root, &cursor, &name))
                if (echoes_take(core, now, tenant, name, text))
                        return true;
        return false;
}

/* An operator's hold stays what it is. */
static bool is_operators(const struct hold *hold) { return hold && hold->kind == HOLD_OPERATOR; }

static bool is_persons(const struct hold *hold) { return hold && hold->kind == HOLD_PERSON; }

/* What the platform's file says of it, such as whom it was assigned to; not what the person wrote. */
static struct bytes why_of(const struct wire_body *body, const char *otherwise) {
        return body->kind.len > 0 && !bytes_is_text(body->kind, "text") ? body->kind : bytes_of(otherwise);
}

/* When the platform saw it: that may be long ago, as it was spooled, or is told once more. */
static struct wall said_at(struct now now, const struct wire_body *body) {
        return body->at.ms > 0 && body->at.ms < now.wall.ms ? body->at : now.wall;
}

/* Has the team said something since, by the platform's own account? Some tell the time in seconds. */
static bool is_outdated(const struct hold *hold, const struct wire_body *body) {
        return hold && body->at.ms > 0 && body->at.ms / 1000 < hold->said.ms / 1000;
}

static bool hold_by(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                    const struct wire_body *body, struct hold_terms terms, struct effects *fx, enum refusal_code *ret) {
        struct span span = core->tenants[tenant].settings->hold_for;

        terms.said = said_at(now, body);
        terms.until = span.us > 0 ? wall_add(terms.said, span) : (struct wall){0};
        terms.frame = core->frame.number;
        terms.word = core->next_seq;
        if (terms.until.ms > 0 && terms.until.ms <= now.wall.ms)
                return true; /* it would be over */
        if (take_over(core, now, tenant, item->thread, &terms, fx) < 0)
                return *ret = REFUSAL_TOO_MANY_HOLDS, false;
        return true;
}

bool on_person(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body, struct effects *fx, enum refusal_code *ret) {
        const struct hold *hold = hold_find(core, tenant, item->thread);
        struct hold_terms terms = {.kind = HOLD_PERSON};
        bool was_held = is_persons(hold), is_news;

        if (is_echo(core, now, tenant, item->thread, body->text)) {
                core->tenants[tenant].counters.echoes++;
                core->counters.savings.echoes++;
                return true;
        }
        if (core->tenants[tenant].settings->on_takeover == CONFIG_ON_TAKEOVER_IGNORE || is_operators(hold) ||
            is_outdated(hold, body))
                return true;
        terms.why = why_of(body, "a person has answered");
        if (!hold_by(core, now, tenant, item, body, terms, fx, ret))
                return false;
        is_news = !was_held && is_persons(hold_find(core, tenant, item->thread));
        core->tenants[tenant].counters.takeovers += is_news;
        core->counters.savings.takeovers += is_news;
        return true;
}

/* Has it anything that could be answered, under whichever name? */
static bool has_messages(const struct core *core, uint32_t tenant, struct bytes root) {
        uint32_t cursor = 0;
        struct bytes name;

        while (names_next(core, tenant, root, &cursor, &name))
                if (thread_find(core, tenant, name))
                        return true;
        return false;
}

bool on_closed(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body, struct effects *fx, enum refusal_code *ret) {
        const struct hold *hold = hold_find(core, tenant, item->thread);
        struct hold_terms terms = {.kind = HOLD_CLOSED};

        if (core->tenants[tenant].settings->on_takeover == CONFIG_ON_TAKEOVER_IGNORE || is_operators(hold) ||
            is_outdated(hold, body))
                return true;
        /* The next message would end it: where nothing waits there is nothing to hold. It is only shown, and threads
         * that a person has in hand need the place more. */
        if (!hold && core->holds.n >= LIMIT_HOLDS / 2 && !has_messages(core, tenant, item->thread))
                return true;
        terms.why = why_of(body, "the conversation was closed");
        return hold_by(core, now, tenant, item, body, terms, fx, ret);
}

void on_given_back(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                   const struct wire_body *body, struct effects *fx) {
        if (is_outdated(hold_find(core, tenant, item->thread), body))
                return;
        let_go(core, now, tenant, item->thread, HOLDS_OF_PLATFORM, fx);
}
