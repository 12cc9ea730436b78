/* What the broker said, and the verdicts that come of it. */
#include "ingest/core/intake_private.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* -- verdicts out -------------------------------------------------------------------------------------------------- */

void intake_verdict_push(struct intake *intake, struct request *request, struct intake_verdict verdict) {
        struct intake_verdict_entry *entry = memory_new(1, sizeof *entry);

        ENSURE(!request->is_answered);
        verdict.owner = request->owner;
        entry->verdict = verdict;
        *intake->verdicts_end = entry;
        intake->verdicts_end = &entry->next;
        request->is_answered = true;
        intake->n_bytes -= request->n_bytes;
        if (--intake->n_waiting == 0)
                intake->deadline = MONO_NEVER;
}

bool intake_pop_verdict(struct intake *intake, struct intake_verdict *ret) {
        struct intake_verdict_entry *entry = intake->verdicts;

        if (!entry)
                return false;
        intake->verdicts = entry->next;
        if (!intake->verdicts)
                intake->verdicts_end = &intake->verdicts;
        *ret = entry->verdict;
        free(entry);
        return true;
}

void intake_verdict_done(struct intake_verdict *verdict) {
        refusals_done(&verdict->refusals);
        *verdict = (struct intake_verdict){0};
}

/* -- acknowledgements ---------------------------------------------------------------------------------------------- */

/* What became of a message of the frame; from OUTCOME_REFUSED on, the rest is its place in the list of refusals. */
enum { OUTCOME_ACCEPTED = 0, OUTCOME_DUPLICATE = 1, OUTCOME_REFUSED = 2 };

static int set_outcome(struct intake *intake, uint32_t *outcomes, uint64_t index, uint32_t outcome) {
        if (index >= intake->frame.n_messages || outcomes[index] != OUTCOME_ACCEPTED)
                return -EBADMSG;
        outcomes[index] = outcome;
        return 0;
}

/* Fills one outcome for each message of the frame, and `refusals`, which has room for ack->n_refusals. */
static int read_outcomes(struct intake *intake, struct wire_ack *ack, uint32_t *outcomes,
                         struct wire_refusal *refusals) {
        int r = 0;

        if ((uint64_t)ack->n_accepted + ack->n_duplicates + ack->n_refusals != intake->frame.n_messages)
                return -EBADMSG;
        for (uint32_t i = 0; i < ack->n_duplicates && r == 0; i++)
                r = set_outcome(intake, outcomes, pack_pop_uint(&ack->duplicates), OUTCOME_DUPLICATE);
        if (!pack_is_good(&ack->duplicates))
                return -EBADMSG;
        for (uint32_t i = 0; i < ack->n_refusals && r == 0; i++) {
                r = wire_refusal_next(&ack->refusals, &refusals[i]);
                if (r == 0)
                        r = set_outcome(intake, outcomes, refusals[i].index, OUTCOME_REFUSED + i);
        }
        return r;
}

/* The verdict on a request whose messages have the outcomes from `outcomes` on. */
static struct intake_verdict verdict_of(const struct request *request, const uint32_t *outcomes, const bool *is_taken,
                                        const struct wire_refusal *refusals) {
        struct intake_verdict verdict = {0};

        for (uint32_t i = 0; i < request->parcel.n; i++) {
                const struct parcel_place *place = &request->parcel.places[i];

                /* An id of our own can be a duplicate only of itself: the broker has had this frame before. */
                bool is_again = outcomes[i] == OUTCOME_DUPLICATE && (place->is_id_ours || is_taken[i]);

                if ((outcomes[i] == OUTCOME_ACCEPTED || is_again) && place->is_event)
                        verdict.n_events++;
                else if (outcomes[i] == OUTCOME_ACCEPTED || is_again)
                        verdict.n_accepted++;
                else if (outcomes[i] == OUTCOME_DUPLICATE)
                        verdict.n_duplicates++;
                else
                        refusals_push(&verdict.refusals, place->index, refusals[outcomes[i] - OUTCOME_REFUSED].code,
                                      refusals[outcomes[i] - OUTCOME_REFUSED].why);
        }
        return verdict;
}

/* Is something refused that will be taken when there is room? Then what was taken is noted: the next acknowledgement
 * calls it a duplicate. */
static bool is_to_be_sent_again(struct intake *intake, const struct wire_ack *ack, const uint32_t *outcomes,
                                const struct wire_refusal *refusals) {
        intake->full[0] = '\0';
        for (uint32_t i = 0; intake->is_patient && i < ack->n_refusals && !intake->full[0]; i++)
                if (wire_is_passing(refusals[i].code))
                        memcpy(intake->full, refusals[i].code.data, refusals[i].code.len);
        intake->full[LIMIT_CODE_LEN] = '\0';
        for (uint32_t i = 0; intake->full[0] && i < intake->frame.n_messages; i++)
                intake->frame.is_taken[i] = intake->frame.is_taken[i] || outcomes[i] == OUTCOME_ACCEPTED;
        return intake->full[0] != '\0';
}

int intake_on_ack(struct intake *intake, const struct wire_ack *ack) {
        CLEANUP_FREE uint32_t *outcomes = memory_new(intake->frame.n_messages + 1, sizeof *outcomes);
        CLEANUP_FREE struct wire_refusal *refusals = NULL;
        struct wire_ack rest = *ack;
        struct request *request;
        uint32_t at = 0;

        if (!intake->sent.first || ack->request != intake->frame.number)
                return 1;
        if (ack->n_refusals > intake->frame.n_messages)
                return -EBADMSG;
        refusals = memory_new(ack->n_refusals + 1, sizeof *refusals);
        if (read_outcomes(intake, &rest, outcomes, refusals) < 0)
                return -EBADMSG;
        if (is_to_be_sent_again(intake, ack, outcomes, refusals))
                return 0;
        while ((request = intake_queue_pop(&intake->sent))) {
                if (!request->is_answered) {
                        struct intake_verdict verdict =
                                verdict_of(request, outcomes + at, intake->frame.is_taken + at, refusals);

                        refusals_merge(&verdict.refusals, &request->refusals);
                        intake_verdict_push(intake, request, verdict);
                }
                at += request->parcel.n;
                intake_request_free(request);
        }
        return 0;
}
