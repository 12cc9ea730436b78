/* Calls to a provider's API, as openai and langgraph make them: what their URLs and headers have in common. */
#pragma once

#include "worker/handler.h"

struct provider_request {
        const char *method;
        const char *path; /* behind the handler's url, with its slash */
        struct bytes body; /* JSON; not with GET */
        bool is_repeatable; /* as call.h has it. What is paid for is not: a request repeated in silence is paid twice */
        uint32_t version; /* of the body that is paid for: the batch's first is 0 */
        struct span longest; /* as call.h has it, */
        size_t body_max; /* this too */
        bool (*may_send)(void *context); /* with the context of provider_call() */
        bool (*on_data)(void *context, struct bytes data);
};

/* Begins a call; on_end as call.h has it. The request is copied. */
struct call *provider_call(const struct handler_question *question, const struct provider_request *request,
                           void (*on_end)(void *context, const struct outcome_response *response), void *context);
/* Says something that needs no answer, such as that a run is not wanted any more; whether it arrives nobody learns. */
void provider_tell(const struct handler_question *question, const char *method, const char *path);
