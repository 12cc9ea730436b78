#include "common/channel_encode.h"
#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool channel_has_read_back(const struct channel *channel) { return yaml_find(channel->file, "read_back"); }

void channel_page_done(struct channel_page *page) {
        free(page->older);
        *page = (struct channel_page){0};
}

int channel_read_back_encode(const struct channel *channel, const struct channel_reply *reply,
                             const struct channel_page *page, struct channel_call *ret, char **ret_error) {
        const struct yaml_node *read_back = yaml_find(channel->file, "read_back");
        int r;

        ENSURE(read_back);
        r = channel_encode_call(channel, read_back, reply, "GET", (struct wall){0}, ret, ret_error);
        if (r == 0 && page->older)
                channel_encode_query(ret, yaml_find_text(yaml_find(read_back, "older"), "query"), page->older);
        return r;
}

/* -- what a page says ---------------------------------------------------------------------------------------------- */

/* One page, as it is read. */
struct reading {
        const struct channel *channel;
        const struct channel_reply *reply;
        const struct yaml_node *file; /* read_back */
        json_t *body, *items;
};

static struct channel_place place_of(const struct reading *reading, const json_t *item) {
        return (struct channel_place){.channel = reading->channel,
                                      .body = reading->body,
                                      .outer = reading->items,
                                      .item = item,
                                      .reply = reading->reply};
}

static bool is_ours(const struct reading *reading, const json_t *item) {
        const struct yaml_node *conditions = yaml_find(reading->file, "is");
        struct channel_place place = place_of(reading, item);

        for (size_t i = 0; i < conditions->n; i++)
                if (!channel_condition_holds(&place, &conditions->items[i]))
                        return false;
        return true;
}

/* Is it the message that the reply answers? What is older than that cannot be the reply. */
static bool is_message(const struct reading *reading, const json_t *item) {
        struct channel_place place = place_of(reading, item);
        CLEANUP_FREE char *id = NULL;

        if (!reading->reply->message)
                return false;
        id = channel_value_text(&place, yaml_find(reading->file, "message"));
        return id && strcmp(id, reading->reply->message) == 0;
}

static void why_set(char *why, const char *text) { snprintf(why, LIMIT_WHY_LEN, "%s", text); }

/* To the page before, unless the limit is reached or the platform does not say where it begins. */
static enum channel_found read_on(const struct reading *reading, struct channel_page *page, char *why) {
        const char *pages = yaml_find_text(reading->file, "pages");
        struct channel_place place = place_of(reading, json_array_get(reading->items, 0));
        char *older = channel_value_text(&place, yaml_find(yaml_find(reading->file, "older"), "value"));

        ENSURE(pages);
        if (!older || (page->older && strcmp(older, page->older) == 0) ||
            page->number + 1 >= strtoul(pages, NULL, 10)) {
                why_set(why, older ? "the newest pages of the thread do not reach back to the batch"
                                   : "a page does not say where the one before it begins");
                free(older);
                return CHANNEL_UNREADABLE;
        }
        free(page->older);
        page->older = older;
        page->number++;
        return CHANNEL_READ_ON;
}

static enum channel_found page_read(const struct reading *reading, struct channel_page *page, char *why) {
        bool is_end = json_array_size(reading->items) == 0;

        for (size_t i = 0; i < json_array_size(reading->items); i++) {
                const json_t *item = json_array_get(reading->items, i);

                if (is_ours(reading, item))
                        return CHANNEL_FOUND;
                is_end = is_end || is_message(reading, item);
        }
        return is_end ? CHANNEL_NOT_FOUND : read_on(reading, page, why);
}

static bool is_passing(long status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

enum channel_found channel_read_back_outcome(const struct channel *channel, const struct channel_reply *reply,
                                             long http_status, struct bytes body, struct channel_page *page,
                                             char *why) {
        struct reading reading = {.channel = channel, .reply = reply, .file = yaml_find(channel->file, "read_back")};
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;

        if (http_status != 200) {
                snprintf(why, LIMIT_WHY_LEN, "HTTP %ld to the question which replies are there", http_status);
                return is_passing(http_status) ? CHANNEL_READ_AGAIN : CHANNEL_UNREADABLE;
        }
        if (json_decode(body, &json, &error) == 0) {
                reading.body = json;
                reading.items = json_pointer_find(json, yaml_find_text(reading.file, "items"));
        }
        if (!json_is_array(reading.items)) {
                why_set(why, "what came is no list of messages");
                return CHANNEL_UNREADABLE;
        }
        return page_read(&reading, page, why);
}
