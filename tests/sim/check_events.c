/* What producers tell beside messages, and how each item looks on the wire. Nothing is judged here: check_items.c does
 * that, when the broker takes them in. */
#include "tests/sim/check_state.h"

#include <stdio.h>
#include <string.h>

/* -- events -------------------------------------------------------------------------------------------------------- */

uint32_t check_tell(uint32_t producer, uint32_t thread, enum wire_what what) {
        uint32_t number = check_say(producer, thread, "", NULL);

        checks.said[number].what = what;
        sim.stats.events++;
        return number;
}

uint32_t check_change(uint32_t producer, uint32_t number, enum wire_what what) {
        uint32_t change = check_tell(producer, checks.said[number].name, what);

        checks.said[change].key = checks.said[number].key;
        memcpy(checks.said[change].id, checks.said[number].id, sizeof checks.said[change].id);
        return change;
}

uint32_t check_show(uint32_t producer, uint32_t thread, const char *batch, uint32_t index) {
        uint32_t number = check_tell(producer, thread, WIRE_WHAT_SHOWN);

        snprintf(checks.said[number].id, sizeof checks.said[number].id, "%s", batch);
        checks.said[number].index = index;
        return number;
}

void check_call(uint32_t number, uint32_t name) {
        struct said *said = &checks.said[number];

        if (said->n_aliases < LIMIT_ALIASES_OF_ITEM)
                said->aliases[said->n_aliases++] = name;
}

void check_be_audio(uint32_t number) { checks.said[number].is_audio = true; }
void check_be_typed(uint32_t number, int64_t wall_ms) { checks.said[number].typed_ms = wall_ms; }

void check_reword(uint32_t number, const char *text) {
        snprintf(checks.said[number].text, sizeof checks.said[number].text, "%.23s", text);
}

void check_be_echo(uint32_t number, const char *text) {
        checks.said[number].is_echo = true;
        check_reword(number, text);
}

void check_rename(uint32_t number, uint32_t thread) { checks.said[number].name = checks.said[number].thread = thread; }

enum wire_what check_what(uint32_t number) { return checks.said[number].what; }

uint32_t check_any_message(void) {
        for (int tries = 0; tries < 16 && checks.n_said > 0; tries++) {
                uint32_t back = sim_roll(checks.n_said < 24 ? checks.n_said : 24), number = checks.n_said - 1 - back;
                const struct said *said = &checks.said[number];

                if (said->what == WIRE_WHAT_MESSAGE && !said->bad && said->key != UINT32_MAX)
                        return number;
        }
        return UINT32_MAX;
}

uint32_t check_message_of_id(uint32_t thread, const char *id) {
        for (uint32_t i = 0; i < checks.n_said; i++)
                if (checks.said[i].what == WIRE_WHAT_MESSAGE && checks.said[i].name == thread &&
                    strcmp(checks.said[i].id, id) == 0)
                        return i;
        return UINT32_MAX;
}

/* -- on the wire --------------------------------------------------------------------------------------------------- */

static bool is_bad(const struct said *said, const char *code) { return said->bad && strcmp(said->bad, code) == 0; }

static const char *text_of(const struct said *said) {
        static char large[2000];

        memset(large, 'x', sizeof large - 1);
        if (is_bad(said, "too_large"))
                return large;
        return said->is_audio || said->what == WIRE_WHAT_DELETE ? "" : said->text;
}

static const char *kind_of(const struct said *said) {
        if (said->what == WIRE_WHAT_DELETE)
                return "deleted";
        return said->is_audio ? "audio" : "";
}

static const char *channel_of(const struct said *said) {
        if (is_bad(said, "unknown_channel"))
                return "nowhere";
        return sim.tenants[world_tenant(said->name)].n_channels ? "support" : "";
}

/* Its number goes along as who it is from. */
void check_encode(uint32_t number, struct buffer *body, struct wire_message *ret) {
        struct said *said = &checks.said[number];
        char from[16];

        snprintf(from, sizeof from, "%u", number);
        wire_encode_body(body, &(struct wire_body){.at = {said->typed_ms},
                                                   .from = bytes_of(from),
                                                   .kind = bytes_of(kind_of(said)),
                                                   .text = bytes_of(text_of(said))});
        said->n_bytes = (uint32_t)body->len;
        *ret = (struct wire_message){
                .tenant = bytes_of(is_bad(said, "unknown_tenant") ? "nobody" : world_tenant_name(said->name)),
                .thread = bytes_of(is_bad(said, "bad_thread") ? "a\nb" : world_thread_name(said->name)),
                .id = bytes_of(said->id),
                .channel = bytes_of(channel_of(said)),
                .what = said->what,
                .number = said->index,
                .n_aliases = said->n_aliases,
        };
        for (uint32_t i = 0; i < said->n_aliases; i++)
                ret->aliases[i] = bytes_of(world_thread_name(said->aliases[i]));
}
