/* Events that come again: one that has an id of its own counts once, over restarts as well. */
#include "tests/sim/check_state.h"

#include "common/memory.h"

#include <stdio.h>
#include <string.h>

struct taken {
        uint32_t number;
        char id[64];
};

static struct taken *taken;
static uint32_t n_taken, n_stored, taken_cap;

void check_again_init(void) { n_taken = n_stored = 0; }

void check_again_forget(void) { n_taken = n_stored; }

void check_again_committed(void) { n_stored = n_taken; }

static bool has_identity(const struct said *said, const char *id) {
        return *id && strlen(id) < sizeof taken->id &&
               (said->what == WIRE_WHAT_PERSON || said->what == WIRE_WHAT_CLOSED || said->what == WIRE_WHAT_RESUME ||
                said->what == WIRE_WHAT_ALIAS);
}

bool check_came_before(uint32_t number, const char *id) {
        for (uint32_t i = 0; has_identity(&checks.said[number], id) && i < n_taken; i++)
                if (taken[i].number == number && strcmp(id, taken[i].id) == 0) {
                        sim.stats.came_again++;
                        return true;
                }
        return false;
}

void check_came(uint32_t number, const char *id) {
        if (!has_identity(&checks.said[number], id))
                return;
        if (n_taken == taken_cap) {
                taken_cap = taken_cap ? taken_cap * 2 : 256;
                taken = memory_resize(taken, taken_cap, sizeof *taken);
        }
        taken[n_taken].number = number;
        snprintf(taken[n_taken++].id, sizeof taken->id, "%s", id);
}
