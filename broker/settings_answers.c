#include "broker/settings_answers.h"

#include "broker/questions.h"
#include "broker/settings.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static struct bytes bytes_of_key(const json_t *question, const char *key) {
        const json_t *value = json_object_get(question, key);

        return (struct bytes){json_string_value(value), json_string_length(value)};
}

/* -- what is in force ---------------------------------------------------------------------------------------------- */

static char *source_of(const struct settings_view *view, const char *path) {
        char at[CLOCK_TEXT_MAX];

        if (view->is_in_force)
                return memory_print("set %s", clock_text(view->at, at));
        return view->line > 0 ? memory_print("%s:%d", path, view->line) : memory_print("default");
}

static json_t *answer_setting(const struct settings_view *view, const char *path) {
        CLEANUP_FREE char *source = source_of(view, path);
        json_t *json = json_pack("{s:s}", "value", view->value);

        json_object_set_new(json, "source", json_text_new(bytes_of(source)));
        if (view->set && !view->is_in_force)
                json_object_set_new(json, "set_but_not_in_force", json_text_new(bytes_of(view->set)));
        return json;
}

static json_t *answer_tenant(const struct loop *loop, const struct config_tenant *tenant) {
        json_t *list = json_object(), *json = json_pack("{s:o}", "tenant", json_text_new(bytes_of(tenant->name)));

        for (int i = 0; i < CONFIG_N_SETTINGS; i++) {
                struct settings_view view;

                settings_view(loop->settings, tenant, i, &view);
                json_object_set_new(list, view.key, answer_setting(&view, loop->config->path));
                settings_view_done(&view);
        }
        json_object_set_new(json, "settings", list);
        return json;
}

static json_t *answer_all(const struct loop *loop, struct bytes name) {
        const struct config_tenant *tenant = config_tenant_find(loop->config, name);

        if (tenant)
                return answer_tenant(loop, tenant);
        return answer_error("unknown_tenant", "the broker's lull.yaml has no tenant of that name");
}

/* -- changes ------------------------------------------------------------------------------------------------------- */

static json_t *answer_refusal(int r, const char *why) {
        return answer_error(r == -ESRCH ? "unknown_tenant" : r == -ENOENT ? "unknown_setting" : "bad_value", why);
}

static json_t *change(const json_t *question, struct loop *loop, bool is_set) {
        struct bytes tenant = bytes_of_key(question, "tenant"), value = bytes_of_key(question, "value");
        const char *key = json_string_value(json_object_get(question, "key"));
        CLEANUP_FREE char *why = NULL;
        int r;

        if (!key || (is_set && !value.data))
                return answer_error("bad_request", is_set ? "settings_set has \"tenant\", \"key\" and \"value\", texts"
                                                          : "settings_unset has \"tenant\" and \"key\", texts");
        if (is_set)
                r = settings_set(loop->settings, tenant, key, value, loop->now.wall, core_take_seq(loop->core),
                                 &loop->fx, &why);
        else
                r = settings_unset(loop->settings, tenant, key, &loop->fx, &why);
        if (r < 0)
                return answer_refusal(r, why);
        loop_configure(loop);
        log_info(is_set ? "setting_changed" : "setting_unset", LOG_BYTES("tenant", tenant), LOG_TEXT("key", key),
                 LOG_BYTES("value", is_set ? value : bytes_of("")));
        return answer_all(loop, tenant);
}

json_t *settings_step(const json_t *question, struct loop *loop) {
        const char *command = json_string_value(json_object_get(question, "cmd"));

        if (!command || strncmp(command, "settings", strlen("settings")) != 0)
                return NULL;
        if (!json_is_string(json_object_get(question, "tenant")))
                return answer_error("bad_request", "\"tenant\" is missing: whose settings?");
        if (strcmp(command, "settings") == 0)
                return answer_all(loop, bytes_of_key(question, "tenant"));
        if (strcmp(command, "settings_set") == 0)
                return change(question, loop, true);
        return strcmp(command, "settings_unset") == 0 ? change(question, loop, false) : NULL;
}

/* -- stats --------------------------------------------------------------------------------------------------------- */

json_t *answer_limits(const struct loop *loop) {
        json_t *json = json_object();

        json_object_set_new(json, "memory", json_integer((json_int_t)loop->config->limits.memory));
        json_object_set_new(json, "memory_used", json_integer((json_int_t)core_memory(loop->core)));
        json_object_set_new(json, "is_memory_full", json_boolean(loop->room.is_memory_full));
        json_object_set_new(json, "store_bytes", json_integer((json_int_t)loop->config->limits.store_bytes));
        json_object_set_new(json, "free_bytes", json_integer((json_int_t)loop->config->limits.free_bytes));
        json_object_set_new(json, "dedupe_window_s",
                            json_integer((json_int_t)(loop->config->limits.dedupe_window.us / 1000000)));
        json_object_set_new(json, "dedupe_ids", json_integer(loop->config->limits.dedupe_ids));
        return json;
}

json_t *answer_refusals(const struct core_counters *counters) {
        json_t *json = json_object();

        for (int i = 0; i < REFUSAL_N_CODES; i++)
                json_object_set_new(json, core_refusal_name((enum refusal_code)i),
                                    json_integer((json_int_t)counters->refused_by[i]));
        return json;
}
