/* A benchmark while it runs; only for bench_run.c and bench_ends.c. */
#pragma once

#include "broker/ctl/bench_run.h"
#include "broker/ctl/bench_sink.h"
#include "broker/ctl/producer.h"

struct bench {
        const struct bench_plan *plan;
        const struct bench_hooks *hooks;
        struct bench_result *result;
        struct producer *producer;
        struct sink *sink; /* NULL while nothing is taken out */
        struct buffer body; /* the same for every message */
        struct mono opened, now, shown;
        uint8_t uuid[WIRE_UUID_LEN]; /* of the sink */
};

/* May a message be sent now? */
bool bench_can_push(const struct bench *bench);
/* Sends what may be sent by now. */
void bench_push_messages(struct bench *bench);
/* When the next message is to be sent, if its time holds it back; else `longest`. */
struct span bench_push_wait(const struct bench *bench, struct span longest);
/* What the producer and the sink call; `context` is the bench. */
void bench_on_ack(void *context, const struct producer_frame *frame);
bool bench_on_run(void *context, struct wire_run *run, uint32_t *numbers);
void bench_on_over(void *context, const uint32_t *numbers, uint32_t n);
void bench_on_settled(void *context, const uint32_t *numbers, uint32_t n);
