/* The threads of a tenant that are ready, by how long they have been due.
 *
 * Four heaps, so that whatever a provider allows is found at once: those whose answer is stored need none; those that
 * have not failed since it did well last go before those that have, and among the latter each goes once a round, so
 * that one that always fails does not stand in the way of the others for ever. When the provider is closed, all are one
 * queue. */
#include "broker/core/state.h"

void ready_done(struct tenant *tenant) {
        heap_done(&tenant->ready);
        heap_done(&tenant->posting);
        heap_done(&tenant->failed);
        heap_done(&tenant->failed_again);
}

bool ready_is_empty(const struct tenant *tenant) {
        return !heap_peek(&tenant->ready) && !heap_peek(&tenant->posting) && !heap_peek(&tenant->failed) &&
               !heap_peek(&tenant->failed_again);
}

static void push(struct core *core, struct thread *thread, struct heap *heap) {
        heap_push(heap, (struct heap_entry){thread->due, thread_index(core, thread), thread->ticket});
}

/* When the provider has done well, who had failed has not any more: those go among the others. They are as many as have
 * called it in vain since. */
static void forget_failures(struct core *core, struct tenant *tenant) {
        const struct provider *provider = provider_of_tenant(core, tenant);
        struct heap *heaps[] = {&tenant->failed, &tenant->failed_again};

        if (!provider || tenant->outage == provider->outage)
                return;
        tenant->outage = provider->outage;
        for (int i = 0; i < 2; i++)
                while (heap_peek(heaps[i]))
                        heap_push(&tenant->ready, heap_pop(heaps[i]));
}

void ready_push(struct core *core, struct thread *thread) {
        struct tenant *tenant = tenant_of(core, thread);

        forget_failures(core, tenant);
        if (thread->is_answered)
                push(core, thread, &tenant->posting);
        else
                push(core, thread, provider_has_failed(core, thread) ? &tenant->failed_again : &tenant->ready);
}

/* The first entry that is not void; NULL when there is none. */
static const struct heap_entry *peek(const struct core *core, struct heap *heap) {
        const struct heap_entry *top;

        while ((top = heap_peek(heap)) && top->ticket != core->threads[top->who].ticket)
                heap_pop(heap);
        return top;
}

static struct heap *earlier(const struct core *core, struct heap *a, struct heap *b) {
        const struct heap_entry *first = peek(core, a), *second = peek(core, b);

        return first && (!second || !mono_is_before(second->at, first->at)) ? a : b;
}

/* Of those that have failed, who tried longest ago. */
static struct heap *next_of_failed(const struct core *core, struct tenant *tenant) {
        struct heap swap;

        if (!peek(core, &tenant->failed)) {
                swap = tenant->failed;
                tenant->failed = tenant->failed_again;
                tenant->failed_again = swap;
        }
        return &tenant->failed;
}

static struct heap *next_of_all(const struct core *core, struct tenant *tenant) {
        struct heap *fresh = earlier(core, &tenant->ready, &tenant->posting);

        if (tenant->failed.n == 0 && tenant->failed_again.n == 0)
                return fresh;
        return earlier(core, fresh, earlier(core, &tenant->failed, &tenant->failed_again));
}

struct thread *ready_pop(struct core *core, struct tenant *tenant, enum provider_leave leave) {
        struct heap *heap = leave == PROVIDER_LETS_ALL ? next_of_all(core, tenant) : &tenant->posting;

        if (leave == PROVIDER_LETS_FRESH && !peek(core, heap))
                heap = &tenant->ready;
        if (leave == PROVIDER_LETS_AGAIN && !peek(core, heap))
                heap = next_of_failed(core, tenant);
        return peek(core, heap) ? &core->threads[heap_pop(heap).who] : NULL;
}

bool ready_has_fresh(struct core *core, struct tenant *tenant) {
        forget_failures(core, tenant);
        return peek(core, &tenant->ready);
}

bool ready_has_failed(struct core *core, struct tenant *tenant) {
        forget_failures(core, tenant);
        return peek(core, &tenant->failed) || peek(core, &tenant->failed_again);
}

struct mono ready_rank(const struct core *core, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        struct mono first = core->messages[thread->messages.first].at;

        return settings ? mono_add(first, span_min(settings->quiet, settings->max_wait)) : first;
}
