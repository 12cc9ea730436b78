#include "ingest/core/intake_private.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

/* -- queues -------------------------------------------------------------------------------------------------------- */

void intake_queue_init(struct queue *queue) { *queue = (struct queue){NULL, &queue->first}; }

void intake_queue_push(struct queue *queue, struct request *request) {
        request->next = NULL;
        *queue->end = request;
        queue->end = &request->next;
}

struct request *intake_queue_pop(struct queue *queue) {
        struct request *request = queue->first;

        if (request) {
                queue->first = request->next;
                if (!queue->first)
                        queue->end = &queue->first;
        }
        return request;
}

struct request *intake_request_free(struct request *request) {
        parcel_done(&request->parcel);
        refusals_done(&request->refusals);
        free(request);
        return NULL;
}

void intake_queue_done(struct queue *queue) {
        struct request *request;

        while ((request = intake_queue_pop(queue)))
                intake_request_free(request);
}

struct intake *intake_new(void) {
        struct intake *intake = memory_new(1, sizeof *intake);

        intake_queue_init(&intake->collected);
        intake_queue_init(&intake->backlog);
        intake_queue_init(&intake->sent);
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
        intake_queue_done(&intake->collected);
        intake_queue_done(&intake->backlog);
        intake_queue_done(&intake->sent);
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
        intake_queue_push(queue, request);
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

        while ((request = intake_queue_pop(queue))) {
                intake->n_waiting--;
                intake->n_bytes -= request->n_bytes;
                intake_request_free(request);
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
        struct request *request = intake_queue_pop(is_sent ? &intake->sent : &intake->collected);

        if (!request)
                return false;
        if (is_sent)
                buffer_push(&request->parcel.messages, intake->frame.bytes.data + request->at, request->len);
        if (!request->is_answered) {
                intake->n_waiting--;
                intake->n_bytes -= request->n_bytes;
        }
        *ret = (struct intake_request){request->is_answered ? NULL : request->owner, request->parcel,
                                       request->refusals};
        request->parcel = (struct parcel){0};
        request->refusals = (struct refusals){0};
        intake_request_free(request);
        return true;
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static bool is_expired(const struct request *request, struct mono now) {
        return !request->is_answered && mono_is_due(now, request->deadline);
}

static void expire_collected(struct intake *intake, struct mono now) {
        struct queue left;
        struct request *request;

        intake_queue_init(&left);
        while ((request = intake_queue_pop(&intake->collected))) {
                if (!is_expired(request, now)) {
                        intake_queue_push(&left, request);
                        intake->deadline = mono_min(intake->deadline, request->deadline);
                        continue;
                }
                intake_verdict_push(intake, request, (struct intake_verdict){.is_late = true});
                intake_request_free(request);
        }
        while ((request = intake_queue_pop(&left)))
                intake_queue_push(&intake->collected, request);
}

/* Requests in the frame under way stay in it, for the acknowledgement counts them too. When nobody is left who waits
 * for it, the frame is given up. */
static void expire_sent(struct intake *intake, struct mono now) {
        bool is_waited_for = false;

        for (struct request *request = intake->sent.first; request; request = request->next) {
                if (is_expired(request, now))
                        intake_verdict_push(intake, request, (struct intake_verdict){.is_late = true});
                if (request->is_answered)
                        continue;
                is_waited_for = true;
                intake->deadline = mono_min(intake->deadline, request->deadline);
        }
        if (!is_waited_for)
                intake_queue_done(&intake->sent);
}

void intake_on_time(struct intake *intake, struct mono now) {
        if (!mono_is_due(now, intake->deadline))
                return;
        intake->deadline = MONO_NEVER;
        expire_sent(intake, now);
        expire_collected(intake, now);
}

const struct queue *intake_queue_next(const struct intake *intake) {
        return intake->backlog.first || intake->is_held ? &intake->backlog : &intake->collected;
}

struct mono intake_next(const struct intake *intake) {
        if (intake->sent.first)
                return mono_min(intake->deadline, intake->frame.due);
        if (intake_queue_next(intake)->first)
                return (struct mono){0}; /* at once */
        return intake->deadline;
}

void intake_be_patient(struct intake *intake) { intake->is_patient = true; }
const char *intake_waits_for(const struct intake *intake) { return intake->full[0] ? intake->full : NULL; }
uint32_t intake_n_waiting(const struct intake *intake) { return intake->n_waiting; }
