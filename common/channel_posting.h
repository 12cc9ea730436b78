/* What is said to a thread, on its way into a request: its texts and its body. Pure. */
#pragma once

#include "common/channel_file.h"

struct channel_posting {
        const struct channel *channel;
        const struct channel_reply *reply;
        const struct yaml_node *escape; /* what stands for which texts of the reply; NULL = it stays as it is */
        bool is_url; /* what is filled in goes into an address, and is escaped */
        char *error; /* why a stranger's text cannot stand where it would; NULL = it can */
};

/* Notes what is wrong, if nothing was before. Takes `error` over. */
void channel_posting_refuse(struct channel_posting *posting, char *error);

/* A pattern with what it names filled in; NULL when a part is missing. The caller frees. */
char *channel_posting_text(struct channel_posting *posting, const char *pattern);

/* The body that `post` describes with `body` and `variants`: YAML becomes JSON, or a form, and what has no value is
 * left out. The caller frees. */
char *channel_posting_body(struct channel_posting *posting, const struct yaml_node *post, bool is_form);

bool channel_has_control(const char *value);
