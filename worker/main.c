/* lull-worker: takes batches from the broker, has them answered, posts the replies. */
#include "common/config.h"
#include "common/log.h"
#include "common/standard.h"
#include "worker/worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

static const char usage[] =
        "usage: lull-worker [CONFIG]\n"
        "\n"
        "Takes batches from lull-broker, has them answered by each tenant's handler under the\n"
        "thread's lock, and posts the replies. CONFIG is a lull.yaml; without it $LULL_CONFIG,\n"
        "else ./lull.yaml.\n"
        "\n"
        "  -h, --help     this text\n"
        "  -V, --version  the version\n"
        "\n"
        "SIGTERM finishes what runs within worker.drain and hands back the rest; a second one hands\n"
        "back at once. SIGHUP reads the tenants of CONFIG again. $LULL_LOG sets what is logged: debug,\n"
        "info, warning or error.\n";

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv) {
        static const struct option options[] = {
                {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
        int option;

        while ((option = getopt_long(argc, argv, "hV", options, NULL)) >= 0) {
                if (option == 'h')
                        fputs(usage, stdout);
                else if (option == 'V')
                        puts("lull-worker " LULL_VERSION);
                else
                        fputs("Try 'lull-worker --help'.\n", stderr);
                return option == '?' ? EXIT_USAGE : EXIT_SUCCESS;
        }
        if (argc - optind <= 1)
                return -1;
        fputs("lull-worker: one CONFIG at most. Try 'lull-worker --help'.\n", stderr);
        return EXIT_USAGE;
}

int main(int argc, char **argv) {
        CLEANUP_FREE char *error = NULL;
        struct worker *worker = NULL;
        struct config *config = NULL;
        int status;

        standard_open();
        status = read_options(argc, argv);
        if (status >= 0)
                return status;
        log_init("lull-worker");
        /* A peer that is gone is an error of the write, not the end of the process. */
        signal(SIGPIPE, SIG_IGN);
        if (config_load(optind < argc ? argv[optind] : NULL, &config, &error) < 0 ||
            worker_new(config, &worker, &error) < 0) {
                fprintf(stderr, "%s\n", error);
                return EXIT_FAILURE;
        }
        worker_run(worker);
        worker_free(worker);
        return EXIT_SUCCESS;
}
