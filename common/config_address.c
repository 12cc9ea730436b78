#include "common/config_reader.h"

#include "common/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

struct address {
        char host[256]; /* without the brackets of IPv6 */
        int port;
        bool is_v4, is_v6;
};

static bool is_space_or_control(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text <= ' ' || *text == 0x7f)
                        return true;
        return false;
}

static bool port_decode(const char *text, int *ret) {
        CLEANUP_FREE char *why = NULL;
        int64_t port;

        if (config_count_decode(text, &port, &why) != 0 || port > 65535)
                return false;
        *ret = (int)port;
        return true;
}

/* HOST:PORT, where a host of IPv6 stands in brackets. */
static bool address_decode(const char *text, struct address *ret) {
        const char *end = *text == '[' ? strchr(text, ']') : strrchr(text, ':');
        const char *host = *text == '[' ? text + 1 : text;
        struct in6_addr binary;
        size_t len;

        if (!end || is_space_or_control(text))
                return false;
        len = (size_t)(end - host);
        if (len == 0 || len >= sizeof ret->host || (*text != '[' && memchr(host, ':', len)))
                return false;
        memcpy(ret->host, host, len);
        ret->host[len] = 0;
        end += *end == ']';
        if (*end != ':' || !port_decode(end + 1, &ret->port))
                return false;
        ret->is_v4 = inet_pton(AF_INET, ret->host, &binary) == 1;
        ret->is_v6 = inet_pton(AF_INET6, ret->host, &binary) == 1;
        return true;
}

static bool is_loopback(const struct address *address) {
        return strcmp(address->host, "localhost") == 0 || (address->is_v4 && strncmp(address->host, "127.", 4) == 0) ||
               strcmp(address->host, "::1") == 0;
}

static bool is_wildcard(const struct address *address) {
        return strcmp(address->host, "*") == 0 || strcmp(address->host, "0.0.0.0") == 0 ||
               strcmp(address->host, "::") == 0;
}

/* -- the broker's endpoints ---------------------------------------------------------------------------------------- */

void config_bind_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct in6_addr binary;
        CLEANUP_FREE char *bind = NULL;

        if (!node || config_text_get(reader, node, &bind) != 0)
                return;
        if (inet_pton(AF_INET, bind, &binary) == 1 || inet_pton(AF_INET6, bind, &binary) == 1)
                reader->bind = TAKE(bind);
        else
                config_refuse(reader, node->line,
                              "'%s' is no address; write the one of an interface of this machine, or "
                              "0.0.0.0 for all",
                              node->text);
}

/* One endpoint of the three, with its place in the file. */
struct endpoint {
        const char *key, *text;
        int line;
        char **ret_bind;
};

static void ipc_check(struct config_reader *reader, const struct endpoint *endpoint) {
        size_t max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
        size_t len = strlen(endpoint->text + strlen("ipc://"));

        if (len == 0 || len > max)
                config_refuse_at(reader, endpoint->key, endpoint->line,
                                 "the path behind ipc:// must have 1 to %zu characters", max);
        *endpoint->ret_bind = memory_print("%s", endpoint->text);
}

static void bind_make(struct config_reader *reader, const struct endpoint *endpoint, const struct address *address) {
        const char *host = reader->bind ? reader->bind : address->host;

        if (!reader->bind && strcmp(host, "localhost") == 0)
                host = "127.0.0.1";
        *endpoint->ret_bind = memory_print(strchr(host, ':') ? "tcp://[%s]:%d" : "tcp://%s:%d", host, address->port);
}

#define HOW_TO_BE_INSECURE                                                                                             \
        "is beyond this machine, and what goes over it is not encrypted or authenticated yet; put it on a private "    \
        "network and set broker.insecure: true"

static void tcp_check(struct config_reader *reader, const struct endpoint *endpoint, bool is_insecure) {
        struct address address;

        if (!address_decode(endpoint->text + strlen("tcp://"), &address) || address.port == 0)
                config_refuse_at(reader, endpoint->key, endpoint->line,
                                 "must be tcp://ADDRESS:PORT, such as "
                                 "tcp://127.0.0.1:7601");
        else if (is_wildcard(&address))
                config_refuse_at(reader, endpoint->key, endpoint->line,
                                 "nobody can connect to '%s'; write the address "
                                 "that workers and ingest connect to, and broker.bind: 0.0.0.0",
                                 address.host);
        else if (!is_insecure && !is_loopback(&address))
                config_refuse_at(reader, endpoint->key, endpoint->line, HOW_TO_BE_INSECURE);
        else if (!reader->bind && !address.is_v4 && !address.is_v6 && !is_loopback(&address))
                config_refuse_at(reader, endpoint->key, endpoint->line,
                                 "'%s' is a name, and the broker must know which "
                                 "address to bind; set broker.bind, such as broker.bind: 0.0.0.0",
                                 address.host);
        else
                bind_make(reader, endpoint, &address);
}

static void endpoint_check(struct config_reader *reader, const struct endpoint *endpoint, bool is_insecure) {
        if (is_space_or_control(endpoint->text))
                config_refuse_at(reader, endpoint->key, endpoint->line, "has a blank in it; remove it");
        else if (strncmp(endpoint->text, "ipc://", 6) == 0)
                ipc_check(reader, endpoint);
        else if (strncmp(endpoint->text, "tcp://", 6) == 0)
                tcp_check(reader, endpoint, is_insecure);
        else
                config_refuse_at(reader, endpoint->key, endpoint->line, "must be tcp://ADDRESS:PORT or ipc://PATH");
}

static void store_check(struct config_reader *reader, const char *store, int line) {
        if (strcmp(store, "memory:") == 0 || (strncmp(store, "lmdb:", 5) == 0 && store[5]))
                return;
        if (strncmp(store, "redis", 5) == 0)
                config_refuse_at(reader, "store", line,
                                 "a store in Redis is not supported by this version of lull; write lmdb:FOLDER");
        else
                config_refuse_at(reader, "store", line,
                                 "must be lmdb:FOLDER, or memory: for trying things out (nothing survives a restart)");
}

static int line_of(const struct yaml_node *root, const char *key) {
        const struct yaml_node *broker = yaml_find(root, "broker");
        const struct yaml_node *node = yaml_find(broker, key);

        return node ? node->line : broker ? broker->line : 1;
}

/* Of use only with tcp: a bind that does nothing would be believed to protect. */
static void bind_check(struct config_reader *reader, const struct yaml_node *root, const struct config *config) {
        const char *const endpoints[] = {config->broker.ingest, config->broker.workers, config->broker.stats};
        int line = line_of(root, "bind"), n_tcp = 0;

        for (size_t i = 0; i < 3; i++)
                n_tcp += strncmp(endpoints[i], "tcp://", 6) == 0;
        if (!reader->bind)
                return;
        if (n_tcp == 0)
                config_refuse_at(reader, "bind", line, "there is no tcp endpoint that it would apply to; remove it");
        else if (!config->broker.is_insecure && strncmp(reader->bind, "127.", 4) != 0 &&
                 strcmp(reader->bind, "::1") != 0)
                config_refuse_at(reader, "bind", line, HOW_TO_BE_INSECURE);
}

void config_broker_check(struct config_reader *reader, const struct yaml_node *root, struct config *config) {
        const struct endpoint endpoints[] = {
                {"ingest", config->broker.ingest, line_of(root, "ingest"), &config->broker.bind_ingest},
                {"workers", config->broker.workers, line_of(root, "workers"), &config->broker.bind_workers},
                {"stats", config->broker.stats, line_of(root, "stats"), &config->broker.bind_stats},
        };
        size_t path = config_path_push(reader, "broker");

        bind_check(reader, root, config);
        for (size_t i = 0; i < 3; i++)
                endpoint_check(reader, &endpoints[i], config->broker.is_insecure);
        for (size_t i = 1; i < 3; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(endpoints[i].text, endpoints[j].text) == 0)
                                config_refuse_at(reader, endpoints[i].key, endpoints[i].line,
                                                 "is the same as broker.%s; each needs its own", endpoints[j].key);
        store_check(reader, config->broker.store, line_of(root, "store"));
        config_path_pop(reader, path);
}

/* -- other addresses ----------------------------------------------------------------------------------------------- */

void config_listen_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config *config = target;
        CLEANUP_FREE char *text = NULL;
        struct address address;

        if (!node || config_text_get(reader, node, &text) != 0) {
                config->ingest.http = memory_print("127.0.0.1:8600");
                return;
        }
        if (!address_decode(text, &address) ||
            (!address.is_v4 && !address.is_v6 && strcmp(address.host, "localhost") != 0))
                config_refuse(reader, node->line,
                              "'%s' must be ADDRESS:PORT, such as 127.0.0.1:8600, or 0.0.0.0:8600 for all interfaces",
                              node->text);
        if (strncmp(text, "localhost:", 10) == 0)
                config->ingest.http = memory_print("127.0.0.1:%s", text + 10);
        else
                config->ingest.http = TAKE(text);
}

/* [user:password@]host[:port][/number] */
static bool redis_tcp_is_valid(const char *rest) {
        const char *at = strrchr(rest, '@');
        const char *host = at ? at + 1 : rest;
        size_t len = strcspn(host, "/");
        const char *number = host[len] ? host + len + 1 : "";
        CLEANUP_FREE char *place = memory_copy_text(host, len);
        CLEANUP_FREE char *with_port = memory_print("%s:6379", place);
        struct address address;

        if (strspn(number, "0123456789") != strlen(number) || strlen(number) > 5)
                return false;
        return (address_decode(place, &address) && address.port > 0) || address_decode(with_port, &address);
}

/* [user:password@]/path[?db=number] */
static bool redis_unix_is_valid(const char *rest) {
        const char *at = strrchr(rest, '@');
        const char *path = at ? at + 1 : rest;
        const char *query = strchr(path, '?');

        if (path[0] != '/' || !path[1])
                return false;
        return !query ||
               (strncmp(query, "?db=", 4) == 0 && query[4] && strspn(query + 4, "0123456789") == strlen(query + 4));
}

static const char *redis_fault(const char *url) {
        if (is_space_or_control(url))
                return "has a blank in it; remove it, or write %20 for it";
        if (strncmp(url, "rediss://", 9) == 0)
                return "Redis over TLS is not supported by this version of lull; use redis:// on a private network, or "
                       "redis+unix://";
        if (strncmp(url, "redis+unix://", 13) == 0 && redis_unix_is_valid(url + 13))
                return NULL;
        if (strncmp(url, "redis://", 8) == 0 && redis_tcp_is_valid(url + 8))
                return NULL;
        return "must be redis://[user:password@]host:port/db, redis+unix:///path?db=N, or none for no lock (right only "
               "when nothing "
               "else works on the same threads)";
}

void config_redis_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config *config = target;
        CLEANUP_FREE char *url = NULL;
        const char *fault;

        if (!node || config_text_get(reader, node, &url) != 0) {
                config->redis = memory_print("redis://127.0.0.1:6379/0");
                return;
        }
        if (strcmp(url, "none") == 0) {
                config->redis = memory_print("%s", "");
                reader->has_no_redis = true;
                return;
        }
        fault = redis_fault(url);
        if (fault)
                config_refuse(reader, node->line, "%s", fault);
        config->redis = TAKE(url);
}
