/* Everything has a limit; here is its name and its reason. What an operator may change is in the config, whose
 * default or bound then stands here. */
#pragma once

/* -- names --------------------------------------------------------------------------------------------------------- */

/* A tenant and a channel are part of URLs, Redis keys and metric labels: short, and of letters, digits, '-', '_'. */
#define LIMIT_NAME_LEN 64
/* Room for the longest thread names seen (WhatsApp group and LID addresses, 64) several times over; a thread's name is
 * kept in memory for as long as it has messages. */
#define LIMIT_THREAD_LEN 256
/* A wamid is up to 128 characters; others are shorter. */
#define LIMIT_MESSAGE_ID_LEN 256
/* Who sent a message: named by platforms as threads are. */
#define LIMIT_SENDER_LEN 256
/* Further names of an item's thread: the most that a platform gives one person are four (a number, a name, and an
 * opaque id of either kind). */
#define LIMIT_ALIASES_OF_ITEM 4
/* Where a reply goes: a name, or the few parts of one, each as long as a thread's. */
#define LIMIT_TO_LEN 1024
/* Where a medium is fetched: signed addresses of object stores have up to 2 KiB. */
#define LIMIT_URL_LEN 4096

/* -- messages and batches ------------------------------------------------------------------------------------------ */

/* Default of limits.message_bytes. A chat text is at most 64 KiB on every platform we know (WhatsApp: 4 KiB); media
 * come as links. */
#define LIMIT_MESSAGE_BYTES_DEFAULT (64 * 1024)
/* Its ceiling: a message and its frame must fit LIMIT_FRAME_BYTES. */
#define LIMIT_MESSAGE_BYTES_MAX (1024 * 1024)
/* The ceiling of max_messages: a batch is read by one handler, at once. */
#define LIMIT_BATCH_MESSAGES_MAX 4095
/* The ceiling of max_bytes: a batch goes to the worker in one frame. */
#define LIMIT_BATCH_BYTES_MAX (2 * 1024 * 1024)
/* Sequence numbers have 48 bits of a batch id: at a million messages a second, day and night, nine years. */
#define LIMIT_SEQ_MAX ((UINT64_C(1) << 48) - 1)
/* A line of NDJSON: the largest message with every character escaped (six for one), and its keys. */
#define LIMIT_LINE_BYTES (7 * LIMIT_MESSAGE_BYTES_MAX)
/* An answer is stored before it is posted; the longest channel text (Chatwoot) is 150,000 characters. */
#define LIMIT_ANSWER_BYTES (512 * 1024)
/* Replies of one answer: more would be a handler gone wrong, posting without end. */
#define LIMIT_REPLIES 16
/* Why a run failed, as kept and shown: enough for a provider's error message, not for a page of HTML. */
#define LIMIT_WHY_LEN 400
/* A code is one word. */
#define LIMIT_CODE_LEN 32

/* -- wire ---------------------------------------------------------------------------------------------------------- */

/* ZMQ_MAXMSGSIZE on every socket; libzmq's own default is without limit. */
#define LIMIT_FRAME_BYTES (4 * 1024 * 1024)
/* Messages in one frame of a producer: one acknowledgement names what became of each. */
#define LIMIT_FRAME_MESSAGES 10000
/* Room in a frame for what stands before its messages. */
#define LIMIT_FRAME_HEAD_BYTES 64
/* A BUNDLE: how much a peer takes in as a whole before it can begin with the first of it, some hundred microseconds of
 * its time; a frame that is longer goes alone. And how many, as the smallest have ten bytes. */
#define LIMIT_BUNDLE_BYTES (64 * 1024)
#define LIMIT_BUNDLE_FRAMES 4096
/* Longest ZeroMQ routing id the broker answers to; the ones libzmq makes are 5 bytes. */
#define LIMIT_ADDRESS_LEN 32
/* A connection that was cut without a word is noticed within this, by ZeroMQ's heartbeats. A worker connects anew only
 * then, and must do so before its leases end: so it is well below a lease. */
#define LIMIT_LINK_SILENCE_MS 2000
/* Frames taken from one socket before the others get their turn. */
#define LIMIT_FRAMES_PER_TURN 256
/* And of workers, those in bundles counted each, give or take a bundle: what one commit carries, and everybody else
 * waits for, as with LIMIT_MESSAGES_PER_TURN, of which a batch has several. */
#define LIMIT_WORKER_FRAMES_PER_TURN 4096
/* Frames libzmq may queue for a peer (ZMQ_SNDHWM, ZMQ_RCVHWM): a safety net only, credit and acks are the rule. */
#define LIMIT_QUEUED_FRAMES 10000

/* Entries of one TALLY: every kind there is, several times over. */
#define LIMIT_TALLY_ITEMS 64
/* What a worker can have counted of one thing between two TALLYs: a million calls of a million tokens. What is above is
 * a fault, and would spoil the sums for good. */
#define LIMIT_TALLY_AMOUNT UINT64_C(1000000000000)

/* A program's version, as it says hello. */
#define LIMIT_VERSION_LEN 64
/* Refusals of one frame that are explained with a sentence; the others have their code. */
#define LIMIT_ACK_SENTENCES 100

/* -- broker -------------------------------------------------------------------------------------------------------- */

/* Messages accepted in one turn, give or take a frame: what its commit carries, and everybody else waits for. */
#define LIMIT_MESSAGES_PER_TURN 20000
/* Questions answered in one turn; some of them walk all threads. */
#define LIMIT_QUESTIONS_PER_TURN 4
/* A question is a line, not a document. */
#define LIMIT_QUESTION_BYTES (16 * 1024)
/* Frames queued for a producer or an asker that does not read: their answers can be large. */
#define LIMIT_QUEUED_ANSWERS 1000
/* Effects kept from turn to turn; a larger turn's memory is given back. */
#define LIMIT_EFFECTS_KEPT 65536
/* Due threads handled in one turn, so that a herd of them starves neither the sockets nor the commit. */
#define LIMIT_DUE_PER_TURN 512
/* And of one tenant in a row, before the others get their turn. */
#define LIMIT_DUE_PER_TENANT 64
/* Defaults of limits.dedupe_window and limits.dedupe_ids: how long, and how many, message ids are remembered for
 * finding duplicates. Platforms retry for hours (WhatsApp: days), most of it early. */
#define LIMIT_SEEN_WINDOW_S (24 * 60 * 60)
#define LIMIT_SEEN 1000000
/* Their ceilings: no platform retries for longer than a week; and five gigabytes of ids. */
#define LIMIT_SEEN_WINDOW_MAX_S (7 * 24 * 60 * 60)
#define LIMIT_SEEN_MAX 100000000
/* An id in memory: its record, its slot in a table, and that the table may be half empty, and another is being made. */
#define LIMIT_SEEN_COST 48
/* Default of limits.memory: some ten million messages in as many threads. */
#define LIMIT_MEMORY_DEFAULT (UINT64_C(2) << 30)
/* Its ceiling: the index counts messages and threads in 32 bits. */
#define LIMIT_MEMORY_MAX (UINT64_C(1) << 40)
/* Default of limits.free_bytes: room for what a commit writes beside the messages themselves (each changes copies of
 * the pages above it), so that what frees space can still be written on a disk that is full for others. */
#define LIMIT_FREE_BYTES_DEFAULT (UINT64_C(64) << 20)
/* Finished batches remembered so that `lull why` can say what became of a quiet thread. */
#define LIMIT_RECENT 4096
/* Results remembered as taken, for a worker that did not hear so and says one again after a second: as many as are
 * taken within that second. With fewer, one would be told that its result is stale which was not. */
#define LIMIT_SETTLED 65536
/* Threads held at once, some 400 bytes each: more than any staff has taken over; a program that holds all it sees is
 * told so. */
#define LIMIT_HOLDS 100000
/* A hold that ends by itself does so within a year and a day; one that is to last longer has no end. */
#define LIMIT_HOLD_S (366 * 24 * 3600)
/* Names that are known to be one thread's with another, some 150 bytes of memory and as many on disk each: past it the
 * one that was used longest ago is forgotten. They are held to a share of limits.memory, too. */
#define LIMIT_ALIASES 1000000
#define LIMIT_ALIASES_SHARE 4
/* Names of one thread: platforms give one person four at a time, and a few more as numbers change. */
#define LIMIT_ALIASES_OF_THREAD 64
/* A name that is used is noted anew once a day: so the oldest note tells who has been silent longest. */
#define LIMIT_ALIAS_NOTED_S (24 * 3600)
/* Replies that are known again when the platform shows them to us as somebody's: the echo of a post comes within
 * seconds, and a broker that answers a hundred batches a second keeps ten minutes of them. */
#define LIMIT_ECHOES 65536
#define LIMIT_ECHO_S (10 * 60)
/* How long after its echo a reply is known once more: platforms send a webhook again when its answer was lost, or tell
 * of one post in two ways; a person who says the bot's very words does so later. */
#define LIMIT_ECHO_AGAIN_S 20
/* Runs lost with their worker before a batch counts as the one that kills workers. */
#define LIMIT_LOST_RUNS 10
/* How long the others wait for one run that tries a provider which failed: past this another one tries it, too. */
#define LIMIT_PROBE_S 30
/* Failures of one batch that its provider is blamed for, at no attempt. At the usual pauses an outage of four hours
 * costs nobody an attempt, however few wait; and what no provider can answer is a dead letter in the end. */
#define LIMIT_SPARED 500
#define LIMIT_WORKERS 1024
#define LIMIT_TENANTS 10000
#define LIMIT_CHANNELS_PER_TENANT 64
/* Messages in one dead letter, when a whole thread is cancelled: its record names each, and the store cuts a record
 * into 65,536 pieces at most. */
#define LIMIT_DEAD_MESSAGES 1000000
/* Rows that `threads` and `dead list` answer at most. */
#define LIMIT_LISTING 1000
/* Default and ceiling of limits.store_bytes. */
#define LIMIT_STORE_BYTES_DEFAULT (UINT64_C(64) << 30)
#define LIMIT_STORE_BYTES_MAX (UINT64_C(256) << 30)
/* LMDB's map: address space, not memory or disk. Above the ceiling of what is stored, as pages half full and copies of
 * pages come on top: a map that is full could not even take in what frees space. */
#define LIMIT_STORE_MAP_BYTES (UINT64_C(384) << 30)
/* A store that is opened needs so much of its file system: for LMDB's lock file, which is memory that ends the process
 * when the disk has no room behind it, and for the first commit. */
#define LIMIT_STORE_OPEN_BYTES (1 << 20)
/* Each of the journal's two files at first, and as far as it grows. Each time one is full, the database takes what is
 * left of it while commits go into the other: two flushes, and the processor's time of what is left. The larger they
 * are, the less is; and the broker keeps as much in memory, for each. */
#define LIMIT_JOURNAL_BYTES_FIRST (1 << 20)
#define LIMIT_JOURNAL_BYTES_MAX (8 << 20)
/* A file that is longer is none of ours. */
#define LIMIT_JOURNAL_BYTES_READ (64 << 20)
/* It grows while its disk has so many times as much free as it is to grow by. */
#define LIMIT_JOURNAL_SHARE 8
/* After a commit that found no room: the pause before the next try, and it grows up to the second. */
#define LIMIT_COMMIT_RETRY_MS 100
#define LIMIT_COMMIT_RETRY_MAX_MS 1000
/* How often the log repeats that the broker waits for room. */
#define LIMIT_FULL_LOG_S 10
/* How often the room on the disk is looked at while nothing is written. */
#define LIMIT_ROOM_LOOK_MS 100
/* How often the log says at most that ids are forgotten before their window ends: it may go on for hours. */
#define LIMIT_IDS_WARN_S 60

/* -- worker -------------------------------------------------------------------------------------------------------- */

#define LIMIT_SLOTS 10000
/* What a handler may answer, over HTTP or on stdout. */
#define LIMIT_HANDLER_BYTES (1024 * 1024)
/* What an answer that is read as it comes may be in all: 128,000 tokens in events of 500 bytes, which a model needs the
 * better part of an hour for. */
#define LIMIT_STREAM_BYTES (64 * 1024 * 1024)
/* What is read of an error that comes in place of such an answer: its words stand at its beginning, and a server's own
 * page of it has a few KiB. */
#define LIMIT_ERROR_BYTES (64 * 1024)
/* A LangGraph thread's state: with it comes whatever the graph keeps, which is every message since the thread began,
 * and what its tools said. A year of chatting is about 2 MiB of it. */
#define LIMIT_GRAPH_BYTES (16 * 1024 * 1024)
/* One server-sent event, and a line of it: the last one of a Responses stream holds the whole response again. */
#define LIMIT_SSE_EVENT_BYTES (2 * 1024 * 1024)
/* URLs with a model that have been found not to take all that we would send: as many as tenants may have. */
#define LIMIT_WAYS LIMIT_TENANTS
/* The headers of an answer, trailers and all: servers themselves take requests with 8 to 64 KiB of them. */
#define LIMIT_RESPONSE_HEADER_BYTES (64 * 1024)
/* The longest Retry-After that is believed: a service that says more has mistaken its units, or means "tomorrow". */
#define LIMIT_RETRY_AFTER_MAX_S 3600
/* How long a worker waits for GO and SETTLED before it says ANSWERED and RESULT again. */
#define LIMIT_RESEND_MS 1000
/* Posting one reply: past this the channel does not answer, and the thread's lock is not held for it any longer. */
#define LIMIT_POST_MS 30000
/* The typing sign is shown once a handler has worked for so long: an answer that comes sooner needs none, and would pay
 * for it with two more requests. */
#define LIMIT_TYPING_AFTER_MS 250
/* A request of the typing sign: one that takes longer is of no use to anybody. */
#define LIMIT_TYPING_MS 5000
/* What a provider is told and nobody waits for, such as that a run is not wanted any more. */
#define LIMIT_TELL_MS 5000
/* Connecting to a handler or a channel; libcurl's own default is five minutes. */
#define LIMIT_CONNECT_MS 5000
/* Redis answers in well under a millisecond: past this the connection is dead, whatever TCP believes. */
#define LIMIT_REDIS_MS 1000
/* The pause between tries to reach Redis grows up to this. */
#define LIMIT_REDIS_BACKOFF_MS 2000
/* After a handler's program has exited, for what somebody it left behind may hold of its stdout. */
#define LIMIT_EXEC_GRACE_MS 2000
/* After a worker has told the broker that it leaves, for runs that are on their way to it: to be handed back. */
#define LIMIT_LAST_RUNS_MS 200
/* After draining, for the last results to be settled. */
#define LIMIT_FAREWELL_MS 2000

/* -- ingest -------------------------------------------------------------------------------------------------------- */

/* A webhook's body. Meta documents up to 3 MB. */
#define LIMIT_HTTP_BODY_BYTES (3 * 1024 * 1024)
/* Default of ingest.connections; libmicrohttpd's own follows FD_SETSIZE, which an epoll loop does not have. */
#define LIMIT_HTTP_CONNECTIONS 4096
/* Its ceiling: with a head on each they are two gigabytes. */
#define LIMIT_HTTP_CONNECTIONS_MAX 65536
/* Default of ingest.connections_per_address: four slow senders do not take all the places, and no platform has as many
 * open at once. */
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS 1024
/* Connections beyond all limits that are on their way out: those who had to make room. */
#define LIMIT_HTTP_CONNECTIONS_CLOSING 256
/* Bodies held in memory at once: room for eighty of the largest, or one of 64 KiB on each connection. */
#define LIMIT_HTTP_BUFFERED_BYTES (256 * 1024 * 1024)
/* Fields of a webhook that is a form. Twilio sends twenty to forty. */
#define LIMIT_FORM_FIELDS 1000
/* The work of reading one webhook's body with a channel file, in bytes of text, of which a value looked at counts as 8:
 * a pointer with "*" in a condition looks at every member, and does so for each of 10,000 items. 10,000 messages of the
 * file that looks at the most need six tenths of it; all of it is a quarter of a second. */
#define LIMIT_CHANNEL_WORK (32 * 1024 * 1024)
/* Read past without keeping it, so that who sends too much can still read why it was refused. */
#define LIMIT_HTTP_SWALLOWED_BYTES (32 * 1024 * 1024)
/* A request's head, with what libmicrohttpd notes about it; its own default. Webhooks have 1 to 4 KiB. */
#define LIMIT_HTTP_HEAD_BYTES (32 * 1024)
/* Fields of a head. Webhooks have 10 to 30. */
#define LIMIT_HTTP_FIELDS 100
/* A request's target, as long as RFC 9110 recommends; and the arguments of its query, of which webhooks have a few.
 * Beyond these the library, which notes each argument, may find no room beside the head, and then says nothing. */
#define LIMIT_HTTP_TARGET_BYTES 8192
#define LIMIT_HTTP_ARGUMENTS 256
/* A connection that sends nothing, between two requests too, or does not read its answer. */
#define LIMIT_HTTP_IDLE_S 10
/* From the beginning of a request, however steadily it drips: until its head is there, */
#define LIMIT_HTTP_HEAD_S 10
/* and all of it: 3 MB at 100 KB a second. */
#define LIMIT_HTTP_REQUEST_S 30
/* For the client to read its answer, which is a few hundred bytes. */
#define LIMIT_HTTP_ANSWER_S 30
/* What Retry-After asks for: a broker that restarts is back by then. */
#define LIMIT_RETRY_AFTER_S 2
/* Ignored parts of a webhook that its answer names: enough to see why nothing came of it. */
#define LIMIT_IGNORED_SHOWN 10
/* Segments of a path: /v1/threads/TENANT/THREAD/VERB has five. */
#define LIMIT_PATH_SEGMENTS 8
/* Requests that wait for the broker: half the connections, so that the others can still be told to come again. */
#define LIMIT_INTAKE_REQUESTS (LIMIT_HTTP_CONNECTIONS / 2)
/* Their messages in memory: sixteen full frames, which a broker that comes back takes in within a second. */
#define LIMIT_INTAKE_BYTES (16 * LIMIT_FRAME_BYTES)
/* A frame without an acknowledgement is sent again: well above a slow disk's commit, well below a webhook's
 * patience. */
#define LIMIT_RESEND_MS 1000
/* A frame that found no connection is tried again. */
#define LIMIT_UNSENT_MS 100
/* Verbs over HTTP that wait for the broker's answer: staff is not that many, and each waits for a commit at most. */
#define LIMIT_ASKS 1000
/* Whether the broker answers is asked with a frame of no messages, for /readyz. */
#define LIMIT_READY_MS 1500
/* Default of ingest.spool_bytes: what 200 messages of a kilobyte bring each second for twenty minutes. */
#define LIMIT_SPOOL_BYTES_DEFAULT (UINT64_C(256) << 20)
/* Its floor and its ceiling: a message of the longest kind must fit; and all of it is read when a spool is opened. */
#define LIMIT_SPOOL_BYTES_MIN (2 << 20)
#define LIMIT_SPOOL_BYTES_MAX (UINT64_C(16) << 30)
/* The map of a spool's LMDB: address space. Above the ceiling, for pages that are half full, and copies of pages. */
#define LIMIT_SPOOL_MAP_BYTES (UINT64_C(64) << 30)
/* Processes that share a folder of spools, and the dead ones that left theirs. */
#define LIMIT_SPOOL_SLOTS 64
/* Tenants that have something in the spool. */
#define LIMIT_SPOOL_TENANTS LIMIT_TENANTS
/* Messages that go from the spool in one frame: as for stdin. */
#define LIMIT_SPOOL_FRAME_MESSAGES 1000
/* How long what was refused for want of room waits, and a spool that could not be written. */
#define LIMIT_SPOOL_PAUSE_MS 1000
/* How often the spools of processes that have died are looked for. */
#define LIMIT_SPOOL_LOOK_MS 3000
/* How often the log says how far a long backlog has got. */
#define LIMIT_SPOOL_LOG_S 10
/* How long /readyz says no after the spool could not be written: a balancer sends nothing meanwhile, and what it sends
 * after that shows whether the disk has room again. */
#define LIMIT_SPOOL_UNREADY_S 30
/* Lines of stdin in one frame: large enough that the commit is shared, small enough that the progress moves. */
#define LIMIT_STDIN_MESSAGES 1000
/* How much is read of stdin at once. */
#define LIMIT_STDIN_READ_BYTES (256 * 1024)
/* After SIGTERM: for requests that are on their way to arrive, and for the last answer to leave. */
#define LIMIT_STOP_GRACE_MS 1000

/* -- configuration ------------------------------------------------------------------------------------------------- */

/* lull.yaml with LIMIT_TENANTS tenants of thirty lines each has about 12 MB. */
#define LIMIT_CONFIG_BYTES (16 * 1024 * 1024)
/* Nodes after each alias was replaced by a copy: room for LIMIT_TENANTS, none for a file that doubles itself. */
#define LIMIT_YAML_NODES 500000
/* Each alias is looked for among all of them. */
#define LIMIT_YAML_ANCHORS 1000
/* The deepest place that means something is six levels down; reading recurses. */
#define LIMIT_YAML_DEPTH 20
/* Errors shown at once: as many as a person mends before looking again. */
#define LIMIT_CONFIG_ERRORS 10
/* What ${file:...} may hold: keys and passwords. */
#define LIMIT_SECRET_FILE_BYTES (64 * 1024)
/* Words of a handler's command. */
#define LIMIT_COMMAND 64
/* The ceiling of max_interrupts: more answers begun for nothing would be a bill without an answer. */
#define LIMIT_INTERRUPTS 100
/* The ceiling of provider.failures: so many people have then waited for nothing. */
#define LIMIT_PROVIDER_FAILURES 1000
/* A system prompt, which each call carries and pays for: some 16,000 tokens. */
#define LIMIT_SYSTEM_BYTES (64 * 1024)
/* The ceiling of handler.max_tokens: no model writes as much in one answer. */
#define LIMIT_MODEL_TOKENS 1000000
/* The ceiling of handler.history.turns: each is sent, and paid for, with every call. */
#define LIMIT_HISTORY_TURNS 100
/* What is kept of one thread's history: no model reads more with a call, and a thousand such threads are a quarter
 * of a gigabyte of Redis. */
#define LIMIT_HISTORY_BYTES (256 * 1024)
/* Of one text in it: four of them fit, even with every character escaped, so that the newest turn always does. */
#define LIMIT_HISTORY_TEXT_BYTES (16 * 1024)
/* What a provider calls a conversation: it is some 60 characters. */
#define LIMIT_CONVERSATION_LEN 256
/* The ceiling of what is remembered of a thread that is silent: a year and a day. */
#define LIMIT_REMEMBERED_S (366 * 24 * 3600)
/* What a lookup may answer: it becomes part of a model's prompt. */
#define LIMIT_CONTEXT_BYTES (64 * 1024)
/* Whoever looks something up for all says so again within this; after it another does. */
#define LIMIT_CONTEXT_ASKED_MS 2000
/* The pause before what another looks up is looked for again grows up to this. */
#define LIMIT_CONTEXT_AGAIN_MS 100
/* The ceiling of context.cache: what is looked up changes. */
#define LIMIT_CONTEXT_CACHE_S (7 * 24 * 3600)
/* Settings of one channel; keys of one section. */
#define LIMIT_SETTINGS 64
/* A channel file of the operator's: the largest built-in one has 12 KiB. */
#define LIMIT_CHANNEL_FILE_BYTES (256 * 1024)
/* And how many there may be: more than there are platforms. */
#define LIMIT_CHANNEL_FILES 256

/* -- lull, the CLI ------------------------------------------------------------------------------------------------- */

/* While a connection comes up, the next try to send: far below what a person notices. */
#define LIMIT_CTL_CONNECT_MS 5
/* Redis, asked beside the broker, for connecting and for its answer each: the broker's answer waits for it. */
#define LIMIT_CTL_REDIS_MS 1000
/* Its frames in flight: one after the other, so that a connection that breaks cannot change the order. */
#define LIMIT_SEND_WINDOW 1
/* The ceilings of `lull bench`: 17 bytes of memory for each message, 13 for each thread. */
#define LIMIT_BENCH_MESSAGES 100000000
#define LIMIT_BENCH_THREADS 10000000
/* Frames in flight: a thousand full ones are gigabytes. */
#define LIMIT_BENCH_WINDOW 1000
/* What the end of the broker's log is shown of when a benchmark's own broker does not start. */
#define LIMIT_BENCH_LOG_BYTES 4096
