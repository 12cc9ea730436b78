/* One benchmark after the other, as the command line asks for them, each with a broker of its own or on one that
 * runs. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/bench_report.h"
#include "broker/ctl/bench_request.h"
#include "broker/ctl/screen.h"
#include "common/memory.h"

#include <errno.h>

/* Several benchmarks, one after the other. */
struct series {
        const struct bench_request *request;
        json_t *reports;
        size_t n;
        bool is_good;
};

/* -- a broker that has other work ---------------------------------------------------------------------------------- */

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
                     "handlers. Stop them first, or use --self",
                     n, n == 1 ? " is" : "s are");
        return -EBUSY;
}

/* And what others have there would be put off as busy for as long, until it is given up. */
static int refuse_messages(const json_t *stats) {
        double pending = 0;

        if (answer_number_find(stats, "/messages/pending", &pending) != 0 || pending == 0)
                return 0;
        screen_error("%.0f messages wait in this broker: their runs would be put off as busy, and in the end given up. "
                     "Use --self, or, if that does not matter, --among-others",
                     pending);
        return -EBUSY;
}

/* -- one benchmark ------------------------------------------------------------------------------------------------- */

static int ask_stats(const struct options *options, json_t **ret) {
        return ask_broker(options, json_pack("{s:s}", "cmd", "stats"), ret);
}

/* With the tenant's quiet gone, whatever has come is due. */
static int fire(void *context) {
        const struct bench_request *request = context;
        CLEANUP_JSON json_t *answer = NULL;
        json_t *question = json_pack("{s:s, s:s, s:s, s:s}", "cmd", "settings_set", "tenant", request->plan.tenant,
                                     "key", "quiet", "value", "0s");

        return ask_broker(&request->options, question, &answer) == 0 ? 0 : -EIO;
}

/* Threads that wait for their quiet, and go on doing so. */
static int fill_pending(const struct bench_request *request) {
        const struct bench_hooks hooks = {.title = "pending first: "};
        CLEANUP(bench_result_done) struct bench_result result = {0};
        CLEANUP_FREE char *error = NULL;
        struct bench_plan plan = BENCH_PLAN_UNSAID;

        plan.profile = BENCH_IN;
        plan.ingest = request->plan.ingest;
        plan.tenant = SELF_TENANT_PENDING;
        plan.messages = plan.threads = request->plan.pending;
        plan.burst = 1;
        plan.message_bytes = request->plan.message_bytes;
        plan.timeout = request->plan.timeout;
        plan.is_self = true;
        if (bench_plan_fill(&plan, &error) < 0 || bench_run(&plan, &hooks, &result) < 0)
                return -EINVAL;
        if (result.n_accepted == plan.messages)
                return 0;
        screen_error("of the pending threads only %llu of %llu are there%s%s", (unsigned long long)result.n_accepted,
                     (unsigned long long)plan.messages, result.refusal ? ": " : "; --timeout gives them more time",
                     result.refusal ? result.refusal : "");
        return -EIO;
}

static void print_report(const struct bench_request *request, const struct bench_result *result, const json_t *report,
                         const json_t *after, const char *medium) {
        CLEANUP_BUFFER struct buffer text = {0};

        if (request->options.is_json) {
                screen_print_json(report);
                return;
        }
        bench_encode_text(&request->plan, result, after, medium, &text);
        screen_print(&text);
}

/* How many benchmarks the command line asks for. */
static size_t n_asked(const struct bench_request *request) { return request->n_flights * request->repeat; }

static void note_report(struct series *series, const struct bench_request *request, const struct bench_result *result,
                        const json_t *after, const char *medium) {
        CLEANUP_JSON json_t *report = bench_encode_json(&request->plan, result, after);

        if (n_asked(request) == 1 && !request->is_csv)
                print_report(request, result, report, after, medium);
        json_array_append(series->reports, report);
        series->is_good = series->is_good && bench_is_good(&request->plan, result);
}

/* What a broker has that keeps what went in. */
static uint64_t find_kept(const json_t *before, const json_t *after) {
        double had = 0, has = 0;

        (void)!answer_number_find(before, "/messages/pending", &had);
        (void)!answer_number_find(after, "/messages/pending", &has);
        return has > had ? (uint64_t)(has - had) : 0;
}

/* `self` is NULL for a broker that is not ours. */
static int measure(struct series *series, const struct bench_request *request, struct self *self) {
        CLEANUP_FREE char *title = memory_print("%zu of %zu: ", ++series->n, n_asked(request));
        CLEANUP_JSON json_t *before = NULL, *after = NULL;
        CLEANUP(bench_result_done) struct bench_result result = {0};
        const struct bench_hooks hooks = {fire, (void *)request, n_asked(request) > 1 ? title : ""};
        struct bench_usage usage = {0};

        if (ask_stats(&request->options, &before) != 0 || refuse_workers(before) < 0)
                return -EIO;
        if (!self && !request->is_among_others && refuse_messages(before) < 0)
                return -EBUSY;
        if (self)
                self_look(self, &usage);
        if (bench_run(&request->plan, &hooks, &result) < 0)
                return -EINVAL;
        result.before = usage;
        if (self)
                self_look(self, &result.after);
        /* A broker that no longer answers is part of what was measured: the report says what is known. */
        (void)!ask_stats(&request->options, &after);
        result.n_kept = find_kept(before, after);
        note_report(series, request, &result, after, self ? self_medium(self) : NULL);
        return 0;
}

static int measure_self(struct series *series, struct bench_request *request) {
        CLEANUP_SELF struct self *self = NULL;
        int r = self_new(&request->self, &request->plan, &self);

        if (r < 0)
                return r;
        request->plan.ingest = self_ingest(self);
        request->plan.workers = self_workers(self);
        request->options.stats = self_stats(self);
        if (request->plan.pending > 0)
                r = fill_pending(request);
        return r < 0 ? r : measure(series, request, self);
}

/* -- all of them --------------------------------------------------------------------------------------------------- */

static void print_series(const struct bench_request *request, const json_t *reports) {
        CLEANUP_BUFFER struct buffer text = {0};

        if (request->is_csv)
                bench_series_encode_csv(reports, &text);
        else if (n_asked(request) > 1 && !request->options.is_json)
                bench_series_encode_text(reports, &text);
        if (text.len > 0)
                screen_print(&text);
        if (n_asked(request) > 1 && request->options.is_json && !request->is_csv) {
                CLEANUP_JSON json_t *all = bench_series_encode(reports);

                screen_print_json(all);
        }
}

enum command_exit bench_request_run(const struct bench_request *request) {
        CLEANUP_JSON json_t *reports = json_array();
        struct series series = {.request = request, .reports = reports, .is_good = true};
        int r = 0;

        for (uint64_t round = 0; r == 0 && round < request->repeat; round++)
                for (size_t i = 0; r == 0 && i < request->n_flights && !bench_is_cancelled(); i++) {
                        CLEANUP_FREE char *error = NULL;
                        struct bench_request one = *request;

                        one.plan.in_flight = request->flights[i];
                        r = bench_plan_fill(&one.plan, &error);
                        if (r < 0)
                                screen_error("%s", error);
                        else
                                r = request->is_self ? measure_self(&series, &one) : measure(&series, &one, NULL);
                }
        if (json_array_size(reports) > 0)
                print_series(request, reports);
        return r == 0 && series.is_good && !bench_is_cancelled() ? COMMAND_DONE : COMMAND_FAILED;
}
