#include "broker/provider_answers.h"

#include "broker/questions.h"
#include "common/clock.h"
#include "common/memory.h"

json_t *answer_provider(const struct core_provider_view *view) {
        json_t *json = json_object();

        json_object_set_new(json, "endpoint", json_text_new(bytes_of(view->endpoint)));
        json_object_set_new(json, "tenant", view->tenant.len > 0 ? json_text_new(view->tenant) : json_null());
        json_object_set_new(json, "tenants", json_integer(view->n_tenants));
        json_object_set_new(json, "state", json_string(provider_state_name(view->state)));
        json_object_set_new(json, "failures", json_integer(view->failures));
        json_object_set_new(json, "opened_total", json_integer((json_int_t)view->n_opened));
        json_object_set_new(json, "running", json_integer(view->n_running));
        json_object_set_new(json, "until", answer_time(view->until));
        json_object_set_new(json, "rate", view->rate > 0 ? json_real(view->rate) : json_null());
        return json;
}

static bool is_in_trouble(const struct core_provider_view *view) {
        return view->state != PROVIDER_CLOSED || view->until.ms > 0 || view->rate > 0 || view->failures > 0;
}

json_t *answer_providers(const struct core *core, struct now now) {
        json_t *list = json_array();

        for (int is_second = 0; is_second < 2; is_second++) {
                struct core_provider_view view;
                uint32_t cursor = 0;

                while (json_array_size(list) < LIMIT_LISTING && core_next_provider(core, now, &cursor, &view))
                        if (is_in_trouble(&view) != is_second)
                                json_array_append_new(list, answer_provider(&view));
        }
        return list;
}

static char *next_try(const struct core_provider_view *view) {
        char text[CLOCK_TEXT_MAX];

        if (view->is_tried)
                return memory_print("a run tries it now");
        if (view->until.ms == 0)
                return memory_print("the next run that a worker takes tries it");
        return memory_print("next try at %s", clock_text(view->until, text));
}

char *provider_wait_text(const struct core_provider_view *view) {
        CLEANUP_FREE char *next = next_try(view);
        char text[CLOCK_TEXT_MAX];

        if (view->state != PROVIDER_CLOSED)
                return memory_print("the provider %s, which failed %u time%s in a row; %s", view->endpoint,
                                    view->failures, view->failures == 1 ? "" : "s", next);
        if (view->until.ms > 0)
                return memory_print("the provider %s, which asked for no call before %s", view->endpoint,
                                    clock_text(view->until, text));
        return memory_print("the provider %s, which has been overloaded or down: %.1f runs a second begin for now, "
                            "and more with each that goes well",
                            view->endpoint, view->rate);
}
