#include "broker/provider_log.h"

#include "common/clock.h"
#include "common/log.h"

static void log_change(const struct core_provider_view *view) {
        char until[CLOCK_TEXT_MAX] = "";

        if (view->state == PROVIDER_CLOSED) {
                log_info("provider_closed", LOG_TEXT("endpoint", view->endpoint), LOG_BYTES("tenant", view->tenant));
                return;
        }
        if (view->until.ms > 0)
                clock_text(view->until, until);
        log_warning("provider_open", LOG_TEXT("endpoint", view->endpoint), LOG_BYTES("tenant", view->tenant),
                    LOG_NUMBER("tenants", view->n_tenants), LOG_NUMBER("failures", view->failures),
                    LOG_TEXT("next_try", until));
}

void provider_log_changes(uint64_t *told, struct now now, struct core *core) {
        struct core_provider_view view;
        uint32_t cursor = 0;

        if (core_provider_changes(core) == *told)
                return;
        *told = core_provider_changes(core);
        while (core_next_provider_change(core, now, &cursor, &view))
                log_change(&view);
}
