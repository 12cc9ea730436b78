/* What the files of the intake share: intake.c (requests, and time), intake_frame.c (frames out), intake_ack.c
 * (acknowledgements in, and verdicts). */
#pragma once

#include "common/limits.h"
#include "ingest/core/intake.h"

struct request {
        struct request *next;
        void *owner;
        struct mono deadline;
        struct parcel parcel;
        size_t n_bytes;
        size_t at, len; /* where its messages stand in the frame under way */
        bool is_answered; /* had its verdict, and is kept only because its messages are in the frame under way */
        struct refusals refusals; /* of what the broker does not understand: see intake_on_bad_frame() */
};

struct queue {
        struct request *first, **end;
};

struct intake_verdict_entry {
        struct intake_verdict_entry *next;
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
                bool has_events; /* it is of the type EVENTS */
                bool *is_taken; /* each message: accepted already, while others found no room */
        } frame;
        struct intake_verdict_entry *verdicts, **verdicts_end;
        struct mono deadline; /* not later than the earliest of all requests */
        uint32_t n_waiting;
        size_t n_bytes;
        bool is_patient, is_held;
        char full[LIMIT_CODE_LEN + 1]; /* what the frame under way was refused for in part, or "" */
};

/* -- intake.c ------------------------------------------------------------------------------------------------------ */

void intake_queue_init(struct queue *queue);
void intake_queue_push(struct queue *queue, struct request *request);
/* NULL when there is none. */
struct request *intake_queue_pop(struct queue *queue);
/* Frees what is in it. */
void intake_queue_done(struct queue *queue);
/* Where the next frame is made of; what is held goes in none. */
const struct queue *intake_queue_next(const struct intake *intake);
struct request *intake_request_free(struct request *request);

/* -- intake_ack.c -------------------------------------------------------------------------------------------------- */

/* The request has its verdict, which is taken. */
void intake_verdict_push(struct intake *intake, struct request *request, struct intake_verdict verdict);
