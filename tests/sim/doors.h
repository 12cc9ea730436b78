/* Between the loop that the shell of a worker sees, and whoever starts and stops workers. */
#pragma once

#include "tests/sim/sim.h"

void doors_on_stopped(struct process *process);
void doors_on_signal(struct process *process, void (*on_signal)(void *context, int signal), void *context);
