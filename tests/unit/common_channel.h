/* Channels for unit tests: made of settings in a few lines, fed with the bodies of tests/e2e/payloads. */
#pragma once

#include "tests/unit/unit.h"

#include "common/channel.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXTURE_SETTINGS_MAX = 16 };

/* A channel `support` with what its config borrows. */
struct fixture {
        struct config_setting settings[FIXTURE_SETTINGS_MAX];
        struct config_channel config;
        struct channel *channel;
};

/* A webhook: pairs of name and value, NULL at the end. */
struct fixture_request {
        const char *const *headers, *const *query;
};

/* `pairs` of key and value, NULL at the end. */
static inline void fixture_config(struct fixture *fixture, const char *kind, const char *const *pairs) {
        *fixture = (struct fixture){0};
        for (uint32_t *n = &fixture->config.n_settings; pairs[2 * *n]; (*n)++)
                fixture->settings[*n] = (struct config_setting){(char *)pairs[2 * *n], (char *)pairs[2 * *n + 1], 5};
        fixture->config.name = (char *)"support";
        fixture->config.kind = (char *)kind;
        fixture->config.settings = fixture->settings;
        fixture->config.line = 4;
}

static inline void fixture_init(struct fixture *fixture, const char *kind, const char *const *pairs) {
        char *error = NULL;

        fixture_config(fixture, kind, pairs);
        if (channel_new(&fixture->config, &fixture->channel, &error) != 0)
                fail_msg("%s", error);
}

static inline void fixture_done(struct fixture *fixture) { channel_free(fixture->channel); }
#define CLEANUP_FIXTURE CLEANUP(fixture_done)
#define SETTINGS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL, NULL})

static inline const char *fixture_find(const char *const *pairs, const char *name) {
        for (; pairs && *pairs; pairs += 2)
                if (strcasecmp(pairs[0], name) == 0)
                        return pairs[1];
        return NULL;
}

static inline const char *fixture_find_header(void *context, const char *name) {
        return fixture_find(((struct fixture_request *)context)->headers, name);
}

static inline const char *fixture_find_query(void *context, const char *name) {
        return fixture_find(((struct fixture_request *)context)->query, name);
}

static inline enum channel_proof fixture_verify(const struct fixture *fixture, const char *const *headers,
                                                const char *const *query, const char *body, struct wall now) {
        struct fixture_request context = {headers, query};
        struct channel_request request = {fixture_find_header, fixture_find_query, &context, bytes_of(body), now};

        return channel_verify(fixture->channel, &request);
}

static inline int fixture_challenge(const struct fixture *fixture, const char *const *query, struct buffer *answer) {
        struct fixture_request context = {NULL, query};
        struct channel_request request = {fixture_find_header, fixture_find_query, &context, BYTES_NONE, {0}};

        return channel_challenge(fixture->channel, &request, answer);
}

/* What a body of that text says. */
static inline struct channel_events fixture_read(const struct fixture *fixture, const char *body) {
        struct channel_events events = {0};
        char *error = NULL;

        if (channel_read(fixture->channel, bytes_of(body), &events, &error) != 0)
                fail_msg("%s", error);
        return events;
}

/* What the body in payloads/KIND/NAME.json says. */
static inline struct channel_events fixture_read_payload(const struct fixture *fixture, const char *name) {
        CLEANUP_FREE char *path = memory_print("%s/%s/%s.json", PAYLOADS, fixture->config.kind, name);
        CLEANUP_BUFFER struct buffer body = {0};
        FILE *file = fopen(path, "r");
        size_t n;

        if (!file)
                fail_msg("%s: %s", path, strerror(errno));
        while ((n = fread(buffer_reserve(&body, 4096), 1, 4096, file)) > 0)
                body.len += n;
        fclose(file);
        return fixture_read(fixture, buffer_text(&body));
}

/* Refused with `code`, with an error that has `part` in it. */
static inline void fixture_assert_refuses(const struct fixture *fixture, const char *body, int code, const char *part) {
        struct channel_events events = {0};
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(channel_read(fixture->channel, bytes_of(body), &events, &error), code);
        if (!strstr(error, part))
                fail_msg("'%s' does not say '%s'", error, part);
}

static inline void fixture_assert_unreadable(const struct fixture *fixture, const char *body, const char *part) {
        fixture_assert_refuses(fixture, body, -EBADMSG, part);
}

/* `begin`, n times `part` with commas between, `end`; the caller frees. */
static inline char *fixture_repeat(const char *begin, const char *part, int n, const char *end) {
        struct buffer body = {0};

        buffer_push_text(&body, begin);
        for (int i = 0; i < n; i++)
                buffer_print(&body, "%s%s", i ? "," : "", part);
        buffer_push_text(&body, end);
        return buffer_text(&body);
}

static inline void fixture_assert_refused(const char *kind, const char *const *pairs, const char *error) {
        struct fixture fixture;
        CLEANUP_FREE char *found = NULL;

        fixture_config(&fixture, kind, pairs);
        assert_int_equal(channel_new(&fixture.config, &fixture.channel, &found), -EINVAL);
        assert_string_equal(found, error);
}

static inline void fixture_assert_ignored(const struct channel_event *event, const char *why) {
        assert_true(event->is_ignored);
        assert_string_equal(event->why, why);
}

/* The value of a header; NULL when there is none. */
static inline const char *fixture_header(const struct channel_call *post, const char *name) {
        for (char **header = post->headers; *header; header++)
                if (strncmp(*header, name, strlen(name)) == 0 && (*header)[strlen(name)] == ':')
                        return *header + strlen(name) + 2;
        return NULL;
}
