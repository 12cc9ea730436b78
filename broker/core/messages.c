/* The slab of messages, and lists in it. */
#include "broker/core/messages.h"

#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

uint32_t message_new(struct core *core, struct message message) {
        uint32_t index = core->free_message;

        core->room.n_messages++;
        if (index != NONE) {
                core->free_message = core->messages[index].next;
        } else {
                if (core->n_messages == core->messages_cap) {
                        ENSURE(core->messages_cap < NONE / 2);
                        core->messages_cap = core->messages_cap ? core->messages_cap * 2 : 1024;
                        core->messages = memory_resize(core->messages, core->messages_cap, sizeof *core->messages);
                }
                index = core->n_messages++;
        }
        message.next = NONE;
        core->messages[index] = message;
        return index;
}

void message_list_push(struct core *core, struct message_list *list, uint32_t message) {
        if (list->n == 0)
                list->first = message;
        else
                core->messages[list->last].next = message;
        list->last = message;
        list->n++;
        list->n_bytes += core->messages[message].bytes;
}

struct message_list message_list_cut(struct core *core, struct message_list *list, uint32_t n) {
        struct message_list front = {.first = list->first, .last = NONE};
        uint32_t at = list->first;

        ENSURE(n <= list->n);
        for (uint32_t i = 0; i < n; i++) {
                front.last = at;
                front.n_bytes += core->messages[at].bytes;
                at = core->messages[at].next;
        }
        front.n = n;
        if (n > 0)
                core->messages[front.last].next = NONE;
        list->first = at;
        list->n -= n;
        list->n_bytes -= front.n_bytes;
        if (list->n == 0)
                list->first = list->last = NONE;
        return front;
}

void message_list_prepend(struct core *core, struct message_list *list, struct message_list *front) {
        if (front->n == 0)
                return;
        core->messages[front->last].next = list->first;
        if (list->n == 0)
                list->last = front->last;
        list->first = front->first;
        list->n += front->n;
        list->n_bytes += front->n_bytes;
        *front = (struct message_list){.first = NONE, .last = NONE};
}

static uint64_t first_seq(const struct core *core, const struct message_list *list) {
        return core->messages[list->first].seq;
}

void message_list_merge(struct core *core, struct message_list *list, struct message_list *other) {
        struct message_list merged = {.first = NONE, .last = NONE};

        while (list->n > 0 || other->n > 0) {
                bool is_other = list->n == 0 || (other->n > 0 && first_seq(core, other) < first_seq(core, list));
                struct message_list one = message_list_cut(core, is_other ? other : list, 1);

                message_list_push(core, &merged, one.first);
        }
        *list = merged;
}

void message_list_be_read(struct core *core, const struct message_list *list, uint32_t n) {
        uint32_t at = list->first;

        for (uint32_t i = 0; i < n; i++, at = core->messages[at].next)
                core->messages[at].is_read = true;
}

void message_list_free(struct core *core, struct message_list *list) {
        core->room.n_messages -= list->n;
        if (list->n > 0) {
                core->messages[list->last].next = core->free_message;
                core->free_message = list->first;
        }
        *list = (struct message_list){.first = NONE, .last = NONE};
}
