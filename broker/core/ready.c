/* The threads of a tenant that are ready, by how long they have been due.
 *
 * Four heaps, so that whatever a provider allows is found at once: those whose answer is stored need none; those that
 * have not tried it since it opened go before those that have, and among the latter each goes once a round, so that
 * one that always fails does not stand in the way of the others for ever. When the provider is closed, all are one
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

void ready_push(struct core *core, struct thread *thread) {
        struct tenant *tenant = tenant_of(core, thread);

        push(core, thread, thread->is_answered ? &tenant->posting : &tenant->ready);
}

void ready_push_failed(struct core *core, struct thread *thread) {
        push(core, thread, &tenant_of(core, thread)->failed_again);
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

/* Who has not tried yet, else who tried longest ago. */
static struct heap *next_to_try(const struct core *core, struct tenant *tenant) {
        struct heap swap;

        if (peek(core, &tenant->ready))
                return &tenant->ready;
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

        if (leave == PROVIDER_LETS_PROBE && !peek(core, heap))
                heap = next_to_try(core, tenant);
        return peek(core, heap) ? &core->threads[heap_pop(heap).who] : NULL;
}

bool ready_needs_provider(struct core *core, struct tenant *tenant) {
        return peek(core, &tenant->ready) || peek(core, &tenant->failed) || peek(core, &tenant->failed_again);
}

struct mono ready_rank(const struct core *core, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        struct mono first = core->messages[thread->messages.first].at;

        return settings ? mono_add(first, span_min(settings->quiet, settings->max_wait)) : first;
}
