/* Producers: people write, platforms call webhooks, and what is not acknowledged in time is said again under the same
 * id. Each has the real intake (ingest/core/intake.h) and a connection to the broker. */
#include "common/ensure.h"
#include "common/memory.h"
#include "ingest/core/intake.h"
#include "tests/sim/check.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { ACK_TIMEOUT_US = 4000000, RESTART_US = 50000, RESTART_MAX_US = 3000000, AGAIN_MAX = 4 };

struct place {
        struct process process;
        struct intake *intake;
        struct link *link;
        struct parcel_ids ids;
        char seed[24];
        uint64_t timer; /* the entry that counts */
        uint32_t n_starts;
};

/* A request that waits for its verdict, on one message. */
struct saying {
        struct place *place;
        uint32_t number;
};

static struct place places[SIM_PRODUCERS];

struct process *producer_process(uint32_t n) {
        return &places[n].process;
}

bool producers_are_waiting(void) {
        for (uint32_t i = 0; i < SIM_PRODUCERS; i++)
                if (places[i].intake && intake_n_waiting(places[i].intake) > 0)
                        return true;
        return false;
}

static void move(struct place *place);

static void on_timer(void *context, uint64_t token) {
        struct place *place = context;

        if (token != place->timer)
                return;
        sim_step(STEP_TIMER);
        move(place);
}

/* -- verdicts ------------------------------------------------------------------------------------------------------ */

static void say_number(struct place *place, uint32_t number);

static void on_say_again(void *context, uint64_t token) {
        struct saying *saying = context;
        struct place *place = saying->place;

        if (place->process.is_up)
                say_number(place, check_say_again((uint32_t)(place - places), saying->number));
}

/* Nobody knows whether lull has it: whoever wants to be sure says it again. */
static void come_again(struct saying *saying) {
        if (sim.profile.is_still || check_times_said(saying->number) >= AGAIN_MAX || sim_roll(4) == 0)
                return;
        sim_fault(FAULT_SAID_AGAIN);
        sim_at(sim_time() + sim_delay(10000, 8000000), NULL, on_say_again, saying, 0);
}

static void take_verdicts(struct place *place) {
        struct intake_verdict verdict;

        while (intake_pop_verdict(place->intake, &verdict)) {
                struct saying *saying = verdict.owner;
                const char *code = verdict.refusals.n ? verdict.refusals.items[0].code : NULL;

                sim_step(STEP_VERDICT);
                check_on_verdict(saying->number, verdict.is_late, verdict.n_accepted + verdict.n_events,
                                 verdict.n_duplicates, code);
                if (verdict.is_late)
                        come_again(saying);
                intake_verdict_done(&verdict);
        }
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

static void move(struct place *place) {
        struct mono now = {sim_time()};
        struct bytes frame;
        struct mono next;

        intake_on_time(place->intake, now);
        take_verdicts(place);
        while (intake_pop_frame(place->intake, now, &frame))
                if (link_send(place->link, frame) != 0) {
                        intake_on_unsent(place->intake, now);
                        break;
                }
        next = intake_next(place->intake);
        place->timer++;
        if (next.us != MONO_NEVER.us)
                sim_at(next.us, &place->process, on_timer, place, place->timer);
}

static void on_frames(void *context) {
        struct place *place = context;
        struct bytes frame, body;
        enum wire_type type;
        struct wire_ack ack;

        while (link_receive(place->link, &frame) == 0) {
                ENSURE(wire_open(frame, &type, &body) == 0);
                if (type != WIRE_ACK)
                        continue;
                ENSURE(wire_decode_ack(body, &ack) == 0);
                ENSURE(intake_on_ack(place->intake, &ack) >= 0);
        }
        move(place);
}

/* -- saying -------------------------------------------------------------------------------------------------------- */

static void say_number(struct place *place, uint32_t number) {
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_PARCEL struct parcel parcel = {0};
        struct saying *saying = sim_new(sizeof *saying);
        struct wire_message message;
        int r;

        *saying = (struct saying){place, number};
        check_encode(number, &body, &message);
        message.body = buffer_bytes(&body);
        parcel_push(&parcel, &place->ids, &message, 0);
        sim_step(STEP_SAID);
        tell_item(&message);
        r = intake_push(place->intake, &parcel, saying, (struct mono){sim_time() + ACK_TIMEOUT_US});
        if (r == 0)
                move(place);
        else
                check_on_verdict(number, true, 0, 0, NULL);
}

void producer_say(uint32_t n, uint32_t thread, const char *id, const char *text) {
        if (places[n].process.is_up)
                say_number(&places[n], check_say(n, thread, id, text));
}

void producer_hand_in(uint32_t n, uint32_t number) {
        if (places[n].process.is_up)
                say_number(&places[n], number);
}

/* -- processes ----------------------------------------------------------------------------------------------------- */

static void start(struct place *place) {
        place->process.is_up = true;
        place->process.busy_until = 0;
        place->n_starts++;
        snprintf(place->seed, sizeof place->seed, "p%d.%u", (int)(place - places), place->n_starts);
        place->ids = (struct parcel_ids){.seed = place->seed};
        place->intake = intake_new();
        place->link = net_connect(&place->process, SOCKET_INGEST, on_frames, place);
}

static void on_start(void *context, uint64_t token) { start(context); }

void producer_kill(uint32_t n) {
        struct place *place = &places[n];

        if (!place->process.is_up)
                return;
        net_on_death(&place->process, false);
        place->process.is_up = false;
        place->process.generation++;
        place->intake = intake_free(place->intake);
        sim_at(sim_time() + sim_delay(RESTART_US, RESTART_MAX_US), NULL, on_start, place, 0);
}

void producers_init(void) {
        for (uint32_t i = 0; i < SIM_PRODUCERS; i++) {
                places[i] = (struct place){.process.generation = places[i].process.generation + 1};
                snprintf(places[i].process.name, sizeof places[i].process.name, "producer %u", i + 1);
        }
        for (uint32_t i = 0; i < sim.profile.n_producers; i++)
                start(&places[i]);
}

void producers_done(void) {
        for (uint32_t i = 0; i < SIM_PRODUCERS; i++)
                places[i].intake = intake_free(places[i].intake);
}
