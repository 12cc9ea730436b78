"""What tests/tidy allows: read this to know where a thing belongs.

Paths are globs from the top of the tree; '**' crosses folders. Nothing here is a matter of taste that a formatter
could settle; each entry keeps one of the four laws or one of the doors."""

# -- how large things may be -------------------------------------------------------------------------------------

FILE_LINES = 450        # a C file of more holds two things
FUNCTION_LINES = 60     # one screen
LINE_LENGTH = 120
NESTING = 3             # loops and conditions inside one another

# -- one door per foreign library: header -> the files that may include it ---------------------------------------

DOORS = {
    'zmq.h': ['common/link.c', 'broker/sockets.c', 'tests/unit/broker_sockets.c'],
    'mpack.h': ['tests/fuzz/pack_oracle.c'],
    'yaml.h': ['common/yaml.c'],
    'jansson.h': ['common/json.h'],
    'openssl/*': ['common/sign.c'],
    'xxhash.h': ['common/hash.c'],
    'lmdb.h': ['broker/store/lmdb.c', 'ingest/spool_private.h'],
    'uv.h': ['worker/loop*', 'ingest/loop*'],
    'curl/*': ['worker/call*'],
    'hiredis/*': ['worker/redis*', 'broker/ctl/redis.c'],
    'microhttpd.h': ['ingest/http*'],
    'pthread.h': ['broker/store/beside.c'],
    'threads.h': [],
}

# -- and per service of the system: call -> (the files that may make it, what to do elsewhere) -------------------

SHELL = 'only a shell does that; hand the core what it needs'
CLOCK = 'ask clock_now() or clock_mono(), and only in a shell'
MEMORY = 'use memory_new(), memory_resize(), memory_copy_text() or memory_print(), which never fail'
BOUNDED = 'use a struct buffer, or snprintf with the size of the target'

CALLS = {
    'clock_gettime': (['common/clock.c'], CLOCK),
    'gettimeofday': ([], CLOCK),
    'time': ([], CLOCK),
    'clock': ([], CLOCK),
    'uv_now': ([], CLOCK),
    'uv_hrtime': ([], CLOCK),
    'malloc': (['common/memory.c'], MEMORY),
    'calloc': (['common/memory.c'], MEMORY),
    'realloc': (['common/memory.c'], MEMORY),
    'reallocarray': (['common/memory.c'], MEMORY),
    'strdup': (['common/memory.c'], MEMORY),
    'strndup': (['common/memory.c'], MEMORY),
    'asprintf': (['common/memory.c'], MEMORY),
    'vasprintf': (['common/memory.c'], MEMORY),
    'alloca': ([], MEMORY),
    'strcpy': ([], BOUNDED),
    'stpcpy': ([], BOUNDED),
    'strcat': ([], BOUNDED),
    'strncpy': ([], BOUNDED),
    'strncat': ([], BOUNDED),
    'sprintf': ([], BOUNDED),
    'vsprintf': ([], BOUNDED),
    'gets': ([], BOUNDED),
    'strtok': ([], 'walk the bytes with memchr()'),
    'atoi': ([], 'use strtol() or strtoull() and look at where it stopped'),
    'atol': ([], 'use strtol() or strtoull() and look at where it stopped'),
    'atof': ([], 'use strtod() and look at where it stopped'),
    'rand': ([], 'take the randomness from the shell'),
    'random': ([], 'take the randomness from the shell'),
    'srand': ([], 'take the randomness from the shell'),
    'getrandom': (['broker/*', 'broker/store/*', 'broker/ctl/*', 'worker/*', 'ingest/*'], SHELL),
    'getenv': (['common/config*.c', 'common/log.c', 'broker/ctl/*'], SHELL),
    'system': ([], 'start a program with uv_spawn() and an argument vector'),
    'popen': ([], 'start a program with uv_spawn() and an argument vector'),
    'fork': (['ingest/spool_child.c', 'tests/sim/power.c'], 'start a program with uv_spawn() and an argument vector'),
    'signal': (['*/main.c'], 'use sigaction(), a signalfd or a uv_signal, in the loop'),
    'sleep': ([], 'set a timer in the loop, or wait with a deadline'),
    'usleep': ([], 'set a timer in the loop, or wait with a deadline'),
    'nanosleep': (['broker/ctl/*'], 'set a timer in the loop, or wait with a deadline'),
    'assert': ([], 'use ENSURE(), which stays on in release'),
    'abort': (['common/ensure.c', 'common/memory.c'], 'use ENSURE()'),
    'log_line': (['common/log.*'], 'use log_debug(), log_info(), log_warning() or log_error()'),
}

# -- layers that include only downward: folder -> what its files may include (first match wins) ------------------

# What of common/ a core may see: words and pure functions. (clock.h for clock_text(); that no core asks a clock, and
# that none loads a file through config.h, is seen from its symbols.)
PURE = ['common/' + name for name in (
    'bytes.h', 'channel.h', 'cleanup.h', 'clock.h', 'config.h', 'ensure.h', 'hash.h', 'histogram.h', 'item.h', 'json.h',
    'limits.h', 'memory.h', 'pack.h', 'sign.h', 'time.h', 'wire.h')]

LAYERS = {
    'common/**': ['common/**'],
    'broker/core/**': ['broker/core/**', *PURE],
    'broker/store/**': ['broker/store/**', 'broker/core/**', 'common/**'],
    'broker/ctl/**': ['broker/ctl/**', 'common/**'],
    'broker/**': ['broker/*', 'broker/core/**', 'broker/store/**', 'common/**'],
    'worker/core/**': ['worker/core/**', *PURE],
    'worker/**': ['worker/**', 'common/**'],
    'ingest/core/**': ['ingest/core/**', *PURE],
    'ingest/**': ['ingest/**', 'common/**'],
}

# -- what the compiled objects of a core may ask of others: seen in their undefined symbols ----------------------

PURE_SYMBOLS = [
    # The C library's pure part. free() is the other half of common/memory.h.
    'mem*', 'str*', 'free', 'snprintf', 'vsnprintf', 'qsort', 'bsearch', 'is[a-z]*', 'to(upper|lower)',
    '__ctype_(b|tolower|toupper)_loc', '__errno_location', 'l?labs', 'abs', 'l?l?round', 'floor', 'ceil', 'pow', 'sqrt',
    # Reads a numeric address, and looks nothing up.
    'inet_pton',
    # What the compiler adds.
    '__stack_chk_fail', '_GLOBAL_OFFSET_TABLE_', '__(mem|str)*_chk', '__v?snprintf_chk',
    # The pure modules of common/, by the prefix of their functions.
    '(bytes|buffer|channel|ensure|hash|histogram|item|json|memory|pack|sign|wire)_*',
    'clock_text', 'config_(tenant|channel|setting)_find',
]

# str* and mem* would let these through.
IMPURE_SYMBOLS = ['strdup', 'strndup', 'strerror*', 'strftime', 'strptime', 'strtok*', 'strsignal', 'memfd_create',
                  'json_(load|dump)(_file|f|fd|_callback)']
