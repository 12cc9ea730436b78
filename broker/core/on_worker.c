/* A worker says hello, or that it is alive. */
#include "broker/core/state.h"

#include "common/memory.h"

#include <string.h>

static uint32_t find_uuid(const struct core *core, struct bytes uuid) {
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (core->workers[i].is_used && memcmp(core->workers[i].uuid, uuid.data, WIRE_UUID_LEN) == 0)
                        return i;
        return NONE;
}

uint32_t worker_find(const struct core *core, const struct address *address) {
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (core->workers[i].is_used && core->workers[i].address.len == address->len &&
                    memcmp(core->workers[i].address.data, address->data, address->len) == 0)
                        return i;
        return NONE;
}

bool core_takes_bundles(const struct core *core, const struct address *address) {
        uint32_t index = worker_find(core, address);

        return index != NONE && core->workers[index].takes_bundles;
}

static uint32_t new_worker(struct core *core) {
        for (uint32_t i = 0; i < core->n_workers; i++)
                if (!core->workers[i].is_used)
                        return i;
        return core->n_workers < LIMIT_WORKERS ? core->n_workers++ : NONE;
}

void worker_send_error(const struct event *event, const char *code, const char *why, struct effects *fx) {
        wire_encode_error(effects_begin_frame(fx, DOOR_WORKERS, event->from), bytes_of(code), bytes_of(why));
        effects_end_frame(fx);
}

void worker_ask_hello(const struct event *event, struct effects *fx) {
        worker_send_error(event, "hello_first", "the broker does not know this worker: say HELLO", fx);
}

static uint32_t credit_of(const struct worker *worker) {
        return worker->slots > worker->running ? worker->slots - worker->running : 0;
}

void worker_set_slots(struct core *core, struct worker *worker, uint32_t slots) {
        core->free_credit -= credit_of(worker);
        worker->slots = slots;
        core->free_credit += credit_of(worker);
}

/* The leases that the worker says it holds: those that stand are good for another while, of the others it is told. */
static void confirm(struct core *core, struct now now, uint32_t worker, struct pack_reader *held, uint32_t n_held,
                    const struct event *event, struct effects *fx) {
        struct wire_held item;

        for (uint32_t i = 0; i < n_held && wire_held_next(held, &item) == 0; i++) {
                struct thread *thread = thread_find_fence(core, item.fence);

                if (!thread)
                        thread = awaiting_adopt(core, now, worker, &item, fx);
                if (thread && thread->effort->worker == worker) {
                        thread_arm(core, thread, mono_add(now.mono, core->lease));
                        continue;
                }
                core->counters.cancelled++;
                run_cancel(core, now, event->from, item.fence, "stale",
                           "the broker has given this lease up, or never knew it", fx);
        }
}

/* Of a worker that began anew: whatever it held before, it holds no more. */
static void lose_all(struct core *core, struct now now, uint32_t worker, struct effects *fx) {
        for (uint32_t i = 0; i < core->n_threads && core->workers[worker].running > 0; i++)
                if (thread_is_used(&core->threads[i]) && core->threads[i].state == THREAD_RUNNING &&
                    core->threads[i].effort->worker == worker)
                        run_lost(core, now, &core->threads[i], fx);
}

/* Whoever was there before is not any more. */
static void forget_address(struct core *core, const struct address *address) {
        uint32_t index;

        while ((index = worker_find(core, address)) != NONE) {
                worker_set_slots(core, &core->workers[index], 0);
                core->workers[index].address = (struct address){0};
        }
}

void on_hello(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct wire_hello hello = event->hello;
        uint32_t index = find_uuid(core, hello.uuid);
        struct wire_welcome welcome = {core->epoch, core->lease, core->alive, bytes_of(LULL_VERSION), true};
        struct worker *worker;

        if (index != NONE && core->workers[index].incarnation < hello.incarnation)
                lose_all(core, now, index, fx);
        if (index == NONE)
                index = new_worker(core);
        if (index == NONE) {
                worker_send_error(event, "too_many_workers", "the broker knows as many workers as it can; stop some",
                                  fx);
                return;
        }
        worker = &core->workers[index];
        if (!worker->is_used)
                *worker = (struct worker){.is_used = true};
        memcpy(worker->uuid, hello.uuid.data, WIRE_UUID_LEN);
        worker->incarnation = hello.incarnation;
        forget_address(core, &event->from);
        worker->address = event->from;
        worker->heard = now.mono;
        worker->takes_bundles = hello.takes_bundles;
        worker_set_slots(core, worker, hello.slots);
        awaiting_arrive(core, worker, fx);
        /* First what it may not go on with: the WELCOME allows it to post the rest. */
        confirm(core, now, index, &hello.held, hello.n_held, event, fx);
        wire_encode_welcome(effects_begin_frame(fx, DOOR_WORKERS, event->from), &welcome);
        effects_end_frame(fx);
}

void on_alive(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct wire_alive alive = event->alive;
        uint32_t index = worker_find(core, &event->from);

        if (index == NONE) {
                worker_ask_hello(event, fx);
                return;
        }
        core->workers[index].heard = now.mono;
        worker_set_slots(core, &core->workers[index], alive.slots);
        confirm(core, now, index, &alive.held, alive.n_held, event, fx);
        /* Behind what it may not go on with, as with WELCOME. */
        if (alive.beat > 0) {
                wire_encode_heard(effects_begin_frame(fx, DOOR_WORKERS, event->from), alive.beat);
                effects_end_frame(fx);
        }
}

static void count_up(uint64_t *sum, uint64_t amount) {
        *sum = *sum < INT64_MAX - amount ? *sum + amount : INT64_MAX; /* JSON has no larger number */
}

static bool is_whole(const struct event *event) {
        struct pack_reader items = event->tally.items;
        struct wire_tally_item item;

        for (uint32_t i = 0; i < event->tally.n; i++)
                if (wire_tally_next(&items, &item) != 0)
                        return false;
        return true;
}

/* Nothing hangs on these numbers but that they are shown: who did not say HELLO is not asked to. */
void on_tally(struct core *core, const struct event *event, struct effects *fx) {
        uint32_t tenant = tenant_find(core, event->tally.tenant);
        struct pack_reader items = event->tally.items;
        struct wire_tally_item item;

        if (!is_whole(event)) {
                worker_send_error(event, "bad_frame", "the items of a TALLY are not as they should be", fx);
                return;
        }
        if (tenant == NONE || worker_find(core, &event->from) == NONE)
                return;
        for (uint32_t i = 0; i < event->tally.n && wire_tally_next(&items, &item) == 0; i++) {
                if (item.what == WIRE_TALLY_UNKNOWN)
                        continue;
                count_up(&core->tenants[tenant].counters.tally[item.what], item.amount);
                count_up(&core->counters.savings.tally[item.what], item.amount);
        }
}

/* The RUN never left, so nothing of it is out that was not before. */
void on_undelivered(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct thread *thread = thread_find_fence(core, event->undelivered);

        if (!thread)
                return;
        if (thread->is_answered && thread->is_doubtful != thread->was_doubtful) {
                thread->is_doubtful = thread->was_doubtful;
                batch_store(core, thread, now.wall, thread->n_batch, fx);
        }
        if (thread->is_answered) {
                core->counters.savings.reused--;
                tenant_of(core, thread)->counters.reused--;
        }
        run_handed_back(core, now, thread);
}
