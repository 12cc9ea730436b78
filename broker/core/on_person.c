/* The platform shows that a person of the team has a thread in hand, has closed it, or gives it back. */
#include "broker/core/state.h"

/* Under whichever name the reply went out. */
static bool is_echo(const struct core *core, struct now now, uint32_t tenant, struct bytes root, struct bytes text) {
        uint32_t cursor = 0;
        struct bytes name;

        while (text.len > 0 && names_next(core, tenant, root, &cursor, &name))
                if (echoes_has(core, now, tenant, name, text))
                        return true;
        return false;
}

/* An operator's hold stays what it is. */
static bool is_operators(const struct hold *hold) { return hold && hold->kind == HOLD_OPERATOR; }

/* What the platform's file says of it, such as whom it was assigned to; not what the person wrote. */
static struct bytes why_of(const struct wire_body *body, const char *otherwise) {
        return body->kind.len > 0 && !bytes_is_text(body->kind, "text") ? body->kind : bytes_of(otherwise);
}

static bool hold_by(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                    enum hold_kind kind, struct bytes why, struct effects *fx, enum refusal_code *ret) {
        struct span span = core->tenants[tenant].settings->hold_for;
        struct hold_terms terms = {kind, why, span.us > 0 ? wall_add(now.wall, span) : (struct wall){0}};

        if (take_over(core, now, tenant, item->thread, &terms, fx) < 0)
                return *ret = REFUSAL_TOO_MANY_HOLDS, false;
        return true;
}

bool on_person(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body, struct effects *fx, enum refusal_code *ret) {
        const struct hold *hold = hold_find(core, tenant, item->thread);
        bool is_news = !hold || hold->kind != HOLD_PERSON;

        if (is_echo(core, now, tenant, item->thread, body->text)) {
                core->tenants[tenant].counters.echoes++;
                core->counters.savings.echoes++;
                return true;
        }
        if (core->tenants[tenant].settings->on_takeover == CONFIG_ON_TAKEOVER_IGNORE || is_operators(hold))
                return true;
        if (!hold_by(core, now, tenant, item, HOLD_PERSON, why_of(body, "a person has answered"), fx, ret))
                return false;
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

        if (core->tenants[tenant].settings->on_takeover == CONFIG_ON_TAKEOVER_IGNORE || is_operators(hold))
                return true;
        /* The next message would end it: where nothing waits there is nothing to hold. It is only shown, and threads
         * that a person has in hand need the place more. */
        if (!hold && core->holds.n >= LIMIT_HOLDS / 2 && !has_messages(core, tenant, item->thread))
                return true;
        return hold_by(core, now, tenant, item, HOLD_CLOSED, why_of(body, "the conversation was closed"), fx, ret);
}

void on_given_back(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                   struct effects *fx) {
        let_go(core, now, tenant, item->thread, HOLDS_OF_PLATFORM, fx);
}
