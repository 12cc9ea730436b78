/* One reading of one body: what channel_read.c finds in it, and what channel_event.c makes of each item. Pure. */
#pragma once

#include "common/channel_value.h"

struct channel_reading {
        struct channel_place place;
        struct channel_events *events;
        size_t work; /* what `place` takes from */
        bool is_strict;
        char *error;
};

/* Makes an event, or an ignored thing, of the item at which the reading is, as a rule of `read` says that takes it. 0;
 * -EBADMSG, and the error is set. */
MUST_USE int channel_item_read(struct channel_reading *reading, const struct yaml_node *rule);

/* Takes `text`, which may be NULL, over for as long as the events live. */
const char *channel_text_keep(struct channel_events *events, char *text);
/* Room for one more event; until the next one. */
struct channel_event *channel_event_push(struct channel_events *events);
/* What is ignored, and why, as a pattern. */
void channel_ignored_push(struct channel_reading *reading, const char *pattern);
/* What no rule makes anything of: why, as a pattern, or NULL for what the file says of all such. */
void channel_otherwise_push(struct channel_reading *reading, const char *pattern);
/* A pointer as the sender of a webhook knows it. */
const char *channel_pointer_shown(const struct channel_place *place, const char *pointer);
