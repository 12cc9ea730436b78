/* lull bench: how fast is a broker, how late, and does everything come out once and in order? The measuring is in
 * bench_run.c, the broker of its own in bench_self.c, the report in bench_report.c. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/bench_run.h"
#include "broker/ctl/bench_self.h"
#include "broker/ctl/command.h"
#include "broker/ctl/endpoint.h"
#include "broker/ctl/screen.h"
#include "common/config.h"
#include "common/limits.h"

#include <errno.h>
#include <string.h>

/* What was said on the command line. */
struct request {
        struct options options;
        struct bench_plan plan;
        struct self_settings self;
        bool is_self;
};

/* No time was said: it comes from the config. */
#define QUIET_UNSAID ((struct span){-1})

static int refuse_count(const char *name, uint64_t value, uint64_t max) {
        if (value >= 1 && value <= max)
                return 0;
        screen_error("--%s is 1 to %llu", name, (unsigned long long)max);
        return -EINVAL;
}

static int check_plan(const struct bench_plan *plan) {
        const struct {
                const char *name;
                uint64_t value, max;
        } bounds[] = {
                {"messages", plan->messages, LIMIT_BENCH_MESSAGES},
                {"size", plan->message_bytes, LIMIT_MESSAGE_BYTES_MAX / 2},
                {"threads", plan->threads, LIMIT_BENCH_THREADS},
                {"burst", plan->burst, LIMIT_BENCH_MESSAGES},
                {"frame", plan->frame_messages, LIMIT_FRAME_MESSAGES},
                {"window", plan->window, LIMIT_BENCH_WINDOW},
                {"slots", plan->slots, LIMIT_SLOTS},
        };

        for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
                if (refuse_count(bounds[i].name, bounds[i].value, bounds[i].max) < 0)
                        return -EINVAL;
        return 0;
}

/* -- a broker that runs -------------------------------------------------------------------------------------------- */

/* What a running broker's benchmark takes from the config: the endpoints, the tenant, its quiet. */
struct found {
        char *ingest, *workers, *tenant;
};

static void found_done(struct found *found) {
        free(found->ingest);
        free(found->workers);
        free(found->tenant);
}

/* The tenant and its quiet; without a config both have to be said. */
static int find_tenant(struct request *request, struct found *found) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;
        struct bench_plan *plan = &request->plan;
        const struct config_tenant *tenant;

        if (plan->tenant && plan->quiet.us >= 0)
                return 0;
        if (config_load(request->options.config, &config, &error) < 0) {
                screen_error("%s", error);
                screen_error("without a config file, name the tenant and its quiet: --tenant TENANT --quiet TIME");
                return -EINVAL;
        }
        if (plan->tenant)
                tenant = config_tenant_find(config, bytes_of(plan->tenant));
        else
                tenant = config->n_tenants > 0 ? config->tenants : NULL;
        if (!tenant) {
                screen_error("%s has no tenant%s%s", config->path, plan->tenant ? " " : "",
                             plan->tenant ? plan->tenant : "");
                return -EINVAL;
        }
        if (plan->quiet.us < 0)
                plan->quiet = tenant->quiet;
        if (!plan->tenant)
                plan->tenant = found->tenant = bytes_copy_text(bytes_of(tenant->name));
        return 0;
}

static int find_broker(struct request *request, struct found *found) {
        int r = endpoint_find(&request->options, ENDPOINT_INGEST, &found->ingest);

        if (r == 0)
                r = endpoint_find(&request->options, ENDPOINT_WORKERS, &found->workers);
        if (r == 0)
                r = find_tenant(request, found);
        request->plan.ingest = found->ingest;
        request->plan.workers = found->workers;
        return r;
}

/* Real workers would take the benchmark's messages and ask their handlers, which may cost money. */
static int refuse_workers(const json_t *stats) {
        const json_t *workers = json_object_get(stats, "workers"), *worker;
        size_t i, n = 0;

        json_array_foreach(workers, i, worker) {
                double slots = 1;

                (void)!answer_number_find(worker, "/slots", &slots);
                n += slots > 0;
        }
        if (n == 0)
                return 0;
        screen_error("%zu worker%s connected to this broker: they would take the benchmark's messages and ask their "
                     "handlers. Stop them first, or use --self", n, n == 1 ? " is" : "s are");
        return -EBUSY;
}

/* -- the run ------------------------------------------------------------------------------------------------------- */

static int ask_stats(const struct options *options, json_t **ret) {
        return ask_broker(options, json_pack("{s:s}", "cmd", "stats"), ret);
}

static enum command_exit measure(const struct request *request, const char *medium) {
        CLEANUP_JSON json_t *before = NULL, *after = NULL;
        CLEANUP(bench_result_done) struct bench_result result = {0};

        if (ask_stats(&request->options, &before) != 0 || refuse_workers(before) < 0)
                return COMMAND_FAILED;
        if (bench_run(&request->plan, &result) < 0)
                return COMMAND_FAILED;
        /* A broker that no longer answers is part of what was measured: the report says what is known. */
        (void)!ask_stats(&request->options, &after);
        if (request->options.is_json) {
                CLEANUP_JSON json_t *report = bench_encode_json(&request->plan, &result, after);

                screen_print_json(report);
        } else {
                CLEANUP_BUFFER struct buffer text = {0};

                bench_encode_text(&request->plan, &result, after, medium, &text);
                screen_print(&text);
        }
        return bench_is_good(&result) ? COMMAND_DONE : COMMAND_FAILED;
}

static enum command_exit run_self(struct request *request) {
        CLEANUP_SELF struct self *self = NULL;

        if (!request->plan.tenant)
                request->plan.tenant = "bench";
        if (request->plan.quiet.us < 0)
                request->plan.quiet = span_us(0);
        if (self_new(&request->self, &request->plan, &self) < 0)
                return COMMAND_FAILED;
        request->plan.ingest = self_ingest(self);
        request->plan.workers = self_workers(self);
        request->options.stats = self_stats(self);
        return measure(request, self_medium(self));
}

static enum command_exit run_against(struct request *request) {
        CLEANUP(found_done) struct found found = {0};

        if (find_broker(request, &found) < 0)
                return COMMAND_FAILED;
        return measure(request, NULL);
}

static enum command_exit bench_run_command(const struct command *command, int argc, char **argv) {
        struct request request = {
                .options = OPTIONS_INIT,
                .plan = {.messages = 100000, .message_bytes = 256, .threads = 1000, .burst = 3, .frame_messages = 100,
                         .window = 8, .slots = 1000, .quiet = QUIET_UNSAID, .timeout = {60000000}},
        };
        struct bench_plan *plan = &request.plan;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "self", .flag = &request.is_self, .help = "start a broker for it, and stop it in the end"},
                {.name = "messages", .letter = 'n', .value = "N", .count = &plan->messages, .help = "how many (100k)"},
                {.name = "size", .value = "BYTES", .count = &plan->message_bytes, .help = "length of a text (256)"},
                {.name = "threads", .value = "N", .count = &plan->threads, .help = "spread over so many (1000)"},
                {.name = "burst", .value = "N", .count = &plan->burst, .help = "so many in a row to one thread (3)"},
                {.name = "frame", .value = "N", .count = &plan->frame_messages, .help = "messages in one frame (100)"},
                {.name = "window", .value = "N", .count = &plan->window, .help = "frames in flight (8)"},
                {.name = "rate", .value = "N", .count = &plan->rate, .help = "messages a second (as fast as it goes)"},
                {.name = "slots", .value = "N", .count = &plan->slots, .help = "runs at once (1000)"},
                {.name = "tenant", .value = "TENANT", .text = &plan->tenant, .help = "whose (the config's first)"},
                {.name = "quiet", .value = "TIME", .span = &plan->quiet,
                 .help = "that tenant's quiet (the config's; 0s with --self)"},
                {.name = "broker", .value = "PROGRAM", .text = &request.self.broker,
                 .help = "with --self: which lull-broker (the one beside this program)"},
                {.name = "folder", .value = "FOLDER", .text = &request.self.folder,
                 .help = "with --self: where its store lies ($TMPDIR, else /var/tmp)"},
                {.name = "memory", .flag = &request.self.is_in_memory, .help = "with --self: nothing on disk"},
                {.name = "keep", .flag = &request.self.is_kept, .help = "with --self: do not remove the folder"},
                {.name = "timeout", .letter = 't', .value = "TIME", .span = &plan->timeout,
                 .help = "stop after this time, whatever is missing (60s)"},
                OPTIONS_JSON(request.options), OPTIONS_CONFIG(request.options), OPTIONS_STATS(request.options),
                OPTIONS_INGEST(request.options), OPTIONS_WORKERS(request.options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (check_plan(plan) < 0)
                return COMMAND_USAGE;
        return request.is_self ? run_self(&request) : run_against(&request);
}

const struct command command_bench = {
        .name = "bench",
        .operands = "",
        .summary = "Measures a broker: messages in, batches out, times; checks that nothing is lost or doubled",
        .about = "It plays the producers and the workers, over the wire and without Redis, so what is measured is\n"
                 "the broker alone.\n"
                 "\n"
                 "While it runs it takes EVERY run of that broker: those of its own messages end at once and nothing\n"
                 "is answered, those of others are put off as busy. So use a broker of its own: --self starts one.",
        .examples = "  $ lull bench --self\n"
                    "  $ lull bench --self --quiet 2s --rate 5000 --messages 50000",
        .run = bench_run_command,
};
