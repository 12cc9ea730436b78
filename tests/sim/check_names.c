/* Who is who: names that were known to be one person's when a message was accepted go to one thread, and only those. */
#include "tests/sim/check_state.h"

uint32_t check_root(uint32_t name) { return checks.names[name].root; }

void check_names_init(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                checks.names[i] = (struct model_name){.root = i, .told = i};
}

static void be_one(uint32_t a, uint32_t b) {
        uint32_t from = checks.names[b].told, to = checks.names[a].told;

        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (checks.names[i].told == from)
                        checks.names[i].told = to;
}

void check_on_told(const struct said *said) {
        for (uint32_t i = 0; i < said->n_aliases; i++)
                be_one(said->name, said->aliases[i]);
}

/* -- the thread of several names ----------------------------------------------------------------------------------- */

static bool is_live(uint32_t thread) { return checks.threads[thread].list.n > 0; }

static bool is_at_it(uint32_t thread) {
        const struct model_thread *at = &checks.threads[thread];

        return is_live(thread) && (at->state == MODEL_RUNNING || at->n_settled > 0);
}

/* The threads of the item's names, in its order. */
static uint32_t roots_of(const struct said *said, uint32_t *ret_roots) {
        uint32_t n = 0;

        ret_roots[n++] = check_root(said->name);
        for (uint32_t i = 0; i < said->n_aliases; i++)
                ret_roots[n++] = check_root(said->aliases[i]);
        return n;
}

static uint32_t first_of(const uint32_t *roots, uint32_t n, bool (*is_it)(uint32_t thread)) {
        for (uint32_t i = 0; i < n; i++)
                if (is_it(roots[i]))
                        return roots[i];
        return UINT32_MAX;
}

static bool is_known(uint32_t thread) { return checks.names[thread].is_known; }

/* Of several threads, the one that is to be the person's from here on: one that is being answered, one that has
 * messages, one that is known, else the item's own. */
static uint32_t choose(const uint32_t *roots, uint32_t n) {
        uint32_t chosen = first_of(roots, n, is_at_it);

        if (chosen == UINT32_MAX)
                chosen = first_of(roots, n, is_live);
        if (chosen == UINT32_MAX)
                chosen = first_of(roots, n, is_known);
        return chosen == UINT32_MAX ? roots[0] : chosen;
}

static bool has_root(const struct said *said, uint32_t thread) {
        uint32_t roots[LIMIT_ALIASES_OF_ITEM + 1], n = roots_of(said, roots);

        for (uint32_t i = 0; i < n; i++)
                if (roots[i] == thread)
                        return true;
        return false;
}

/* The item, of those that the broker has not gone on from, that has both and wants it so: its place. Of several, some
 * may not have counted. */
static uint32_t find_teacher(uint32_t from, uint32_t to) {
        uint32_t roots[LIMIT_ALIASES_OF_ITEM + 1], wanted = UINT32_MAX, n = 0, found = UINT32_MAX;

        for (uint32_t i = checks.item_at; i < checks.n_items; i++) {
                const struct said *said =
                        checks.items[i].number < checks.n_said ? &checks.said[checks.items[i].number] : NULL;

                if (!said || said->bad || !has_root(said, from) || !has_root(said, to))
                        continue;
                n++;
                wanted = choose(roots, roots_of(said, roots));
                if (wanted == to && found == UINT32_MAX)
                        found = i;
        }
        if (n == 0)
                sim_violation("one person", "%s and %s become one, and nothing that came said so",
                              world_thread_name(from), world_thread_name(to));
        if (found == UINT32_MAX)
                sim_violation("one person", "%s goes on in thread %s; it was to be %s", world_thread_name(from),
                              world_thread_name(to), world_thread_name(wanted));
        if (n > 1)
                check_hold_is_unsure(from), check_hold_is_unsure(to);
        return found;
}

/* -- what the store learns ----------------------------------------------------------------------------------------- */

void check_on_alias(const struct stored_note *note) {
        uint32_t name = world_thread(note->tenant, note->name), to = world_thread(note->tenant, note->value);
        uint32_t from = check_root(name);

        if (checks.names[name].told != checks.names[to].told)
                sim_violation("one person", "%s becomes one with %s, and nobody said so", world_thread_name(name),
                              world_thread_name(to));
        if (check_root(to) != to && from != check_root(to))
                sim_violation("one person", "%s is to go on in %s, which itself goes on in %s", world_thread_name(name),
                              world_thread_name(to), world_thread_name(check_root(to)));
        if (from != to) {
                check_items_before(find_teacher(from, to));
                check_join_holds(from, to);
                sim.stats.linked++;
        }
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (checks.names[i].root == from)
                        checks.names[i].root = to;
        checks.names[name].is_known = checks.names[to].is_known = true;
        checks.names[name].note = note->seq;
        checks.names[to].linked_turn = checks.turn;
}

/* -- what follows -------------------------------------------------------------------------------------------------- */

void check_name_of(const struct said *said, uint32_t thread) {
        uint32_t root = check_root(said->name);

        if (checks.names[thread].told != checks.names[said->name].told)
                sim_violation("one person", "message %u to %s is stored in %s, which is somebody else",
                              check_number_of(said), world_thread_name(said->name), world_thread_name(thread));
        if (checks.names[root].linked_turn != checks.turn && thread != root)
                sim_violation("one person", "message %u to %s is stored in %s; that person's thread is %s",
                              check_number_of(said), world_thread_name(said->name), world_thread_name(thread),
                              world_thread_name(root));
}

void check_is_one(const struct said *said) {
        for (uint32_t i = 0; i < said->n_aliases; i++)
                if (check_root(said->aliases[i]) != check_root(said->name))
                        sim_violation("one person", "%s and %s were said to be one, and are not",
                                      world_thread_name(said->name), world_thread_name(said->aliases[i]));
}
