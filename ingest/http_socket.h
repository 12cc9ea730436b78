/* The HTTP server's socket: where it listens, and who is at the other end of a connection. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Room for "[ADDRESS]:PORT", NUL included. */
#define HTTP_ADDRESS_MAX 80

/* Listens at "HOST:PORT"; an IPv6 address stands in brackets, port 0 takes any free one, an empty host is every
 * address. If it is shared, others of the same user may listen there too, and the kernel shares connections out; those
 * that one of them has not accepted when it ends are cut. 0,
 * *ret_fd (non-blocking), and the real address in `ret_address` (HTTP_ADDRESS_MAX bytes); a negative errno and
 * *ret_error (the caller frees). */
MUST_USE int http_socket_open(const char *address, bool is_shared, int *ret_fd, char *ret_address, char **ret_error);
/* Who is at the other end, as one number: the address, but of IPv6 its first 64 bits, as a customer is given all that
 * begin with them. */
uint64_t http_socket_origin(const struct sockaddr *peer);
/* Is the other end on this machine, as far as the network can tell? */
bool http_socket_is_loopback(const struct sockaddr *peer);
