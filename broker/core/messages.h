/* The messages that are accepted and not finished: what the core keeps in mind of each, in one slab, and lists in it.
 * The slab grows to what limits.memory allows (room.c), and its free places are used again. Private to broker/core. */
#pragma once

#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

struct core;

/* What fits struct message's count of bytes. */
#define MESSAGE_BYTES(n) ((uint32_t)(n)&0x3fffff)
/* How often a message was edited is counted in a circle, from MESSAGE_EDITS_MAX to 1: 0 is one that never was. */
#define MESSAGE_EDITS_MAX 127

/* One accepted message: the index of what the store holds. */
struct message {
        uint64_t seq;
        struct wall accepted; /* its name for ever */
        struct mono at; /* the same moment on the clock that never steps: what dues derive from */
        uint32_t bytes : 22; /* LIMIT_MESSAGE_BYTES_MAX is below that */
        uint32_t n_edits : 7; /* its text is another each time, and so is its batch's name */
        uint32_t is_mute : 1; /* speech of which there is no text yet */
        uint32_t is_record : 1; /* to be recorded only */
        uint32_t is_read : 1; /* it was in a run that came to nothing, and may have had effects */
        uint32_t next; /* of its thread; NONE at the end; in the free list, the next free one */
};

/* Messages in a row, of one thread. */
struct message_list {
        uint32_t first, last; /* NONE when empty */
        uint32_t n, n_bytes;
};

uint32_t message_new(struct core *core, struct message message);
void message_list_push(struct core *core, struct message_list *list, uint32_t message);
/* Takes the first `n` off `list`. */
struct message_list message_list_cut(struct core *core, struct message_list *list, uint32_t n);
/* Puts the messages of `other` among those of `list`, by the order of acceptance; `other` is empty afterwards. */
void message_list_merge(struct core *core, struct message_list *list, struct message_list *other);
/* Puts `front` before `list`, `front` is empty afterwards. */
void message_list_prepend(struct core *core, struct message_list *list, struct message_list *front);
/* Its first `n` were in a run that came to nothing. */
void message_list_be_read(struct core *core, const struct message_list *list, uint32_t n);
void message_list_free(struct core *core, struct message_list *list);
