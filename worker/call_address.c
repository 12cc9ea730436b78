/* Where a call goes: the URL, the addresses behind its host, the sockets. */
#include "worker/call_private.h"
#include "worker/core/address.h"

#include "common/ensure.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void curl_text_cleanup(char **text) { curl_free(*text); }
#define CLEANUP_CURL_TEXT CLEANUP(curl_text_cleanup)

/* -- which addresses ----------------------------------------------------------------------------------------------- */

static struct bytes bytes_of_address(const struct curl_sockaddr *address) {
        const struct sockaddr *any = &address->addr;

        if (address->family == AF_INET)
                return (struct bytes){&((const struct sockaddr_in *)any)->sin_addr, sizeof(struct in_addr)};
        if (address->family == AF_INET6)
                return (struct bytes){&((const struct sockaddr_in6 *)any)->sin6_addr, sizeof(struct in6_addr)};
        return BYTES_NONE;
}

static void refuse(struct call *call, const char *address) {
        CLEANUP_CURL_TEXT char *host = NULL;

        curl_url_get(call->url, CURLUPART_HOST, &host, 0);
        call_give_up(call, OUTCOME_FORBIDDEN, "%s is %s", host ? host : "its host", address);
}

static bool is_allowed(const struct call *call, bool is_private) {
        return !is_private || call->is_private_allowed || call->is_proxied;
}

void call_check_refused(struct call *call) {
        if (call->refused[0] && !call->is_opened && !call->is_sent)
                refuse(call, call->refused);
}

bool call_check_remote(struct call *call, const char *address) {
        if (is_allowed(call, address_text_is_private(address)))
                return true;
        refuse(call, address);
        return false;
}

/* -- sockets ------------------------------------------------------------------------------------------------------- */

/* Called when the name has been looked up, once for each address that is tried: the moment from which a call can be
 * ended without waiting. An address that is refused leaves the others to be tried. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
        struct call *call = context;
        struct bytes bytes = bytes_of_address(address);

        call->is_resolved = true;
        if (!call->on_end)
                return CURL_SOCKET_BAD;
        if (!is_allowed(call, address_is_private(bytes))) {
                snprintf(call->refused, sizeof call->refused, "unknown");
                if (bytes.len > 0)
                        inet_ntop(address->family, bytes.data, call->refused, sizeof call->refused);
                return CURL_SOCKET_BAD;
        }
        call->is_opened = true;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What a call that was given up has written and its host not taken yet must not arrive later, when the network is back:
 * then the connection is reset, which drops it. */
static int on_close_socket(void *context, curl_socket_t socket) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        int n_unsent = 0;

        if (ioctl(socket, SIOCOUTQ, &n_unsent) == 0 && n_unsent > 0)
                setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        return close(socket);
}

/* -- the URL ------------------------------------------------------------------------------------------------------- */

/* libcurl's own parser, as it is libcurl that goes there: it also makes plain addresses of "0x7f.1" and "2130706433".
 */
static bool is_literal(const struct call *call) {
        CLEANUP_CURL_TEXT char *host = NULL;

        return curl_url_get(call->url, CURLUPART_HOST, &host, 0) == CURLUE_OK && address_is_literal(host);
}

void call_set_address(struct call *call, const struct call_request *request) {
        CURL *easy = call->easy;
        CURLUcode result;

        call->url = curl_url();
        ENSURE(call->url);
        result = curl_url_set(call->url, CURLUPART_URL, request->url, 0);
        if (result != CURLUE_OK)
                call_give_up(call, OUTCOME_UNSENDABLE, "its URL cannot be read: %s", curl_url_strerror(result));
        call->is_private_allowed = request->is_private_allowed || is_literal(call);
        call->is_proxied = request->proxy && *request->proxy;
        curl_easy_setopt(easy, CURLOPT_CURLU, call->url);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        /* Empty texts, as without any libcurl asks the environment. */
        curl_easy_setopt(easy, CURLOPT_PROXY, call->is_proxied ? request->proxy : "");
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
        curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
}
