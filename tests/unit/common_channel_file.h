/* Channels of files that a test writes itself: a head that every file needs, and below it what the test is about. */
#pragma once

#include "tests/unit/common_channel.h"

#include "common/channel_file.h"
#include "common/json.h"

/* Settings and a proof, so that a file is whole; `read` and the rest are the test's. */
#define FILE_HEAD                                                                                                      \
        "settings:\n"                                                                                                  \
        "  open: {form: flag, what: anyone may send}\n"                                                                \
        "  url: {form: url, what: the address, default: 'https://api.example.com/'}\n"                                 \
        "  token: {secret: true, what: the token}\n"                                                                   \
        "  spot: {form: pointer, what: where the thread is}\n"                                                         \
        "  nowhere: {form: pointer, what: what nobody gives}\n"                                                        \
        "proof:\n"                                                                                                     \
        "  - {scheme: none, setting: open}\n"

struct file_fixture {
        struct fixture base;
        struct yaml_node *file;
};

/* `text` is a whole channel file; `pairs` of setting and value, NULL at the end. */
static inline void file_init(struct file_fixture *fixture, const char *text, const char *const *pairs) {
        char *error = NULL;

        *fixture = (struct file_fixture){0};
        if (channel_file_decode("test.yaml", bytes_of(text), &fixture->file, &error) != 0)
                fail_msg("%s", error);
        fixture_config(&fixture->base, "test", pairs);
        fixture->base.config.file = fixture->file;
        if (channel_new(&fixture->base.config, &fixture->base.channel, &error) != 0)
                fail_msg("%s", error);
}

static inline void file_done(struct file_fixture *fixture) {
        fixture_done(&fixture->base);
        yaml_node_free(fixture->file);
}
#define CLEANUP_FILE CLEANUP(file_done)

/* A file of FILE_HEAD and `rest`, for a channel to which anyone may send. */
static inline void file_init_open(struct file_fixture *fixture, const char *rest) {
        CLEANUP_FREE char *text = memory_print("%s%s", FILE_HEAD, rest);

        file_init(fixture, text, SETTINGS("open", "true", "token", "t0ken", "spot", "/chat/id"));
}

/* What a body says to such a channel, an event a line, as channel_event_text() has them. The caller frees. */
static inline char *file_read_lines(const char *rest, const char *body) {
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP(channel_events_done) struct channel_events events = {0};
        struct buffer lines = {0};

        file_init_open(&fixture, rest);
        events = fixture_read(&fixture.base, body);
        for (size_t i = 0; i < events.n; i++) {
                CLEANUP_FREE char *line = channel_event_text(&events.items[i]);

                buffer_print(&lines, "%s%s", i ? "\n" : "", line);
        }
        return buffer_text(&lines);
}

static inline void file_assert_reads(const char *rest, const char *body, const char *lines) {
        CLEANUP_FREE char *found = file_read_lines(rest, body);

        assert_string_equal(found, lines);
}
