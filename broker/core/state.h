/* What the core remembers, and the small operations on it that more than one event needs. Private to broker/core. */
#pragma once

#include "broker/core/aliases.h"
#include "broker/core/core.h"
#include "broker/core/echoes.h"
#include "broker/core/frame.h"
#include "broker/core/heap.h"
#include "broker/core/holds.h"
#include "broker/core/messages.h"
#include "broker/core/provider.h"
#include "broker/core/records.h"
#include "broker/core/room.h"
#include "broker/core/seen.h"
#include "broker/core/table.h"
#include "broker/core/texts.h"

#define NONE UINT32_MAX
/* What fits struct thread's number of its tenant, and of the messages that are settled. */
#define TENANTS_MAX 0xfffff
#define SETTLED_MAX 0xfffff

struct failure {
        char code[LIMIT_CODE_LEN + 1], why[LIMIT_WHY_LEN + 1];
};

/* What has been tried with the messages of a thread. Of millions that wait for their quiet, few have any. */
struct effort {
        uint32_t attempts, n_busy;
        uint32_t n_spared; /* failures that cost no attempt; since the start */
        uint8_t lost;
        uint8_t posted;
        uint8_t n_replies; /* answered: how many there are to post; 0 = not known */
        uint8_t n_interrupts;
        struct mono stirred; /* what is not settled is not due before, for a sign of typing or an edit */
        struct mono busy_since;
        uint64_t outage; /* of its provider, in which it failed last */
        uint64_t fence; /* running */
        uint64_t void_fence; /* runs under this fence or an older one are void */
        uint64_t posting; /* but for the run under this fence, which got the answer in; 0 = none */
        uint32_t worker; /* running: index */
        uint32_t provider; /* running: whom its verdict is about; NONE when it needs none, or has said it */
        struct failure *failure; /* the last one, or NULL */
};

/* A thread lives as long as it holds messages. Its order keeps it small, a cache line: there may be ten million. */
struct thread {
        const struct effort *effort; /* never NULL: effort_none while there is nothing to say. See thread_effort() */
        struct message_list messages;
        struct mono due; /* collecting, waiting, backoff: when it becomes ready; running: when the lease ends; ready:
                            since when it is due */
        struct mono entry_at; /* the time in its one heap entry that counts; MONO_NEVER when it has none */
        struct mono since;
        uint32_t name; /* its place in core.names; in the free list, the next free slot */
        uint32_t ticket; /* marks its heap entry; outlives the thread in its slot, so stale entries never match */
        uint64_t tenant : 20;
        uint64_t n_batch : 20; /* how many of the first messages are a settled batch: running or answered. 0 = none */
        uint64_t name_len : 9; /* 0: a free slot */
        uint64_t state : 8; /* enum thread_state */
        bool is_answered : 1;
        bool is_doubtful : 1; /* answered: whether reply number `posted` is out is not known */
        bool was_doubtful : 1; /* running: what its RUN said of that */
        bool has_record : 1; /* the store has a batch record under the first message's seq */
        bool is_held : 1; /* there is a hold on it */
        bool is_awaited : 1; /* it was there at the start, so a worker from before may be running it */
        bool has_mute : 1; /* one of its messages may be */
};

/* A dead letter. */
struct dead {
        uint64_t seq;
        uint32_t tenant, hash; /* of its thread */
        char *thread;
        uint32_t thread_len;
        struct wall since;
        uint32_t attempts, lost, posted;
        uint64_t void_fence;
        bool is_answered, is_doubtful;
        uint32_t n_replies;
        struct failure failure;
        char batch[WIRE_BATCH_LEN + 1];
        struct message_list messages;
};

struct tenant {
        char *name;
        uint64_t hash; /* of the name, salted */
        const struct config_tenant *settings; /* NULL: the store has messages of it, the config does not know it */
        struct heap delay; /* its threads that are not ready, by when they come up next */
        /* Its threads that are ready, by since when they are due: ready.c. Those whose answer is stored, and those that
         * have failed since their provider did well last, have heaps of their own. */
        struct heap ready, posting, failed, failed_again;
        uint32_t provider; /* of its handler; NONE when it has none */
        uint64_t outage; /* of its provider, as of which its ready threads are sorted */
        bool is_in_line[LINE_N]; /* of its provider */
        uint32_t next_in_line[LINE_N]; /* the tenant behind it there, NONE for the last */
        struct mono entry_at; /* the time in its one entry in core.delay that counts; MONO_NEVER when it has none */
        uint32_t ticket; /* marks that entry */
        bool is_in_turn; /* it has ready threads, and nothing was known to keep it from starting one */
        uint32_t next_in_turn; /* the tenant behind it, NONE for the last */
        uint32_t n_states[THREAD_N_STATES];
        uint64_t n_pending;
        uint32_t n_dead, n_aliases;
        struct tenant_counters counters;
        bool is_full; /* it was refused messages for its max_pending, and has had no room to speak of since */
        bool is_told_full; /* what core_next_full() said last */
        uint64_t refused_in; /* the number of the frame in which a message of it last found no room */
        enum refusal_code refused_for; /* and why */
        struct mono free_since; /* neither concurrency nor rate has kept it back since then; MONO_NEVER: one does */
        struct mono paced; /* when the next run is to start by its rate alone (see rate.c) */
};

struct worker {
        uint8_t uuid[WIRE_UUID_LEN];
        uint64_t incarnation;
        struct address address;
        uint32_t slots, running;
        struct mono heard;
        uint64_t note; /* under which it is noted in the store; 0 = it is not */
        bool is_used, takes_bundles;
};

/* A finished batch, for `why`. */
struct recent {
        uint32_t thread_hash, tenant;
        uint32_t n_messages, attempts;
        struct wall at;
        char batch[WIRE_BATCH_LEN + 1];
};

struct core {
        const struct config *config;
        struct span lease, alive;
        uint64_t salt, random;
        uint64_t next_fence, next_seq;
        uint32_t epoch;

        struct message *messages;
        uint32_t n_messages, messages_cap, free_message;
        struct thread *threads;
        uint32_t n_threads, threads_cap, free_thread;
        struct texts names; /* theirs */
        struct table by_name, by_fence; /* threads */
        struct heap delay; /* tenants, by when a thread of theirs comes up next, or their rate lets them go on */

        struct tenant *tenants;
        uint32_t n_tenants;
        struct table by_tenant;
        uint32_t first_in_turn, last_in_turn; /* tenants in the order in which they may start a run */
        struct worker *workers;
        uint32_t n_workers; /* slots of the array in use, holes included */
        uint32_t next_worker;
        uint32_t free_credit;

        struct providers providers;
        struct dead **dead;
        uint32_t n_dead, dead_cap;
        struct table by_dead_seq, by_dead_thread;
        struct holds holds;
        struct aliases aliases;
        struct records records;
        struct echoes echoes;
        struct seen seen;
        struct room room;
        struct frame frame;
        struct recent *recent;
        uint64_t n_recent;
        uint64_t *settled; /* fences of results accepted lately, by fence modulo LIMIT_SETTLED */

        struct mono last_step, credit_since;
        struct mono released; /* no thread is kept back since then for a worker from before the restart */
        struct core_counters counters;
        struct loading *loading; /* between core_new() and core_load_done() */
        struct awaiting *awaiting; /* after a restart, until the workers from before are back; else NULL */
};

/* -- threads.c ----------------------------------------------------------------------------------------------------- */

struct thread *thread_find(const struct core *core, uint32_t tenant, struct bytes name);
/* New or old; a new one is collecting, with nothing. */
struct thread *thread_get(struct core *core, struct now now, uint32_t tenant, struct bytes name);
/* The same for one that was expected, with the hash that this answered: from then on the memory that it is looked for
 * in is fetched, so that it is there a little later. */
struct thread *thread_get_hashed(struct core *core, struct now now, uint32_t tenant, struct bytes name, uint32_t hash);
uint32_t thread_expect(const struct core *core, uint32_t tenant, struct bytes name);
void threads_done(struct core *core);
/* It must hold no message. */
void thread_free(struct core *core, struct thread *thread);
uint32_t thread_index(const struct core *core, const struct thread *thread);
/* Its first `n` messages are a batch from here on; 0 = none are. */
void thread_settle(struct thread *thread, uint32_t n);
/* Good as long as the thread is there. */
struct bytes thread_name(const struct core *core, const struct thread *thread);
/* As thread_expect() has it. */
uint32_t thread_hash(const struct core *core, const struct thread *thread);
extern const struct effort effort_none;
/* Its own effort, to be written to: made when it has none. */
struct effort *thread_effort(struct core *core, struct thread *thread);
void thread_set_state(struct core *core, struct now now, struct thread *thread, enum thread_state state);
/* Not ready: sees to it that the thread comes up at `due` at the latest, and makes that its due time. */
void thread_arm(struct core *core, struct thread *thread, struct mono due);
/* Makes it ready: into its tenant's queue. */
void thread_ready(struct core *core, struct now now, struct thread *thread);
/* Not ready: sees to it that it comes up at `at` at the latest; its due time stays what it is. */
void thread_wake(struct core *core, struct thread *thread, struct mono at);
/* A lease for the thread on a worker, under a new fence, or under one that it has already. */
void thread_start_lease(struct core *core, struct thread *thread, uint32_t worker);
void thread_take_lease(struct core *core, struct thread *thread, uint32_t worker, uint64_t fence);
/* Whatever the run that ends here may still send is void. */
void thread_end_lease(struct core *core, struct thread *thread);
struct thread *thread_find_fence(const struct core *core, uint64_t fence);
void thread_push(struct core *core, struct thread *thread, struct message message);
void thread_set_failure(struct core *core, struct thread *thread, struct bytes code, struct bytes why);
/* What it holds begins a new batch, with no history. */
void thread_begin_anew(struct core *core, struct thread *thread);
/* True when there is a hold on it: then it is held from here on, with nothing due. */
bool thread_keep_held(struct core *core, struct now now, struct thread *thread);
/* After messages left or came: frees the thread when it holds none, else sets it collecting, or held. */
void thread_go_on(struct core *core, struct now now, struct thread *thread);
uint64_t thread_seq(const struct core *core, const struct thread *thread); /* of the first message */

/* -- names.c: which thread an item belongs to ---------------------------------------------------------------------- */

/* The name of the item's thread, by all its names; borrowed from the item, or until the aliases change. */
struct bytes names_root(const struct core *core, uint32_t tenant, const struct wire_message *item);
/* From here on all the item's names are the thread `root`'s, durably. Nothing is written when that is nothing new. */
void names_learn(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item, struct bytes root,
                 struct effects *fx);
/* The thread of that name while it has messages, else the one that the name belongs to. */
struct bytes names_resolve(const struct core *core, uint32_t tenant, struct bytes name);
/* A thread's names, its own first: begin with cursor 0, ends with false. */
bool names_next(const struct core *core, uint32_t tenant, struct bytes root, uint32_t *cursor, struct bytes *ret);

/* -- take_over.c: a thread is held, and let go --------------------------------------------------------------------- */

/* A worker that runs the thread may be posting its reply already. */
bool thread_is_posting(const struct core *core, const struct thread *thread);
/* Ends the run of a batch that has no answer yet, and sees to it that no worker from before a restart goes on with it
 * either. True when there was anything to end; then the caller writes a record of the batch, which makes it last. */
bool thread_call_off(struct core *core, struct now now, struct thread *thread, const char *code, const char *why,
                     struct effects *fx);
/* Holds the thread of that name, and what its other names still have; a hold that stands gets the new terms. 0, or
 * -ENOSPC: there are LIMIT_HOLDS already. */
int take_over(struct core *core, struct now now, uint32_t tenant, struct bytes thread, const struct hold_terms *terms,
              struct effects *fx);
/* Ends the holds of the thread and of its other names that are of a kind in the set (1 << HOLD_...), or, with
 * HOLDS_OF_FRAME in it, those of them that the frame being taken in has made; how many. */
uint32_t let_go(struct core *core, struct now now, uint32_t tenant, struct bytes thread, uint32_t kinds,
                struct effects *fx);
/* `from` becomes a name of the thread `to`: what is held there is held here. */
void take_over_join(struct core *core, struct now now, uint32_t tenant, struct bytes from, struct bytes to,
                    struct effects *fx);
/* A thread that is called `name`, and has messages again, is held as the one is whose name that is. */
void take_over_rest(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct effects *fx);
/* Lets go what is held until now, a bounded number a turn. */
void holds_on_time(struct core *core, struct now now, struct effects *fx);

enum {
        HOLDS_OF_PLATFORM = 1 << HOLD_PERSON | 1 << HOLD_CLOSED,
        HOLDS_OF_ANY = HOLDS_OF_PLATFORM | 1 << HOLD_OPERATOR,
        HOLDS_OF_FRAME = 1 << 8,
};

/* -- tenants.c ----------------------------------------------------------------------------------------------------- */

/* NONE when neither config nor store know it. */
uint32_t tenant_find(const struct core *core, struct bytes name);
uint32_t tenant_get(struct core *core, struct bytes name);
void tenants_configure(struct core *core, const struct config *config);
/* Sees to it that the tenant is looked at, at `at` at the latest. */
void tenant_wake(struct core *core, struct tenant *tenant, struct mono at);
/* It has ready threads, or may start runs again: gets in line, if it is not there already. */
void tenant_queue(struct core *core, struct tenant *tenant);
/* The first in line, taken out of it; NULL when nobody waits. */
struct tenant *tenant_dequeue(struct core *core);

/* -- rate.c -------------------------------------------------------------------------------------------------------- */

/* When the tenant's rate lets it start its next run; in the past, if it may now. */
struct mono rate_next(const struct tenant *tenant, struct now now);
/* Its settings are new: nobody is paced by a slower rate from before for longer than this one's whole while. */
void rate_configure(struct tenant *tenant, struct now now);
/* It starts one now. */
void rate_count(struct tenant *tenant, struct now now);

/* -- awaited.c: workers from before a restart ---------------------------------------------------------------------- */

struct awaiting *awaiting_free(struct awaiting *awaiting);
void awaiting_load(struct core *core, const struct stored_note *note);
/* Everything is loaded; the threads are there. */
void awaiting_begin(struct core *core, struct now now, struct effects *fx);
/* Must the thread be kept back, as a worker from before may be running it? */
bool awaiting_has(const struct core *core, const struct thread *thread);
/* Until when; MONO_NEVER when nobody is awaited. */
struct mono awaiting_until(const struct core *core);
/* The worker gets its first lease: it is noted durably. And it is gone, or has left. */
void awaiting_note(struct core *core, struct now now, struct worker *worker, struct effects *fx);
void awaiting_forget(struct worker *worker, struct effects *fx);
/* The worker said HELLO. */
void awaiting_arrive(struct core *core, struct worker *worker, struct effects *fx);
/* A lease from before the restart that the worker says it holds: its thread, running on under that lease, or NULL when
 * it may not. */
struct thread *awaiting_adopt(struct core *core, struct now now, uint32_t worker, const struct wire_held *held,
                              struct effects *fx);
/* The broker was away for `gap`: the wait is so much longer, one lease from now at most. */
void awaiting_forgive(struct core *core, struct now now, struct span gap);
void awaiting_on_time(struct core *core, struct now now, struct effects *fx);

/* -- batch.c: what belongs together, when it is due, what it is called --------------------------------------------- */

/* May the run be called off, as what it was given is not all, or not so, any more? Not when the answer is stored, nor
 * past the time at which a reply is due whatever else is said: that bounds how often one begins anew. */
bool batch_may_begin_anew(const struct core *core, struct now now, const struct thread *thread);
/* When the messages behind the settled batch are due: quiet, a sign that more comes, or a cap. */
struct mono batch_due(const struct core *core, struct now now, const struct thread *thread);
/* How many of the first messages go out together now. */
uint32_t batch_size(const struct core *core, const struct thread *thread);
/* The id of the first `n` messages: `text` has WIRE_BATCH_LEN + 1 bytes. */
void batch_name(const struct core *core, const struct message_list *messages, uint32_t n, char *text);
/* The seq of its first message from a batch's id; -EBADMSG when it is none. */
int batch_parse(struct bytes text, uint64_t *ret_seq);
/* How many of the first messages the batch of that id has; 0 when it is not theirs. */
uint32_t batch_count(const struct core *core, const struct message_list *messages, struct bytes text);
/* Writes the batch's record: its history, and its seqs when `n_seqs` is not 0. */
void batch_store(struct core *core, struct thread *thread, struct wall at, uint32_t n_seqs, struct effects *fx);

/* -- delays.c ------------------------------------------------------------------------------------------------------ */

/* base times factor to the power of `n`, at most cap, give or take jitter. */
struct span delay_backoff(struct core *core, const struct config_tenant *settings, uint32_t n);
struct span delay_busy(struct core *core, const struct config_tenant *settings, uint32_t n);

/* -- runs.c: the ends of a lease ----------------------------------------------------------------------------------- */

/* Each ends the thread's lease; the first, if there is one. */
void run_done(struct core *core, struct now now, struct thread *thread, struct effects *fx);
void run_failed(struct core *core, struct now now, struct thread *thread, struct span retry_after, struct effects *fx);
/* Is there nothing left to do, as every reply is out? Then the batch is finished, however its run ends. */
bool run_is_all_out(const struct thread *thread);
/* It failed for its provider, which is spared now, or was: that costs no attempt. */
void run_spared(struct core *core, struct now now, struct thread *thread, struct span retry_after, struct effects *fx);
void run_busy(struct core *core, struct now now, struct thread *thread, const struct wire_result *result,
              struct effects *fx);
/* Not run, or stopped without a verdict: to another worker at once. */
void run_handed_back(struct core *core, struct now now, struct thread *thread);
/* Newer messages came: they and the batch's are answered together. */
void run_interrupted(struct core *core, struct now now, struct thread *thread, struct effects *fx);
/* The worker is gone, and the run with it. */
void run_lost(struct core *core, struct now now, struct thread *thread, struct effects *fx);
void run_cancel(struct core *core, struct now now, struct address to, uint64_t fence, const char *code, const char *why,
                struct effects *fx);

/* NONE when nobody said HELLO from there. */
uint32_t worker_find(const struct core *core, const struct address *address);
void worker_send_error(const struct event *event, const char *code, const char *why, struct effects *fx);
void worker_ask_hello(const struct event *event, struct effects *fx);
/* How many runs the worker will hold; its credit follows. */
void worker_set_slots(struct core *core, struct worker *worker, uint32_t slots);

/* -- dead.c -------------------------------------------------------------------------------------------------------- */

/* Gives the thread's first n_batch messages up, with its last failure as the reason. Its lease is over; it may be
 * freed. */
void dead_bury(struct core *core, struct now now, struct thread *thread, struct effects *fx);
struct dead *dead_find(const struct core *core, uint64_t seq);
/* The dead letters of a thread, each in turn, then NULL: begin with { .hash = thread_hash(core, thread) }. */
const struct dead *dead_next(const struct core *core, const struct thread *thread, struct table_probe *probe);
struct dead *dead_load(struct core *core, uint32_t tenant, struct bytes thread, const struct stored_batch *batch);
/* Writes its record anew. */
void dead_store(struct core *core, const struct dead *dead, struct effects *fx);
void dead_remove(struct core *core, struct dead *dead);
void dead_free(struct dead *dead);

/* -- load.c -------------------------------------------------------------------------------------------------------- */

struct loading *loading_free(struct loading *loading);

/* -- events -------------------------------------------------------------------------------------------------------- */

/* Of a producer's frame. The item's `thread` is the thread's own name; its texts live until the turn's effects are
 * cleared. */
void on_message(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                const struct wire_body *body, struct effects *fx);
void on_typing(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body);
/* And that it has stopped. */
void on_paused(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body);
/* False and *ret when it is refused. */
bool on_person(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body, struct effects *fx, enum refusal_code *ret);
bool on_closed(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body, struct effects *fx, enum refusal_code *ret);
void on_given_back(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
                   const struct wire_body *body, struct effects *fx);
/* EDIT and DELETE. False and *ret when it is refused. */
bool on_edit(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
             const struct wire_body *body, struct effects *fx, enum refusal_code *ret);
void on_shown(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item, struct effects *fx);
/* Is the event known by something of its own when it comes again? Then *ret is that, as the ids of messages are. */
bool event_has_identity(const struct core *core, uint32_t tenant, const struct wire_message *item,
                        const struct wire_body *body, struct hash_128 *ret);
void event_remember(struct core *core, struct now now, struct hash_128 hash, struct effects *fx);
/* Names come back in logs, answers and Redis keys: text without control characters. */
bool name_is_good(struct bytes name, size_t longest);
/* An id, as duplicates and edits are found by it. */
struct hash_128 hash_of_id(const struct core *core, uint32_t tenant, struct bytes id);
/* Speech of which there is no text. */
bool body_is_mute(const struct wire_body *body);
void on_messages(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_hello(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_alive(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_answered(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_result(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_posted(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_tally(struct core *core, const struct event *event, struct effects *fx);
void on_undelivered(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_dead_retry(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_dead_drop(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_hold(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_resume(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_flush(struct core *core, struct now now, const struct event *event);
void on_cancel(struct core *core, struct now now, const struct event *event, struct effects *fx);
void on_time(struct core *core, struct now now, struct effects *fx);
void dispatch(struct core *core, struct now now, struct effects *fx);

/* A slot of core.threads may be free. */
static inline bool thread_is_used(const struct thread *thread) { return thread->name_len > 0; }
static inline struct tenant *tenant_of(const struct core *core, const struct thread *thread) {
        return &core->tenants[thread->tenant];
}
static inline const struct config_tenant *settings_of(const struct core *core, const struct thread *thread) {
        return core->tenants[thread->tenant].settings;
}
