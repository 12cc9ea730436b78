/* lull-ingest as a server: config, loop, HTTP and broker put together, from start to SIGTERM. */
#pragma once

/* Serves until SIGTERM or SIGINT. `config_path` may be NULL, see config_load(); SIGHUP reads it again. Returns the
 * exit status; what went wrong at the start stands on stderr. */
int server_run(const char *config_path);
