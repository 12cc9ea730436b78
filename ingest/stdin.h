/* lull-ingest --stdin: NDJSON from standard input to the broker.
 *
 * Nothing is dropped: a frame is sent until it is acknowledged, however long that takes, and the next one only then,
 * so that messages arrive in the order of their lines. A line that is no message is reported with its number, and the
 * next one is read. */
#pragma once

/* Runs to the end of stdin, or to SIGINT or SIGTERM. Returns the exit status: 0 when the broker holds every message. */
int stdin_run(const char *config_path);
