/* Stories: what happens, told line by line, and compared with what was told before.
 *
 *   story [--bless] FILE...    --bless writes what happens now into the files
 *
 * A file is a script, a ruler, and the timeline that comes of it, in a world where nothing is random and nothing goes
 * wrong by itself. What may stand in a script is in the table of commands below. Lines that begin with # are what the
 * story is about. */
#include "tests/sim/check.h"
#include "tests/sim/sim.h"

#include "broker/core/core.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 12, LINE_MAX_LEN = 256 };

#define RULER "----\n"

static const char *file_name;
static int line_number;
static bool is_blessing;
static struct buffer timeline;

static _Noreturn void wrong(const char *what, const char *word) {
        fprintf(stderr, "%s:%d: %s '%s'\n", file_name, line_number, what, word);
        exit(2);
}

_Noreturn void violation_end(const char *guarantee, const char *what) {
        fprintf(stderr, "%s%s:%d: violation of %s: %s\n", buffer_text(&timeline), file_name, line_number, guarantee,
                what);
        exit(1);
}

/* -- words --------------------------------------------------------------------------------------------------------- */

struct line {
        char text[LINE_MAX_LEN];
        char *words[WORDS_MAX];
        int n;
};

/* Words are parted by spaces; quotes keep them together. */
static void split(struct line *line) {
        char *at = line->text;

        for (line->n = 0; line->n < WORDS_MAX; line->n++) {
                at += strspn(at, " ");
                if (!*at)
                        break;
                line->words[line->n] = *at == '"' ? ++at : at;
                at += strcspn(at, at > line->text && at[-1] == '"' ? "\"" : " ");
                if (*at)
                        *at++ = 0;
        }
        for (int i = line->n; i < WORDS_MAX; i++)
                line->words[i] = (char *)(uintptr_t) "";
}

static bool is_word(const struct line *line, int at, const char *word) { return strcmp(line->words[at], word) == 0; }

/* 5s, 200ms, 1h, with a minus before it or not. */
static int64_t time_of(const char *word) {
        char *unit;
        int64_t n = strtoll(word, &unit, 10);

        if (strcmp(unit, "ms") == 0)
                return n * 1000;
        if (strcmp(unit, "s") == 0)
                return n * 1000000;
        if (strcmp(unit, "h") != 0)
                wrong("no time", word);
        return n * 3600000000;
}

/* What follows the word `for`, or `in`; 0 when it is not there. */
static int64_t time_after(const struct line *line, const char *word) {
        for (int i = 1; i + 1 < line->n; i++)
                if (is_word(line, i, word))
                        return time_of(line->words[i + 1]);
        return 0;
}

static uint32_t thread_of(const char *name) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (strcmp(world_thread_name(i), name) == 0)
                        return i;
        wrong("nobody is called", name);
}

static uint32_t worker_number(const char *word) {
        uint32_t n = (uint32_t)strtoul(word, NULL, 10);

        if (n < 1 || n > SIM_WORKERS)
                wrong("no worker", word);
        return n - 1;
}

/* -- commands ------------------------------------------------------------------------------------------------------ */

static void run_until(int64_t until) {
        while (sim_next(until))
                continue;
}

static void do_wait(const struct line *line) { run_until(sim.now_us + time_of(line->words[1])); }

/* What the line says after `also`: the person's other names. */
static void hand_in(const struct line *line, uint32_t number) {
        for (int i = 2; i + 1 < line->n; i++)
                if (is_word(line, i, "also"))
                        check_call(number, thread_of(line->words[i + 1]));
        producer_hand_in(0, number);
}

/* say NAME TEXT [id ID] [also NAME]...; voice NAME ID */
static void do_say(const struct line *line) {
        const char *id = is_word(line, 3, "id") ? line->words[4] : NULL;
        bool is_voice = is_word(line, 0, "voice");
        uint32_t number = check_say(0, thread_of(line->words[1]), is_voice ? line->words[2] : id,
                                    is_voice ? "a voice" : line->words[2]);

        if (is_voice)
                check_be_audio(number);
        hand_in(line, number);
}

/* type NAME, pause NAME, alias NAME, close NAME, resume NAME: each with `also NAME`; person NAME TEXT */
static void do_event(const struct line *line) {
        static const struct {
                const char *word;
                enum wire_what what;
        } words[] = {{"type", WIRE_WHAT_TYPING},  {"pause", WIRE_WHAT_PAUSED},  {"person", WIRE_WHAT_PERSON},
                     {"close", WIRE_WHAT_CLOSED}, {"resume", WIRE_WHAT_RESUME}, {"alias", WIRE_WHAT_ALIAS}};
        uint32_t number, thread = thread_of(line->words[1]);
        size_t i = 0;

        while (!is_word(line, 0, words[i].word))
                i++;
        number = check_tell(0, thread, words[i].what);
        if (words[i].what == WIRE_WHAT_PERSON)
                check_reword(number, line->words[2]);
        hand_in(line, number);
}

/* edit NAME ID TEXT, delete NAME ID */
static void do_change(const struct line *line) {
        uint32_t message = check_message_of_id(thread_of(line->words[1]), line->words[2]), number;

        if (message == UINT32_MAX)
                wrong("no message", line->words[2]);
        number = check_change(0, message, is_word(line, 0, "edit") ? WIRE_WHAT_EDIT : WIRE_WHAT_DELETE);
        if (is_word(line, 0, "edit"))
                check_reword(number, line->words[3]);
        hand_in(line, number);
}

/* operator VERB NAME; operator retry NAME [N]: its Nth dead letter, from 1 */
static void do_operator(const struct line *line) {
        if (is_word(line, 1, "retry"))
                operator_retry(thread_of(line->words[2]), (uint32_t)strtoul(line->words[3], NULL, 10));
        else
                operator_ask(line->words[1], thread_of(line->words[2]));
}

/* At most so many; 0 = newer messages wait. */
static void set_interrupts(struct config_tenant *tenant, uint32_t n) {
        tenant->on_new_message = n > 0 ? CONFIG_ON_NEW_INTERRUPT : CONFIG_ON_NEW_QUEUE;
        tenant->max_interrupts = n;
}

/* set TENANT KEY VALUE */
static void do_set(const struct line *line) {
        struct config_tenant *tenant = NULL;
        const char *key = line->words[2], *value = line->words[3];

        for (uint32_t i = 0; i < SIM_TENANTS; i++)
                if (is_word(line, 1, sim.tenants[i].name))
                        tenant = &sim.tenants[i];
        if (!tenant && is_word(line, 1, "slots"))
                sim.config.worker.slots = (uint32_t)strtoul(key, NULL, 10);
        else if (!tenant)
                wrong("no tenant", line->words[1]);
        else if (strcmp(key, "quiet") == 0)
                tenant->quiet = span_us(time_of(value));
        else if (strcmp(key, "max_wait") == 0)
                tenant->max_wait = span_us(time_of(value));
        else if (strcmp(key, "attempts") == 0)
                tenant->retry.attempts = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(key, "concurrency") == 0)
                tenant->concurrency = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(key, "typing_hold") == 0)
                tenant->typing_hold = span_us(time_of(value));
        else if (strcmp(key, "transcription_wait") == 0)
                tenant->transcription_wait = span_us(time_of(value));
        else if (strcmp(key, "hold_for") == 0)
                tenant->hold_for = span_us(time_of(value));
        else if (strcmp(key, "on_resume") == 0)
                tenant->on_resume = strcmp(value, "record") == 0 ? CONFIG_ON_RESUME_RECORD
                                    : strcmp(value, "rest") == 0 ? CONFIG_ON_RESUME_REST
                                                                 : CONFIG_ON_RESUME_ANSWER;
        else if (strcmp(key, "interrupts") == 0)
                set_interrupts(tenant, (uint32_t)strtoul(value, NULL, 10));
        else
                wrong("no setting", key);
}

static enum outside_plan plan_of(const char *word) {
        static const char *const names[] = {"well",    "fails", "refuses",    "busy",  "silent",
                                            "unknown", "lost",  "overloaded", "unpaid"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(names[i], word) == 0)
                        return (enum outside_plan)i;
        wrong("no way to answer", word);
}

/* handler HOW [in TIME] */
static void do_handler(const struct line *line) {
        outside_plan_answer(plan_of(line->words[1]), time_after(line, "in"));
}

static void do_channel(const struct line *line) { outside_plan_post(plan_of(line->words[1]), time_after(line, "in")); }

static void do_worker(const struct line *line) {
        uint32_t n = worker_number(line->words[2]);
        int64_t us = time_after(line, "for");

        if (is_word(line, 0, "start")) {
                worker_start(n);
        } else if (is_word(line, 0, "kill")) {
                tell(worker_process(n)->name, "is killed");
                worker_kill(n, false);
        } else if (is_word(line, 0, "stop")) {
                tell(worker_process(n)->name, "stands still for %lld s", (long long)us / 1000000);
                worker_stop(n, us);
        } else if (is_word(line, 0, "cut")) {
                tell(worker_process(n)->name, "is cut off for %lld s, and nobody is told", (long long)us / 1000000);
                check_on_trouble(worker_process(n), sim.now_us + us + 6000000);
                net_cut(worker_process(n), NET_SILENT, us);
        } else {
                tell(worker_process(n)->name, "is asked to leave");
                worker_signal(n);
        }
}

/* kill broker [before commit | after commit] for TIME, stop broker for TIME */
static void do_broker(const struct line *line) {
        int64_t us = time_after(line, "for");

        if (is_word(line, 0, "stop")) {
                tell("broker", "stands still for %lld s", (long long)us / 1000000);
                broker_stop(us);
        } else if (is_word(line, 0, "power")) {
                broker_end(BROKER_POWER_LOSS, us);
        } else if (is_word(line, 2, "before") || is_word(line, 2, "after")) {
                broker_end_in_turn(is_word(line, 2, "after") ? BROKER_AFTER_COMMIT : BROKER_BEFORE_COMMIT, 0, us);
        } else {
                broker_end(BROKER_KILL, us);
        }
}

static void do_process(const struct line *line) {
        if (is_word(line, 1, "broker") || is_word(line, 0, "power"))
                do_broker(line);
        else if (is_word(line, 1, "worker"))
                do_worker(line);
        else
                wrong("no process", line->words[1]);
}

static void do_redis(const struct line *line) {
        tell("Redis", is_word(line, 1, "flush") ? "is flushed" : "is down");
        if (is_word(line, 1, "flush"))
                redis_flush();
        else
                redis_stop(sim.now_us + time_after(line, "for"), false);
}

static void do_clock(const struct line *line) {
        int64_t ms = time_of(line->words[1]) / 1000;

        tell("clock", "the calendar steps by %lld s", (long long)ms / 1000);
        sim.wall_ms += ms;
        redis_step_clock(ms);
}

/* provider down for TIME */
static void do_provider(const struct line *line) {
        int64_t us = time_after(line, "for");

        tell("provider", "is down for %lld s", (long long)us / 1000000);
        outside_stop_provider(0, sim.now_us + us);
}

static void do_why(const struct line *line) {
        uint32_t thread = thread_of(line->words[1]);
        struct core_thread_view view;

        core_why(broker_core(), sim_now(), bytes_of(world_tenant_name(thread)), bytes_of(world_thread_name(thread)),
                 &view);
        tell("why", "%.*s is %s, with %u messages, %u attempts%s%s%s%s", BYTES_PRINT(view.thread),
             thread_state_name(view.state), view.n_messages, view.attempts, view.code ? ", after " : "",
             view.code ? view.code : "", view.provider.endpoint ? ", its provider " : "",
             view.provider.endpoint ? provider_state_name(view.provider.state) : "");
}

static const struct {
        const char *name;
        void (*run)(const struct line *line);
} commands[] = {
        {"wait", do_wait},         {"say", do_say},       {"set", do_set},           {"handler", do_handler},
        {"channel", do_channel},   {"start", do_process}, {"kill", do_process},      {"stop", do_process},
        {"cut", do_process},       {"drain", do_process}, {"power", do_process},     {"redis", do_redis},
        {"clock", do_clock},       {"why", do_why},       {"provider", do_provider}, {"voice", do_say},
        {"type", do_event},        {"pause", do_event},   {"person", do_event},      {"close", do_event},
        {"resume", do_event},      {"alias", do_event},   {"edit", do_change},       {"delete", do_change},
        {"operator", do_operator},
};

static void do_line(struct line *line) {
        split(line);
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
                if (!is_word(line, 0, commands[i].name))
                        continue;
                commands[i].run(line);
                return;
        }
        wrong("no command", line->words[0]);
}

/* -- files --------------------------------------------------------------------------------------------------------- */

static char *read_file(const char *name) {
        FILE *file = fopen(name, "r");
        struct buffer text = {0};
        size_t n;

        if (!file)
                fprintf(stderr, "story: %s: %s\n", name, strerror(errno)), exit(2);
        do {
                n = fread(buffer_reserve(&text, 4096), 1, 4096, file);
                text.len += n;
        } while (n > 0);
        fclose(file);
        return buffer_text(&text);
}

/* Runs the script in a new world; what happens is in `timeline`. */
static void play(const char *script, const char *end) {
        struct line line;

        line_number = 0;
        buffer_clear(&timeline);
        tell_into(&timeline);
        world_make(1, true);
        world_start();
        faults_init();
        run_until(sim.now_us + 100000);
        while (script < end) {
                size_t len = strcspn(script, "\n");

                line_number++;
                if (len >= sizeof line.text)
                        wrong("too long a line", "");
                memcpy(line.text, script, len);
                line.text[len] = 0;
                if (len > 0 && line.text[0] != '#')
                        do_line(&line);
                script += len + 1;
        }
        world_end();
}

static void write_file(const char *name, const char *script, size_t len) {
        FILE *file = fopen(name, "w");

        if (!file || fwrite(script, 1, len, file) != len || fprintf(file, RULER "%s", buffer_text(&timeline)) < 0 ||
            fclose(file) != 0)
                fprintf(stderr, "story: %s: %s\n", name, strerror(errno)), exit(2);
}

/* The first line that is other than it was told. */
static void show_difference(const char *was, const char *is) {
        while (*was && *is) {
                size_t a = strcspn(was, "\n"), b = strcspn(is, "\n");

                if (a != b || memcmp(was, is, a) != 0)
                        break;
                was += a + (was[a] != 0);
                is += b + (is[b] != 0);
        }
        printf("%s:\n  was  %.*s\n  is   %.*s\n", file_name, (int)strcspn(was, "\n"), was, (int)strcspn(is, "\n"), is);
}

static bool tell_story(const char *name) {
        CLEANUP_FREE char *text = read_file(name);
        const char *ruler = strstr(text, "\n" RULER), *told = ruler ? ruler + 1 + strlen(RULER) : "";
        const char *end = ruler ? ruler + 1 : text + strlen(text);
        bool is_same;

        file_name = name;
        play(text, end);
        is_same = strcmp(told, buffer_text(&timeline)) == 0;
        if (is_blessing)
                write_file(name, text, (size_t)(end - text));
        else if (!is_same)
                show_difference(told, buffer_text(&timeline));
        return is_same || is_blessing;
}

int main(int argc, char **argv) {
        int n_failed = 0, first = 1;

        is_blessing = argc > 1 && strcmp(argv[1], "--bless") == 0;
        first += is_blessing;
        for (int i = first; i < argc; i++)
                n_failed += !tell_story(argv[i]);
        printf("%d stories, %d told otherwise than before\n", argc - first, n_failed);
        buffer_done(&timeline);
        return n_failed > 0;
}
