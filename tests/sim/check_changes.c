/* Messages that are changed before a handler has seen them: an edit, a word that a message was taken back, a voice that
 * somebody wrote down. */
#include "tests/sim/check_state.h"

uint32_t check_message_of(uint32_t number) {
        const struct said *said = &checks.said[number];

        if (said->what == WIRE_WHAT_MESSAGE)
                return number;
        return said->key == UINT32_MAX ? UINT32_MAX : checks.keys[said->key].accepted;
}

/* -- may it still be changed? -------------------------------------------------------------------------------------- */

/* Which of them a run had that came to nothing is not stored. */
void check_changes_load(void) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                const struct numbers *list = &checks.threads[i].list;
                bool is_any = false;

                for (uint32_t k = 0; k < list->n; k++)
                        is_any = is_any || checks.said[list->items[k]].is_handed_out;
                for (uint32_t k = 0; k < list->n && is_any; k++)
                        checks.said[list->items[k]].is_handed_out = true;
        }
}

/* It waits, and was never handed out. */
static bool must_change(uint32_t number) {
        const struct said *said = &checks.said[number];
        const struct model_thread *thread = &checks.threads[said->thread];

        return said->fate == FATE_STORED && !said->is_handed_out && !said->is_revived && !thread->was_awaited;
}

/* It is over, or its answer is stored. */
static bool must_stay(uint32_t number) {
        const struct said *said = &checks.said[number];

        return said->fate != FATE_STORED || said->is_answered;
}

void check_not_changed(uint32_t number) {
        uint32_t message = check_message_of(number);

        if (message != UINT32_MAX && must_change(message) && checks.said[message].written != number)
                sim_violation("changed in time",
                              "change %u of message %u was taken in before anybody got it, and is "
                              "passed over",
                              number, message);
}

/* -- it is --------------------------------------------------------------------------------------------------------- */

static void check_place(const struct check_fact *fact, const struct said *said) {
        if (fact->seq != said->seq)
                sim_violation("changed in time", "change %u is stored as seq %llu; its message has %llu", fact->number,
                              (unsigned long long)fact->seq, (unsigned long long)said->seq);
        if (fact->accepted_ms != said->accepted_ms || fact->thread != said->thread)
                sim_violation("changed in time", "change %u gives its message another time or thread", fact->number);
}

void check_on_change(const struct check_fact *fact) {
        uint32_t number = check_message_of(fact->number);
        struct said *said = number == UINT32_MAX ? NULL : &checks.said[number];

        if (!said || must_stay(number))
                sim_violation("changed in time", "change %u is stored, and its message is %s", fact->number,
                              said ? "over, or answered" : "not known");
        check_place(fact, said);
        /* Who edits is still at it; but what a voice says was said before. Where nobody waits for that, the broker does
         * not look for voices when it starts, and takes their text for an edit. */
        if (!check_is_unheard(said) || (said->is_loaded && check_settings(said->thread)->transcription_wait.us == 0))
                check_stir(said->thread, checks.turn_now + check_settings(said->thread)->quiet.us);
        said->written = fact->number;
        said->n_bytes += checks.said[fact->number].n_bytes; /* at most; the next start knows better */
        sim.stats.changed++;
}

bool check_is_unheard(const struct said *said) {
        return said->is_audio && checks.said[said->written].what == WIRE_WHAT_MESSAGE;
}

void check_is_as_written(const struct model_run *run) {
        for (uint32_t i = 0; i < run->written.n; i++)
                if (checks.said[run->messages.items[i]].written != run->written.items[i])
                        sim_violation("changed in time", "an answer of run %s is taken; message %u was changed since",
                                      tell_fence(run->fence), run->messages.items[i]);
}
