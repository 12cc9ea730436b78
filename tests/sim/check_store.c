/* What is committed: G1, G2, G3, G7 in the store. */
#include "tests/sim/check_state.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

static struct check_fact *facts;
static uint32_t n_facts, facts_cap;

const struct check_fact *check_facts(uint32_t *ret_n) {
        *ret_n = n_facts;
        return facts;
}

void check_forget_facts(void) {
        n_facts = checks.told_runs.n = 0;
        checks.is_unsure = false;
}

struct said *check_of_seq(uint64_t seq) {
        uint32_t low = 0, high = checks.n_by_seq;

        while (low < high) {
                uint32_t middle = (low + high) / 2;

                if (checks.said[checks.by_seq[middle]].seq < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == checks.n_by_seq || checks.said[checks.by_seq[low]].seq != seq)
                sim_violation("G2 once", "seq %llu was never given to a message", (unsigned long long)seq);
        return &checks.said[checks.by_seq[low]];
}

uint32_t check_number_of_body(struct bytes bytes) {
        struct wire_body body;
        char text[16] = "";

        if (wire_decode_body(bytes, &body) < 0 || body.from.len >= sizeof text)
                sim_violation("G1 durable", "a message's body is not what was sent");
        memcpy(text, body.from.data, body.from.len);
        return (uint32_t)strtoul(text, NULL, 10);
}

/* -- what a change means ------------------------------------------------------------------------------------------- */

void check_fullness(uint32_t thread) {
        uint32_t tenant = world_tenant(thread), n = 0;

        for (uint32_t i = tenant * SIM_THREADS; i < (tenant + 1) * SIM_THREADS; i++)
                n += checks.threads[i].list.n;
        if (check_settings(thread)->max_pending > 0 && n >= check_settings(thread)->max_pending)
                checks.tenants[tenant].full_at = checks.turn_now;
}

static void on_message(const struct check_fact *fact) {
        struct said *said = &checks.said[fact->number];
        struct model_thread *thread = &checks.threads[fact->thread];

        if (!check_items_until(fact->number) || said->what != WIRE_WHAT_MESSAGE)
                sim_violation("G10 loud refusal", "item %u is stored as a message, and did not come as one",
                              fact->number);
        check_name_of(said, fact->thread);
        said->thread = fact->thread;
        if (said->fate != FATE_SAID || said->bad || said->is_refused)
                sim_violation("G10 loud refusal", "message %u is stored, and was refused or stored before",
                              fact->number);
        if (said->key != UINT32_MAX && checks.keys[said->key].accepted != UINT32_MAX)
                sim_violation("G7 no doubles in", "message %u has the id of %u, which was accepted before",
                              fact->number, checks.keys[said->key].accepted);
        if (fact->seq <= thread->last_seq)
                sim_violation("G3 in order", "message %u has a lower seq than one accepted before", fact->number);
        if (said->key != UINT32_MAX)
                checks.keys[said->key].accepted = fact->number;
        said->fate = FATE_STORED;
        said->written = fact->number;
        said->seq = thread->last_seq = fact->seq;
        said->at = checks.turn_now;
        said->accepted_ms = fact->accepted_ms;
        if (checks.n_by_seq == checks.by_seq_cap) {
                checks.by_seq_cap = checks.by_seq_cap ? checks.by_seq_cap * 2 : 1024;
                checks.by_seq = memory_resize(checks.by_seq, checks.by_seq_cap, sizeof *checks.by_seq);
        }
        checks.by_seq[checks.n_by_seq++] = fact->number;
        numbers_push(&thread->list, fact->number);
        thread->stirred = 0; /* what was being typed has come */
        check_fullness(said->thread);
}

/* A thread that has nothing left is forgotten: who typed in it, and that it failed. What comes next is a new one. */
static void take_out(const struct said *said) {
        struct model_thread *thread = &checks.threads[said->thread];

        numbers_remove(&thread->list, check_number_of(said));
        if (thread->list.n == 0)
                thread->stirred = 0, thread->outage = 0;
}

static void on_message_gone(const struct check_fact *fact) {
        struct said *said = check_of_seq(fact->seq);

        if (said->fate == FATE_STORED) {
                if (said->done_turn != checks.turn && check_is_all_out(said))
                        check_on_all_out(said);
                if (said->done_turn != checks.turn)
                        sim_violation("G2 once", "message %u is deleted, and no run of it was done in this turn",
                                      check_number_of(said));
                said->fate = FATE_FINISHED;
                sim.stats.finished++;
                take_out(said);
        } else if (said->fate == FATE_DEAD) {
                if (!checks.has_verb)
                        sim_violation("G2 once", "dead message %u is deleted, and nobody asked for it",
                                      check_number_of(said));
                said->fate = FATE_DROPPED;
        } else {
                sim_violation("G2 once", "message %u is deleted, and was not there", check_number_of(said));
        }
}

void check_call_off(struct model_thread *thread) {
        struct model_run *run = thread->fence ? check_find_run(thread->fence) : NULL;

        if (!run)
                return;
        run->called_off = checks.turn_now;
        if (!run->is_over)
                check_run_is_over(run);
}

/* Whatever the thread was at, what is left of it begins anew. */
static void end_by_verb(uint32_t index) {
        struct model_thread *thread = &checks.threads[index];

        check_call_off(thread);
        thread->state = MODEL_COLLECTING;
        thread->attempts = thread->n_busy = thread->n_settled = thread->n_interrupts = 0;
}

static void bury(const struct check_fact *fact) {
        const struct said *first = &checks.said[fact->seqs.items[0]];

        if (first->n_replies > 0 && fact->batch.posted >= first->n_replies && !first->is_revived && !checks.has_verb)
                sim_violation("G9 one reply", "the batch of message %u is dead, and each of its replies is out",
                              fact->seqs.items[0]);
        for (uint32_t i = 0; i < fact->seqs.n; i++) {
                struct said *said = &checks.said[fact->seqs.items[i]];

                if (said->fate != FATE_STORED)
                        sim_violation("G2 once", "message %u dies twice", fact->seqs.items[i]);
                said->fate = FATE_DEAD;
                sim.stats.dead++;
                take_out(said);
        }
        end_by_verb(checks.said[fact->seqs.items[0]].thread);
}

/* A dead letter comes back: among the others by its age, or, as its answer is stored, before them. */
static void revive(struct said *first, bool is_answered) {
        struct model_thread *thread = &checks.threads[first->thread];
        struct numbers old = thread->list, batch = first->batch;
        uint32_t i = 0, k = 0;

        thread->list = (struct numbers){0};
        while (i < batch.n || k < old.n) {
                bool is_first = i < batch.n && (k == old.n || is_answered ||
                                                checks.said[batch.items[i]].seq < checks.said[old.items[k]].seq);

                if (is_first)
                        checks.said[batch.items[i]].fate = FATE_STORED, checks.said[batch.items[i]].is_revived = true;
                numbers_push(&thread->list, is_first ? batch.items[i++] : old.items[k++]);
        }
        thread->attempts = thread->n_busy = thread->n_interrupts = 0;
        thread->n_settled = is_answered ? batch.n : 0;
        check_hold_rest(first->thread);
        check_is_ready(first->thread);
}

/* Newer messages joined a batch that was being answered: only as often, and for as long, as its tenant wants that, and
 * never once the answer is stored. Then a reply comes by max_wait and one run more, whatever is said. */
static void on_interrupt(const struct said *first, uint32_t n_interrupts) {
        const struct config_tenant *settings = check_settings(first->thread);
        struct model_thread *thread = &checks.threads[first->thread];
        struct model_run *run = thread->fence ? check_find_run(thread->fence) : NULL;
        uint64_t n_bytes = 0;

        sim.stats.interrupted++;
        if (settings->on_new_message != CONFIG_ON_NEW_INTERRUPT || n_interrupts > settings->max_interrupts ||
            n_interrupts != thread->n_interrupts + 1)
                sim_violation("interrupts", "a batch of %s is interrupted for time %u; its tenant wants %u at most",
                              world_thread_name(first->thread), n_interrupts,
                              settings->on_new_message == CONFIG_ON_NEW_INTERRUPT ? settings->max_interrupts : 0);
        if (first->is_answered || first->has_answer)
                sim_violation("interrupts", "a batch of %s is interrupted, and its answer is stored",
                              world_thread_name(first->thread));
        if (first->at + settings->max_wait.us <= checks.turn_now)
                sim_violation("interrupts", "a batch of %s is interrupted %lld ms after a reply was due",
                              world_thread_name(first->thread),
                              (long long)(checks.turn_now - first->at - settings->max_wait.us) / 1000);
        for (uint32_t i = 0; run && i <= run->messages.n && i < thread->list.n; i++)
                n_bytes += checks.said[thread->list.items[i]].n_bytes;
        if (run && check_is_record(run))
                sim_violation("interrupts", "run %s only records, and is interrupted", tell_fence(run->fence));
        if (run && !check_is_changed(run) &&
            (run->messages.n >= thread->list.n || run->messages.n >= settings->max_messages ||
             n_bytes > settings->max_bytes))
                sim_violation("interrupts", "run %s is interrupted, and no newer message can join its batch",
                              tell_fence(run->fence));
        thread->n_interrupts = n_interrupts;
        thread->n_busy = 0;
        check_call_off(thread);
        if (run)
                thread->state = MODEL_COLLECTING;
}

static void on_batch(const struct check_fact *fact) {
        struct said *first = check_of_seq(fact->seq);
        bool was_dead = first->fate == FATE_DEAD;

        first->has_record = true;
        first->record_ms = fact->batch.at.ms;
        first->attempts = fact->batch.attempts;
        first->was_doubtful = first->is_doubtful;
        first->is_doubtful = fact->batch.is_doubtful;
        if (fact->batch.kind == STORED_RETRYING && !was_dead && fact->batch.n_interrupts != first->n_interrupts)
                on_interrupt(first, fact->batch.n_interrupts);
        first->n_interrupts = fact->batch.n_interrupts;
        if (fact->batch.posted < first->posted && !was_dead)
                sim_violation("G9 one reply", "a batch had %u replies out, and now has %u", first->posted,
                              fact->batch.posted);
        else
                check_on_more_posted(check_number_of(first), first->posted, fact->batch.posted);
        first->posted = fact->batch.posted;
        first->void_fence = fact->batch.fence;
        first->posting = fact->batch.posting;
        if (fact->batch.kind == STORED_DEAD) {
                first->batch = fact->seqs;
                /* One that is dead already: its channel has shown more of it. */
                if (!was_dead)
                        bury(fact);
        } else if (was_dead) {
                revive(first, true);
        } else if (fact->batch.is_answered) {
                first->batch = fact->seqs;
                /* Not when its run is over by the same commit: a POSTED may be stored with the RESULT. */
                if (checks.threads[first->thread].state != MODEL_COLLECTING)
                        checks.threads[first->thread].n_settled = fact->seqs.n;
                for (uint32_t i = 0; i < fact->seqs.n; i++)
                        checks.said[fact->seqs.items[i]].is_answered = true;
        }
}

static void on_batch_gone(const struct check_fact *fact) {
        struct said *first = check_of_seq(fact->seq);

        first->has_record = first->is_doubtful = first->was_doubtful = false;
        first->attempts = first->posted = first->n_interrupts = 0;
        if (first->fate == FATE_DEAD && !checks.has_verb)
                sim_violation("G2 once", "dead letter %u vanishes, and nobody asked for it", check_number_of(first));
        if (first->fate == FATE_DEAD)
                revive(first, false);
}

static void on_answer(const struct check_fact *fact) {
        struct said *said = check_of_seq(fact->seq);

        said->has_answer = true;
        if (checks.threads[said->thread].is_held)
                sim_violation("a person took over", "an answer to message %u is taken, and its thread is held",
                              check_number_of(said));
        if (said->is_record)
                sim_violation("recorded", "an answer to message %u is taken, which is only to be recorded",
                              check_number_of(said));
        check_on_reply(said, fact->answer, 0);
        if (checks.threads[said->thread].fence)
                check_is_as_written(check_find_run(checks.threads[said->thread].fence));
}

static void apply(const struct check_fact *fact) {
        switch (fact->type) {
        case CHANGE_PUT_MESSAGE:
                on_message(fact);
                break;
        case CHANGE_EDIT_MESSAGE:
                if (!check_items_until(fact->number))
                        sim_violation("changed in time", "change %u is stored, and did not come", fact->number);
                check_on_change(fact);
                break;
        case CHANGE_DELETE_MESSAGE:
                on_message_gone(fact);
                break;
        case CHANGE_PUT_BATCH:
                on_batch(fact);
                break;
        case CHANGE_DELETE_BATCH:
                on_batch_gone(fact);
                break;
        case CHANGE_PUT_ANSWER:
                on_answer(fact);
                break;
        case CHANGE_DELETE_ANSWER:
                check_of_seq(fact->seq)->has_answer = false;
                break;
        case CHANGE_PUT_NOTE:
                check_put_noted(&fact->note);
                check_on_note(&fact->note);
                if (fact->note.kind == STORED_HOLD || fact->note.kind == STORED_TAKEOVER ||
                    fact->note.kind == STORED_CLOSED)
                        check_on_hold(&fact->note);
                if (fact->note.kind == STORED_ALIAS)
                        check_on_alias(&fact->note);
                break;
        case CHANGE_DELETE_NOTE:
                check_drop_noted(fact->seq);
                check_on_note_gone(fact->seq);
                check_on_hold_gone(fact->seq);
                break;
        case CHANGE_PUT_SEEN:
        case CHANGE_DELETE_SEEN:
                break;
        }
}

/* -- commits ------------------------------------------------------------------------------------------------------- */

static struct check_fact *new_fact(void) {
        if (n_facts == facts_cap) {
                facts_cap = facts_cap ? facts_cap * 2 : 256;
                facts = memory_resize(facts, facts_cap, sizeof *facts);
        }
        return &facts[n_facts++];
}

/* The numbers of a batch's messages: of those in this very commit too. */
static uint32_t number_of_seq(uint64_t seq) {
        for (uint32_t i = 0; i < n_facts; i++)
                if (facts[i].type == CHANGE_PUT_MESSAGE && facts[i].seq == seq)
                        return facts[i].number;
        return check_number_of(check_of_seq(seq));
}

static struct bytes copy(struct bytes bytes) {
        void *data = sim_new(bytes.len + 1);

        if (bytes.len > 0)
                memcpy(data, bytes.data, bytes.len);
        return (struct bytes){data, bytes.len};
}

void check_on_commit(const struct change *changes, size_t n) {
        n_facts = 0;
        for (size_t i = 0; i < n; i++) {
                struct check_fact *fact = new_fact();

                *fact = (struct check_fact){.type = changes[i].type, .seq = changes[i].seq};
                if (fact->type == CHANGE_PUT_MESSAGE || fact->type == CHANGE_EDIT_MESSAGE) {
                        fact->seq = changes[i].message.seq;
                        fact->accepted_ms = changes[i].message.accepted.ms;
                        fact->number = check_number_of_body(changes[i].message.body);
                        fact->thread = world_thread(changes[i].message.tenant, changes[i].message.thread);
                } else if (fact->type == CHANGE_PUT_SEEN) {
                        fact->seq = changes[i].seen.seq;
                } else if (fact->type == CHANGE_PUT_ANSWER) {
                        fact->answer = copy(changes[i].answer);
                } else if (fact->type == CHANGE_PUT_BATCH) {
                        fact->batch = *changes[i].batch;
                        fact->seq = changes[i].batch->seq;
                        for (uint32_t k = 0; k < fact->batch.n_seqs; k++)
                                numbers_push(&fact->seqs, number_of_seq(fact->batch.seqs[k]));
                } else if (fact->type == CHANGE_PUT_NOTE) {
                        fact->note = changes[i].note;
                        fact->seq = fact->note.seq;
                        fact->note.tenant = copy(fact->note.tenant);
                        fact->note.name = copy(fact->note.name);
                        fact->note.value = copy(fact->note.value);
                }
        }
        checks.is_unsure = true;
        check_hear_pending();
}

void check_on_committed(void) {
        for (uint32_t i = 0; i < n_facts; i++)
                apply(&facts[i]);
        check_items_rest();
        check_again_committed();
        check_is_recorded();
        n_facts = 0;
        checks.is_unsure = false;
        for (uint32_t i = 0; i < checks.told_runs.n; i++) {
                struct model_run *run = &checks.runs[checks.told_runs.items[i]];

                if (run->told_posted > run->known_posted)
                        run->known_posted = run->told_posted;
        }
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                check_collect(i);
        check_awaiting_on_time();
}
