/* The LangGraph Agent Server: what is sent, and how its runs and states are read. Pure.
 *
 * A thread of ours is a thread of theirs, under a UUID that is made of its name, so that every worker knows it. A run
 * bears the batch in its metadata, so that whoever comes later finds it. The message it brings is called after the
 * first of the batch: so what comes again, after a failure or with newer messages behind it, takes the place of what
 * the thread has of it instead of repeating it. */
#pragma once

#include "worker/core/model.h"
#include "worker/core/prompt.h"

enum {
        LANGGRAPH_ID_LEN = 36, /* a UUID, as text */
        /* Runs of a thread that are looked at, the newest: ours is among them, as no other comes while we hold the
         * thread, unless somebody else uses it as well. */
        LANGGRAPH_RUNS_MAX = 20,
};

/* Version 5 (RFC 9562, section 5.5) of "TENANT/THREAD" in a name space of lull's own. */
void langgraph_thread_id(const char *tenant, const char *thread, char ret[LANGGRAPH_ID_LEN + 1]);

/* Append the bodies that make the thread, and a run of the batch. */
void langgraph_encode_thread(const char *thread_id, struct buffer *body);
void langgraph_encode_run(const struct prompt *prompt, struct buffer *body);

enum langgraph_found {
        LANGGRAPH_FREE, /* nothing is under way: a run may begin */
        LANGGRAPH_OURS, /* a run of this batch, under way or successful: it need only be joined */
        LANGGRAPH_OUTDATED, /* of lull, for messages that are part of another batch now: not wanted any more */
        LANGGRAPH_BUSY, /* a run that is not lull's is under way */
};

/* What a list of runs holds; with LANGGRAPH_OURS and LANGGRAPH_OUTDATED also the run's id. 0, or -EBADMSG when it is no
 * list of runs. */
MUST_USE int langgraph_find_run(struct bytes list, const char *batch, enum langgraph_found *ret_found,
                                char ret_id[LANGGRAPH_ID_LEN + 1]);
/* The id of a run that was made; -EBADMSG when there is none. */
MUST_USE int langgraph_decode_run(struct bytes body, char ret_id[LANGGRAPH_ID_LEN + 1]);

/* Has this run, as it is asked for by its id, succeeded? */
bool langgraph_is_success(struct bytes body);

/* Reads a thread's state: the reply is the last message of the assistant behind the last one of the person. */
extern const struct model_api langgraph_api;
