#include "broker/ctl/dead_change.h"

#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/screen.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>

/* What retry and drop differ in. */
struct change {
        const char *cmd, *done; /* "dead_retry", "retried" */
        bool is_loss;
};

static const struct change change_retry = {"dead_retry", "retried", false};
static const struct change change_drop = {"dead_drop", "dropped", true};

/* One command's work. */
struct work {
        const struct change *change;
        struct ask *ask;
        bool is_json;
        int64_t n_done;
        json_t *refused; /* [{batch, code, why}] */
        json_t *seen;    /* batches that were asked for, as keys */
};

json_t *dead_encode_question(const char *tenant, uint64_t limit) {
        json_t *question = json_pack("{s:s, s:I}", "cmd", "dead", "limit", (json_int_t)limit);

        if (tenant)
                json_object_set_new(question, "tenant", json_text_new(bytes_of(tenant)));
        return question;
}

static void note_refusal(struct work *work, const char *batch, const json_t *answer) {
        const char *code = answer_text_find(answer, "/error/code"), *why = answer_text_find(answer, "/error/why");

        json_array_append_new(work->refused, json_pack("{s:o, s:s, s:s}", "batch", json_text_new(bytes_of(batch)),
                                                       "code", code ? code : "refused", "why", why ? why : ""));
        if (!work->is_json)
                screen_error("%s: %s: %s", batch, code ? code : "refused", why ? why : "the broker gave no reason");
}

/* 0 when the broker has answered, whatever it said; a negative errno when it does not answer any more. */
static int change_one(struct work *work, const char *batch) {
        CLEANUP_JSON json_t *answer = NULL;
        json_t *question = json_pack("{s:s, s:o}", "cmd", work->change->cmd, "batch", json_text_new(bytes_of(batch)));
        int r = ask_question(work->ask, question, &answer);

        if (r < 0) {
                ask_report(work->ask, r, NULL);
                return r;
        }
        if (r > 0)
                note_refusal(work, batch, answer);
        else
                work->n_done++;
        return 0;
}

static int change_named(struct work *work, const struct options_operands *operands) {
        for (int i = 0; i < operands->n; i++) {
                int r = change_one(work, operands->words[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Each batch once: what a retry has just killed again is left alone, or it would go round for ever. */
static bool is_new(struct work *work, const char *batch) {
        if (!batch || json_object_get(work->seen, batch))
                return false;
        json_object_set_new(work->seen, batch, json_true());
        return true;
}

/* One page of the listing: 0 and *ret_n, how many of it were asked for. */
static int change_page(struct work *work, const char *tenant, int64_t *ret_n) {
        CLEANUP_JSON json_t *answer = NULL;
        const json_t *rows, *row;
        int64_t n = 0;
        size_t i;
        int r = ask_question(work->ask, dead_encode_question(tenant, LIMIT_LISTING), &answer);

        if (r != 0) {
                ask_report(work->ask, r, answer);
                return -EIO;
        }
        rows = json_object_get(answer, "dead");
        json_array_foreach(rows, i, row) {
                const char *batch = answer_text_find(row, "/batch");

                if (!is_new(work, batch))
                        continue;
                n++;
                r = change_one(work, batch);
                if (r < 0)
                        return r;
                screen_progress("%lld %s", (long long)work->n_done, work->change->done);
        }
        *ret_n = n;
        return 0;
}

static int change_all(struct work *work, const char *tenant) {
        int64_t n = 0;
        int r;

        do
                r = change_page(work, tenant, &n);
        while (r == 0 && n > 0);
        screen_progress("%s", "");
        return r;
}

static enum command_exit print_outcome(struct work *work, int r) {
        size_t n_refused = json_array_size(work->refused);

        if (work->is_json) {
                CLEANUP_JSON json_t *answer = json_pack("{s:I}", work->change->done, (json_int_t)work->n_done);

                if (n_refused > 0)
                        json_object_set(answer, "refused", work->refused);
                screen_print_json(answer);
        } else {
                CLEANUP_BUFFER struct buffer text = {0};

                buffer_print(&text, "%lld %s\n", (long long)work->n_done, work->change->done);
                screen_print(&text);
        }
        return r < 0 || n_refused > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* May it be lost? A person is asked; a program has to say so where it does not name the batches. */
static enum command_exit confirm(const struct options_operands *operands, const char *tenant, bool is_all) {
        CLEANUP_FREE char *question = NULL;

        if (!screen_has_person()) {
                if (!is_all)
                        return COMMAND_DONE;
                screen_error("--all drops messages for good and nobody can be asked here; say --yes if that is meant");
                return COMMAND_USAGE;
        }
        if (is_all)
                question = memory_print("Drop all dead letters%s%s? Their messages will never be answered.",
                                        tenant ? " of " : "", tenant ? tenant : "");
        else
                question = memory_print("Drop %d dead letter%s? Nothing in there will ever be answered.", operands->n,
                                        operands->n == 1 ? "" : "s");
        if (screen_is_confirmed(question))
                return COMMAND_DONE;
        screen_error("nothing was dropped");
        return COMMAND_FAILED;
}

static enum command_exit change_run(const struct change *change, const struct options *options,
                                    const struct options_operands *operands, const char *tenant, bool is_all) {
        CLEANUP_ASK struct ask *ask = NULL;
        CLEANUP_JSON json_t *refused = json_array(), *seen = json_object();
        struct work work = {.change = change, .is_json = options->is_json, .refused = refused, .seen = seen};
        int r = ask_new(options, &ask);

        if (r < 0)
                return COMMAND_FAILED;
        work.ask = ask;
        r = is_all ? change_all(&work, tenant) : change_named(&work, operands);
        return print_outcome(&work, r);
}

static enum command_exit change_open(const struct command *command, const struct change *change, int argc,
                                     char **argv) {
        const char *tenant = NULL;
        bool is_all = false, is_sure = false;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "all", .letter = 'a', .flag = &is_all, .help = "every dead letter that there is now"},
                {.name = "tenant", .value = "TENANT", .text = &tenant, .help = "with --all: only those of it"},
                OPTIONS_ASK(options),
                {.name = change->is_loss ? "yes" : NULL, .letter = 'y', .flag = &is_sure, .help = "do not ask first"},
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (is_all == (operands.n > 0) || (tenant && !is_all)) {
                screen_error("name the batches, or say --all (with --tenant or without); `lull dead list` has them");
                return COMMAND_USAGE;
        }
        if (change->is_loss && !is_sure) {
                enum command_exit answer = confirm(&operands, tenant, is_all);

                if (answer != COMMAND_DONE)
                        return answer;
        }
        return change_run(change, &options, &operands, tenant, is_all);
}

static enum command_exit retry_run(const struct command *command, int argc, char **argv) {
        return change_open(command, &change_retry, argc, argv);
}

static enum command_exit drop_run(const struct command *command, int argc, char **argv) {
        return change_open(command, &change_drop, argc, argv);
}

const struct command command_dead_retry = {
        .name = "dead retry",
        .operands = "BATCH...|--all",
        .summary = "Runs dead letters again, with all their attempts",
        .about = "A thread's newer messages do not wait for it: what was dead is handled when its turn comes.",
        .examples = "  $ lull dead retry --all --tenant acme",
        .n_operands_max = 10000,
        .run = retry_run,
};

const struct command command_dead_drop = {
        .name = "dead drop",
        .operands = "BATCH...|--all",
        .summary = "Forgets dead letters for good",
        .about = "Asks first when there is somebody to ask. `lull dead show BATCH --json` keeps a copy.",
        .examples = "  $ lull dead drop 01HZX3V5K8Q2M4N6P8R0T2V4W6",
        .n_operands_max = 10000,
        .run = drop_run,
};
