#include "worker/scripts.h"

/* -- the lock, and the record of the run that holds it: KEYS[1] the lock, KEYS[2] the record --------------------------
 *
 * A lock's value begins with 20 digits of the fence, so the order of the texts is the order of the fences. (Lua's own
 * numbers cannot hold 64 bits.) Finding our own value means that an earlier answer was lost. The record lives exactly
 * as long as the lock, so a lock that is ours has our record beside it. */

/* ARGV: the value we set, its time to live in milliseconds, the record. */
static const char lock_acquire[] =
        "local held = redis.call('GET', KEYS[1])\n"
        "if held and held ~= ARGV[1] and string.sub(held, 1, 20) >= string.sub(ARGV[1], 1, 20) then\n"
        "  return 0\n"
        "end\n"
        "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
        "redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])\n"
        "return 1\n";

/* ARGV: the value, its time to live. */
static const char lock_extend[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
                                  "  return 0\n"
                                  "end\n"
                                  "redis.call('PEXPIRE', KEYS[2], ARGV[2])\n"
                                  "return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n";

/* ARGV: the value. */
static const char lock_release[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
                                   "  return 0\n"
                                   "end\n"
                                   "redis.call('DEL', KEYS[1], KEYS[2])\n"
                                   "return 1\n";

/* ARGV: the value, the new record. It ends when the lock does. */
static const char lock_note[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
                                "  return 0\n"
                                "end\n"
                                "local left = redis.call('PTTL', KEYS[1])\n"
                                "if left > 0 then\n"
                                "  redis.call('SET', KEYS[2], ARGV[2], 'PX', left)\n"
                                "end\n"
                                "return 1\n";

/* -- the history: KEYS[1] a list of turns, the oldest first, each a batch's id, a space, and one line of JSON ------ */

/* ARGV: how many turns, how many bytes. Answers the newest that fit, the oldest of them first, a newline between
 * them. */
static const char history_get[] =
        "local turns, fit, bytes = redis.call('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1), {}, 0\n"
        "for i = #turns, 1, -1 do\n"
        "  bytes = bytes + #turns[i] + 1\n"
        "  if bytes > tonumber(ARGV[2]) then\n"
        "    break\n"
        "  end\n"
        "  table.insert(fit, 1, turns[i])\n"
        "end\n"
        "return table.concat(fit, '\\n')\n";

/* ARGV: the turn, the length of the batch's id with the space, how many turns, how many bytes, the time to live. A
 * batch whose turn is there is not added again, but lives on: an earlier answer was lost. */
static const char history_push[] = "local turns, bytes, keep = redis.call('LRANGE', KEYS[1], 0, -1), #ARGV[1] + 1, 0\n"
                                   "local batch, is_new = string.sub(ARGV[1], 1, tonumber(ARGV[2])), 1\n"
                                   "for i = 1, #turns do\n"
                                   "  if string.sub(turns[i], 1, #batch) == batch then\n"
                                   "    is_new = 0\n"
                                   "  end\n"
                                   "end\n"
                                   "if is_new == 1 then\n"
                                   "  for i = #turns, 1, -1 do\n"
                                   "    bytes = bytes + #turns[i] + 1\n"
                                   "    if bytes > tonumber(ARGV[4]) or keep + 1 >= tonumber(ARGV[3]) then\n"
                                   "      break\n"
                                   "    end\n"
                                   "    keep = keep + 1\n"
                                   "  end\n"
                                   "  redis.call('RPUSH', KEYS[1], ARGV[1])\n"
                                   "  redis.call('LTRIM', KEYS[1], -keep - 1, -1)\n"
                                   "end\n"
                                   "redis.call('PEXPIRE', KEYS[1], ARGV[5])\n"
                                   "return is_new\n";

/* -- the conversation: KEYS[1] what the provider calls it ---------------------------------------------------------- */

/* ARGV: the time to live, which begins anew with each use. Answers nil when there is none. */
static const char conversation_get[] = "local held = redis.call('GET', KEYS[1])\n"
                                       "if held then\n"
                                       "  redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
                                       "end\n"
                                       "return held\n";

/* ARGV: the name, the time to live, how long a name can be. Answers the one in force: of two that were made at once,
 * the first. */
static const char conversation_keep[] = "local held = redis.call('GET', KEYS[1])\n"
                                        "if held and #held > 0 and #held <= tonumber(ARGV[3]) then\n"
                                        "  redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
                                        "  return held\n"
                                        "end\n"
                                        "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                        "return ARGV[1]\n";

/* ARGV: the name that the provider does not know any more. */
static const char conversation_forget[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
                                          "  return 0\n"
                                          "end\n"
                                          "return redis.call('DEL', KEYS[1])\n";

/* -- the context: KEYS[1] what was looked up, KEYS[2] who is looking it up now ------------------------------------- */

/* ARGV: our token, how long it holds. Answers what is cached; else 1 when it is for us to look it up (or still is),
 * 0 when another does. */
static const char context_find[] = "local cached = redis.call('GET', KEYS[1])\n"
                                   "if cached then\n"
                                   "  return cached\n"
                                   "end\n"
                                   "local asked = redis.call('GET', KEYS[2])\n"
                                   "if asked and asked ~= ARGV[1] then\n"
                                   "  return 0\n"
                                   "end\n"
                                   "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])\n"
                                   "return 1\n";

/* ARGV: our token, what was looked up (empty = nothing came of it), its time to live. */
static const char context_keep[] = "if ARGV[2] ~= '' then\n"
                                   "  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"
                                   "end\n"
                                   "if redis.call('GET', KEYS[2]) == ARGV[1] then\n"
                                   "  redis.call('DEL', KEYS[2])\n"
                                   "end\n"
                                   "return 1\n";

const char *const scripts_text[SCRIPT_N] = {
        [SCRIPT_LOCK_ACQUIRE] = lock_acquire,
        [SCRIPT_LOCK_EXTEND] = lock_extend,
        [SCRIPT_LOCK_RELEASE] = lock_release,
        [SCRIPT_LOCK_NOTE] = lock_note,
        [SCRIPT_HISTORY_GET] = history_get,
        [SCRIPT_HISTORY_PUSH] = history_push,
        [SCRIPT_CONVERSATION_GET] = conversation_get,
        [SCRIPT_CONVERSATION_KEEP] = conversation_keep,
        [SCRIPT_CONVERSATION_FORGET] = conversation_forget,
        [SCRIPT_CONTEXT_FIND] = context_find,
        [SCRIPT_CONTEXT_KEEP] = context_keep,
};
