/* ENSURE(): what only our own fault can break. It stays on in release: a broken invariant ends the process, the
 * supervisor restarts it, and the store rebuilds it. What a stranger can send is checked and answered instead. */
#pragma once

#define ENSURE(condition) ((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

/* Where no path may lead; `why` says what would have to be wrong. */
#define UNREACHABLE(why) ensure_failed(why, __FILE__, __LINE__)

/* What is done before the process ends: who holds back what led to it says so. NULL = nothing. */
void ensure_set_last_words(void (*last_words)(void));
_Noreturn void ensure_failed(const char *condition, const char *file, int line);
