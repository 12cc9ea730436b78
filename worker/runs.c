#include "worker/runs.h"

#include "common/ensure.h"
#include "common/memory.h"

/* Two places for each slot keep the chains short. */
enum { PLACES_PER_SLOT = 2 };

struct place {
        struct place *next;
        uint64_t fence;
        struct work *work;
};

struct runs {
        struct place **places;
        uint32_t n_places, n;
};

struct runs *runs_new(uint32_t slots) {
        struct runs *runs = memory_new(1, sizeof *runs);

        runs->n_places = PLACES_PER_SLOT * slots + 1;
        runs->places = memory_new(runs->n_places, sizeof *runs->places);
        return runs;
}

/* Fences of one broker count upwards, so neighbours fall beside each other. */
static struct place **place_of(const struct runs *runs, uint64_t fence) {
        struct place **place = &runs->places[fence % runs->n_places];

        while (*place && (*place)->fence != fence)
                place = &(*place)->next;
        return place;
}

void runs_push(struct runs *runs, struct work *work) {
        struct place **place = place_of(runs, work_fence(work));

        ENSURE(!*place);
        *place = memory_new(1, sizeof **place);
        **place = (struct place){.fence = work_fence(work), .work = work};
        runs->n++;
}

struct work *runs_find(const struct runs *runs, uint64_t fence) {
        struct place *place = *place_of(runs, fence);

        return place ? place->work : NULL;
}

void runs_remove(struct runs *runs, struct work *work) {
        struct place **place = place_of(runs, work_fence(work)), *old = *place;

        ENSURE(old && old->work == work);
        *place = old->next;
        free(old);
        runs->n--;
        work_free(work);
}

uint32_t runs_count(const struct runs *runs) { return runs->n; }

void runs_each(struct runs *runs, void (*on_each)(void *context, struct work *work), void *context) {
        struct place *next;

        for (uint32_t i = 0; i < runs->n_places; i++) {
                for (struct place *place = runs->places[i]; place; place = next) {
                        next = place->next;
                        on_each(context, place->work);
                }
        }
}

static void remove_one(void *context, struct work *work) { runs_remove(context, work); }

struct runs *runs_free(struct runs *runs) {
        if (!runs)
                return NULL;
        runs_each(runs, remove_one, runs);
        free(runs->places);
        free(runs);
        return NULL;
}
