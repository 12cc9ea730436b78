/* A message of the spool as a line of NDJSON: the form of common/item.h, which `lull send` reads. Pure. */
#pragma once

#include "common/wire.h"

/* Appends the line, with its newline. What is no form of JSON there, such as a body that cannot be read, is left out.
 * */
void spool_line_encode(struct buffer *ret, const struct wire_message *message);
