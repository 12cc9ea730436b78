#include "broker/ctl/endpoint.h"

#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/config.h"

#include <stdlib.h>

static const char *const names[] = {"ingest", "workers", "stats"};

static const char *said(const struct options *options, enum endpoint which) {
        switch (which) {
        case ENDPOINT_INGEST:
                return options->ingest;
        case ENDPOINT_WORKERS:
                return options->workers;
        case ENDPOINT_STATS:
                return options->stats;
        }
        return NULL;
}

static const char *configured(const struct config *config, enum endpoint which) {
        switch (which) {
        case ENDPOINT_INGEST:
                return config->broker.ingest;
        case ENDPOINT_WORKERS:
                return config->broker.workers;
        case ENDPOINT_STATS:
                return config->broker.stats;
        }
        return NULL;
}

int endpoint_find(const struct options *options, enum endpoint which, char **ret) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;
        const char *endpoint = said(options, which);
        int r;

        if (!endpoint) {
                r = config_load(options->config, &config, &error);
                if (r < 0) {
                        screen_error("%s", error);
                        screen_error("name the file with --config, or do without it: --%s tcp://HOST:PORT",
                                     names[which]);
                        return r;
                }
                endpoint = configured(config, which);
        }
        *ret = bytes_copy_text(bytes_of(endpoint));
        return 0;
}

void endpoint_report_silence(const struct options *options, enum endpoint which, const char *endpoint) {
        CLEANUP_BUFFER struct buffer span = {0};

        text_push_span(&span, options->timeout);
        screen_error("no answer from %s within %s: is lull-broker running, and is that its broker.%s? "
                     "(--%s ENDPOINT asks elsewhere, --timeout TIME waits longer)",
                     endpoint, buffer_text(&span), names[which], names[which]);
}
