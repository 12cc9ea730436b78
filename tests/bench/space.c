/* What the broker's core holds in memory, and what a message costs it, however much is pending.
 *
 *     space [PENDING [MESSAGES [PER_THREAD [IDS]]]]      1,000,000, 200,000, 1 and 0 unless told
 *
 * Fills a core, without a store, with PENDING messages, PER_THREAD to a thread, that are quiet for a long time; then
 * lets MESSAGES messages in bursts of five pass through other threads, from a producer's frame to their run's result.
 * The last IDS of the ids of messages are remembered; with 0 they have none. Shown are the memory that each pending
 * message takes (resident, all told), the CPU time of a message, and the longest that one frame took: what everybody
 * else had to wait. */
#include "broker/core/core.h"
#include "common/ensure.h"
#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FRAME = 100, BURST = 5, SLOTS = 1000, NAME_MAX_LEN = 64 };

struct bench {
        struct config config;
        struct config_tenant tenants[2]; /* "pending" and "flowing" */
        struct core *core;
        struct effects fx;
        struct now now;
        char names[FRAME][NAME_MAX_LEN], ids[FRAME][NAME_MAX_LEN];
        struct wire_message items[FRAME];
        struct buffer body;
        uint64_t n_runs;
};

static struct address worker = {.len = 1, .data = {1}};

static uint64_t cpu_us(void) {
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
               (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t resident_bytes(void) {
        FILE *file = fopen("/proc/self/statm", "r");
        unsigned long size = 0, resident = 0;

        ENSURE(file && fscanf(file, "%lu %lu", &size, &resident) == 2);
        fclose(file);
        return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct config_tenant tenant_of_name(const char *name, struct span quiet) {
        return (struct config_tenant){
                .name = memory_copy_text(name, strlen(name)),
                .quiet = quiet,
                .max_wait = span_s(365 * 24 * 60 * 60),
                .max_messages = LIMIT_BATCH_MESSAGES_MAX,
                .max_bytes = LIMIT_BATCH_BYTES_MAX,
                .retry = {.attempts = 4, .base = span_s(2), .cap = span_s(32), .factor = 2},
                .busy = {.base = span_ms(100), .cap = span_s(2), .give_up = span_s(60)},
                .concurrency = UINT32_MAX,
        };
}

static void step(struct bench *bench, struct event *event) { core_step(bench->core, bench->now, event, &bench->fx); }

static void answer_runs(struct bench *bench) {
        CLEANUP_FREE struct event *results = memory_new(bench->fx.n_sends, sizeof *results);
        CLEANUP_FREE char(*batches)[WIRE_BATCH_LEN + 1] = memory_new(bench->fx.n_sends, sizeof *batches);
        size_t n = 0;

        for (size_t i = 0; i < bench->fx.n_sends; i++) {
                const struct send_run *run = &bench->fx.sends[i].run;

                if (bench->fx.sends[i].type != SEND_RUN)
                        continue;
                memcpy(batches[n], run->batch, sizeof batches[n]);
                results[n] = (struct event){.type = EVENT_RESULT, .from = worker};
                results[n].result =
                        (struct wire_result){.fence = run->fence, .batch = bytes_of(batches[n]), .outcome = WIRE_DONE};
                n++;
        }
        effects_clear(&bench->fx);
        for (size_t i = 0; i < n; i++)
                step(bench, &results[i]);
        effects_clear(&bench->fx);
        bench->n_runs += n;
}

/* The end of a turn. */
static void turn(struct bench *bench) {
        bench->now.mono.us += 100;
        bench->now.wall.ms = 1795000000000 + bench->now.mono.us / 1000;
        step(bench, &(struct event){.type = EVENT_TIME});
        answer_runs(bench);
}

static void say(struct bench *bench, const char *tenant, uint64_t first, uint32_t n, uint32_t per_thread) {
        struct event event = {.type = EVENT_MESSAGES, .from = {.len = 1, .data = {2}}};

        for (uint32_t i = 0; i < n; i++) {
                int len = snprintf(bench->names[i], NAME_MAX_LEN, "%.1s%012llu@s.whatsapp.net", tenant,
                                   (unsigned long long)((first + i) / per_thread));

                bench->items[i] = (struct wire_message){.tenant = bytes_of(tenant),
                                                        .thread = {bench->names[i], (size_t)len},
                                                        .body = buffer_bytes(&bench->body)};
                if (bench->config.limits.dedupe_ids == 0)
                        continue;
                len = snprintf(bench->ids[i], NAME_MAX_LEN, "wamid.%.1s%llu", tenant, (unsigned long long)(first + i));
                bench->items[i].id = (struct bytes){bench->ids[i], (size_t)len};
        }
        event.messages.items = bench->items;
        event.messages.n = n;
        step(bench, &event);
}

/* `n` messages, `per_thread` in a thread; shows what they cost. */
static void pass(struct bench *bench, const char *tenant, uint64_t n, uint32_t per_thread) {
        uint64_t begin = cpu_us(), longest = 0;

        for (uint64_t i = 0; i < n; i += FRAME) {
                uint64_t before = cpu_us(), took;

                say(bench, tenant, i, (uint32_t)(n - i < FRAME ? n - i : FRAME), per_thread);
                turn(bench);
                took = cpu_us() - before;
                longest = took > longest ? took : longest;
        }
        printf("%-8s %10llu messages: %7.0f ns each, longest frame %8.2f ms\n", tenant, (unsigned long long)n,
               (double)(cpu_us() - begin) * 1000 / (double)n, (double)longest / 1000);
}

static void init(struct bench *bench) {
        struct core_options options = {.config = &bench->config, .epoch = 1, .salt = 77, .first_seq = 1, .seed = 1};
        struct event hello = {.type = EVENT_HELLO, .from = worker};
        uint8_t uuid[WIRE_UUID_LEN] = {1};

        bench->now = (struct now){{1000000000}, {1795000000000}};
        bench->tenants[0] = tenant_of_name("pending", span_s(24 * 60 * 60));
        bench->tenants[1] = tenant_of_name("flowing", span_us(0));
        bench->config.tenants = bench->tenants;
        bench->config.n_tenants = 2;
        bench->config.limits.message_bytes = 1000;
        bench->config.broker.lease = span_s(24 * 60 * 60);
        wire_encode_body(&bench->body, &(struct wire_body){.text = bytes_of("Hello, is anybody there?")});
        bench->core = core_new(&options);
        hello.hello = (struct wire_hello){
                .uuid = {uuid, sizeof uuid}, .incarnation = 1, .slots = SLOTS, .version = bytes_of("bench")};
        step(bench, &hello);
        effects_clear(&bench->fx);
}

static void done(struct bench *bench) {
        core_free(bench->core);
        effects_done(&bench->fx);
        buffer_done(&bench->body);
        free(bench->tenants[0].name);
        free(bench->tenants[1].name);
}

static uint64_t count_of(const char *text) {
        char *end;
        unsigned long long n = strtoull(text, &end, 10);

        ENSURE(*text && !*end);
        return n;
}

int main(int argc, char **argv) {
        struct bench bench = {0};
        uint64_t pending = argc > 1 ? count_of(argv[1]) : 1000000, messages = argc > 2 ? count_of(argv[2]) : 200000;
        uint32_t per_thread = argc > 3 ? (uint32_t)count_of(argv[3]) : 1;
        uint64_t before, estimate;

        bench.config.limits.dedupe_ids = argc > 4 ? (uint32_t)count_of(argv[4]) : 0;
        init(&bench);
        pass(&bench, "flowing", FRAME * BURST, BURST); /* what it takes to begin at all is there */
        before = resident_bytes();
        estimate = core_memory(bench.core);
        pass(&bench, "pending", pending, per_thread);
        printf("%10llu messages: %.1f bytes each, %.1f by limits.memory's reckoning\n", (unsigned long long)pending,
               (double)(resident_bytes() - before) / (double)pending,
               (double)(core_memory(bench.core) - estimate) / (double)pending);
        pass(&bench, "flowing", messages, BURST);
        printf("runs: %llu\n", (unsigned long long)bench.n_runs);
        done(&bench);
        return 0;
}
