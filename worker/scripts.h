/* The Lua scripts that run inside Redis, by number: what they read and change is common/PROTOCOL.md, section 5.
 *
 * Every key of one script shares the tag between { and }, so that a cluster has them in one place. What a key holds may
 * be anybody's: a value of another type makes the script fail, which is REDIS_UNKNOWN for whoever asked. */
#pragma once

enum script {
        SCRIPT_LOCK_ACQUIRE,
        SCRIPT_LOCK_EXTEND,
        SCRIPT_LOCK_RELEASE,
        SCRIPT_LOCK_NOTE,
        SCRIPT_HISTORY_GET,
        SCRIPT_HISTORY_PUSH,
        SCRIPT_CONVERSATION_GET,
        SCRIPT_CONVERSATION_KEEP,
        SCRIPT_CONVERSATION_FORGET,
        SCRIPT_CONTEXT_FIND,
        SCRIPT_CONTEXT_KEEP,
        SCRIPT_N,
};

extern const char *const scripts_text[SCRIPT_N];
