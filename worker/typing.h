/* The typing sign: shown in a thread while its batch is being answered, shown again before it goes by itself.
 *
 * A courtesy: nothing waits for it, and what goes wrong is counted and, for each channel once, logged. */
#pragma once

#include "common/channel.h"
#include "worker/call.h"
#include "worker/core/batch.h"
#include "worker/loop.h"

struct typings;
struct typing;

/* What all signs of a worker share. `on_failed` is told of each that could not be shown or taken away, `on_empty` when
 * the last one has gone. */
struct typings *typings_new(struct loop *loop, struct calls *calls,
                            void (*on_failed)(void *context, const char *tenant), void (*on_empty)(void *context),
                            void *context);
/* Is no sign shown, nor being taken away? */
bool typings_is_empty(const struct typings *typings);
/* To be freed before the calls and the loop; signs that are still shown stay so. */
struct typings *typings_free(struct typings *typings);

/* Shows the sign after LIMIT_TYPING_AFTER_MS, which is longer than quick handlers take. NULL when the channel has none
 * for this batch: it knows no sign, cannot post, or needs a message's id that is not there. `channel` must live
 * until typing_stop(); `batch` need not live on. */
struct typing *typing_new(struct typings *typings, const struct channel *channel, const struct batch *batch);
/* Ends it; NULL may be given. `say_off`: also take the sign away, if it may have been shown and does not go by itself;
 * who posts a reply need not. Nothing is to be done with it afterwards. */
struct typing *typing_stop(struct typing *typing, bool say_off);
