/* The second account of the world. Private to check_*.c. */
#pragma once

#include "tests/sim/check.h"

enum fate { FATE_SAID, FATE_STORED, FATE_FINISHED, FATE_DEAD, FATE_DROPPED };

/* Messages by their numbers, in an order that means something. */
struct numbers {
        uint32_t *items;
        uint32_t n, cap;
};

/* Something that was said, or an event that was told; said again it is another one, under the same key. */
struct said {
        enum wire_what what;
        uint32_t name, aliases[LIMIT_ALIASES_OF_ITEM], n_aliases; /* the thread as it was called, and what else it is */
        uint32_t thread; /* a message: where it went; that is its name until it is accepted */
        uint32_t producer, times;
        int64_t said_at;
        uint32_t key; /* of its id, or of the message that it changes; UINT32_MAX = it has none */
        char id[WIRE_BATCH_LEN + 1], text[24];
        bool is_audio; /* without a text: somebody may write it down yet */
        uint32_t written; /* what the handler is to see of it: a number, its own or that of a change */
        bool is_handed_out; /* some handler may have seen it */
        bool is_record, owes_record; /* a person has answered it: it is only recorded; that is yet to be stored */
        bool is_echo; /* a person of the team who says what a reply said */
        uint32_t index; /* SHOWN: which reply */
        int64_t typed_ms; /* TYPING: when, by the calendar; 0 = not said */
        const char *bad; /* the code that it must be refused with */
        bool is_known_twice; /* an earlier one under its key was accepted */
        bool is_refused;
        enum fate fate;
        uint64_t seq;
        int64_t at, accepted_ms; /* by the clock; by the calendar, which is what is stored */
        uint32_t n_bytes;
        uint64_t done_turn; /* when a result of a run with it was taken */
        bool is_revived; /* it was dead once: it does not keep its place any more */
        bool is_answered; /* it is in a batch whose answer is stored */
        uint64_t shown_by; /* the first run that showed a reply to it */
        /* Of the first of a batch, what the store holds under it. */
        bool has_record, has_answer;
        uint32_t replies, n_replies; /* bits: which texts that answer has, of those that are looked at; how many */
        int64_t record_ms;
        uint32_t attempts, posted, n_interrupts;
        bool is_doubtful, was_doubtful; /* whether the next reply is out is not known: by this record, and the last */
        struct numbers batch; /* settled: dead, or answered */
        uint64_t void_fence,
                posting; /* no run of it up to this one may go on, but for the one that got its answer in */
        bool is_loaded;
        uint32_t loaded, loaded_bytes; /* as what: a number, its own or that of a change; and how long */
};

/* Under one id: which of those that said it was accepted. */
struct key {
        uint32_t accepted; /* a number, or UINT32_MAX */
};

/* Who holds a thread: nobody, an operator, a person of the team, or whoever closed the conversation. */
enum model_hold { MODEL_FREE, MODEL_OPERATOR, MODEL_PERSON, MODEL_CLOSED_BY };

/* What the broker took in, in its order: an item of a producer, or what an operator wants of a thread. */
struct check_item {
        uint32_t number; /* UINT32_MAX: an operator's */
        uint32_t thread;
        enum model_hold hold; /* an operator's: held, or let go */
        const char *id; /* as it came over the wire */
        bool is_refused; /* an event that stood behind a message without room */
        uint64_t frame; /* the producer's in which it came */
};

enum model_state { MODEL_COLLECTING, MODEL_READY, MODEL_RUNNING, MODEL_WAITING, MODEL_BACKOFF, MODEL_HELD };

/* Of a text that replies have, in this life of the broker. */
struct model_echo {
        int64_t said_at, came_at; /* when an answer with it last went out, and when it last came back; 0 = it did not */
        uint32_t n_said, n_came; /* how often; those that came back for certain */
};

struct model_thread {
        struct numbers list; /* accepted, neither finished nor dead, in order */
        enum model_state state;
        int64_t due_min, due_max; /* when it becomes ready */
        uint64_t fence, newest_fence; /* of its run; of any that it had in this life of the broker */
        uint32_t attempts, n_busy, n_settled, n_interrupts;
        int64_t busy_since, ready_since;
        int64_t tried, tried_before; /* when it found its provider down: the last two times; 0 = it did not */
        uint64_t outage; /* of its provider, in which it failed last */
        uint64_t last_seq; /* accepted */
        bool is_held;
        uint64_t hold_note; /* the seq of what the store has of it */
        uint64_t hold_word; /* what has a lower one came before the team's last word */
        enum model_hold hold, wanted_hold; /* as the store has it, and as what was said makes it */
        int64_t hold_until, hold_until_ms; /* by the clock, INT64_MAX = it has no end; as the store has it */
        uint64_t closed_by; /* the frame that closed it */
        uint64_t joined_turn; /* in which it was last to be held as its person is, on the terms of that hold */
        uint64_t unsure_turn; /* in this turn it is not known what it is to be */
        bool owes_record; /* a hold ended, and what waits is only to be recorded: the same commit must say so */
        int64_t stirred; /* until then the person is at it */
        struct model_echo echoes[4]; /* of "re N" */
        uint64_t disturbed; /* the run that newer messages came for in this turn */
        bool is_flushed; /* an operator wants it due now; looked at before anything is sent */
        bool was_held; /* so it was when the turn began in which it was flushed */
        bool is_awaited; /* it was there at the start: a worker from before may run it */
        bool was_awaited; /* so it was when the turn began */
        bool was_filled; /* it had messages then */
        uint64_t last_shown; /* the newest message that a reply was shown for, by its seq */
        uint32_t acked_number[SIM_PRODUCERS];
        uint64_t acked_seq[SIM_PRODUCERS];
};

struct model_run {
        uint64_t fence;
        uint32_t thread;
        struct process *worker;
        uint32_t worker_generation;
        struct numbers messages, written; /* and as what each was handed out */
        char batch[WIRE_BATCH_LEN + 1];
        int64_t sent, named; /* when the broker last heard of it */
        bool has_answer, has_go, is_over, is_lost, is_unsent, is_broker_gone;
        bool has_result, is_void; /* it ended by a result; this broker remembers that */
        int64_t lock_until;
        bool has_lock, is_in_doubt;
        bool is_answered; /* it has handed an answer over, or got it */
        bool is_asking; /* when its lease began there was no answer: what it says of its provider counts */
        int64_t called_off; /* when; its worker hears of it within a lease. 0 = it was not */
        uint32_t n_shown; /* bits: reply numbers that became visible */
        uint32_t n_unread; /* and those that could not be known when it asked the channel, or were on their way */
        uint32_t first_posted; /* where it began */
        bool is_doubtful, is_record; /* as it was told */
        uint32_t told_posted, known_posted; /* so many are out: as the broker heard, and as it has stored */
};

enum model_provider_state { MODEL_CLOSED, MODEL_OPEN, MODEL_HALF_OPEN };

struct model_provider {
        enum model_provider_state state;
        uint32_t failures, failed; /* in a row, and the thread that was first */
        bool is_failed_by_many, is_asked, is_asked_by_many, is_slowed;
        uint32_t asked; /* the thread, from 1 */
        uint64_t outage; /* since it did well last; 0 = none has failed since */
        int64_t until, pause, probe_since;
        int64_t again_until, again_pause, again_since; /* the same for threads that have failed in this outage */
        uint64_t opened, probe, again; /* fences */
};

struct model_tenant {
        uint32_t n_running;
        int64_t paced; /* by its rate, no run before */
        uint64_t refused_in; /* the last frame of which a message had no room */
        int64_t full_at; /* when it last had as many messages as it may */
        uint32_t passed[SIM_TENANTS]; /* runs of that one since this one, which was waiting, had its last */
};

/* A worker, as it calls itself; `note` is the seq of what the store has of it, `until` how long it is awaited: by the
 * calendar as the store has it (0 = that is not said yet), by the clock in this life of the broker. */
struct uuid {
        uint8_t data[WIRE_UUID_LEN];
        uint64_t note;
        int64_t until_ms, until;
};

/* A note that the store has: its seq, and a sum of what it says. */
struct noted {
        uint64_t seq, sum;
};

/* A change, without what it points to: the commit may never be heard of again. */
struct check_fact {
        enum change_type type;
        uint64_t seq;
        uint32_t number, thread; /* of a message, or a change of one */
        struct stored_batch batch;
        struct numbers seqs; /* of the batch, as numbers */
        struct bytes answer;
        int64_t accepted_ms;
        struct stored_note note; /* its texts are copies */
};

/* What the broker heard of a run in a turn in which newer messages may have ended it before: the commit tells. */
struct pending {
        bool is_result;
        struct wire_result result;
        struct wire_answered answered;
};

/* A name of a thread: of which thread it is one, and of which as far as producers told. */
struct model_name {
        uint32_t root, told;
        bool is_known; /* the store has a note of it, or of another name of it */
        uint64_t note; /* 0 = none */
        uint64_t linked_turn; /* of the root: when names were last found to be its own */
};

struct checks {
        struct model_name names[SIM_ALL_THREADS];
        struct check_item *items; /* of this turn */
        uint32_t n_items, items_cap, item_at; /* those before that have been looked at */
        uint64_t n_frames;
        struct pending pending[256];
        uint32_t n_pending;
        struct said *said;
        uint32_t n_said, said_cap;
        struct key *keys;
        uint32_t n_keys, keys_cap;
        uint32_t *by_seq; /* numbers, in the order of their seqs */
        uint32_t n_by_seq, by_seq_cap;
        struct model_run *runs; /* in the order of their fences */
        uint32_t n_runs, runs_cap, n_runs_before; /* those of before the start of this broker */
        struct model_thread threads[SIM_ALL_THREADS];
        struct model_tenant tenants[SIM_TENANTS];
        struct model_provider providers[SIM_PROVIDERS];
        uint64_t turn;
        int64_t turn_now, turn_wall; /* by the clock in microseconds, by the calendar in milliseconds */
        struct noted *notes; /* those in the store */
        uint32_t n_notes, notes_cap;
        struct numbers told_runs; /* whose results it took in this turn */
        struct uuid noted[64]; /* workers that may have leases, as the store has it */
        struct uuid awaited[64]; /* those of before the start that have not said hello yet */
        uint32_t n_noted, n_awaited;
        bool is_awaiting;
        uint64_t awaiting_turn; /* the last one in which the wait was looked at */
        int64_t looked; /* and when */
        bool has_verb; /* an operator's frame was taken in this turn */
        bool is_unsure; /* a commit was begun, and nobody heard how it went */
        uint32_t known_at[SIM_WORKERS]; /* the connection over which the worker said hello to this broker */
        struct numbers beats[SIM_WORKERS]; /* of the ALIVEs taken in this turn */
        int64_t trouble_until[SIM_WORKERS];
        int64_t broker_trouble; /* when the broker last died or stood still */
};

extern struct checks checks;

void numbers_push(struct numbers *numbers, uint32_t number);
void numbers_remove(struct numbers *numbers, uint32_t number);
struct said *check_of_seq(uint64_t seq);
uint32_t check_number_of(const struct said *said);
struct model_run *check_find_run(uint64_t fence);
const struct config_tenant *check_settings(uint32_t thread);
/* When the thread's messages are due, from the settings and their times alone. */
int64_t check_due(const struct model_thread *thread, const struct config_tenant *settings);
/* How many of its messages go out together. */
uint32_t check_size(const struct model_thread *thread, const struct config_tenant *settings);
void check_collect(uint32_t thread);
/* Its run is over, which the worker has yet to hear. */
void check_call_off(struct model_thread *thread);
/* Something was said that keeps the thread's batch back until then. */
void check_stir(uint32_t thread, int64_t until);
/* What the broker heard of runs that may have been interrupted counts, unless they were. */
void check_hear_pending(void);
/* What workers are told in this turn: nothing yet; and that was all. */
void check_frames_begin(void);
void check_frames_end(void);
/* A frame for the worker; NULL when it was not sent. */
void check_on_frame(struct process *to, struct bytes frame, bool is_sent);
void check_fullness(uint32_t thread);
void check_is_ready(uint32_t thread);
/* What the broker says it is. */
const char *check_said_state(uint32_t thread);
/* After a start: what the core must have made of the store. */
void check_on_broker_loaded(void);
/* The store has this note; it has none under that seq. */
void check_put_noted(const struct stored_note *note);
void check_drop_noted(uint64_t seq);
/* Those of the last commit that was begun. */
const struct check_fact *check_facts(uint32_t *ret_n);
void check_forget_facts(void);
uint32_t check_number_of_body(struct bytes bytes);

/* -- check_providers.c --------------------------------------------------------------------------------------------- */

/* A result is taken: does the run's failure cost no attempt? And an answer is. */
bool check_on_verdict_of(const struct model_run *run, const struct wire_result *result);
void check_on_answer_of(struct model_run *run);
void check_spare(struct model_run *run);
/* Is the run's provider well now? */
bool check_is_closed(const struct model_run *run);
/* The provider keeps the thread back for nothing but time: until when; else 0. */
int64_t check_kept_until(uint32_t thread);
void check_provider_on_run(const struct model_run *run);
void check_provider_forgets(const struct model_run *run);
/* Does its provider keep the thread back now? */
bool check_is_kept_back(uint32_t thread);

/* -- check_items.c: what was taken in, in its order ---------------------------------------------------------------- */

void check_items_forget(void);
/* A frame of a producer, and an operator's verb. */
void check_items_take(struct bytes body);
void check_items_take_verb(uint32_t thread, enum model_hold hold);
/* Looks at those up to this one, which is stored; false when it was not taken in. */
bool check_items_until(uint32_t number);
/* Looks at those before that place. */
void check_items_before(uint32_t place);
void check_items_rest(void);
/* In a turn that stores nothing: before anything is sent. */
void check_items_now(void);
/* At the end of a turn: is everything as it makes it? */
void check_items_end(void);
/* Of the person's messages that came in this turn and were accepted before, the lowest seq; UINT64_MAX: none came. */
uint64_t check_first_known(uint32_t thread);
/* Was a message of the run changed in this turn? */
bool check_is_changed(const struct model_run *run);

/* -- check_names.c: who is who ------------------------------------------------------------------------------------- */

uint32_t check_root(uint32_t name);
/* The thread that an operator means: that of the name while it has something, else the person's. */
uint32_t check_thread_called(uint32_t name);
void check_names_init(void);
/* Producers say that they are one. */
void check_on_told(const struct said *said);
void check_on_alias(const struct stored_note *note);
/* A message was stored in that thread. */
void check_name_of(const struct said *said, uint32_t thread);
/* Are the item's names one, now that it was taken in? */
void check_is_one(const struct said *said);

/* -- check_holds.c ------------------------------------------------------------------------------------------------- */

/* What the store says of a hold, and that it is gone. */
void check_on_hold(const struct stored_note *note);
void check_on_hold_gone(uint64_t note);
/* Two threads become one person's: who has the one has the other. */
void check_join_holds(uint32_t from, uint32_t to);
/* A thread has messages again: they are held as its person is. */
void check_hold_rest(uint32_t thread);
/* In this turn it is for the broker to say who has it. */
void check_hold_is_unsure(uint32_t thread);
/* What an operator's verb, and an item, makes of the thread's hold. */
void check_wants(uint32_t thread, enum model_hold hold);
void check_wants_hold(uint32_t thread, const struct said *said, uint64_t frame);
/* A message that was accepted before, in the frame that closed it: that frame came again. */
void check_wants_open(uint32_t thread, uint64_t frame);
void check_on_record(const struct stored_note *note);
/* At the end of a commit, and of a turn. */
void check_is_recorded(void);
void check_holds_end(void);
void check_holds_begin(void);
/* After a start, by the calendar. */
void check_holds_load(void);
bool check_is_record(const struct model_run *run);

/* -- check_shown.c: what is to be seen of replies ------------------------------------------------------------------ */

/* An answer goes out, from its reply `first` on: what it says may come back. `said` is the first message that it
 * answers. */
void check_on_reply(struct said *said, struct bytes answer, uint32_t first);
/* What may yet go out is expected back after a start, too. */
void check_load_replies(void);
/* Is what a person says our own reply, under whichever of the thread's names it went out? 1 and 0; -1: only the broker
 * knows. */
int check_is_echo(uint32_t thread, const struct said *said);
/* Is every reply of the message's batch to be seen? And the batch is finished by that. */
bool check_is_all_out(const struct said *said);
void check_on_all_out(struct said *said);

/* -- check_again.c: events that come again ------------------------------------------------------------------------- */

/* Was the event, which has an id of its own, taken in already? And it is now. */
bool check_came_before(uint32_t number, const char *id);
void check_came(uint32_t number, const char *id);
/* What came in this turn is stored; it is not. */
void check_again_committed(void);
void check_again_forget(void);
/* Nothing ever came. */
void check_again_init(void);

/* -- check_changes.c: edits, deletes, transcriptions --------------------------------------------------------------- */

/* The message that the number is, or changes. */
uint32_t check_message_of(uint32_t number);
void check_on_change(const struct check_fact *fact);
/* An edit that was taken in and left no trace. */
void check_not_changed(uint32_t number);
/* After a start. */
void check_changes_load(void);
/* Does the message wait for somebody to write down what it says? */
bool check_is_unheard(const struct said *said);
/* An answer of the run is taken: it is one to what its messages are now. */
void check_is_as_written(const struct model_run *run);

/* -- check_posts.c ------------------------------------------------------------------------------------------------- */

/* Of the batch that begins with that message more replies are out, as the store has it. */
void check_on_more_posted(uint32_t number, uint32_t from, uint32_t to);

/* -- check_awaiting.c: runs that go on over a restart of the broker ------------------------------------------------ */

void check_on_note(const struct stored_note *note);
void check_on_note_gone(uint64_t seq);
void check_await(void);
void check_let_go(uint32_t index);
void check_on_hello(const struct wire_hello *hello);
/* In a turn, after what was taken and before what is sent. */
void check_awaiting_on_time(void);
bool check_is_awaited(const struct model_thread *thread);
/* The worker names a run of before the restart. */
void check_adopt(struct check_sender from, struct model_run *run);
int64_t check_of_calendar(int64_t ms);
void check_run_is_over(struct model_run *run);
