/* What the ids of messages that came without one begin with: the only dice of the program. */
#pragma once

/* 128 random bits in hexadecimal, and a NUL. */
#define SEED_MAX 33

/* Writes a seed that no other process has into `ret` (SEED_MAX bytes). */
void seed_new(char *ret);
