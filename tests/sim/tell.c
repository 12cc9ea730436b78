/* The timeline: who did what, when. */
#include "tests/sim/sim.h"

#include "common/memory.h"
#include "tests/sim/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 64, LINE_LEN = 240 };

static struct {
        char lines[LINES_MAX][LINE_LEN];
        uint32_t n, n_last;
        struct buffer *buffer;
} told;

void tell_init(uint32_t n_last) {
        sim.is_telling = true;
        told.n = 0;
        told.n_last = n_last < LINES_MAX ? n_last : LINES_MAX;
}

void tell_into(struct buffer *buffer) {
        told.buffer = buffer;
        sim.is_telling = true;
}

void tell_done(void) {
        uint32_t first = told.n > told.n_last ? told.n - told.n_last : 0;

        for (uint32_t i = first; told.n_last > 0 && i < told.n; i++)
                fputs(told.lines[i % LINES_MAX], stdout);
        fflush(stdout);
}

void tell_line(const char *who, const char *format, ...) {
        char *line = told.lines[told.n++ % LINES_MAX];
        int64_t us = sim_time() - 1000000000;
        va_list arguments;
        int n = snprintf(line, LINE_LEN, "%6lld.%03lld  %-10s ", (long long)us / 1000000, (long long)us / 1000 % 1000,
                         who);

        va_start(arguments, format);
        n += vsnprintf(line + n, (size_t)(LINE_LEN - n - 1), format, arguments);
        va_end(arguments);
        n = n < LINE_LEN - 2 ? n : LINE_LEN - 2;
        line[n] = '\n';
        line[n + 1] = 0;
        if (told.buffer)
                buffer_push_text(told.buffer, line);
        else if (told.n_last == 0)
                fputs(line, stdout);
}

const char *tell_fence(uint64_t fence) {
        static char texts[4][32];
        static int next;
        char *text = texts[next++ & 3];

        snprintf(text, sizeof texts[0], "%u.%u", (uint32_t)(fence >> 32), (uint32_t)fence);
        return text;
}

static void push_text(char *text, size_t size, struct bytes body) {
        size_t len = strlen(text);
        struct wire_body message;

        if (wire_decode_body(body, &message) == 0)
                snprintf(text + len, size - len, "%s\"%.*s\"", len ? ", " : "", BYTES_PRINT(message.text));
        if (strlen(text) == size - 1)
                strcpy(text + size - 4, "...");
}

const char *tell_messages(struct bytes body) {
        static char text[64];
        struct wire_run_message message;
        struct wire_run run;

        text[0] = 0;
        if (wire_decode_run(body, &run) == 0)
                for (uint32_t i = 0; i < run.n_messages && wire_run_next(&run, &message) == 0; i++)
                        push_text(text, sizeof text, message.body);
        return text;
}

void tell_item(const struct wire_message *item) {
        static const char *const words[N_WIRE_WHAT] = {
                [WIRE_WHAT_MESSAGE] = "write in",
                [WIRE_WHAT_TYPING] = "type in",
                [WIRE_WHAT_PAUSED] = "pause in",
                [WIRE_WHAT_PERSON] = "of the team answer in",
                [WIRE_WHAT_CLOSED] = "of the team close",
                [WIRE_WHAT_RESUME] = "of the team give back",
                [WIRE_WHAT_EDIT] = "mend a message in",
                [WIRE_WHAT_DELETE] = "take a message back in",
                [WIRE_WHAT_ALIAS] = "have one more name than",
                [WIRE_WHAT_SHOWN] = "see a reply in",
        };
        char names[64] = "";
        struct wire_body body;

        if (!sim.is_telling || wire_decode_body(item->body, &body) < 0)
                return;
        for (uint32_t i = 0; i < item->n_aliases; i++)
                snprintf(names + strlen(names), sizeof names - strlen(names), ", who is %.*s",
                         BYTES_PRINT(item->aliases[i]));
        if (item->what == WIRE_WHAT_SHOWN)
                tell_line("people", "see reply %u in %.*s%s", item->number, BYTES_PRINT(item->thread), names);
        else if (item->what == WIRE_WHAT_MESSAGE || item->what == WIRE_WHAT_EDIT || item->what == WIRE_WHAT_PERSON)
                tell_line("people", "%s %.*s%s: \"%.*s\"%s", words[item->what], BYTES_PRINT(item->thread), names,
                          BYTES_PRINT(body.text), bytes_is_text(body.kind, "audio") ? ", a voice" : "");
        else
                tell_line("people", "%s %.*s%s", words[item->what], BYTES_PRINT(item->thread), names);
}

static const char *outcome_name(enum wire_outcome outcome) {
        static const char *const names[] = {"done", "failed", "failed for good", "busy", "handed back"};

        return names[outcome];
}

static void tell_single_up(const char *who, struct bytes frame) {
        struct wire_answered answered;
        struct wire_posted posted;
        struct wire_result result;
        struct wire_hello hello;
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0)
                return;
        if (type == WIRE_HELLO && wire_decode_hello(body, &hello) == 0)
                tell_line(who, "says hello, with %u slots, holding %u", hello.slots, hello.n_held);
        if (type == WIRE_ANSWERED && wire_decode_answered(body, &answered) == 0)
                tell_line(who, "hands the answer of run %s over", tell_fence(answered.fence));
        if (type == WIRE_POSTED && wire_decode_posted(body, &posted) == 0)
                tell_line(who, "says that %u of run %s %s out", posted.posted, tell_fence(posted.fence),
                          posted.posted == 1 ? "is" : "are");
        if (type == WIRE_RESULT && wire_decode_result(body, &result) == 0)
                tell_line(who, "reports run %s: %s%s%.*s%s", tell_fence(result.fence), outcome_name(result.outcome),
                          result.code.len ? ", " : "", BYTES_PRINT(result.code),
                          result.is_doubtful ? ", in doubt" : "");
}

void tell_frame_up(const char *who, struct bytes frame) {
        struct net_frames frames = net_frames_of(frame);
        struct bytes single;

        while (net_frames_next(&frames, &single))
                tell_single_up(who, single);
}

static void tell_single_down(const char *who, struct bytes frame) {
        struct wire_verdict verdict;
        struct wire_settled settled;
        struct wire_run run;
        enum wire_type type;
        struct bytes body;
        uint64_t fence;

        if (wire_open(frame, &type, &body) < 0)
                return;
        if (type == WIRE_WELCOME)
                tell_line(who, "is welcome");
        if (type == WIRE_RUN && wire_decode_run(body, &run) == 0)
                tell_line(who, "gets run %s of %.*s%s%s%s: %s", tell_fence(run.fence), BYTES_PRINT(run.thread),
                          run.answer.len ? ", answered" : "", run.is_doubtful ? ", in doubt" : "",
                          run.is_record ? ", only to record" : "", tell_messages(body));
        if (type == WIRE_GO && wire_decode_go(body, &fence) == 0)
                tell_line(who, "hears go for run %s", tell_fence(fence));
        if ((type == WIRE_STOP || type == WIRE_CANCEL) && wire_decode_verdict(body, &verdict) == 0)
                tell_line(who, "hears %s for run %s: %.*s", type == WIRE_STOP ? "stop" : "cancel",
                          tell_fence(verdict.fence), BYTES_PRINT(verdict.code));
        if (type == WIRE_SETTLED && wire_decode_settled(body, &settled) == 0)
                tell_line(who, "hears that run %s is %s", tell_fence(settled.fence),
                          settled.is_accepted ? "settled" : "stale");
}

void tell_frame_down(const char *who, struct bytes frame) {
        struct net_frames frames = net_frames_of(frame);
        struct bytes single;

        while (net_frames_next(&frames, &single))
                tell_single_down(who, single);
}
