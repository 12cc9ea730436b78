/* What must hold: a second, much simpler account of the world, kept beside the real one from what can be seen of
 * it (what people said, what was committed, what went over the wire), and compared with it at every step. Each
 * guarantee of the README has its name (G1 to G12) in the message of what breaks it. */
#pragma once

#include "broker/core/effects.h"
#include "broker/sockets.h"
#include "tests/sim/sim.h"

void check_init(void);

/* -- people: check_said.c ------------------------------------------------------------------------------------------ */

/* Something new; the answer is its number. `id` NULL = one of its own, "" = without; `text` NULL = its number. */
uint32_t check_say(uint32_t producer, uint32_t thread, const char *id, const char *text);
/* The same thing under the same id; UINT32_MAX = anything said before. */
uint32_t check_say_again(uint32_t producer, uint32_t number);
/* Something that must be refused. */
uint32_t check_say_badly(uint32_t producer, uint32_t thread);
uint32_t check_times_said(uint32_t number);
const char *check_text(uint32_t number);
void check_on_verdict(uint32_t number, bool is_late, uint32_t n_accepted, uint32_t n_duplicates, const char *code);

/* -- what else is told: check_events.c ----------------------------------------------------------------------------- */

/* An event about a thread; the answer is its number. */
uint32_t check_tell(uint32_t producer, uint32_t thread, enum wire_what what);
/* An edit of a message, or word that it was taken back. */
uint32_t check_change(uint32_t producer, uint32_t number, enum wire_what what);
/* A reply is to be seen in the channel. */
uint32_t check_show(uint32_t producer, uint32_t thread, const char *batch, uint32_t index);
/* What the item's thread is called, too. */
void check_call(uint32_t number, uint32_t name);
/* Of an item that has not been sent yet: a voice without a text; when somebody typed, by the calendar; a person's
 * message that says what a reply said. */
void check_be_audio(uint32_t number);
void check_be_typed(uint32_t number, int64_t wall_ms);
void check_be_echo(uint32_t number, const char *text);
void check_reword(uint32_t number, const char *text);
void check_rename(uint32_t number, uint32_t thread);
enum wire_what check_what(uint32_t number);
/* One of the latest messages that can be changed; UINT32_MAX when there is none. And the one of that id. */
uint32_t check_any_message(void);
uint32_t check_message_of_id(uint32_t thread, const char *id);
/* The item as it is sent. */
void check_encode(uint32_t number, struct buffer *body, struct wire_message *ret);

/* -- the broker: check_store.c, check_runs.c ----------------------------------------------------------------------- */

void check_on_turn_begin(void);
/* Who sent a frame: a process as it was then, over this connection. */
struct check_sender {
        struct process *process;
        uint32_t generation, connection;
};

/* It takes a frame in; it sends one, or cannot. */
void check_on_taken(struct check_sender from, enum socket_name door, struct bytes frame);
/* It died having sent others of the same turn, after the commit. */
void check_on_cut_off(enum socket_name door, struct bytes frame);
void check_on_unsent(enum socket_name door, struct bytes frame);
void check_on_sent(struct process *to, enum socket_name door, struct bytes frame);
/* It is about to commit; it has. */
void check_on_commit(const struct change *changes, size_t n);
void check_on_committed(void);
void check_on_turn_end(void);
void check_on_broker_stop(int64_t until);
void check_on_broker_end(void);
void check_on_load_begin(void);
void check_on_loaded_note(const struct stored_note *note);
void check_on_loaded_seen(const struct stored_seen *seen);
void check_on_loaded_batch(const struct stored_batch *batch);
void check_on_loaded_message(const struct stored_message *message);
void check_on_load_end(void);

/* -- workers and what they do: check_posts.c ----------------------------------------------------------------------- */

/* A worker is stopped, cut off or dead until then: what it did lately may be in doubt. */
void check_on_trouble(struct process *process, int64_t until);
/* It heard that it has the lock; the command was sent at `asked`. */
void check_on_locked(struct process *process, uint64_t fence, int64_t asked, int64_t ttl_us);
/* A question, or reply number `index`, has left it. */
void check_on_asked(struct process *process, uint64_t fence);
void check_on_post_left(struct process *process, uint64_t fence, uint32_t index);
uint32_t check_thread_of_run(uint64_t fence);
/* The reply is there for people to see. */
void check_on_visible(uint64_t fence, const char *batch, uint32_t index);
/* The channel was asked for a reply: it would not say, or it does not show it yet, and will. */
void check_on_read(uint64_t fence, uint32_t index, bool is_unknown, bool is_coming);
/* The worker heard what became of it, or gave up and will never know. */
void check_on_post_known(uint64_t fence, uint32_t index, bool is_known);

/* -- the end ------------------------------------------------------------------------------------------------------- */

bool check_is_held(uint32_t thread);
/* Is everything that was accepted finished or dead? */
bool check_is_over(void);
void check_end(void);
