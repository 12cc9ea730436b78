#include "ingest/core/intake.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

struct request {
        struct request *next;
        void *owner;
        struct mono deadline;
        struct parcel parcel;
        size_t n_bytes;
        size_t at, len; /* where its messages stand in the frame under way */
        bool is_answered; /* had its verdict, and is kept only because its messages are in the frame under way */
};

struct queue {
        struct request *first, **end;
};

struct verdict {
        struct verdict *next;
        struct intake_verdict verdict;
};

struct intake {
        struct queue collected; /* for the next frame */
        struct queue backlog; /* goes first: see intake_push_backlog() */
        struct queue sent; /* in the frame under way; empty = none is */
        struct {
                struct buffer bytes;
                uint64_t number;
                uint32_t n_messages;
                struct mono due; /* when to send it, again */
                struct mono since; /* when it was sent first */
                bool is_unsent; /* there was no connection at the last try */
                bool is_backlog;
                bool *is_taken; /* each message: accepted already, while others found no room */
        } frame;
        struct verdict *verdicts, **verdicts_end;
        struct mono deadline; /* not later than the earliest of all requests */
        uint32_t n_waiting;
        size_t n_bytes;
        bool is_patient, is_held;
        char full[LIMIT_CODE_LEN + 1]; /* what the frame under way was refused for in part, or "" */
};

/* -- queues -------------------------------------------------------------------------------------------------------- */

static void queue_init(struct queue *queue) { *queue = (struct queue){NULL, &queue->first}; }

static void queue_push(struct queue *queue, struct request *request) {
        request->next = NULL;
        *queue->end = request;
        queue->end = &request->next;
}

static struct request *queue_pop(struct queue *queue) {
        struct request *request = queue->first;

        if (request) {
                queue->first = request->next;
                if (!queue->first)
                        queue->end = &queue->first;
        }
        return request;
}

static struct request *request_free(struct request *request) {
        parcel_done(&request->parcel);
        free(request);
        return NULL;
}

static void queue_done(struct queue *queue) {
        struct request *request;

        while ((request = queue_pop(queue)))
                request_free(request);
}

struct intake *intake_new(void) {
        struct intake *intake = memory_new(1, sizeof *intake);

        queue_init(&intake->collected);
        queue_init(&intake->backlog);
        queue_init(&intake->sent);
        intake->verdicts_end = &intake->verdicts;
        intake->deadline = MONO_NEVER;
        return intake;
}

struct intake *intake_free(struct intake *intake) {
        struct intake_verdict verdict;

        if (!intake)
                return NULL;
        while (intake_pop_verdict(intake, &verdict))
                intake_verdict_done(&verdict);
        queue_done(&intake->collected);
        queue_done(&intake->backlog);
        queue_done(&intake->sent);
        buffer_done(&intake->frame.bytes);
        free(intake->frame.is_taken);
        free(intake);
        return NULL;
}

/* -- requests in --------------------------------------------------------------------------------------------------- */

static size_t size_of(const struct parcel *parcel) {
        return sizeof(struct request) + parcel->messages.len + parcel->cap * sizeof *parcel->places;
}

static void take_parcel(struct intake *intake, struct queue *queue, struct parcel *parcel, void *owner,
                        struct mono deadline) {
        struct request *request = memory_new(1, sizeof *request);

        *request =
                (struct request){.owner = owner, .deadline = deadline, .parcel = *parcel, .n_bytes = size_of(parcel)};
        *parcel = (struct parcel){0};
        queue_push(queue, request);
        intake->deadline = mono_min(intake->deadline, deadline);
        intake->n_waiting++;
        intake->n_bytes += request->n_bytes;
}

int intake_push(struct intake *intake, struct parcel *parcel, void *owner, struct mono deadline) {
        if (!parcel_is_sendable(parcel))
                return INTAKE_TOO_LARGE;
        if (intake->n_waiting >= LIMIT_INTAKE_REQUESTS || intake->n_bytes + size_of(parcel) > LIMIT_INTAKE_BYTES)
                return INTAKE_FULL;
        take_parcel(intake, &intake->collected, parcel, owner, deadline);
        return 0;
}

/* -- beside a spool ------------------------------------------------------------------------------------------------ */

void intake_hold(struct intake *intake, bool is_held) { intake->is_held = is_held; }

void intake_push_backlog(struct intake *intake, struct parcel *parcel, void *owner) {
        ENSURE(parcel_is_sendable(parcel) && !intake->backlog.first);
        take_parcel(intake, &intake->backlog, parcel, owner, MONO_NEVER);
}

static void drop(struct intake *intake, struct queue *queue) {
        struct request *request;

        while ((request = queue_pop(queue))) {
                intake->n_waiting--;
                intake->n_bytes -= request->n_bytes;
                request_free(request);
        }
}

void intake_drop_backlog(struct intake *intake) {
        drop(intake, &intake->backlog);
        if (intake->frame.is_backlog)
                drop(intake, &intake->sent);
}

struct mono intake_unheard_at(const struct intake *intake, struct span patience) {
        struct span enough = intake->frame.is_unsent ? span_min(patience, span_ms(LIMIT_UNSENT_MS)) : patience;

        return intake->sent.first ? mono_add(intake->frame.since, enough) : MONO_NEVER;
}

bool intake_pop_request(struct intake *intake, struct intake_request *ret) {
        bool is_sent = intake->sent.first && !intake->frame.is_backlog;
        struct request *request = queue_pop(is_sent ? &intake->sent : &intake->collected);

        if (!request)
                return false;
        if (is_sent)
                buffer_push(&request->parcel.messages, intake->frame.bytes.data + request->at, request->len);
        if (!request->is_answered) {
                intake->n_waiting--;
                intake->n_bytes -= request->n_bytes;
        }
        *ret = (struct intake_request){request->is_answered ? NULL : request->owner, request->parcel};
        request->parcel = (struct parcel){0};
        request_free(request);
        return true;
}

/* -- verdicts out -------------------------------------------------------------------------------------------------- */

static void push_verdict(struct intake *intake, struct request *request, struct intake_verdict verdict) {
        struct verdict *entry = memory_new(1, sizeof *entry);

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
        struct verdict *entry = intake->verdicts;

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
                if (outcomes[i] == OUTCOME_ACCEPTED && place->is_event)
                        verdict.n_events++;
                else if (outcomes[i] == OUTCOME_ACCEPTED ||
                         (outcomes[i] == OUTCOME_DUPLICATE && (place->is_id_ours || is_taken[i])))
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
        while ((request = queue_pop(&intake->sent))) {
                if (!request->is_answered)
                        push_verdict(intake, request,
                                     verdict_of(request, outcomes + at, intake->frame.is_taken + at, refusals));
                at += request->parcel.n;
                request_free(request);
        }
        return 0;
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static bool is_expired(const struct request *request, struct mono now) {
        return !request->is_answered && mono_is_due(now, request->deadline);
}

static void expire_collected(struct intake *intake, struct mono now) {
        struct queue left;
        struct request *request;

        queue_init(&left);
        while ((request = queue_pop(&intake->collected))) {
                if (!is_expired(request, now)) {
                        queue_push(&left, request);
                        intake->deadline = mono_min(intake->deadline, request->deadline);
                        continue;
                }
                push_verdict(intake, request, (struct intake_verdict){.is_late = true});
                request_free(request);
        }
        while ((request = queue_pop(&left)))
                queue_push(&intake->collected, request);
}

/* Requests in the frame under way stay in it, for the acknowledgement counts them too. When nobody is left who waits
 * for it, the frame is given up. */
static void expire_sent(struct intake *intake, struct mono now) {
        bool is_waited_for = false;

        for (struct request *request = intake->sent.first; request; request = request->next) {
                if (is_expired(request, now))
                        push_verdict(intake, request, (struct intake_verdict){.is_late = true});
                if (request->is_answered)
                        continue;
                is_waited_for = true;
                intake->deadline = mono_min(intake->deadline, request->deadline);
        }
        if (!is_waited_for)
                queue_done(&intake->sent);
}

void intake_on_time(struct intake *intake, struct mono now) {
        if (!mono_is_due(now, intake->deadline))
                return;
        intake->deadline = MONO_NEVER;
        expire_sent(intake, now);
        expire_collected(intake, now);
}

/* Where the next frame is made of; what is held goes in none. */
static const struct queue *next_queue(const struct intake *intake) {
        return intake->backlog.first || intake->is_held ? &intake->backlog : &intake->collected;
}

struct mono intake_next(const struct intake *intake) {
        if (intake->sent.first)
                return mono_min(intake->deadline, intake->frame.due);
        if (next_queue(intake)->first)
                return (struct mono){0}; /* at once */
        return intake->deadline;
}

void intake_be_patient(struct intake *intake) { intake->is_patient = true; }
const char *intake_waits_for(const struct intake *intake) { return intake->full[0] ? intake->full : NULL; }
uint32_t intake_n_waiting(const struct intake *intake) { return intake->n_waiting; }

/* -- frames out ---------------------------------------------------------------------------------------------------- */

static bool has_room(uint32_t n_messages, size_t n_bytes, const struct request *request) {
        return n_messages + request->parcel.n <= LIMIT_FRAME_MESSAGES &&
               n_bytes + request->parcel.messages.len <= LIMIT_FRAME_BYTES - LIMIT_FRAME_HEAD_BYTES;
}

/* Moves as many requests as fit to those sent; the first always fits, see intake_push(). */
static uint32_t move_to_sent(struct intake *intake, bool *ret_has_events) {
        struct queue *from = intake->backlog.first ? &intake->backlog : &intake->collected;
        uint32_t n_messages = 0;
        size_t n_bytes = 0;

        *ret_has_events = false;
        while (from->first && has_room(n_messages, n_bytes, from->first)) {
                struct request *request = queue_pop(from);

                n_messages += request->parcel.n;
                n_bytes += request->parcel.messages.len;
                *ret_has_events = *ret_has_events || request->parcel.has_events;
                queue_push(&intake->sent, request);
        }
        return n_messages;
}

static void build_frame(struct intake *intake, struct mono now) {
        struct buffer *bytes = &intake->frame.bytes;
        bool has_events;

        intake->frame.number++;
        intake->frame.since = now;
        intake->frame.is_backlog = intake->backlog.first != NULL;
        intake->frame.n_messages = move_to_sent(intake, &has_events);
        free(intake->frame.is_taken);
        intake->frame.is_taken = memory_new(intake->frame.n_messages + 1, sizeof *intake->frame.is_taken);
        buffer_clear(bytes);
        if (has_events)
                wire_encode_events(bytes, intake->frame.number, intake->frame.n_messages);
        else
                wire_encode_messages(bytes, intake->frame.number, intake->frame.n_messages);
        for (struct request *request = intake->sent.first; request; request = request->next) {
                request->at = bytes->len;
                request->len = request->parcel.messages.len;
                buffer_push(bytes, request->parcel.messages.data, request->parcel.messages.len);
                buffer_done(&request->parcel.messages);
        }
        ENSURE(bytes->len <= LIMIT_FRAME_BYTES);
}

bool intake_pop_frame(struct intake *intake, struct mono now, struct bytes *ret) {
        if (intake->sent.first && !mono_is_due(now, intake->frame.due))
                return false;
        if (!intake->sent.first && !next_queue(intake)->first)
                return false;
        if (!intake->sent.first)
                build_frame(intake, now);
        intake->frame.is_unsent = false;
        intake->frame.due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        *ret = buffer_bytes(&intake->frame.bytes);
        return true;
}

void intake_on_unsent(struct intake *intake, struct mono now) {
        intake->frame.is_unsent = true;
        intake->frame.due = mono_add(now, span_ms(LIMIT_UNSENT_MS));
}
