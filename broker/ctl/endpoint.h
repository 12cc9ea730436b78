/* Which of the broker's sockets to talk to: as the options say, else as the config file does. */
#pragma once

#include "broker/ctl/options.h"

enum endpoint { ENDPOINT_INGEST, ENDPOINT_WORKERS, ENDPOINT_STATS };

/* 0 and *ret (the caller frees); a negative errno when neither says it, which has been told on stderr. */
MUST_USE int endpoint_find(const struct options *options, enum endpoint which, char **ret);
/* Says on stderr that nobody answered there. */
void endpoint_report_silence(const struct options *options, enum endpoint which, const char *endpoint);
