#include "ingest/core/api.h"

#include "common/item.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* A body on its way to becoming a request. */
struct reading {
        struct parcel_ids *ids;
        uint32_t body_len_max;
        struct buffer scratch; /* the body of one message, encoded */
        uint32_t n_items;
        struct api_request request;
};

void api_request_done(struct api_request *request) {
        parcel_done(&request->parcel);
        refusals_done(&request->refusals);
}

static void reading_done(struct reading *reading) {
        buffer_done(&reading->scratch);
        api_request_done(&reading->request);
}

#define CLEANUP_READING CLEANUP(reading_done)

/* -- one item ------------------------------------------------------------------------------------------------------ */

/* Takes the fault's text. */
static void refuse_item(struct reading *reading, struct item_fault *fault) {
        CLEANUP_FREE char *why = fault->why;

        refusals_push(&reading->request.refusals, reading->n_items, bytes_of(fault->code), bytes_of(why));
}

static void push_item(struct reading *reading, const struct item *item) {
        struct wire_message message = item_to_message(item, &reading->scratch);
        struct item_fault fault;

        if (item_check(&message, reading->body_len_max, &fault) < 0)
                refuse_item(reading, &fault);
        else
                parcel_push(&reading->request.parcel, reading->ids, &message, reading->n_items);
}

/* Takes the fault's text, or the item, whichever `r` says there is. */
static int on_item(struct reading *reading, int r, struct item *item, struct item_fault *fault, char **ret_error) {
        if (r < 0)
                refuse_item(reading, fault);
        else
                push_item(reading, item);
        if (r == 0)
                item_done(item);
        if (++reading->n_items <= LIMIT_FRAME_MESSAGES)
                return 0;
        *ret_error = memory_print("a request has at most %d messages; send the rest in another", LIMIT_FRAME_MESSAGES);
        return -E2BIG;
}

/* -- forms of a body ----------------------------------------------------------------------------------------------- */

static int read_value(struct reading *reading, json_t *json, char **ret_error) {
        struct item_fault fault;
        struct item item;
        int r = item_decode(json, &item, &fault);

        return on_item(reading, r, &item, &fault, ret_error);
}

static int read_json(struct reading *reading, struct bytes body, char **ret_error) {
        CLEANUP_JSON json_t *json = NULL;
        json_t *value;
        size_t i;
        int r;

        r = json_decode(body, &json, ret_error);
        if (r < 0)
                return r;
        if (!json_is_array(json))
                return read_value(reading, json, ret_error);
        json_array_foreach(json, i, value) {
                r = read_value(reading, value, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct bytes trim(struct bytes text) {
        const char *data = text.data;
        size_t begin = 0, end = text.len;

        while (begin < end && is_space(data[begin]))
                begin++;
        while (end > begin && is_space(data[end - 1]))
                end--;
        return (struct bytes){data + begin, end - begin};
}

/* Takes the first line off `rest`, which has something in it. */
static struct bytes pop_line(struct bytes *rest) {
        const char *data = rest->data, *newline = memchr(data, '\n', rest->len);
        size_t len = newline ? (size_t)(newline - data) : rest->len;
        size_t taken = newline ? len + 1 : len;

        *rest = (struct bytes){data + taken, rest->len - taken};
        return trim((struct bytes){data, len});
}

static int read_lines(struct reading *reading, struct bytes rest, char **ret_error) {
        struct item_fault fault;
        struct item item;
        int r = 0;

        for (uint64_t number = 1; rest.len > 0 && r == 0; number++) {
                struct bytes line = pop_line(&rest);

                if (line.len == 0)
                        continue;
                r = item_decode_line(line, number, &item, &fault);
                r = on_item(reading, r, &item, &fault, ret_error);
        }
        return r;
}

/* Is it NDJSON? So it is when the header says so, or when there are more lines than the first, and that one is an
 * object by itself: the first line of a single object in several lines never is. */
static bool is_lines(struct bytes body, const char *content_type) {
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        struct bytes rest = trim(body), first;

        if (content_type && (strcasestr(content_type, "ndjson") || strcasestr(content_type, "jsonl")))
                return true;
        if (rest.len == 0 || *(const char *)rest.data != '{')
                return false;
        first = pop_line(&rest);
        return rest.len > 0 && json_decode(first, &json, &error) == 0;
}

int api_decode(struct bytes body, const char *content_type, struct parcel_ids *ids, uint32_t body_len_max,
               struct api_request *ret, char **ret_error) {
        CLEANUP_READING struct reading reading = {.ids = ids, .body_len_max = body_len_max};
        int r;

        if (trim(body).len == 0) {
                *ret_error = memory_print("the body is empty; send a message, an array of them, or one a line");
                return -EBADMSG;
        }
        if (is_lines(body, content_type))
                r = read_lines(&reading, body, ret_error);
        else
                r = read_json(&reading, body, ret_error);
        if (r < 0)
                return r;
        *ret = reading.request;
        reading.request = (struct api_request){0};
        return 0;
}
