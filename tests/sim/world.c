/* The world of a seed: tenants with their settings, how many of everything, and what goes wrong how often. Many things
 * are off in many seeds, so that each fault is seen alone as well as with others. */
#include "tests/sim/check.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

/* One seed in so many has the real LMDB on the simulated disk, the others the store's own sibling in memory. */
enum { DISK_PART = 2 };

static char tenant_names[SIM_TENANTS][8];
static char thread_names[SIM_ALL_THREADS][16];

static const char *const still_tenants[SIM_TENANTS] = {"acme", "bolt", "cafe", "dora"};
static const char *const still_threads[2 * SIM_THREADS] = {
        "ana", "ben", "cleo", "dan", "eva", "finn", "gil",  "hugo", /* of acme */
        "ida", "jan", "kim",  "lia", "max", "nora", "otto", "pia", /* of bolt */
};

uint32_t world_thread(struct bytes tenant, struct bytes name) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (bytes_is_text(name, thread_names[i]) && bytes_is_text(tenant, tenant_names[world_tenant(i)]))
                        return i;
        sim_violation("the world", "nobody knows thread %.*s", BYTES_PRINT(name));
}

const char *world_thread_name(uint32_t thread) { return thread_names[thread]; }
const char *world_tenant_name(uint32_t thread) { return tenant_names[world_tenant(thread)]; }

uint32_t world_other_names(uint32_t thread, uint32_t *ret_names) {
        uint32_t tenant = world_tenant(thread) * SIM_THREADS, at = thread - tenant, n = 0;
        uint32_t first = sim.profile.n_names > 0 ? at / sim.profile.n_names * sim.profile.n_names : at;

        for (uint32_t i = first; i < first + sim.profile.n_names && i < SIM_THREADS; i++)
                if (i != at)
                        ret_names[n++] = tenant + i;
        return n;
}

static char endpoints[SIM_PROVIDERS][24] = {"http://provider-0:80", "http://provider-1:80"};
static char readable_kind[] = "chatwoot", plain_kind[] = "generic";

uint32_t world_provider(uint32_t tenant) {
        uint32_t i = 0;

        while (i < SIM_PROVIDERS && sim.tenants[tenant].handler.endpoint != endpoints[i])
                i++;
        return i;
}

bool world_can_read_back(uint32_t tenant) {
        return sim.tenants[tenant].n_channels > 0 && sim.tenants[tenant].channels->kind == readable_kind;
}

static int64_t any_of(const int64_t *values, uint32_t n) { return values[sim_roll(n)]; }

#define ANY(...) any_of((const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static const struct config_tenant defaults = {
        .quiet = {2000000},
        .max_wait = {10000000},
        .max_messages = 20,
        .max_bytes = 65536,
        .retry = {.attempts = 4, .base = {2000000}, .cap = {32000000}, .factor = 2, .jitter = 0},
        .busy = {.base = {100000}, .cap = {2000000}, .give_up = {60000000}},
        .lock_ttl = {9000000},
        .run_timeout = {30000000},
        .concurrency = 100,
        .typing_hold = {8000000},
        .hold_for = {INT64_C(12) * 3600 * 1000000},
};

static void vary(struct config_tenant *tenant) {
        tenant->quiet = span_ms(ANY(0, 0, 100, 500, 1000, 3000));
        tenant->max_wait = span_ms(span_to_ms(tenant->quiet) + ANY(0, 500, 2000, 10000));
        tenant->max_messages = (uint32_t)ANY(1, 2, 3, 5, 20);
        tenant->max_bytes = (uint32_t)ANY(30, 60, 65536, 65536);
        tenant->retry.attempts = (uint32_t)ANY(1, 2, 3, 6);
        tenant->retry.base = span_ms(ANY(100, 500, 2000));
        tenant->retry.cap = span_ms(span_to_ms(tenant->retry.base) * ANY(1, 4, 16));
        tenant->retry.jitter = sim_roll(2) ? 0.1 : 0;
        tenant->busy.give_up = span_ms(ANY(500, 3000, 20000));
        tenant->lock_ttl = span_ms(ANY(3000, 6000, 15000));
        tenant->run_timeout = span_ms(ANY(3000, 10000, 30000));
        tenant->concurrency = (uint32_t)ANY(1, 2, 100);
        tenant->max_pending = (uint32_t)ANY(0, 0, 0, 0, 0, 6, 20);
        tenant->rate = (struct config_rate){(uint32_t)ANY(0, 0, 0, 2, 8), span_s(1)};
        tenant->on_new_message = sim_roll(2) ? CONFIG_ON_NEW_INTERRUPT : CONFIG_ON_NEW_QUEUE;
        tenant->max_interrupts = (uint32_t)ANY(0, 1, 3, 10);
        tenant->on_unknown = sim_roll(2) ? CONFIG_ON_UNKNOWN_SILENCE : CONFIG_ON_UNKNOWN_REPEAT;
        tenant->typing_hold = span_ms(ANY(0, 1000, 3000, 8000));
        tenant->transcription_wait = span_ms(ANY(0, 0, 1000, 5000));
        tenant->on_takeover = sim_roll(4) ? CONFIG_ON_TAKEOVER_HOLD : CONFIG_ON_TAKEOVER_IGNORE;
        tenant->hold_for = span_ms(ANY(0, 1000, 4000, 20000));
        tenant->on_resume = (enum config_on_resume)ANY(CONFIG_ON_RESUME_REST, CONFIG_ON_RESUME_REST,
                                                       CONFIG_ON_RESUME_RECORD, CONFIG_ON_RESUME_ANSWER);
        tenant->handler.endpoint = sim_roll(3) ? endpoints[sim_roll(SIM_PROVIDERS)] : NULL;
}

static void make_tenants(void) {
        static char name[] = "support";
        static struct config_channel channels[] = {{.name = name, .kind = plain_kind},
                                                   {.name = name, .kind = readable_kind}};

        for (uint32_t i = 0; i < SIM_TENANTS; i++) {
                sim.tenants[i] = defaults;
                if (sim.profile.is_still)
                        snprintf(tenant_names[i], sizeof tenant_names[i], "%s", still_tenants[i]);
                else
                        snprintf(tenant_names[i], sizeof tenant_names[i], "t%u", i);
                sim.tenants[i].name = tenant_names[i];
                if (!sim.profile.is_still)
                        vary(&sim.tenants[i]);
                /* Still worlds: bolt's channel can be read back, and its handler is a provider's. */
                sim.tenants[i].channels = &channels[sim.profile.is_still ? i == 1 : sim_roll(2)];
                sim.tenants[i].n_channels = sim.profile.is_still || sim_roll(4);
                if (sim.profile.is_still && i == 1)
                        sim.tenants[i].handler.endpoint = endpoints[0];
        }
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++) {
                if (sim.profile.is_still && i < 2 * SIM_THREADS)
                        snprintf(thread_names[i], sizeof thread_names[i], "%s", still_threads[i]);
                else
                        snprintf(thread_names[i], sizeof thread_names[i], "%c%u", 'a' + (int)(i % SIM_THREADS),
                                 i / SIM_THREADS);
        }
}

static void make_config(void) {
        static char none[] = "", redis[] = "redis://simulated", path[] = "lull.yaml", endpoint[] = "simulated";
        struct config *config = &sim.config;

        config->path = path;
        config->tenants = sim.tenants;
        config->n_tenants = SIM_TENANTS;
        config->limits.message_bytes = 1000;
        config->limits.store_bytes = UINT64_C(1) << 40;
        config->limits.dedupe_window = span_s(24 * 60 * 60);
        config->limits.dedupe_ids = 1000000;
        config->provider = (struct config_provider){
                .failures = (uint32_t)(sim.profile.is_still ? 3 : ANY(0, 1, 2, 5)),
                .pause = span_ms(sim.profile.is_still ? 1000 : ANY(100, 1000, 3000)),
                .cap = span_ms(sim.profile.is_still ? 30000 : ANY(3000, 10000, 30000)),
                .drain = {(uint32_t)(sim.profile.is_still ? 2 : ANY(0, 1, 20)), span_s(1)},
        };
        config->broker.lease = span_ms(sim.profile.is_still ? 5000 : ANY(3000, 5000, 10000));
        config->broker.workers = endpoint;
        config->redis = sim.profile.has_redis ? redis : none;
        config->worker.slots = sim.profile.slots;
        config->worker.drain = span_ms(sim.profile.is_still ? 5000 : ANY(0, 1000, 10000));
}

static void make_profile(void) {
        struct sim_profile *profile = &sim.profile;

        profile->n_tenants = 1 + sim_roll(SIM_TENANTS);
        profile->n_threads = 1 + sim_roll(SIM_THREADS);
        profile->n_workers = 1 + sim_roll(SIM_WORKERS);
        profile->n_producers = 1 + sim_roll(SIM_PRODUCERS);
        profile->slots = (uint32_t)ANY(1, 2, 4, 16);
        profile->say_ms = (uint32_t)ANY(30, 100, 300, 1000);
        profile->fault_ms = (uint32_t)ANY(300, 1000, 3000, 10000);
        profile->verb_ms = (uint32_t)ANY(200, 1000, 3000);
        profile->n_names = 1;
        if (sim_roll(3) > 0) {
                profile->n_names = (uint32_t)ANY(1, 2, 3);
                profile->aliases = profile->n_names > 1 ? (uint32_t)ANY(5, 30, 80) : 0;
                profile->typing = (uint32_t)ANY(0, 20, 60);
                profile->takeovers = (uint32_t)ANY(0, 0, 5, 30);
                profile->changes = (uint32_t)ANY(0, 0, 20, 60);
                profile->shown = (uint32_t)ANY(0, 10, 50);
                profile->audio = (uint32_t)ANY(0, 0, 20);
        }
        profile->has_redis = sim_roll(4) != 0;
        profile->has_disk = sim_roll(DISK_PART) == 0;
        for (int i = 0; i < FAULT_N; i++)
                profile->weights[i] = sim_roll(3) == 0 ? 0 : (uint32_t)ANY(2, 10, 50);
        /* These are looked for at each frame, or each look at the clock. */
        profile->weights[FAULT_WORKER_STOP_INSIDE] = (uint32_t)ANY(0, 0, 1, 2);
        profile->weights[FAULT_SLOW_FRAME] = (uint32_t)ANY(0, 1, 5, 30);
        profile->weights[FAULT_HANDLER_FAILS] = (uint32_t)ANY(0, 30, 100, 500);
        profile->weights[FAULT_HANDLER_LIES] = (uint32_t)ANY(0, 0, 0, 5);
        profile->weights[FAULT_HANDLER_OVERLOADED] = (uint32_t)ANY(0, 0, 30, 200);
        profile->weights[FAULT_HANDLER_UNPAID] = (uint32_t)ANY(0, 0, 0, 20);
        profile->weights[FAULT_POST_UNKNOWN] = (uint32_t)ANY(0, 20, 100, 400);
        /* Few are asked, so that these are seen at all. */
        profile->weights[FAULT_READ_FAILS] = (uint32_t)ANY(0, 0, 200, 600);
        profile->weights[FAULT_READ_REFUSED] = (uint32_t)ANY(0, 0, 200, 600);
}

void world_make(uint64_t seed, bool is_still) {
        sim_init(seed);
        sim.profile.is_still = is_still;
        if (is_still)
                sim.profile = (struct sim_profile){.n_tenants = 2,
                                                   .n_threads = 4,
                                                   .n_workers = 0,
                                                   .n_producers = 1,
                                                   .slots = 2,
                                                   .n_names = 2,
                                                   .has_redis = true,
                                                   .has_disk = true,
                                                   .is_still = true};
        else
                make_profile();
        make_tenants();
        make_config();
        check_init();
        net_init();
        redis_init();
        outside_init();
        people_init();
        broker_init();
        workers_init();
}

static void on_worker(void *context, uint64_t token) { worker_start((uint32_t)token); }

void world_start(void) {
        broker_start();
        producers_init();
        for (uint32_t i = 0; i < sim.profile.n_workers; i++)
                sim_at(sim_time() + sim_delay(1000, 500000), NULL, on_worker, NULL, i);
}

void world_end(void) {
        workers_done();
        producers_done();
        broker_done();
        net_done();
        sim_done();
}
