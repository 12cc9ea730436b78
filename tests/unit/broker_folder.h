/* A store in a folder of its own, whose journal is small: its records are of four thousand bytes each, and it has room
 * for few of them. What the tests of the journal stand on. */
#pragma once

#include "tests/unit/unit.h"

#include "broker/store/store_private.h"

extern const struct store_form folder_form;
extern char folder_uri[80];
/* The file that a new store's first commits go into: opening it takes a turn. */
#define FOLDER_FIRST_FILE "journal-2"

/* Before and after each test. */
int folder_begin(void **state);
int folder_end(void **state);
/* The caller frees it. */
char *folder_path(const char *name);

struct store *folder_open(void);
/* It is damaged, and the error says so in these words. */
void folder_expect_refused(const char *why);
/* Each is one commit. */
void folder_put_body(struct store *store, uint64_t seq, struct bytes body);
void folder_put(struct store *store, uint64_t seq);
void folder_drop(struct store *store, uint64_t seq);
bool folder_has(struct store *store, uint64_t seq);

/* What a load brings: how many messages, and from which to which. */
struct folder_found {
        uint64_t n, first, last;
};

struct folder_found folder_load(struct store *store);

void folder_change(const char *name, off_t at, const void *data, size_t len);
/* What lies in a file of the store, put back later. */
void folder_copy(const char *name, const char *to);
