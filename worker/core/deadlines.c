#include "worker/core/deadlines.h"

#include "common/ensure.h"
#include "common/memory.h"

enum { CHILDREN = 4, CAP_FIRST = 64 };

void deadlines_done(struct deadlines *deadlines) {
        free(deadlines->entries);
        *deadlines = (struct deadlines){0};
}

/* -- the heap ------------------------------------------------------------------------------------------------------ */

static void put(struct deadlines *deadlines, uint32_t index, struct deadlines_entry entry) {
        deadlines->entries[index] = entry;
        entry.deadline->place = index + 1;
}

static void sift_up(struct deadlines *deadlines, uint32_t index, struct deadlines_entry entry) {
        while (index > 0) {
                uint32_t parent = (index - 1) / CHILDREN;

                if (!mono_is_before(entry.at, deadlines->entries[parent].at))
                        break;
                put(deadlines, index, deadlines->entries[parent]);
                index = parent;
        }
        put(deadlines, index, entry);
}

/* Of the children of `index` the earliest; n when it has none. */
static uint32_t find_first_child(const struct deadlines *deadlines, uint32_t index) {
        uint32_t child = index * CHILDREN + 1, first = child < deadlines->n ? child : deadlines->n;

        for (uint32_t i = child + 1; i < child + CHILDREN && i < deadlines->n; i++)
                if (mono_is_before(deadlines->entries[i].at, deadlines->entries[first].at))
                        first = i;
        return first;
}

static void sift_down(struct deadlines *deadlines, uint32_t index, struct deadlines_entry entry) {
        for (;;) {
                uint32_t child = find_first_child(deadlines, index);

                if (child == deadlines->n || !mono_is_before(deadlines->entries[child].at, entry.at))
                        break;
                put(deadlines, index, deadlines->entries[child]);
                index = child;
        }
        put(deadlines, index, entry);
}

static void take_out(struct deadlines *deadlines, struct deadline *deadline) {
        uint32_t index = deadline->place - 1;
        struct deadlines_entry last = deadlines->entries[--deadlines->n];
        struct mono at = deadlines->entries[index].at;

        deadline->place = 0;
        if (index == deadlines->n)
                return;
        if (mono_is_before(last.at, at))
                sift_up(deadlines, index, last);
        else
                sift_down(deadlines, index, last);
}

static void put_in(struct deadlines *deadlines, struct deadline *deadline) {
        if (deadlines->n == deadlines->cap) {
                deadlines->cap = deadlines->cap ? 2 * deadlines->cap : CAP_FIRST;
                deadlines->entries = memory_resize(deadlines->entries, deadlines->cap, sizeof *deadlines->entries);
        }
        sift_up(deadlines, deadlines->n++, (struct deadlines_entry){deadline->due, deadline});
}

/* ------------------------------------------------------------------------------------------------------------------ */

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, struct mono due) {
        deadline->due = due;
        if (deadline->place == 0) {
                if (due.us != MONO_NEVER.us)
                        put_in(deadlines, deadline);
        } else if (due.us == MONO_NEVER.us) {
                take_out(deadlines, deadline);
        } else if (mono_is_before(due, deadlines->entries[deadline->place - 1].at)) {
                sift_up(deadlines, deadline->place - 1, (struct deadlines_entry){due, deadline});
        }
}

struct mono deadlines_next(const struct deadlines *deadlines) {
        return deadlines->n > 0 ? deadlines->entries[0].at : MONO_NEVER;
}

struct deadline *deadlines_pop(struct deadlines *deadlines, struct mono now) {
        while (deadlines->n > 0 && mono_is_due(now, deadlines->entries[0].at)) {
                struct deadline *first = deadlines->entries[0].deadline;

                if (mono_is_due(now, first->due)) {
                        take_out(deadlines, first);
                        first->due = MONO_NEVER;
                        return first;
                }
                sift_down(deadlines, 0, (struct deadlines_entry){first->due, first});
        }
        return NULL;
}
