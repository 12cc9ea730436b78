/* The commands behind `lull channel`, each in its file; channel.c has the table of them. */
#pragma once

#include "broker/ctl/command.h"

extern const struct command command_channel_reply, command_channel_test;
