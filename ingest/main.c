/* lull-ingest: takes messages in, over HTTP or from stdin, and answers when the broker has them on disk. */
#include "common/log.h"
#include "common/standard.h"
#include "ingest/server.h"
#include "ingest/stdin.h"

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

static const char usage[] =
        "Usage: lull-ingest [CONFIG]            serve webhooks and the message API\n"
        "       lull-ingest --stdin [CONFIG]    send messages from stdin, one JSON object a line\n"
        "\n"
        "CONFIG is lull.yaml; without it $LULL_CONFIG, else ./lull.yaml.\n"
        "\n"
        "      --stdin    {\"tenant\":\"acme\",\"thread\":\"1\",\"id\":\"m1\",\"text\":\"Hi\"} on "
        "each line; exit 0 when\n"
        "                 the broker holds all of them, 1 when some were refused. While a tenant or the disk\n"
        "                 is full it waits and tries again without an end, in order; Ctrl-C\n"
        "                 ends it, and it says what was acknowledged\n"
        "  -h, --help     show this\n"
        "  -V, --version  show the version\n"
        "\n"
        "LULL_LOG=debug logs every webhook; info, warning and error log less.\n";

enum { OPTION_STDIN = 256 };

static const struct option options[] = {
        {"stdin", no_argument, NULL, OPTION_STDIN},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
};

int main(int argc, char **argv) {
        bool is_stdin = false;
        int option;

        standard_open();
        while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
                switch (option) {
                case OPTION_STDIN:
                        is_stdin = true;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return 0;
                case 'V':
                        puts("lull-ingest " LULL_VERSION);
                        return 0;
                default:
                        fputs("lull-ingest --help shows how it is called\n", stderr);
                        return 2;
                }
        }
        if (argc - optind > 1) {
                fprintf(stderr, "lull-ingest: one CONFIG at most, not also \"%s\"; see lull-ingest --help\n",
                        argv[optind + 1]);
                return 2;
        }
        log_init("lull-ingest");
        signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of its connection, not the end of the program */
        return is_stdin ? stdin_run(argv[optind]) : server_run(argv[optind]);
}
