/* lull stats: the broker's numbers, once or again and again. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/listing.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* A number of the answer and the words around it. */
struct figure {
        const char *before, *pointer, *after;
        void (*push)(struct buffer *, const json_t *, const char *);
};

/* A line: its label, then its figures. NULL ends them. */
struct line {
        const char *label;
        struct figure figures[12];
};

static void push_room(struct buffer *text, const json_t *answer, const char *pointer) {
        bool is_store_full = json_is_true(json_object_get(json_object_get(answer, "store"), "is_full"));
        bool is_memory_full = json_is_true(json_object_get(json_object_get(answer, "limits"), "is_memory_full"));

        if (is_store_full || is_memory_full)
                buffer_print(text, "%s FULL, messages are refused: ", is_store_full ? "STORE" : "MEMORY");
        if (is_store_full && answer_has(answer, "/store/reached"))
                buffer_print(text, "%s is reached: ", answer_text_find(answer, "/store/reached"));
}

/* How old the oldest id is: so far back duplicates are found. */
static void push_oldest(struct buffer *text, const json_t *answer, const char *pointer) {
        double seconds;

        if (answer_number_find(answer, pointer, &seconds) != 0)
                return;
        buffer_push_text(text, ", the oldest ");
        text_push_span(text, span_s((int64_t)seconds));
        buffer_push_text(text, " ago");
}

#define COUNT(before, pointer, after)                                                                                  \
        { before, pointer, after, answer_push_count }
#define MS(before, pointer)                                                                                            \
        { before, pointer, "", answer_push_ms }

static const struct line lines[] = {
        {"threads",
         {COUNT("", "/threads/collecting", " collecting"), COUNT(", ", "/threads/ready", " ready"),
          COUNT(", ", "/threads/running", " running"), COUNT(", ", "/threads/waiting", " waiting"),
          COUNT(", ", "/threads/backoff", " backoff"), COUNT(", ", "/threads/held", " held")}},
        {"messages",
         {COUNT("", "/messages/pending", " pending"), COUNT("; ", "/messages/accepted_total", " accepted"),
          COUNT(", ", "/messages/duplicate_total", " duplicate"), COUNT(", ", "/messages/refused_total", " refused"),
          COUNT(", ", "/messages/finished_total", " finished")}},
        {"batches",
         {COUNT("", "/batches/dispatched_total", " dispatched"), COUNT(": ", "/batches/done_total", " done"),
          COUNT(", ", "/batches/failed_total", " failed"), COUNT(", ", "/batches/busy_total", " busy"),
          COUNT(", ", "/batches/lost_total", " lost"), COUNT(", ", "/batches/handed_back_total", " handed back"),
          COUNT(", ", "/batches/stale_total", " stale"), COUNT(", ", "/batches/interrupted_total", " interrupted")}},
        {"dead letters", {COUNT("", "/batches/dead", "")}},
        {"holds", {COUNT("", "/holds/now", " now"), COUNT(", ", "/holds/total", " since the start")}},
        {"batch size",
         {COUNT("p50 ", "/batches/size/p50", ""), COUNT(", p90 ", "/batches/size/p90", ""),
          COUNT(", max ", "/batches/size/max", "")}},
        {"savings",
         {COUNT("", "/calls_saved_total", " calls saved"), COUNT(", ", "/savings/calls_wasted_total", " wasted"),
          COUNT(", ", "/savings/answers_reused_total", " answers used again"),
          COUNT("; tokens: ", "/savings/tokens_in_total", " in"), COUNT(", ", "/savings/tokens_out_total", " out"),
          COUNT(", ", "/savings/tokens_wasted_total", " wasted")}},
        {"in doubt",
         {COUNT("", "/savings/posts_found_total", " replies found in the channel"),
          COUNT(", ", "/savings/posts_repeated_total", " posted again"),
          COUNT(", ", "/savings/posts_silenced_total", " passed over")}},
        {"events",
         {COUNT("", "/events/events_total/typing", " typing"), COUNT(", ", "/events/events_total/paused", " paused"),
          COUNT(", ", "/events/events_total/person", " person"), COUNT(", ", "/events/events_total/closed", " closed"),
          COUNT(", ", "/events/events_total/resume", " resume"), COUNT(", ", "/events/events_total/edit", " edit"),
          COUNT(", ", "/events/events_total/delete", " delete"), COUNT(", ", "/events/events_total/alias", " alias"),
          COUNT(", ", "/events/events_total/shown", " shown")}},
        {"of those",
         {COUNT("", "/events/takeovers_total", " took a thread over"),
          COUNT(", ", "/events/echoes_total", " own replies seen again"),
          COUNT(", ", "/events/late_edits_total", " edits too late"),
          COUNT("; messages only recorded: ", "/events/recorded_total", ""),
          COUNT("; other names of threads: ", "/events/aliases", "")}},
        {"lookups",
         {COUNT("", "/context/hit_total", " from the cache"), COUNT(", ", "/context/miss_total", " from the source"),
          COUNT(", ", "/context/failed_total", " failed")}},
        {"lateness",
         {MS("p50 ", "/lateness_ms/p50"), MS(", p99 ", "/lateness_ms/p99"), MS(", p999 ", "/lateness_ms/p999"),
          MS(", max ", "/lateness_ms/max")}},
        {"runs", {MS("p50 ", "/runs_ms/p50"), MS(", p99 ", "/runs_ms/p99")}},
        {"lock",
         {COUNT("", "/lock/busy_total", " busy"), COUNT(", ", "/lock/lost_total", " lost"),
          MS("; wait p50 ", "/lock/wait_ms/p50"), MS(", p99 ", "/lock/wait_ms/p99")}},
        {"store",
         {{"", "/store/kind", "", answer_push_text},
          {", ", "/store/bytes", "", answer_push_size},
          COUNT(", ", "/store/commits_total", " commits"),
          MS("; commit p50 ", "/store/commit_ms/p50"),
          MS(", p99 ", "/store/commit_ms/p99")}},
        {"message ids",
         {COUNT("", "/dedupe/ids", " remembered"),
          {"", "/dedupe/oldest_s", "", push_oldest},
          COUNT("; ", "/dedupe/forgotten_early_total", " forgotten early")}},
        {"room",
         {{"", "", "", push_room},
          {"store ", "/store/data_bytes", "", answer_push_size},
          {" of ", "/limits/store_bytes", "", answer_push_size},
          {", disk free ", "/store/free_bytes", "", answer_push_size},
          {", memory ", "/limits/memory_used", "", answer_push_size},
          {" of ", "/limits/memory", "", answer_push_size}}},
};

static void push_line(struct buffer *text, const json_t *answer, const struct line *line) {
        buffer_print(text, "%-13s ", line->label);
        for (const struct figure *figure = line->figures; figure->pointer; figure++) {
                buffer_push_text(text, figure->before);
                figure->push(text, answer, figure->pointer);
                buffer_push_text(text, figure->after);
        }
        buffer_push_text(text, "\n");
}

static void push_head(struct buffer *text, const json_t *answer) {
        double uptime;

        buffer_push_text(text, "lull-broker ");
        answer_push_text(text, answer, "/version");
        if (answer_number_find(answer, "/uptime_s", &uptime) == 0) {
                buffer_push_text(text, ", up ");
                text_push_span(text, span_s((int64_t)uptime));
        }
        if (answer_has(answer, "/epoch")) {
                buffer_push_text(text, ", epoch ");
                answer_push_text(text, answer, "/epoch");
        }
        buffer_push_text(text, "\n\n");
}

/* -- tables -------------------------------------------------------------------------------------------------------- */

static void push_count_cell(struct listing *listing, const json_t *row, const char *pointer) {
        CLEANUP_BUFFER struct buffer cell = {0};

        answer_push_count(&cell, row, pointer);
        listing_push_buffer(listing, &cell);
}

/* The tenant's max_pending, if it has one, and whether that is reached. */
static void push_bound_cell(struct listing *listing, const json_t *tenant) {
        CLEANUP_BUFFER struct buffer cell = {0};
        double most;

        if (answer_number_find(tenant, "/max_pending", &most) == 0 && most > 0) {
                answer_push_count(&cell, tenant, "/max_pending");
                if (json_is_true(json_object_get(tenant, "is_full")))
                        buffer_push_text(&cell, " FULL");
        } else {
                buffer_push_text(&cell, "-");
        }
        listing_push_buffer(listing, &cell);
}

static void push_workers(struct buffer *text, const json_t *answer) {
        static const struct listing_column columns[] = {
                {"WORKER"}, {"SLOTS", true}, {"RUNNING", true}, {"HEARD OF", true}};
        CLEANUP_LISTING struct listing listing;
        const json_t *workers = json_object_get(answer, "workers"), *worker;
        size_t i;

        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        json_array_foreach(workers, i, worker) {
                CLEANUP_BUFFER struct buffer cell = {0};

                listing_push(&listing, answer_text_find(worker, "/id"));
                push_count_cell(&listing, worker, "/slots");
                push_count_cell(&listing, worker, "/running");
                answer_push_ms(&cell, worker, "/silent_ms");
                buffer_push_text(&cell, " ago");
                listing_push_buffer(&listing, &cell);
        }
        if (json_array_size(workers) == 0)
                buffer_push_text(text, "\nno worker is connected: nothing is answered until a lull-worker runs\n");
        else
                buffer_push_text(text, "\n");
        if (json_array_size(workers) > 0)
                listing_encode(&listing, screen_width(), text);
}

static void push_tenants(struct buffer *text, const json_t *answer) {
        static const struct listing_column columns[] = {
                {"TENANT"},        {"COLLECTING", true}, {"READY", true},   {"RUNNING", true}, {"WAITING", true},
                {"BACKOFF", true}, {"HELD", true},       {"PENDING", true}, {"DEAD", true},    {"AT MOST", true},
        };
        static const char *const pointers[] = {"/collecting", "/ready", "/running", "/waiting",
                                               "/backoff",    "/held",  "/pending", "/dead"};
        CLEANUP_LISTING struct listing listing;
        json_t *tenants = json_object_get(answer, "tenants"), *tenant;
        const char *name;

        if (json_object_size(tenants) == 0)
                return;
        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        json_object_foreach(tenants, name, tenant) {
                listing_push(&listing, name);
                for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
                        push_count_cell(&listing, tenant, pointers[i]);
                push_bound_cell(&listing, tenant);
        }
        buffer_push_text(text, "\n");
        listing_encode(&listing, screen_width(), text);
}

static void push_rate_cell(struct listing *listing, const json_t *provider) {
        CLEANUP_BUFFER struct buffer cell = {0};
        double rate;

        if (answer_number_find(provider, "/rate", &rate) == 0)
                buffer_print(&cell, "%.1f", rate);
        listing_push_buffer(listing, &cell);
}

static bool has_trouble(const json_t *provider) {
        const char *state = answer_text_find(provider, "/state");

        return (state && strcmp(state, "closed") != 0) || answer_has(provider, "/until") ||
               answer_has(provider, "/rate");
}

/* Only those that keep somebody back: of the others there is nothing to say. */
static void push_providers(struct buffer *text, const json_t *answer) {
        static const struct listing_column columns[] = {
                {"PROVIDER"},  {"STATE"}, {"FAILED IN A ROW", true}, {"RUNNING", true}, {"RUNS/S AT MOST", true},
                {"NOT BEFORE"}};
        CLEANUP_LISTING struct listing listing;
        const json_t *providers = json_object_get(answer, "providers"), *provider;
        bool is_empty = true;
        size_t i;

        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        json_array_foreach(providers, i, provider) {
                if (!has_trouble(provider))
                        continue;
                is_empty = false;
                listing_push(&listing, answer_text_find(provider, "/endpoint"));
                listing_push(&listing, answer_text_find(provider, "/state"));
                push_count_cell(&listing, provider, "/failures");
                push_count_cell(&listing, provider, "/running");
                push_rate_cell(&listing, provider);
                listing_push(&listing, answer_text_find(provider, "/until"));
        }
        if (is_empty)
                return;
        buffer_push_text(text, "\n");
        listing_encode(&listing, screen_width(), text);
}

/* -- again and again ----------------------------------------------------------------------------------------------- */

/* What came since the last look, per second. */
static void push_rates(struct buffer *text, const json_t *answer, const json_t *before, struct span passed) {
        static const struct {
                const char *pointer, *what;
        } rates[] = {
                {"/messages/accepted_total", "messages in"},
                {"/batches/dispatched_total", "batches out"},
                {"/batches/done_total", "done"},
                {"/batches/failed_total", "failed"},
        };
        const char *comma = "";

        buffer_print(text, "%-13s ", "per second");
        for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
                double now, then;

                if (answer_number_find(answer, rates[i].pointer, &now) ||
                    answer_number_find(before, rates[i].pointer, &then))
                        continue;
                /* A broker that restarted counts from 0 again. */
                now = now < then ? now : now - then;
                buffer_print(text, "%s%.0f %s", comma, now * 1e6 / (double)passed.us, rates[i].what);
                comma = ", ";
        }
        buffer_push_text(text, "\n");
}

static void print_answer(const json_t *answer, const json_t *before, struct span passed) {
        CLEANUP_BUFFER struct buffer text = {0};

        push_head(&text, answer);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                push_line(&text, answer, &lines[i]);
        if (before && passed.us > 0)
                push_rates(&text, answer, before, passed);
        push_workers(&text, answer);
        push_providers(&text, answer);
        push_tenants(&text, answer);
        screen_print(&text);
}

static void pause_for(struct span span) {
        struct timespec left = {.tv_sec = span.us / 1000000, .tv_nsec = span.us % 1000000 * 1000};

        while (nanosleep(&left, &left) < 0 && errno == EINTR)
                continue;
}

/* Until Ctrl-C. A broker that is away for a while is waited for: to watch a restart is what one watches for. */
static void watch(struct ask *ask, bool is_json, struct span every) {
        CLEANUP_JSON json_t *before = NULL;
        struct mono asked_before = {0};

        for (;;) {
                CLEANUP_JSON json_t *answer = NULL;
                struct mono asked = clock_mono();
                int r = ask_question(ask, json_pack("{s:s}", "cmd", "stats"), &answer);

                if (r != 0) {
                        ask_report(ask, r, answer);
                } else if (is_json) {
                        screen_print_json(answer);
                } else {
                        screen_clear();
                        print_answer(answer, before, mono_since(asked, asked_before));
                        json_decref(before);
                        before = TAKE(answer);
                        asked_before = asked;
                }
                pause_for(every);
        }
}

static int print_once(struct ask *ask, bool is_json) {
        CLEANUP_JSON json_t *answer = NULL;
        int r = ask_question(ask, json_pack("{s:s}", "cmd", "stats"), &answer);

        if (r != 0)
                ask_report(ask, r, answer);
        else if (is_json)
                screen_print_json(answer);
        else
                print_answer(answer, NULL, span_us(0));
        return r;
}

static enum command_exit stats_run(const struct command *command, int argc, char **argv) {
        CLEANUP_ASK struct ask *ask = NULL;
        bool is_watch = false;
        struct span every = span_s(1);
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "watch", .letter = 'w', .flag = &is_watch, .help = "again and again, until Ctrl-C"},
                {.name = "every", .value = "TIME", .span = &every, .help = "how often, with --watch (1s)"},
                OPTIONS_ASK(options),
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (ask_new(&options, &ask) < 0)
                return COMMAND_FAILED;
        if (is_watch)
                watch(ask, options.is_json, span_max(every, span_ms(100)));
        return print_once(ask, options.is_json) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_stats = {
        .name = "stats",
        .operands = "",
        .summary = "The broker's numbers: threads, messages, batches, lateness, store, workers, tenants",
        .about = "lateness: the start of a run past its due time, with a worker free.\n"
                 "calls saved: messages that were answered together with another one. Wasted: calls that were broken\n"
                 "off, and their tokens.\n"
                 "answers used again: stored answers posted by a later run, instead of asking once more.\n"
                 "in doubt: replies of which nobody knew whether they were out.\n"
                 "events: what platforms told beside messages.",
        .examples = "  $ lull stats --watch",
        .run = stats_run,
};
