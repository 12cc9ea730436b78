/* Options and operands, as they stand behind a command. Pure: it reads words and answers, and prints nothing.
 *
 * `--name value`, `--name=value`, `-n value`, `--` (operands only from here on). Options and operands may be
 * mixed. A word that is a dash and a digit is an operand: Telegram names its groups -1001234567890. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include <stdint.h>

/* More than anyone types; a webhook with all its headers has some twenty. */
enum { OPTIONS_LIST_MAX = 64 };

/* The values of an option that may be given more than once, in their order; they point into argv. */
struct options_list {
        const char *items[OPTIONS_LIST_MAX];
        size_t n;
};

/* One option. Exactly one of the pointers is set: it says what kind of value the option takes, and receives it. */
struct options_rule {
        const char *name;  /* without the dashes; NULL ends the table */
        char letter;       /* its short form; 0 = none */
        const char *value; /* what help calls the value: "FILE"; unused for a flag */
        const char *help;
        bool *flag;
        const char **text;
        struct options_list *list;
        char separator; /* of a list: what each value must have in it, as `value` shows; 0 = nothing */
        uint64_t *count;   /* a whole number */
        struct span *span; /* 250ms, 8s, 5m, 1h, 7d */
};

struct options_operands {
        char **words;
        int n;
};

/* What most commands share: where the broker is, how long to wait for it, and how to print its answer. */
struct options {
        const char *config, *stats, *ingest, *workers; /* NULL = not said */
        struct span timeout;
        bool is_json;
};

/* Three seconds: a broker answers within milliseconds; longer than this nobody looks at an empty line. */
#define OPTIONS_INIT ((struct options){.timeout = {3000000}})

/* Rows for a command's table. */
#define OPTIONS_CONFIG(options)                                                                                        \
        { .name = "config", .letter = 'c', .value = "FILE", .text = &(options).config,                                 \
          .help = "where the endpoints stand; else $LULL_CONFIG, else ./lull.yaml" }
#define OPTIONS_STATS(options)                                                                                         \
        { .name = "stats", .value = "ENDPOINT", .text = &(options).stats,                                              \
          .help = "the broker's stats socket, such as tcp://127.0.0.1:7603; then no file is needed" }
#define OPTIONS_INGEST(options)                                                                                        \
        { .name = "ingest", .value = "ENDPOINT", .text = &(options).ingest,                                            \
          .help = "the broker's ingest socket, such as tcp://127.0.0.1:7601" }
#define OPTIONS_WORKERS(options)                                                                                       \
        { .name = "workers", .value = "ENDPOINT", .text = &(options).workers,                                          \
          .help = "the broker's workers socket, such as tcp://127.0.0.1:7602" }
#define OPTIONS_TIMEOUT(options)                                                                                       \
        { .name = "timeout", .letter = 't', .value = "TIME", .span = &(options).timeout,                 \
          .help = "how long to wait for the broker's answer (3s)" }
#define OPTIONS_JSON(options)                                                                                          \
        { .name = "json", .letter = 'j', .flag = &(options).is_json, .help = "print the answer as one line of JSON" }
/* All of them that a question to the stats socket needs. */
#define OPTIONS_ASK(options)                                                                                           \
        OPTIONS_JSON(options), OPTIONS_CONFIG(options), OPTIONS_STATS(options), OPTIONS_TIMEOUT(options)

/* Reads argv[1...]. 0 and *ret, whose words are argv's, moved to the front; 1 when --help or -h is among them;
 * -EINVAL and *ret_error (the caller frees), half a sentence that names the option. */
MUST_USE int options_parse(const struct options_rule *rules, int argc, char **argv, struct options_operands *ret,
                           char **ret_error);
/* The list of options for a command's help. */
void options_encode_help(const struct options_rule *rules, struct buffer *text);
/* "250ms", "8s", "5m", "1h", "7d": 0 and *ret; -ERANGE for more than 366 days; -EINVAL for anything else, and for a
 * number without a unit: nobody knows whether 30 is seconds or minutes. */
MUST_USE int options_decode_span(const char *text, struct span *ret);
/* A whole number up to UINT32_MAX: 0 and *ret; -EINVAL for anything else. */
MUST_USE int options_decode_count(const char *text, uint64_t *ret);
