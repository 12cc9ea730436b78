#include "broker/core/echoes.h"

#include "broker/core/state.h"
#include "common/memory.h"

enum { FIRST_CAP = 256 };

void echoes_done(struct echoes *echoes) {
        free(echoes->ring);
        table_done(&echoes->table);
}

static bool is_space(uint8_t letter) { return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r'; }

/* Platforms cut it off. */
static struct bytes without_space(struct bytes text) {
        const uint8_t *data = text.data;

        while (text.len > 0 && is_space(data[text.len - 1]))
                text.len--;
        while (text.len > 0 && is_space(*data)) {
                data++;
                text.len--;
        }
        return (struct bytes){data, text.len};
}

static uint64_t hash_of(const struct core *core, uint32_t tenant, struct bytes thread, struct bytes text) {
        return hash_64(hash_64(core->salt + tenant, thread), without_space(text));
}

static void forget_oldest(struct echoes *echoes) {
        table_remove(&echoes->table, (uint32_t)echoes->ring[echoes->first].hash, echoes->first);
        echoes->first = (echoes->first + 1) & (echoes->cap - 1);
        echoes->n--;
}

static void grow(struct echoes *echoes) {
        struct echoes larger = {.cap = echoes->cap ? echoes->cap * 2 : FIRST_CAP, .n = echoes->n};

        larger.ring = memory_new(larger.cap, sizeof *larger.ring);
        for (uint32_t i = 0; i < echoes->n; i++) {
                larger.ring[i] = echoes->ring[(echoes->first + i) & (echoes->cap - 1)];
                table_push(&larger.table, (uint32_t)larger.ring[i].hash, i);
        }
        echoes_done(echoes);
        *echoes = larger;
}

static bool is_over(struct now now, const struct echo *echo) {
        return mono_is_due(now.mono, mono_add(echo->at, span_s(LIMIT_ECHO_S)));
}

static void push(struct echoes *echoes, struct now now, uint64_t hash) {
        uint32_t at;

        while (echoes->n > 0 && (echoes->n == LIMIT_ECHOES || is_over(now, &echoes->ring[echoes->first])))
                forget_oldest(echoes);
        if (echoes->n == echoes->cap)
                grow(echoes);
        at = (echoes->first + echoes->n) & (echoes->cap - 1);
        echoes->ring[at] = (struct echo){hash, now.mono, MONO_NEVER};
        echoes->n++;
        table_push(&echoes->table, (uint32_t)hash, at);
}

static bool is_once_more(struct now now, const struct echo *echo) {
        return !mono_is_due(now.mono, mono_add(echo->used, span_s(LIMIT_ECHO_AGAIN_S)));
}

/* The oldest that no echo has come of yet, else one of which an echo has just come; NULL when there is neither. */
static struct echo *find(const struct echoes *echoes, struct now now, uint64_t hash) {
        struct table_probe probe = {.hash = (uint32_t)hash};
        struct echo *best = NULL;
        uint32_t at;

        while (table_next(&echoes->table, &probe, &at)) {
                struct echo *echo = &echoes->ring[at];
                bool is_used = echo->used.us != MONO_NEVER.us;

                if (echo->hash != hash || is_over(now, echo) || (is_used && !is_once_more(now, echo)))
                        continue;
                if (!best || mono_is_before(best->used, echo->used) || (!is_used && mono_is_before(echo->at, best->at)))
                        best = echo;
        }
        return best;
}

/* What is still expected from before is the same reply. */
static void expect_again(struct echoes *echoes, struct now now, uint64_t hash) {
        struct echo *echo = find(echoes, now, hash);

        if (echo && echo->used.us == MONO_NEVER.us)
                echo->used = mono_sub(now.mono, span_s(LIMIT_ECHO_AGAIN_S));
}

void echoes_push(struct core *core, struct now now, uint32_t tenant, struct bytes thread, struct bytes answer,
                 uint32_t first, bool is_again) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        if (wire_decode_answer(answer, replies, &n) < 0)
                return;
        for (uint32_t i = first; is_again && i < n; i++)
                expect_again(&core->echoes, now, hash_of(core, tenant, thread, replies[i]));
        for (uint32_t i = first; i < n; i++)
                push(&core->echoes, now, hash_of(core, tenant, thread, replies[i]));
}

void core_expect_echoes(struct core *core, struct now now, struct bytes tenant, struct bytes thread,
                        struct bytes answer, uint32_t first) {
        uint32_t index = tenant_find(core, tenant);

        if (index != NONE)
                echoes_push(core, now, index, thread, answer, first, true);
}

bool echoes_take(struct core *core, struct now now, uint32_t tenant, struct bytes thread, struct bytes text) {
        struct echo *echo = find(&core->echoes, now, hash_of(core, tenant, thread, text));

        if (echo && echo->used.us == MONO_NEVER.us)
                echo->used = now.mono;
        return echo != NULL;
}
