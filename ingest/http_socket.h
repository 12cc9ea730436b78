/* The HTTP server's socket: where it listens, and who is at the other end of a connection. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <sys/socket.h>

/* Room for "[ADDRESS]:PORT", NUL included. */
#define HTTP_ADDRESS_MAX 80

/* Listens at "HOST:PORT"; an IPv6 address stands in brackets, port 0 takes any free one, an empty host is every
 * address. 0, *ret_fd (non-blocking), and the real address in `ret_address` (HTTP_ADDRESS_MAX bytes); a negative
 * errno and *ret_error (the caller frees). */
MUST_USE int http_socket_open(const char *address, int *ret_fd, char *ret_address, char **ret_error);
/* Is the other end on this machine, as far as the network can tell? */
bool http_socket_is_loopback(const struct sockaddr *peer);
