/* After a start of the broker: G1 and G2 in the store. A commit that nobody heard of took place as a whole, or not at
 * all. */
#include "tests/sim/check_state.h"

#include "common/hash.h"
#include "common/memory.h"

#include <string.h>

/* What the store holds under a seq. */
struct found {
        uint64_t seq;
        int64_t at_ms;
        uint32_t attempts, lost, posted;
        enum stored_batch_kind kind;
        bool is_answered;
};

static struct found *batches;
static uint32_t n_batches, batches_cap;
static struct noted *notes;
static uint32_t n_notes, notes_cap;
static uint64_t newest_id; /* of the ids that are remembered, the seq */

void check_on_load_begin(void) {
        for (uint32_t i = 0; i < checks.n_said; i++)
                checks.said[i].is_loaded = false;
        n_batches = n_notes = 0;
        newest_id = 0;
}

void check_on_loaded_seen(const struct stored_seen *seen) { newest_id = seen->seq; }

static uint64_t sum_of(const struct stored_note *note) {
        uint64_t words[] = {(uint64_t)note->kind, (uint64_t)note->at.ms, (uint64_t)note->until.ms, note->word};

        return hash_64(0, (struct bytes){words, sizeof words}) ^ hash_64(1, note->tenant) ^ hash_64(2, note->name) ^
               hash_64(3, note->value);
}

void check_on_loaded_note(const struct stored_note *note) {
        if (n_notes == notes_cap) {
                notes_cap = notes_cap ? notes_cap * 2 : 256;
                notes = memory_resize(notes, notes_cap, sizeof *notes);
        }
        notes[n_notes++] = (struct noted){note->seq, sum_of(note)};
}

/* -- notes that are known to be there ------------------------------------------------------------------------------ */

static struct noted *find_noted(uint64_t seq) {
        for (uint32_t i = 0; i < checks.n_notes; i++)
                if (checks.notes[i].seq == seq)
                        return &checks.notes[i];
        return NULL;
}

void check_put_noted(const struct stored_note *note) {
        struct noted *noted = find_noted(note->seq);

        if (!noted && checks.n_notes == checks.notes_cap) {
                checks.notes_cap = checks.notes_cap ? checks.notes_cap * 2 : 256;
                checks.notes = memory_resize(checks.notes, checks.notes_cap, sizeof *checks.notes);
        }
        if (!noted)
                noted = &checks.notes[checks.n_notes++];
        *noted = (struct noted){note->seq, sum_of(note)};
}

void check_drop_noted(uint64_t seq) {
        for (uint32_t i = 0; i < checks.n_notes; i++)
                if (checks.notes[i].seq == seq)
                        checks.notes[i--] = checks.notes[--checks.n_notes];
}

static void check_notes(void) {
        for (uint32_t i = 0; i < n_notes; i++) {
                const struct noted *noted = find_noted(notes[i].seq);

                if (!noted)
                        sim_violation("G1 durable", "a note that is gone is there after a start");
                if (noted->sum != notes[i].sum)
                        sim_violation("G1 durable", "a note is not what it was before a start");
        }
        if (n_notes != checks.n_notes)
                sim_violation("G1 durable", "%u notes are there after a start; %u were stored", n_notes,
                              checks.n_notes);
}

static struct found found_of(const struct stored_batch *batch) {
        return (struct found){.seq = batch->seq,
                              .at_ms = batch->at.ms,
                              .attempts = batch->attempts,
                              .lost = batch->lost,
                              .posted = batch->posted,
                              .kind = batch->kind,
                              .is_answered = batch->is_answered};
}

void check_on_loaded_batch(const struct stored_batch *batch) {
        if (n_batches == batches_cap) {
                batches_cap = batches_cap ? batches_cap * 2 : 256;
                batches = memory_resize(batches, batches_cap, sizeof *batches);
        }
        batches[n_batches++] = found_of(batch);
}

void check_on_loaded_message(const struct stored_message *message) {
        uint32_t number = check_message_of(check_number_of_body(message->body));

        if (number == UINT32_MAX)
                sim_violation("changed in time", "the store has a change of a message that was never accepted");
        checks.said[number].is_loaded = true;
        checks.said[number].loaded = check_number_of_body(message->body);
        checks.said[number].loaded_bytes = (uint32_t)message->body.len;
}

/* -- did it take place? -------------------------------------------------------------------------------------------- */

static const struct found *find_batch(uint64_t seq) {
        for (uint32_t i = 0; i < n_batches; i++)
                if (batches[i].seq == seq)
                        return &batches[i];
        return NULL;
}

static const struct noted *find_note(uint64_t seq) {
        for (uint32_t i = 0; i < n_notes; i++)
                if (notes[i].seq == seq)
                        return &notes[i];
        return NULL;
}

static bool is_same(const struct found *a, const struct found *b) {
        return a->at_ms == b->at_ms && a->attempts == b->attempts && a->lost == b->lost && a->posted == b->posted &&
               a->kind == b->kind && a->is_answered == b->is_answered;
}

/* What a change is about: a message, a batch, an answer, an id, a note. */
static int kind_of(enum change_type type) {
        return type == CHANGE_EDIT_MESSAGE ? CHANGE_PUT_MESSAGE / 2 : (int)type / 2;
}

/* Is there another change of the same thing further on? That one counts. */
static bool is_overtaken(const struct check_fact *facts, uint32_t n, uint32_t i) {
        for (uint32_t k = i + 1; k < n; k++)
                if (facts[k].seq == facts[i].seq && kind_of(facts[k].type) == kind_of(facts[i].type))
                        return true;
        return false;
}

/* Of a message that came with this very commit. */
static bool is_new(uint64_t seq) {
        return checks.n_by_seq == 0 || seq > checks.said[checks.by_seq[checks.n_by_seq - 1]].seq;
}

/* 1 and 0: what is there says that the change took place, or not; -1: it does not tell. */
static int has_happened(const struct check_fact *fact) {
        const struct found *found = find_batch(fact->seq);
        struct found wanted;

        switch (fact->type) {
        case CHANGE_PUT_MESSAGE:
                return checks.said[fact->number].is_loaded;
        case CHANGE_EDIT_MESSAGE:
                return !is_new(fact->seq) && check_of_seq(fact->seq)->loaded == fact->number;
        case CHANGE_DELETE_MESSAGE:
                return !check_of_seq(fact->seq)->is_loaded;
        case CHANGE_PUT_BATCH:
                wanted = found_of(&fact->batch);
                return found ? is_same(found, &wanted) : 0;
        case CHANGE_DELETE_BATCH:
                return !found;
        case CHANGE_PUT_NOTE:
                return find_note(fact->seq) && find_note(fact->seq)->sum == sum_of(&fact->note);
        case CHANGE_DELETE_NOTE:
                return !find_note(fact->seq);
        case CHANGE_PUT_ANSWER:
        case CHANGE_DELETE_ANSWER:
        case CHANGE_DELETE_SEEN:
                return -1;
        case CHANGE_PUT_SEEN: /* in the order of their seqs */
                return fact->seq <= newest_id;
        }
        return -1;
}

/* What was the same before does not tell. */
static bool is_telling(const struct check_fact *fact) {
        const struct noted *noted = find_noted(fact->seq);
        const struct said *first;

        if (fact->type == CHANGE_PUT_NOTE)
                return !noted || noted->sum != sum_of(&fact->note);
        if (fact->type == CHANGE_DELETE_NOTE)
                return noted;
        if (fact->type == CHANGE_PUT_SEEN)
                return true;
        if (fact->type != CHANGE_PUT_MESSAGE && is_new(fact->seq))
                return false;
        if (fact->type == CHANGE_EDIT_MESSAGE)
                return check_of_seq(fact->seq)->written != fact->number;
        if (fact->type != CHANGE_PUT_BATCH && fact->type != CHANGE_DELETE_BATCH)
                return true;
        first = check_of_seq(fact->seq);
        return fact->type == CHANGE_DELETE_BATCH ? first->has_record
                                                 : !first->has_record || first->record_ms != fact->batch.at.ms;
}

static bool has_taken_place(void) {
        uint32_t n, n_yes = 0, n_no = 0;
        const struct check_fact *facts = check_facts(&n);

        for (uint32_t i = 0; i < n; i++) {
                int happened = is_overtaken(facts, n, i) || !is_telling(&facts[i]) ? -1 : has_happened(&facts[i]);

                n_yes += happened == 1;
                n_no += happened == 0;
        }
        if (n_yes > 0 && n_no > 0)
                sim_violation("G1 durable", "of a commit that was cut off, %u changes are there and %u are not", n_yes,
                              n_no);
        return n_yes > 0;
}

void check_on_load_end(void) {
        if (checks.is_unsure && has_taken_place())
                check_on_committed();
        check_forget_facts();
        for (uint32_t i = 0; i < checks.n_said; i++) {
                struct said *said = &checks.said[i];
                bool is_there = said->fate == FATE_STORED || said->fate == FATE_DEAD;

                if (is_there && !said->is_loaded)
                        sim_violation("G1 durable", "message %u was stored, and is gone after a start", i);
                if (is_there && said->loaded != said->written)
                        sim_violation("changed in time", "message %u is %u after a start, and was %u", i, said->loaded,
                                      said->written);
                if (!is_there && said->is_loaded)
                        sim_violation("G2 once", "message %u is over or was never accepted, and is there after a start",
                                      i);
                if (said->is_loaded)
                        said->n_bytes = said->loaded_bytes; /* also where the commit that was unsure has changed it */
        }
        check_notes();
        check_changes_load();
        check_items_forget();
        check_on_broker_loaded();
}
