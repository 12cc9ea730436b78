/* Who is connected: how many from each address, and, of those whose request is not there as a whole, who came first.
 * So that nobody takes all the places by being slow: where there is none left, the oldest of these has to go, and who
 * sends a request at once is always among the youngest.
 *
 * Pure. The shell owns the connections, embeds a member in each, and closes whom it is told to. At most as many members
 * as it was made for, each in lists of its own: nothing here walks them. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct crowd;
struct crowd_origin;

struct crowd_link {
        struct crowd_link *previous, *next;
};

/* {0} is in no crowd. */
struct crowd_member {
        struct crowd_link all, near; /* among the unfinished: of all, and of the same address */
        struct crowd_origin *origin;
        bool is_unfinished;
};

/* `seed` is a secret, so that nobody can choose addresses that slow the tables down. */
struct crowd *crowd_new(uint32_t n_max, uint32_t n_per_address, uint64_t seed);
/* Every member must have left. */
struct crowd *crowd_free(struct crowd *crowd);

enum { CROWD_FULL = 1 };

/* Is there a place for one more from `address` (http_socket_origin())? 0, and *ret_leaver is NULL, or who must be
 * closed for it, and has left the crowd already; CROWD_FULL: there is none, as all that could go are being answered. */
MUST_USE int crowd_make_room(struct crowd *crowd, uint64_t address, struct crowd_member **ret_leaver);
/* Comes in, unfinished and as the youngest. */
void crowd_push(struct crowd *crowd, struct crowd_member *member, uint64_t address);
/* Nothing happens to one that has left. */
void crowd_remove(struct crowd *crowd, struct crowd_member *member);
/* Its request is there: it stays, whoever comes. */
void crowd_on_whole(struct crowd *crowd, struct crowd_member *member);
/* Its answer is out, and the next request may come: unfinished again, and the youngest. */
void crowd_on_answered(struct crowd *crowd, struct crowd_member *member);

/* Who came first of the unfinished; NULL when there is none. And who came next. */
struct crowd_member *crowd_oldest(const struct crowd *crowd);
struct crowd_member *crowd_next(const struct crowd *crowd, const struct crowd_member *member);
uint32_t crowd_n(const struct crowd *crowd);
