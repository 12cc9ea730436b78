/* What a turn has changed, in the log: each transition that an operator may ask about later, once it is durable. */
#pragma once

#include "broker/loop.h"

/* Before the turn's effects are cleared. */
void turn_log(struct loop *loop);
