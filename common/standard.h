/* The standard descriptors 0, 1 and 2. */
#pragma once

/* To be called first thing in main(): opens /dev/null for each of the three that the process was started without.
 * Otherwise the first file or socket to be opened would take its number, and what is meant for the terminal (the log)
 * would be written into it. Ends the process when that cannot be done: there is nobody to say why to. */
void standard_open(void);
