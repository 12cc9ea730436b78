#include "worker/worker.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/sign.h"
#include "worker/broker_link.h"
#include "worker/recall.h"
#include "worker/runs.h"
#include "worker/scripts.h"
#include "worker/settings.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

struct worker {
        struct loop *loop;
        struct settings *settings;
        struct runs *runs;
        struct work_doors doors;
        struct work_spares spares;
        struct loop_timer *timer; /* draining: when to hand back; then when to leave */
        struct loop_timer *last_runs; /* no more may be on their way */
        bool is_last_run_in;
        uint32_t slots;
        uint8_t uuid[WIRE_UUID_LEN];
        enum { WORKING, DRAINING, LEAVING } state;
};

/* -- leaving ------------------------------------------------------------------------------------------------------- */

static void set_timer(struct worker *worker, struct span span) {
        struct mono now = clock_mono();

        loop_timer_set(worker->timer, now, mono_add(now, span));
}

static void leave(struct worker *worker);

/* Typing signs that are being taken away have as long for it as the last results. */
static void stop_if_empty(struct worker *worker) {
        if (!worker->is_last_run_in || runs_count(worker->runs) > 0)
                return;
        if (typings_is_empty(worker->doors.typings))
                loop_stop(worker->loop);
        else if (worker->state == DRAINING)
                leave(worker);
}

/* A RUN that the broker sent before it heard that we leave would end only with its lease, and count as lost. */
static void await_last_runs(struct worker *worker) {
        struct mono now = clock_mono();

        loop_timer_set(worker->last_runs, now, mono_add(now, span_ms(LIMIT_LAST_RUNS_MS)));
}

static void on_last_runs(void *context) {
        struct worker *worker = context;

        worker->is_last_run_in = true;
        stop_if_empty(worker);
}

static void hand_back(void *context, struct work *work) { work_on_event(work, RUN_ON_HAND_BACK); }

static void leave(struct worker *worker) {
        worker->state = LEAVING;
        if (runs_count(worker->runs) > 0)
                log_info("handing_back", LOG_NUMBER("runs", runs_count(worker->runs)));
        runs_each(worker->runs, hand_back, NULL);
        set_timer(worker, span_ms(LIMIT_FAREWELL_MS));
        stop_if_empty(worker);
}

static void drain(struct worker *worker) {
        struct span span = settings_config(worker->settings)->worker.drain;

        worker->state = DRAINING;
        log_info("draining", LOG_NUMBER("runs", runs_count(worker->runs)), LOG_NUMBER("drain_ms", span_to_ms(span)));
        broker_link_set_slots(worker->doors.link, 0);
        set_timer(worker, span);
        await_last_runs(worker);
}

static void on_timer(void *context) {
        struct worker *worker = context;

        if (worker->state == DRAINING)
                leave(worker);
        else
                loop_stop(worker->loop);
}

static void on_leave_signal(void *context, int signal) {
        struct worker *worker = context;

        if (worker->state == WORKING)
                drain(worker);
        else if (worker->state == DRAINING)
                leave(worker);
        else
                loop_stop(worker->loop);
}

/* -- settings ------------------------------------------------------------------------------------------------------ */

static void on_reload_signal(void *context, int signal) {
        struct worker *worker = context;
        CLEANUP_FREE char *error = NULL;
        struct settings *settings;
        struct config *config;

        if (config_load(settings_config(worker->settings)->path, &config, &error) < 0 ||
            settings_new(config, &settings, &error) < 0) {
                log_error("reload_failed", LOG_TEXT("why", error));
                return;
        }
        settings_free(worker->settings);
        worker->settings = settings;
        log_info("reloaded", LOG_NUMBER("tenants", settings_config(settings)->n_tenants));
}

/* -- what the broker says ------------------------------------------------------------------------------------------ */

static bool is_refused(const struct worker *worker, struct outcome *ret) {
        if (worker->state != WORKING)
                outcome_init(ret, WIRE_HANDED_BACK, "draining", "the worker is being stopped");
        else if (runs_count(worker->runs) >= worker->slots)
                outcome_init(ret, WIRE_HANDED_BACK, "no_room", "the worker holds as many runs as it has slots");
        else
                return false;
        return true;
}

static void on_run(void *context, const struct wire_run *run) {
        struct worker *worker = context;
        struct outcome refusal;
        struct batch *batch;
        struct work *work;
        bool has_refusal = is_refused(worker, &refusal);

        /* A frame that came twice. */
        if (runs_find(worker->runs, run->fence))
                return;
        if (batch_new(run, &batch) < 0) {
                log_error("bad_frame", LOG_BYTES("batch", run->batch), LOG_NUMBER("fence", run->fence));
                return;
        }
        if (worker->state != WORKING && !worker->is_last_run_in)
                await_last_runs(worker);
        work = work_new(&worker->doors, batch);
        runs_push(worker->runs, work);
        work_begin(work, worker->settings, has_refusal ? &refusal : NULL);
}

static void on_go(void *context, uint64_t fence) {
        struct worker *worker = context;
        struct work *work = runs_find(worker->runs, fence);

        if (work)
                work_on_event(work, RUN_ON_GO);
}

static void on_verdict(void *context, enum wire_type type, const struct wire_verdict *verdict) {
        struct worker *worker = context;
        struct work *work = runs_find(worker->runs, verdict->fence);

        if (work)
                work_on_verdict(work, type, verdict);
}

static void on_settled(void *context, const struct wire_settled *settled) {
        struct worker *worker = context;
        struct work *work = runs_find(worker->runs, settled->fence);

        if (work)
                work_on_settled(work, settled->is_accepted);
}

static uint32_t count_held(void *context) { return runs_count(((struct worker *)context)->runs); }

static void encode_one(void *context, struct work *work) {
        wire_encode_held(context, work_fence(work), work_batch(work));
}

static void encode_held(void *context, struct buffer *frame) {
        runs_each(((struct worker *)context)->runs, encode_one, frame);
}

static void on_run_end(void *context, struct work *work) {
        struct worker *worker = context;

        runs_remove(worker->runs, work);
        stop_if_empty(worker);
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static void on_typing_failed(void *context, const char *tenant) {
        struct worker *worker = context;

        tally_add(worker->doors.tally, tenant, WIRE_TALLY_TYPING_FAILED, 1);
}

static void on_typings_empty(void *context) { stop_if_empty(context); }

static int connect_broker(struct worker *worker, const struct config *config, char **ret_error) {
        struct broker_link_owner owner = {
                .context = worker,
                .on_run = on_run,
                .on_go = on_go,
                .on_verdict = on_verdict,
                .on_settled = on_settled,
                .count_held = count_held,
                .encode_held = encode_held,
        };
        uint64_t incarnation = (uint64_t)clock_now().wall.ms;
        int r = broker_link_new(worker->loop, config->broker.workers, worker->uuid, incarnation, worker->slots, &owner,
                                &worker->doors.link);

        if (r < 0)
                *ret_error = memory_print("%s: broker.workers: %s is no address that can be connected to: %s",
                                          config->path, config->broker.workers, strerror(-r));
        else
                tally_set_link(worker->doors.tally, worker->doors.link);
        return r;
}

static int open_doors(struct worker *worker, const struct config *config, char **ret_error) {
        struct work_doors *doors = &worker->doors;

        if (*config->redis) {
                int r = redis_new(worker->loop, config->redis, scripts_text, SCRIPT_N, &doors->redis, ret_error);

                if (r < 0)
                        return r;
                doors->recall = recall_new(doors->redis);
        }
        doors->locks = locks_new(doors->redis, worker->uuid);
        doors->loop = worker->loop;
        doors->spares = &worker->spares;
        doors->has_locks = *config->redis != '\0';
        doors->calls = calls_new(worker->loop);
        doors->typings = typings_new(worker->loop, doors->calls, on_typing_failed, on_typings_empty, worker);
        doors->tally = tally_new(worker->loop);
        doors->on_end = on_run_end;
        doors->context = worker;
        return connect_broker(worker, config, ret_error);
}

static void log_started(const struct worker *worker) {
        CLEANUP_BUFFER struct buffer uuid = {0};

        sign_hex_encode((struct bytes){worker->uuid, sizeof worker->uuid}, &uuid);
        log_info("started", LOG_TEXT("version", LULL_VERSION), LOG_BYTES("worker", buffer_bytes(&uuid)),
                 LOG_NUMBER("slots", worker->slots), LOG_TEXT("lock", worker->doors.has_locks ? "redis" : "none"),
                 LOG_TEXT("broker", settings_config(worker->settings)->broker.workers));
}

static int start(struct worker *worker, char **ret_error) {
        const struct config *config = settings_config(worker->settings);
        int r;

        worker->slots = config->worker.slots;
        worker->runs = runs_new(worker->slots);
        worker->loop = loop_new();
        worker->timer = loop_timer_new(worker->loop, on_timer, worker);
        worker->last_runs = loop_timer_new(worker->loop, on_last_runs, worker);
        r = open_doors(worker, config, ret_error);
        if (r < 0)
                return r;
        loop_on_signal(worker->loop, SIGTERM, on_leave_signal, worker);
        loop_on_signal(worker->loop, SIGINT, on_leave_signal, worker);
        loop_on_signal(worker->loop, SIGHUP, on_reload_signal, worker);
        log_started(worker);
        return 0;
}

int worker_new(struct config *config, struct worker **ret, char **ret_error) {
        struct worker *worker;
        struct settings *settings;
        int r = settings_new(config, &settings, ret_error);

        if (r < 0)
                return r;
        worker = memory_new(1, sizeof *worker);
        worker->settings = settings;
        ENSURE(getrandom(worker->uuid, sizeof worker->uuid, 0) == sizeof worker->uuid);
        r = start(worker, ret_error);
        if (r < 0) {
                worker_free(worker);
                return r;
        }
        *ret = worker;
        return 0;
}

void worker_run(struct worker *worker) {
        loop_run(worker->loop);
        log_info("stopped", LOG_NUMBER("runs", runs_count(worker->runs)));
}

struct worker *worker_free(struct worker *worker) {
        if (!worker)
                return NULL;
        runs_free(worker->runs);
        work_spares_done(&worker->spares);
        typings_free(worker->doors.typings);
        tally_flush(worker->doors.tally);
        tally_free(worker->doors.tally);
        broker_link_free(worker->doors.link);
        recall_free(worker->doors.recall);
        locks_free(worker->doors.locks);
        redis_free(worker->doors.redis);
        calls_free(worker->doors.calls);
        loop_timer_free(worker->timer);
        loop_timer_free(worker->last_runs);
        loop_free(worker->loop);
        settings_free(worker->settings);
        free(worker);
        return NULL;
}
