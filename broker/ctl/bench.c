/* lull bench: how fast is a broker, how late, and does everything come out once and in order? What is done is planned
 * in bench_plan.c and run in bench_run.c, with a broker of its own from bench_self.c; bench_report.c tells of it. */
#include "broker/ctl/bench_request.h"
#include "broker/ctl/endpoint.h"
#include "broker/ctl/screen.h"
#include "common/config.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

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
static int find_tenant(struct bench_request *request, struct found *found) {
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

static int find_broker(struct bench_request *request, struct found *found) {
        int r = endpoint_find(&request->options, ENDPOINT_INGEST, &found->ingest);

        if (r == 0)
                r = endpoint_find(&request->options, ENDPOINT_WORKERS, &found->workers);
        if (r == 0)
                r = find_tenant(request, found);
        request->plan.ingest = found->ingest;
        request->plan.workers = found->workers;
        return r;
}

/* -- the command line ---------------------------------------------------------------------------------------------- */

static int read_flights(struct bench_request *request) {
        request->flights[0] = BENCH_UNSAID;
        request->n_flights = 1;
        if (!request->in_flight ||
            bench_counts_decode(request->in_flight, request->flights, BENCH_FLIGHTS_MAX, &request->n_flights) == 0)
                return 0;
        screen_error("--in-flight takes a whole number, or several as in 1,16,256, not '%s'", request->in_flight);
        return -EINVAL;
}

static int read_profile(struct bench_request *request, const struct options_operands *operands) {
        if (operands->n == 0 || bench_profile_decode(operands->words[0], &request->plan.profile) == 0)
                return 0;
        screen_error("there is no profile '%s': in, through, latency, timers, bursts, busy", operands->words[0]);
        return -EINVAL;
}

/* Wrong numbers are told before any broker is asked, or started. */
static int check_numbers(const struct bench_request *request) {
        for (size_t i = 0; i < request->n_flights; i++) {
                CLEANUP_FREE char *error = NULL;
                struct bench_plan plan = request->plan;

                plan.in_flight = request->flights[i];
                if (bench_plan_fill(&plan, &error) < 0) {
                        screen_error("%s", error);
                        return -EINVAL;
                }
        }
        return 0;
}

static int check_request(const struct bench_request *request) {
        if (request->repeat < 1 || request->repeat > BENCH_REPEAT_MAX) {
                screen_error("--repeat is 1 to %d", BENCH_REPEAT_MAX);
                return -EINVAL;
        }
        if (request->is_self || (!request->plan.is_at_once && request->plan.pending == BENCH_UNSAID))
                return check_numbers(request);
        screen_error("--due-at-once and --pending change a broker for good: they need --self");
        return -EINVAL;
}

/* The tenant and its quiet, where the broker is our own. */
static void fill_self(struct bench_plan *plan) {
        plan->is_self = true;
        if (!plan->tenant)
                plan->tenant = "bench";
        /* Long enough that nothing is due before it is told to be. */
        if (plan->quiet.us < 0)
                plan->quiet = plan->is_at_once ? span_s(3600) : bench_profile_quiet(plan->profile);
}

static enum command_exit run_request(struct bench_request *request) {
        CLEANUP(found_done) struct found found = {0};

        if (request->is_self)
                fill_self(&request->plan);
        else if (find_broker(request, &found) < 0)
                return COMMAND_FAILED;
        return bench_request_run(request);
}

/* clang-format off */
#define RULES_OF_PLAN(plan, request)                                                                                   \
        {.name = "messages", .letter = 'n', .value = "N", .count = &(plan)->messages, .help = "how many"},             \
        {.name = "size", .value = "BYTES", .count = &(plan)->message_bytes, .help = "length of a text (256)"},         \
        {.name = "threads", .value = "N", .count = &(plan)->threads, .help = "spread over so many"},                   \
        {.name = "burst", .value = "N", .count = &(plan)->burst, .help = "so many in a row to one thread"},            \
        {.name = "in-flight", .value = "N[,N...]", .text = &(request)->in_flight,                                      \
         .help = "sent and not acknowledged; several numbers are tried in turn"},                                      \
        {.name = "frame", .value = "N", .count = &(plan)->frame_messages,                                              \
         .help = "messages in one frame (100, or a quarter of those in flight)"},                                      \
        {.name = "window", .value = "N", .count = &(plan)->window, .help = "frames in flight, for --in-flight"},       \
        {.name = "rate", .value = "N", .count = &(plan)->rate, .help = "messages a second (0: as fast as it goes)"},   \
        {.name = "gap", .value = "TIME", .span = &(plan)->gap,                                                         \
         .help = "all threads at once, each with this between the messages of a burst"},                               \
        {.name = "pause", .value = "TIME", .span = &(plan)->pause, .help = "with --gap: from one burst to the next"},  \
        {.name = "work", .value = "TIME", .span = &(plan)->work, .help = "how long each run takes (0s)"},              \
        {.name = "slots", .value = "N", .count = &(plan)->slots, .help = "runs at once"},                              \
        {.name = "tenant", .value = "TENANT", .text = &(plan)->tenant, .help = "whose (the config's first)"},          \
        {.name = "quiet", .value = "TIME", .span = &(plan)->quiet,                                                     \
         .help = "that tenant's quiet (the config's; with --self the profile's)"},                                     \
        {.name = "timeout", .letter = 't', .value = "TIME", .span = &(plan)->timeout,                                  \
         .help = "stop after this time, whatever is missing (60s, or 120s)"}
#define RULES_OF_SELF(plan, request)                                                                                   \
        {.name = "due-at-once", .flag = &(plan)->is_at_once,                                                           \
         .help = "with --self: all threads become due at one instant"},                                                \
        {.name = "pending", .value = "N", .count = &(plan)->pending,                                                   \
         .help = "with --self: so many other threads wait meanwhile (0)"},                                             \
        {.name = "broker", .value = "PROGRAM", .text = &(request)->self.broker,                                        \
         .help = "with --self: which lull-broker (the one beside this program)"},                                      \
        {.name = "folder", .value = "FOLDER", .text = &(request)->self.folder,                                         \
         .help = "with --self: where its store lies ($TMPDIR, else /var/tmp)"},                                        \
        {.name = "memory", .flag = &(request)->self.is_in_memory, .help = "with --self: nothing on disk"},             \
        {.name = "keep", .flag = &(request)->self.is_kept, .help = "with --self: do not remove the folder"}
/* clang-format on */

static enum command_exit bench_run_command(const struct command *command, int argc, char **argv) {
        struct bench_request request = {.options = OPTIONS_INIT, .plan = BENCH_PLAN_UNSAID, .repeat = 1};
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "self", .flag = &request.is_self, .help = "start a broker for it, and stop it in the end"},
                RULES_OF_PLAN(&request.plan, &request),
                {.name = "repeat", .value = "N", .count = &request.repeat, .help = "so often, for medians (1)"},
                {.name = "among-others", .flag = &request.is_among_others, .help = "though it has others' messages"},
                RULES_OF_SELF(&request.plan, &request),
                {.name = "csv", .flag = &request.is_csv, .help = "print a line of figures for each time it is run"},
                OPTIONS_JSON(request.options),
                OPTIONS_CONFIG(request.options),
                OPTIONS_STATS(request.options),
                OPTIONS_INGEST(request.options),
                OPTIONS_WORKERS(request.options),
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (read_profile(&request, &operands) < 0 || read_flights(&request) < 0 || check_request(&request) < 0)
                return COMMAND_USAGE;
        return run_request(&request);
}

const struct command command_bench = {
        .name = "bench",
        .operands = "[PROFILE]",
        .summary = "Measures a broker: messages in, batches out, times; checks that nothing is lost or doubled",
        .about =
                "It plays the producers and the workers, over the wire and without Redis, so what is measured is\n"
                "the broker alone. Without --self it takes EVERY run of the broker that it measures: those of its own\n"
                "messages end at once and nothing is answered, those of others are put off as busy.\n"
                "\n"
                "Profiles, each of whose numbers an option replaces:\n"
                "  through   in at one end and out at the other, as fast as it goes (this one, if none is named)\n"
                "  in        acknowledged only; nothing is taken out meanwhile\n"
                "  latency   500 messages a second, each on its own: how soon it is acknowledged, and its run begins\n"
                "  timers    100,000 threads whose quiet of 5 s ends: how late each is\n"
                "  bursts    2,000 people who write five messages each: one whole batch for each, and how late\n"
                "  busy      300 people who write again while their first five messages are being answered",
        .examples = "  $ lull bench --self\n"
                    "  $ lull bench in --self --in-flight 1,16,256,4096 --repeat 5\n"
                    "  $ lull bench latency --self\n"
                    "  $ lull bench timers --self --due-at-once\n"
                    "  $ lull bench timers --self --pending 1000000 --messages 5000 --rate 500 --quiet 1s\n"
                    "  $ lull bench busy --self --json",
        .n_operands_max = 1,
        .run = bench_run_command,
};
