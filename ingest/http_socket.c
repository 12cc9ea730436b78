#include "ingest/http_socket.h"

#include "common/memory.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Connections the kernel holds until they are accepted: a burst of webhooks after a platform's hiccup. */
enum { BACKLOG = 1024 };

static void free_list(struct addrinfo **list) {
        if (*list)
                freeaddrinfo(*list);
}

/* "[::1]:80" into "::1" and "80", in place. */
static int split(char *address, const char **ret_host, const char **ret_port) {
        char *colon = strrchr(address, ':');
        size_t len;

        if (!colon || colon[1] == '\0')
                return -EINVAL;
        *colon = '\0';
        len = strlen(address);
        if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
                address[len - 1] = '\0';
                address++;
        }
        *ret_host = address[0] ? address : NULL;
        *ret_port = colon + 1;
        return 0;
}

static int resolve(const char *address, struct addrinfo **ret, char **ret_error) {
        struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
        CLEANUP_FREE char *copy = memory_print("%s", address);
        const char *host, *port;
        int r;

        if (split(copy, &host, &port) < 0) {
                *ret_error = memory_print("ingest.http: \"%s\" is no address; write HOST:PORT, such as 127.0.0.1:8600",
                                          address);
                return -EINVAL;
        }
        r = getaddrinfo(host, port, &hints, ret);
        if (r == 0)
                return 0;
        *ret_error = memory_print("ingest.http: cannot listen at %s: %s", address, gai_strerror(r));
        return -EADDRNOTAVAIL;
}

static int listen_at(const struct addrinfo *where, bool is_shared, int *ret_fd) {
        CLEANUP_CLOSE int fd =
                socket(where->ai_family, where->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, where->ai_protocol);
        int on = 1;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
            bind(fd, where->ai_addr, where->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

static int describe(int fd, char *ret_address) {
        struct sockaddr_storage bound;
        socklen_t len = sizeof bound;
        char host[48], port[8];

        if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
                return -errno;
        if (getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return -EADDRNOTAVAIL;
        snprintf(ret_address, HTTP_ADDRESS_MAX, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
        return 0;
}

int http_socket_open(const char *address, bool is_shared, int *ret_fd, char *ret_address, char **ret_error) {
        CLEANUP(free_list) struct addrinfo *list = NULL;
        CLEANUP_CLOSE int fd = -1;
        int r;

        r = resolve(address, &list, ret_error);
        if (r < 0)
                return r;
        r = listen_at(list, is_shared, &fd);
        if (r == 0)
                r = describe(fd, ret_address);
        if (r < 0) {
                *ret_error = memory_print("ingest.http: cannot listen at %s: %s%s", address, strerror(-r),
                                          r == -EADDRINUSE ? "; is another lull-ingest running?" : "");
                return r;
        }
        *ret_fd = fd;
        fd = -1;
        return 0;
}

bool http_socket_is_loopback(const struct sockaddr *peer) {
        if (peer->sa_family == AF_INET)
                return ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        if (peer->sa_family == AF_INET6) {
                const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;

                if (IN6_IS_ADDR_V4MAPPED(address))
                        return address->s6_addr[12] == IN_LOOPBACKNET;
                return IN6_IS_ADDR_LOOPBACK(address);
        }
        return false;
}

uint64_t http_socket_origin(const struct sockaddr *peer) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;
        uint64_t origin = 0;

        if (peer->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(address)) {
                memcpy(&origin, address, sizeof origin);
        } else if (peer->sa_family == AF_INET6) {
                memcpy(&origin, &address->s6_addr[12], sizeof(struct in_addr));
        } else if (peer->sa_family == AF_INET) {
                const struct in_addr *old = &((const struct sockaddr_in *)peer)->sin_addr;

                memcpy(&origin, old, sizeof *old);
        }
        return origin;
}
