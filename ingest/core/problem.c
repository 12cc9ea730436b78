#include "ingest/core/problem.h"

#include "common/ensure.h"

const char *problem_title(unsigned status) {
        static const struct {
                unsigned status;
                const char *title;
        } titles[] = {
                {400, "Bad Request"},         {401, "Unauthorized"},
                {403, "Forbidden"},           {404, "Not Found"},
                {405, "Method Not Allowed"},  {409, "Conflict"},
                {413, "Content Too Large"},   {414, "URI Too Long"},
                {429, "Too Many Requests"},   {431, "Request Header Fields Too Large"},
                {503, "Service Unavailable"}, {507, "Insufficient Storage"},
        };

        for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
                if (titles[i].status == status)
                        return titles[i].title;
        return "Error";
}

json_t *problem_to_json(const struct problem *problem) {
        json_t *json = json_object();

        ENSURE(json_object_set_new(json, "type", json_string("about:blank")) == 0);
        ENSURE(json_object_set_new(json, "title", json_string(problem_title(problem->status))) == 0);
        ENSURE(json_object_set_new(json, "status", json_integer((json_int_t)problem->status)) == 0);
        ENSURE(json_object_set_new(json, "detail", json_text_new(bytes_of(problem->detail))) == 0);
        ENSURE(json_object_set_new(json, "code", json_text_new(bytes_of(problem->code))) == 0);
        return json;
}

void problem_encode(const struct problem *problem, struct buffer *body) {
        CLEANUP_JSON json_t *json = problem_to_json(problem);

        json_encode(json, body);
        buffer_push_text(body, "\n");
}
